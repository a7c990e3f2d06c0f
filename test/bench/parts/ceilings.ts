import { type BenchRun, measure } from '../bench-run.ts'
import { PinnedProcess, SERVER_CORE } from '../pinned-process.ts'
import { HEADLINE, middle } from './throughput.ts'

/** What one part of a grant could do if it had the core to itself. */
export interface Ceiling {
  readonly perSecond: number
  readonly perCpuSecond: number
}

export interface Ceilings {
  /** Unary echo over the broker's listener: mTLS, HTTP/2, gRPC. */
  readonly grpcEcho: Ceiling
  /** Grants opened and settled by the ledger alone: two durable writes and four audit events each. */
  readonly durableCommits: Ceiling
  /** Leases minted by the provider alone over an STS that answers at once. */
  readonly stsClient: Ceiling
}

/** The bare parts, each alone on the core, with as much in flight as the headline has. */
export async function measureCeilings(run: BenchRun): Promise<Ceilings> {
  const { stage, stsEndpoint } = run
  await run.sts.call('setLatency', { ms: 0 })
  return {
    grpcEcho: await alone(run, 'echo', async (echo) => {
      const configFile = await stage.config('echo', { file: stage.place('echo.db') }, stsEndpoint)
      const { address } = await echo.call<{ address: string }>('start', { configFile })
      const { agents, rootsFile } = stage
      return { from: run.client, load: { address, agents, rootsFile, what: 'echo' } }
    }),
    durableCommits: await alone(run, 'ledger', async (ledger) => ({
      from: ledger,
      load: { file: stage.place('commits.db') },
    })),
    stsClient: await alone(run, 'minter', async (minter) => ({ from: minter, load: { stsEndpoint } })),
  }
}

async function alone(
  { scale, say }: BenchRun,
  role: string,
  prepare: (measured: PinnedProcess) => Promise<{ from: PinnedProcess; load: object }>,
): Promise<Ceiling> {
  say(`ceiling: ${role} alone`)
  const measured = new PinnedProcess({ role, core: SERVER_CORE })
  const { from, load } = await prepare(measured)
  const { warmMs, windowMs } = scale
  const windows = await measure({
    from,
    measured,
    load: { ...load, arrival: { inFlight: HEADLINE.inFlight } },
    warmMs,
    windowMs,
    windows: Math.min(3, scale.windows),
  })
  await measured.end()
  const { perSecond, perCpuSecond } = middle(windows)
  return { perSecond, perCpuSecond }
}
