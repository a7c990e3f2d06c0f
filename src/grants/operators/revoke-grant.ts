import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { isId } from '../../core/ids.ts'
import { earlier } from '../../core/instant.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { operatorActor } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import { isFinalState } from '../../ledger/rules/grant-rules.ts'
import type { EndParts } from '../end-grant.ts'
import { ATTEMPTS_AT_A_REVOCATION, retryOnConflict } from '../read-grants.ts'
import { takeAway } from '../take-away.ts'
import type { Operator } from './operator.ts'

/** Dependencies of revoking a grant. */
export interface RevokeParts extends EndParts {
  readonly ledger: Ledger
  readonly clock: Clock
}

/** The true outcome of a revocation. */
export type RevocationOutcome =
  /** No credential of the grant works any more. */
  | { readonly kind: 'ended'; readonly at: Date }
  /** The deny list is being written; by `effectiveBy` at the latest nothing works, deny or not. */
  | { readonly kind: 'ending'; readonly effectiveBy: Date }
  /** No deny list reaches this role: the last lease runs until then. */
  | { readonly kind: 'not-revocable'; readonly usableUntil: Date }

/** Ends a grant now: an active or ending one goes on the deny list, one that awaits approval is rejected. Idempotent. */
export async function revokeGrant(
  parts: RevokeParts,
  operator: Pick<Operator, 'name'>,
  grantId: string,
  note: string,
): Promise<{ grant: Grant; outcome: RevocationOutcome }> {
  const grant = await retryOnConflict(() => revoke(parts, operator, grantId, note), ATTEMPTS_AT_A_REVOCATION)
  failpoint('revoke.after_record')
  return { grant, outcome: toOutcome(parts, grant) }
}

async function revoke(
  parts: RevokeParts,
  operator: Pick<Operator, 'name'>,
  grantId: string,
  note: string,
): Promise<Grant> {
  const { ledger, clock, clockGuard } = parts
  const grant = isId('grt', grantId) ? await ledger.getGrant(grantId) : undefined
  if (!grant)
    throw new StintError('GRANT_NOT_FOUND', {
      explanation: 'No grant has this id; an id is grt_ and 26 characters.',
    })
  // P6: a grant that is due by a clock that is ahead would be handled too late once the clock is right again.
  const now = earlier(clock.now(), clockGuard.earliestNow())
  const actor = operatorActor(operator)
  failpoint('revoke.before_record')
  return takeAway(parts, grant, { reason: 'revoked', actor, now, note })
}

/** The true outcome of the revocation: an ending grant says by when its last lease is over. */
function toOutcome({ provider, clock }: RevokeParts, grant: Grant): RevocationOutcome {
  const now = clock.now()
  if (isFinalState(grant.state)) return { kind: 'ended', at: grant.endedAt ?? now }
  const { effectiveBy = now } = grant
  if (provider.findDenyList(grant.roleArn)) return { kind: 'ending', effectiveBy }
  return { kind: 'not-revocable', usableUntil: effectiveBy > now ? effectiveBy : now }
}
