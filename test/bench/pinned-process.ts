import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { GCProfiler, getHeapStatistics } from 'node:v8'

/** Where the part that is measured runs, and where everything around it runs. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
/** Of util-linux; without it processes go where they like. */
const TASKSET = 'taskset'
const CAN_PIN = spawnSync(TASKSET, ['-c', `${SERVER_CORE},${CLIENT_CORE}`, 'true']).status === 0

/** True when `taskset` can hold a process to one core here. */
export function canPin(): boolean {
  return CAN_PIN
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** A child of the bench on a core of its own; it answers calls by name (`serveRole`) and ends with its parent. */
export class PinnedProcess {
  readonly startedMs = performance.now()
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0

  /** @param options.role a name that `main.ts` knows. @param options.nodeOptions for this process beside the bench's own. */
  constructor(options: { role: string; core: number; nodeOptions?: readonly string[] }) {
    const command = [
      process.execPath,
      ...process.execArgv,
      ...(options.nodeOptions ?? []),
      MAIN,
      '--role',
      options.role,
    ]
    const [program = '', ...args] = CAN_PIN ? [TASKSET, '-c', String(options.core), ...command] : command
    this.#child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (message) => this.#settle(message as Answer))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        const error = new Error(`the ${options.role} process ended (${signal ?? code}) with calls under way`)
        for (const { reject } of this.#waiting.values()) reject(error)
        this.#waiting.clear()
        resolve()
      })
    })
    running.add(this)
  }

  /** Runs a method of the child's role there. Input and result travel as JSON. */
  call<Result>(method: string, input: object = {}): Promise<Result> {
    this.#calls += 1
    const id = this.#calls
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.#child.send({ id, method, input }, (error) => {
        if (error) this.#settle({ id, error: error.message })
      })
    })
  }

  /** Lets the child end by itself, or kills it after some seconds. */
  async end(): Promise<void> {
    running.delete(this)
    if (this.#child.connected) this.#child.disconnect()
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 15_000)
    await this.#exited
    clearTimeout(kill)
  }

  /** Kills the child, as a crash would. */
  async kill(): Promise<void> {
    running.delete(this)
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }
}

const running = new Set<PinnedProcess>()

/** Ends every child that is left. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.end()))
}

/** What a role can do, by method name. */
export type RoleMethods = Readonly<Record<string, (input: never) => unknown>>

/** The child's side: answers calls until the parent lets go, then runs `atEnd` and leaves. */
export function serveRole(methods: RoleMethods, atEnd: () => Promise<void> = async () => undefined): void {
  process.on('message', (message) => {
    const { id, method, input } = message as { id: number; method: string; input: never }
    const run = methods[method]
    Promise.resolve()
      .then(() => (run ? run(input) : Promise.reject(new Error(`no method ${method}`))))
      .then(
        (result) => process.send?.({ id, result }),
        (error: unknown) =>
          process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
  process.once('disconnect', () => {
    atEnd().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}

/** What a process has used of its core so far, and holds of memory. */
export interface Usage {
  readonly cpuMs: number
  /** Parts of it: the main thread, and the threads that a program starts itself; NaN where the system does not tell. */
  readonly mainMs: number
  readonly workersMs: number
  /** What was allocated on the main thread's heap since the first look, nearly all of which becomes garbage. */
  readonly garbageKb: number
  /** What the process has had written to disk; NaN where the system does not tell. */
  readonly writtenKb: number
  readonly rssMb: number
  readonly peakRssMb: number
}

/** Of this process. */
export function usage(): Usage {
  const mb = (bytes: number) => bytes / 1_048_576
  return {
    cpuMs: toMs(process.cpuUsage()),
    mainMs: toMs(process.threadCpuUsage()),
    workersMs: workersMs(),
    garbageKb: allocatedBytes() / 1_024,
    writtenKb: writtenBytes() / 1_024,
    rssMb: mb(process.memoryUsage.rss()),
    peakRssMb: mb(process.resourceUsage().maxRSS * 1_024),
  }
}

function toMs({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000
}

/** A tick of the kernel's accounts. */
const TICK_MS = 10

/** @see proc_pid_stat(5): `utime` and `stime` are the 12th and 13th field after the name. */
function workersMs(): number {
  try {
    const stats = readdirSync('/proc/self/task').map((thread) => readFileSync(`/proc/self/task/${thread}/stat`, 'utf8'))
    const ticks = stats
      .filter((stat) => stat.includes('(WorkerThread)'))
      .map((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' '))
      .map((fields) => Number(fields[11]) + Number(fields[12]))
    return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS
  } catch {
    return Number.NaN
  }
}

let profiler: GCProfiler | undefined
let collected = 0

/** What the garbage collector has freed since the first call, and what is still there. */
function allocatedBytes(): number {
  for (const { beforeGC, afterGC } of profiler?.stop()?.statistics ?? [])
    collected += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize
  profiler = new GCProfiler()
  profiler.start()
  return collected + getHeapStatistics().used_heap_size
}

/** @see proc_pid_io(5): `write_bytes` counts what goes to the storage, not what goes to sockets. */
function writtenBytes(): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
  } catch {
    return Number.NaN
  }
}
