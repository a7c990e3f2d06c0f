import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchStage } from './bench-stage.ts'
import type { Arrival, Mark } from './load.ts'
import { CLIENT_CORE, PinnedProcess, SERVER_CORE, type Usage } from './pinned-process.ts'
import type { ClientLoad } from './roles/client.ts'
import type { Scale } from './scale.ts'

const ATTEMPTS = 3
/** Longer than the provider's circuit breaker stays open. */
const PAUSE_MS = 12_000

/** What the parts of the bench share. */
export interface BenchRun {
  readonly stage: BenchStage
  readonly scale: Scale
  /** The stand-in of STS, beside the client. */
  readonly sts: PinnedProcess
  readonly stsEndpoint: string
  readonly client: PinnedProcess
  /** Says what is going on. */
  readonly say: (line: string) => void
}

/** A load as seen from both sides. */
export interface Measured extends Mark {
  readonly perSecond: number
  /** Of the measured process's own time, whoever else wanted the core. */
  readonly perCpuSecond: number
  readonly cpuMsEach: number
  /** Of that, the main thread and the one that writes the ledger. NaN where the system does not tell. */
  readonly mainMsEach: number
  readonly writerMsEach: number
  readonly garbageKbEach: number
  /** NaN where the system does not tell. */
  readonly writtenKbEach: number
}

/** A broker in a process of its own, on the core that is measured. */
export interface RunningBroker {
  readonly process: PinnedProcess
  readonly address: string
  /** From the start of the process until it serves, and the part of it that `startBroker` took. */
  readonly readyMs: number
  readonly startMs: number
}

/** @param name of the broker's files. @param ledger as in the config; a file of that name unless given. */
export async function startBenchBroker(
  { stage, stsEndpoint }: BenchRun,
  name: string,
  ledger: object = { file: stage.place(`${name}.db`) },
): Promise<RunningBroker> {
  const configFile = await stage.config(name, ledger, stsEndpoint)
  const process = new PinnedProcess({ role: 'broker', core: SERVER_CORE })
  type Started = { addresses: { agents: string }; startMs: number }
  const { addresses, startMs } = await process.call<Started>('start', { configFile })
  return { process, address: addresses.agents, readyMs: performance.now() - process.startedMs, startMs }
}

/** Starts the client and the stand-in. */
export async function startAround(): Promise<Pick<BenchRun, 'client' | 'sts' | 'stsEndpoint'>> {
  const client = new PinnedProcess({ role: 'client', core: CLIENT_CORE })
  const sts = new PinnedProcess({ role: 'sts', core: CLIENT_CORE })
  return { client, sts, stsEndpoint: await sts.call<string>('endpoint') }
}

/** The load of grants on a broker. `tasks`: how many take turns; 0 makes each one new. */
export function grantLoad({ stage: { agents, rootsFile } }: BenchRun, address: string, tasks = 100): ClientLoad {
  return { address, agents, rootsFile, what: 'grants', tasks }
}

/** What is measured, from where, and for how long. */
interface Measurement {
  readonly from: PinnedProcess
  readonly measured: PinnedProcess
  readonly load: object & { readonly arrival: Arrival }
  readonly warmMs: number
  readonly windowMs: number
  readonly windows?: number
}

/**
 * Puts a load on and measures it in windows after a while of warming up. The process that is measured tells its own CPU
 * time, so that a neighbour on the same core does not count. Where calls fail, as when neighbours starve the processes
 * until calls of STS run out of time, it waits and begins again.
 *
 * @throws {Error} when calls fail every time: a figure of a broken run would be none.
 */
export async function measure(measurement: Measurement): Promise<Measured[]> {
  for (let left = ATTEMPTS; ; left -= 1) {
    const found = await measureOnce(measurement)
    const broken = found.find(({ failed }) => failed > 0)
    if (!broken) return found
    const problem = `${broken.failed} calls failed, e.g. ${broken.problem}`
    if (left <= 1) throw new Error(problem)
    console.error(`${problem}; once more`)
    await sleep(PAUSE_MS)
  }
}

async function measureOnce({ from, measured, load, warmMs, windowMs, windows = 1 }: Measurement): Promise<Measured[]> {
  await from.call('begin', load)
  await nextMark(from, warmMs)
  const found: Measured[] = []
  let before = await measured.call<Usage>('usage')
  for (let n = 0; n < windows; n += 1) {
    const mark = await nextMark(from, windowMs)
    const after = await measured.call<Usage>('usage')
    const since = (name: 'cpuMs' | 'mainMs' | 'workersMs' | 'garbageKb' | 'writtenKb') => after[name] - before[name]
    const cpuMs = since('cpuMs')
    found.push({
      ...mark,
      perSecond: mark.done / mark.seconds,
      perCpuSecond: (mark.done / cpuMs) * 1_000,
      cpuMsEach: cpuMs / mark.done,
      mainMsEach: since('mainMs') / mark.done,
      writerMsEach: since('workersMs') / mark.done,
      garbageKbEach: since('garbageKb') / mark.done,
      writtenKbEach: since('writtenKb') / mark.done,
    })
    before = after
  }
  await from.call('end')
  return found
}

/** Waits, and longer if nothing was done by then. */
async function nextMark(from: PinnedProcess, ms: number): Promise<Mark> {
  for (let tries = 0; tries < 40; tries += 1) {
    await sleep(ms)
    const mark = await from.call<Mark>('mark')
    if (mark.done > 0 || mark.failed > 0) return mark
  }
  throw new Error('the load gets no answer')
}
