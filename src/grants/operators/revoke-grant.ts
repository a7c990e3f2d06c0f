import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { isId } from '../../core/ids.ts'
import { earlier } from '../../core/instant.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyEntry, Grant } from '../../ledger/records.ts'
import { isFinalState } from '../../ledger/rules/grant-rules.ts'
import { type EndParts, endGrant, loadOpenLeases } from '../end-grant.ts'
import { describeDeny, type NewDeny, toDenyWish } from '../lifecycle.ts'
import { ATTEMPTS_AT_A_REVOCATION, loadPlan, retryOnConflict, undefinedIfCorrupt } from '../read-grants.ts'
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
  if (grant.state === 'active') {
    return endGrant(parts, { grant, reason: 'revoked', now, deny: 'always', actor, eventData: { note } })
  }
  if (grant.state === 'ending') return denyEnding(parts, grant, now, actor, note)
  if (grant.state === 'awaiting_approval') return rejectWaiting(parts, grant, now, actor, note)
  return grant
}

/**
 * A grant that only runs out is put on the deny list. One that its completion has put there gets the place that operators have in
 * reserve: a watermark may cover it, which never reaches the sessions that its own have made.
 */
async function denyEnding(
  parts: RevokeParts,
  grant: Grant,
  now: Date,
  actor: `operator:${string}`,
  note: string,
): Promise<Grant> {
  const { ledger, provider, hub } = parts
  const entry = await undefinedIfCorrupt(ledger.findDenyEntry(grant.id))
  if (!provider.findDenyList(grant.roleArn) || entry?.urgent) return grant
  const deny = entry ? toNewDeny(entry) : await describeOpenDeny(parts, grant, now)
  if (!deny) return grant
  const effectiveBy = (grant.effectiveBy ?? now).toISOString()
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason: 'revoked', dueAt: now },
    deny: toDenyWish(deny, now, 'revoked'),
    events: [
      auditEvent('grant.ending', {
        at: now,
        actor,
        grantId: grant.id,
        data: { reason: 'revoked', effectiveBy, deny_listed: true, note },
      }),
    ],
  })
  hub.changed(grant.id)
  return moved
}

function toNewDeny({ listKey, until, lastIssuedAt, chains, namesAgent }: DenyEntry): NewDeny {
  return { listKey, until, lastIssuedAt, outlivesLeases: chains === true, namesAgent: namesAgent === true }
}

async function describeOpenDeny(
  { ledger, provider }: RevokeParts,
  grant: Grant,
  now: Date,
): Promise<NewDeny | undefined> {
  // A revocation must not fail because the plan on record is damaged; an unknown one needs the longest deny.
  const plan = await undefinedIfCorrupt(loadPlan(ledger, grant))
  return describeDeny(provider, grant, await loadOpenLeases(ledger, grant, now), plan)
}

async function rejectWaiting(
  { ledger, hub }: RevokeParts,
  grant: Grant,
  now: Date,
  actor: `operator:${string}`,
  note: string,
): Promise<Grant> {
  const approval = await ledger.findApproval(grant.id)
  if (!approval)
    throw new StintError('LEDGER_CORRUPT', {
      explanation: `The ledger has no approval for grant ${grant.id}, which awaits one.`,
      grantId: grant.id,
    })
  const data = { approvalId: approval.id, planHash: approval.planHash, by: 'revocation', note } as const
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'rejected', dueAt: null },
    approval: { state: 'rejected', decidedBy: actor, decidedAt: now, note },
    events: [auditEvent('approval.rejected', { at: now, actor, grantId: grant.id, data })],
  })
  hub.changed(grant.id)
  return moved
}

/** The true outcome of the revocation: an ending grant says by when its last lease is over. */
function toOutcome({ provider, clock }: RevokeParts, grant: Grant): RevocationOutcome {
  const now = clock.now()
  if (isFinalState(grant.state)) return { kind: 'ended', at: grant.endedAt ?? now }
  const { effectiveBy = now } = grant
  if (provider.findDenyList(grant.roleArn)) return { kind: 'ending', effectiveBy }
  return { kind: 'not-revocable', usableUntil: effectiveBy > now ? effectiveBy : now }
}
