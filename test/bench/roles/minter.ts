import { systemClock } from '../../../src/core/clock.ts'
import { createAwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import { BenchGrants } from '../bench-grants.ts'
import { BENCH_ROLE } from '../bench-stage.ts'
import { loadMethods } from '../load.ts'
import { serveRole, usage } from '../pinned-process.ts'

const LEASE_MS = 300_000

/** The provider of credentials alone, with the SDK's client as the broker has it. */
export async function runMinter(): Promise<void> {
  const grants = new BenchGrants()
  const start = ({ stsEndpoint }: { stsEndpoint: string }) => {
    const provider = createAwsStsProvider({
      region: 'eu-central-1',
      stsEndpoint,
      iamEndpoint: stsEndpoint,
      credentials: { accessKeyId: 'AKIAEXAMPLEBENCH0000', secretAccessKey: 'example-secret-of-the-bench' },
      roles: [{ arn: BENCH_ROLE, revocation: { kind: 'none' } }],
      callsPerSecond: 10_000,
      clock: systemClock,
    })
    const { signal } = new AbortController()
    const once = () => {
      const now = systemClock.now()
      return provider.mint(grants.mint(grants.open(now, new Date(now.getTime() + LEASE_MS))), signal)
    }
    return { once, close: () => provider.close() }
  }
  serveRole({ ...loadMethods(start), usage })
}
