import { copyFile } from 'node:fs/promises'
import { type BenchRun, grantLoad, type Measured, measure, type RunningBroker, startBenchBroker } from '../bench-run.ts'
import { PinnedProcess, SERVER_CORE, type Usage } from '../pinned-process.ts'
import { median } from '../statistics.ts'
import { HEADLINE } from './throughput.ts'

const FAR_AWAY_MS = 12 * 3_600_000
const ROUNDS = 6
const STARTS = 3

export interface ManyGrants {
  readonly grants: number
  readonly fillSeconds: number
  /** 1 − rate at many grants ÷ rate at none, by what was served in a second and by what a second of CPU served. */
  readonly slowdown: number
  readonly slowdownByCpu: number
  /** From the start of the process until it serves; the median of several starts. */
  readonly readyMs: number
  readonly emptyReadyMs: number
  readonly memoryGrants: number
  /** The largest resident set of a broker with `memoryGrants` after a load at the headline's number in flight. */
  readonly rssMb: number
}

/** What a ledger that is full of live grants costs: speed, start, memory. */
export async function measureManyGrants(run: BenchRun): Promise<ManyGrants> {
  const { scale } = run
  const fillSeconds = await fillBoth(run, 'many', 'some')
  const rssMb = await measureMemory(run, 'some')
  const [manyStarts, noneStarts] = [await measureStarts(run, 'many'), await measureStarts(run, 'none')]
  const many = await startBenchBroker(run, 'many')
  const none = await startBenchBroker(run, 'none')
  const speed = await compare(run, many, none)
  await Promise.all([many.process.end(), none.process.end()])
  return {
    grants: scale.manyGrants,
    fillSeconds,
    ...speed,
    readyMs: median([...manyStarts, many.readyMs]),
    emptyReadyMs: median([...noneStarts, none.readyMs]),
    memoryGrants: scale.memoryGrants,
    rssMb,
  }
}

async function fillBoth({ scale, say, stage }: BenchRun, manyName: string, someName: string): Promise<number> {
  const [many, some] = [manyName, someName].map((name) => stage.place(`${name}.db`)) as [string, string]
  say(`filling a ledger with ${scale.manyGrants} live grants`)
  const startedMs = performance.now()
  const ledger = new PinnedProcess({ role: 'ledger', core: SERVER_CORE })
  const deadline = Date.now() + FAR_AWAY_MS
  await ledger.call('fill', { file: many, count: scale.memoryGrants, deadline })
  await copyFile(many, some)
  await ledger.call('fill', { file: many, count: scale.manyGrants - scale.memoryGrants, deadline })
  await ledger.end()
  return (performance.now() - startedMs) / 1_000
}

async function measureMemory(run: BenchRun, name: string): Promise<number> {
  run.say(`memory at ${run.scale.memoryGrants} live grants`)
  const broker = await startBenchBroker(run, name)
  await load(run, broker, 3)
  const { peakRssMb } = await broker.process.call<Usage>('usage')
  await broker.process.end()
  return peakRssMb
}

async function measureStarts({ scale, ...run }: BenchRun, name: string): Promise<number[]> {
  run.say('starts on live grants and on none')
  const ready: number[] = []
  for (let n = 1; n < Math.min(STARTS, scale.windows); n += 1) {
    const broker = await startBenchBroker({ ...run, scale }, name)
    ready.push(broker.readyMs)
    await broker.process.end()
  }
  return ready
}

/** Both brokers run, and take turns under the same load, so that a change of the machine's mood meets both. */
async function compare(run: BenchRun, many: RunningBroker, none: RunningBroker) {
  run.say(`speed at ${run.scale.manyGrants} live grants and at none, in turns`)
  const pairs: { many: Measured; none: Measured }[] = []
  for (let round = 0; round < Math.min(ROUNDS, run.scale.windows); round += 1) {
    const [first, second] = round % 2 === 0 ? [many, none] : [none, many]
    const one = await load(run, first, 1)
    const other = await load(run, second, 1)
    pairs.push(round % 2 === 0 ? { many: one, none: other } : { many: other, none: one })
  }
  return {
    slowdown: median(pairs.map((pair) => 1 - pair.many.perSecond / pair.none.perSecond)),
    slowdownByCpu: median(pairs.map((pair) => 1 - pair.many.perCpuSecond / pair.none.perCpuSecond)),
  }
}

async function load(run: BenchRun, { process, address }: RunningBroker, windows: number): Promise<Measured> {
  const { warmMs, windowMs } = run.scale
  const load = { ...grantLoad(run, address), arrival: { inFlight: HEADLINE.inFlight } }
  const measured = await measure({ from: run.client, measured: process, load, warmMs, windowMs, windows })
  const last = measured.at(-1)
  if (!last) throw new Error('no window was measured')
  return last
}
