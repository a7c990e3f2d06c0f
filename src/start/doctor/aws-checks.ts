import { PROFILES } from '../../aws/store-profile.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { randomIds } from '../../core/ids.ts'
import type { AwsProbes, ProbeResult } from '../../credentials/aws-sts/probes.ts'
import type { AwsStsProvider } from '../../credentials/aws-sts/provider.ts'
import { startOnNotes } from '../../grants/own-sessions/session-notes.ts'
import { sessionNotes } from '../ledger/session-notes.ts'
import { type Callers, checkAccounts } from './account-checks.ts'
import { type Check, probed } from './check.ts'

/** A clock that differs by more makes leases that end too early or too late by as much. */
const MAX_SKEW_MS = 2_000

/** Checks the broker's credentials, its clock against that of STS, and each account. */
export async function* checkAws(
  config: Config & { readonly roleNames?: readonly string[] },
  provider: AwsStsProvider,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const { probes } = provider
  const profile = PROFILES[config.aws.profile]
  if (profile.lacks.length > 0) yield { name: `profile ${profile.name}`, ok: true, finding: profile.lacks.join(' ') }
  if (config.aws.mintBy === 'scoped-credentials')
    yield { name: 'aws.mintBy', ok: true, finding: 'unproven: GetScopedCredentials was never run against AWS' }
  const callers = profile.callerIdentity ? yield* checkCallers(probes, signal) : {}
  const notes = await sessionNotes(config, deps.clock)
  const start = startOnNotes({ clock: deps.clock, ids: randomIds, provider, notes })
  yield* checkAccounts(config, { ...provider, ...deps, start }, callers, signal)
}

async function* checkCallers(probes: AwsProbes, signal: AbortSignal): AsyncGenerator<Check, Callers> {
  const identity = await probes.identity(signal)
  yield probed('sts', identity, ({ arn }) => `reached as ${arn}`)
  const revoker = await probes.revoker(signal)
  if (revoker) yield probed('revoker', revoker, ({ arn }) => `reached as ${arn}`)
  yield* checkClock(identity)
  return { broker: foundArn(identity), writer: foundArn(revoker ?? identity) }
}

function foundArn({ ok, details }: ProbeResult): string | undefined {
  return ok && typeof details.arn === 'string' ? details.arn : undefined
}

function* checkClock(identity: ProbeResult): Generator<Check> {
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
