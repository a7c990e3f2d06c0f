import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const READY_MS = 90_000
/** HealthCheckResponse with status SERVING, as protobuf writes it. */
const SERVING = Buffer.from([8, 1])

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Where a broker listens; ports are chosen anew by each start. */
export interface BrokerAddresses {
  readonly agents: string
  readonly bearer?: string
  readonly admin: string
  readonly health: number
  /** Its name in the ledger. */
  readonly replica: string
  readonly bundle?: string
}

const running = new Set<BrokerProcess>()

/** `stint serve` as a child process, so that it can die as processes die. */
export class BrokerProcess {
  readonly exited: Promise<Exit>
  /** Aborts when the process has ended: calls to it need not be waited for. */
  readonly gone: AbortSignal
  readonly #child: ChildProcess
  #output = ''

  /**
   * @param failpoint `name[:n]`: the process kills itself there, the n-th time.
   * @param nodeOptions e.g. `--max-old-space-size=256`
   * @param openFiles how many files it may have open; as many as this process unless given.
   * @param fileKib no file of it may grow beyond this, as on a full disk; a write that would fails with EFBIG.
   * @param environment laid over that of this process.
   * @param program what runs as `stint`; that of this checkout unless given.
   */
  constructor({
    configFile,
    failpoint,
    nodeOptions = [],
    openFiles,
    fileKib,
    environment = {},
    program = CLI,
  }: {
    configFile: string
    failpoint?: string | undefined
    nodeOptions?: readonly string[]
    openFiles?: number
    fileKib?: number | undefined
    environment?: Readonly<Record<string, string>>
    program?: string
  }) {
    const { STINT_FAILPOINT: _, ...env } = process.env
    const [command = '', ...argv] = [
      ...(openFiles === undefined ? [] : ['sh', '-c', `ulimit -n ${openFiles} && exec "$0" "$@"`]),
      // Without the signal, which would end the process, the write itself fails; a shell counts blocks of 512 bytes.
      ...(fileKib === undefined ? [] : ['sh', '-c', `trap '' XFSZ && ulimit -f ${2 * fileKib} && exec "$0" "$@"`]),
      process.execPath,
      ...[...nodeOptions, program, 'serve', '--config', configFile],
    ]
    this.#child = spawn(command, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, ...environment, ...(failpoint ? { STINT_FAILPOINT: failpoint } : {}) },
    })
    const gone = new AbortController()
    this.gone = gone.signal
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        running.delete(this)
        gone.abort()
        resolve({ code, signal })
      })
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
    running.add(this)
  }

  /** To read its memory and open files from /proc. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** All that it has written to standard output and standard error. */
  get output(): string {
    return this.#output
  }

  /** Resolves once health says that it works, ready or not. @throws {Error} with the output when the process ends first or takes too long. */
  async ready(): Promise<BrokerAddresses> {
    const endMs = performance.now() + READY_MS
    while (!this.gone.aborted && performance.now() < endMs) {
      const addresses = this.#addresses()
      if (addresses && (await isServing(addresses.health))) return addresses
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), this.exited])
    }
    throw new Error(`the broker is not ready:\n${this.#output}`)
  }

  /** True if a good request would be served, as health says; false too when nobody answers. */
  async serving(): Promise<boolean> {
    const addresses = this.#addresses()
    return addresses !== undefined && isServing(addresses.health, 'stint.v1.BrokerService')
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Stops it as an orchestrator does, and says how it ended. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM')
    return this.exited
  }

  /** The line that the log has once everything listens. */
  #addresses(): BrokerAddresses | undefined {
    const line = this.#output.split('\n').find((text) => text.includes('"msg":"serving"'))
    return line ? (JSON.parse(line) as BrokerAddresses) : undefined
  }
}

/** Ends every broker that a test left running, by its own process id. */
export async function endBrokers(): Promise<void> {
  const left = [...running]
  for (const broker of left) broker.signal('SIGKILL')
  await Promise.all(left.map((broker) => broker.exited))
}

function isServing(port: number, service = ''): Promise<boolean> {
  const request = Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)])
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (answer: Buffer) => answer,
      request,
      { deadline: Date.now() + 2_000 },
      (error, answer) => {
        client.close()
        resolve(!error && answer !== undefined && SERVING.equals(answer))
      },
    )
  })
}
