import { type BenchRun, grantLoad, measure, startBenchBroker } from '../bench-run.ts'
import type { Arrival } from '../load.ts'
import { PinnedProcess, SERVER_CORE } from '../pinned-process.ts'
import { middle } from './throughput.ts'

const PER_SECOND = 200
const STS_MS = 20
const WARM: Arrival = { inFlight: 8 }

export interface AddedLatency {
  /** What the client of STS alone takes at the same rate. */
  readonly stsP50Ms: number
  readonly stsP99Ms: number
  readonly grantP50Ms: number
  readonly grantP99Ms: number
  /** Beyond the median of STS alone. */
  readonly addedP50Ms: number
  readonly addedP99Ms: number
}

/** What the broker adds to an STS of 20 ms at 200 grants a second that come whether or not those before are done. */
export async function measureAddedLatency(run: BenchRun): Promise<AddedLatency> {
  const { scale, stsEndpoint, client } = run
  run.say(`added latency at ${PER_SECOND} grants/s over an STS of ${STS_MS} ms`)
  await run.sts.call('setLatency', { ms: STS_MS })
  const times = { warmMs: scale.warmMs, windowMs: scale.windowMs, windows: scale.windows }
  const arrival = { perSecond: PER_SECOND }

  const stsLoad = { stsEndpoint, arrival }
  // First as many as there are when all is well, so that no load meets code that is still cold.
  const warm = { windowMs: scale.windowMs, warmMs: scale.warmMs }
  const minter = new PinnedProcess({ role: 'minter', core: SERVER_CORE })
  await measure({ from: minter, measured: minter, load: { ...stsLoad, arrival: WARM }, ...warm })
  const sts = middle(await measure({ from: minter, measured: minter, load: stsLoad, ...times }))
  await minter.end()

  const broker = await startBenchBroker(run, 'latency')
  const load = { ...grantLoad(run, broker.address), arrival }
  await measure({ from: client, measured: broker.process, load: { ...load, arrival: WARM }, ...warm })
  const grants = middle(await measure({ from: client, measured: broker.process, load, ...times }))
  await broker.process.end()
  await run.sts.call('setLatency', { ms: 0 })
  return {
    stsP50Ms: sts.p50Ms,
    stsP99Ms: sts.p99Ms,
    grantP50Ms: grants.p50Ms,
    grantP99Ms: grants.p99Ms,
    addedP50Ms: grants.p50Ms - sts.p50Ms,
    addedP99Ms: grants.p99Ms - sts.p50Ms,
  }
}
