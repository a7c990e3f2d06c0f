import { type BenchRun, grantLoad, type Measured, measure, startBenchBroker } from '../bench-run.ts'
import { median } from '../statistics.ts'

/** Grants at one number in flight over an STS of one latency. */
export interface ThroughputRow {
  readonly stsMs: number
  readonly inFlight: number
  readonly tasks: 'repeated' | 'new'
  readonly perSecond: number
  readonly perCpuSecond: number
  /** Of the broker, for one grant. Unlike the rates, these hardly depend on what else the machine does. */
  readonly cpuMsEach: number
  readonly mainMsEach: number
  readonly writerMsEach: number
  readonly garbageKbEach: number
  readonly writtenKbEach: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The row that the figure `grants_per_second` is taken from. */
export const HEADLINE = { stsMs: 0, inFlight: 64 }

/** Grants a second and their latency over real mTLS, by what is in flight and how slow STS is. */
export async function measureThroughput(run: BenchRun): Promise<ThroughputRow[]> {
  const broker = await startBenchBroker(run, 'throughput')
  const rows: ThroughputRow[] = []
  for (const stsMs of [0, 20]) {
    await run.sts.call('setLatency', { ms: stsMs })
    for (const inFlight of run.scale.inFlight) rows.push(await measureRow({ stsMs, inFlight, tasks: 'repeated' }))
  }
  await run.sts.call('setLatency', { ms: 0 })
  rows.push(await measureRow({ ...HEADLINE, tasks: 'new' }))
  await broker.process.end()
  return rows

  async function measureRow(kind: Pick<ThroughputRow, 'stsMs' | 'inFlight' | 'tasks'>): Promise<ThroughputRow> {
    const { scale, client } = run
    run.say(`grants over an STS of ${kind.stsMs} ms, ${kind.inFlight} in flight, ${kind.tasks} tasks`)
    const isHeadline = kind.stsMs === HEADLINE.stsMs && kind.inFlight === HEADLINE.inFlight
    const windows = await measure({
      from: client,
      measured: broker.process,
      load: { ...grantLoad(run, broker.address, kind.tasks === 'new' ? 0 : 100), arrival: { inFlight: kind.inFlight } },
      warmMs: scale.warmMs,
      windowMs: scale.windowMs,
      windows: isHeadline ? scale.windows : 1,
    })
    return { ...kind, ...middle(windows) }
  }
}

/** Each figure's median over the windows. */
export function middle(windows: readonly Measured[]) {
  const of = (pick: (window: Measured) => number) => median(windows.map(pick))
  return {
    perSecond: of(({ perSecond }) => perSecond),
    perCpuSecond: of(({ perCpuSecond }) => perCpuSecond),
    cpuMsEach: of(({ cpuMsEach }) => cpuMsEach),
    mainMsEach: of(({ mainMsEach }) => mainMsEach),
    writerMsEach: of(({ writerMsEach }) => writerMsEach),
    garbageKbEach: of(({ garbageKbEach }) => garbageKbEach),
    writtenKbEach: of(({ writtenKbEach }) => writtenKbEach),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
  }
}
