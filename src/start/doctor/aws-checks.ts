import { PROFILES } from '../../aws/store-profile.ts'
import type { Config } from '../../config/schema.ts'
import type { AwsProbes } from '../../credentials/aws-sts/probes.ts'
import type { AwsStsProvider } from '../../credentials/aws-sts/provider.ts'
import { type Check, probed } from './check.ts'

/** A clock that differs by more makes leases that end too early or too late by as much. */
const MAX_SKEW_MS = 2_000

/** Our own credentials, the clock against that of STS, and each role: its trust and where its deny list goes. */
export async function* checkAws(
  config: Config,
  { probes }: AwsStsProvider,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const profile = PROFILES[config.aws.profile]
  if (profile.lacks.length > 0) yield { name: `profile ${profile.name}`, ok: true, finding: profile.lacks.join(' ') }
  if (config.aws.mintBy === 'scoped-credentials')
    yield { name: 'aws.mintBy', ok: true, finding: 'unproven: GetScopedCredentials was never run against AWS' }
  if (profile.callerIdentity) yield* checkCaller(probes, signal)
  yield* checkRoles(config, probes, signal)
}

async function* checkCaller(probes: AwsProbes, signal: AbortSignal): AsyncGenerator<Check> {
  const identity = await probes.identity(signal)
  yield probed('sts', identity, ({ arn }) => `reached as ${arn}`)
  const revoker = await probes.revoker(signal)
  if (revoker) yield probed('revoker', revoker, ({ arn }) => `reached as ${arn}`)
  const skewMs = identity.details.skewMs
  if (identity.ok && typeof skewMs === 'number') {
    const ok = Math.abs(skewMs) <= MAX_SKEW_MS
    const finding = `${Math.abs(skewMs)} ms ${skewMs < 0 ? 'ahead of' : 'behind'} STS (accurate to 1 s)`
    yield {
      name: 'clock',
      ok,
      finding: ok ? finding : `${finding}; synchronise the clock`,
      ...(ok ? {} : { code: 'CLOCK_UNSTABLE' as const }),
    }
  }
}

async function* checkRoles(config: Config, probes: AwsProbes, signal: AbortSignal): AsyncGenerator<Check> {
  for (const { arn } of config.roles) {
    yield probed(`role ${arn}`, await probes.trust(arn, signal), () => 'can be assumed with all parameters of a lease')
    yield probed(`revocation ${arn}`, await probes.revocation(arn, signal), ({ placement, boundaryOf }) =>
      placement === 'boundary' ? `boundary of ${boundaryOf} role(s)` : `${placement}`,
    )
  }
}
