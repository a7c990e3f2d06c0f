import { StintError } from '../core/errors.ts'
import { isId } from '../core/ids.ts'
import { failpoint } from '../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../ledger/events.ts'
import type { Grant } from '../ledger/records.ts'
import { isFinalState } from '../ledger/rules.ts'
import { type ApprovalParts, decideApproval } from './decide-approval.ts'
import type { RevocationOutcome } from './grant-view.ts'
import { denyEntry, isLive, newDeny } from './lifecycle.ts'
import { undefinedIfCorrupt } from './load-plan.ts'
import { loadOpenLeases } from './open-leases.ts'
import type { Operator } from './operator.ts'
import { retryOnConflict } from './retry-conflict.ts'
import type { OperatorService } from './services.ts'

/** What a person can do to grants. */
export function createOperatorService(parts: ApprovalParts): OperatorService {
  return {
    decideApproval: (operator, approvalId, answer) => decideApproval(parts, operator, approvalId, answer),
    async revokeGrant(operator, grantId, note) {
      const grant = await retryOnConflict(() => revoke(parts, operator, grantId, note))
      failpoint('revoke.after_record')
      return { grant, outcome: await outcomeOf(parts, grant) }
    },
  }
}

async function revoke(parts: ApprovalParts, operator: Operator, grantId: string, note: string): Promise<Grant> {
  const { ledger, ender, clock } = parts
  const grant = isId('grt', grantId) ? await ledger.getGrant(grantId) : undefined
  if (!grant)
    throw new StintError('GRANT_NOT_FOUND', {
      explanation: 'No grant has this id; an id is grt_ and 26 characters.',
    })
  const now = clock.now()
  const actor = operatorActor(operator)
  failpoint('revoke.before_record')
  if (grant.state === 'active') {
    return ender.end({ grant, reason: 'revoked', now, deny: 'always', actor, eventData: { note } })
  }
  if (grant.state === 'ending') return denyEnding(parts, grant, now, actor, note)
  if (grant.state === 'awaiting_approval') return rejectWaiting(parts, grant, now, actor, note)
  return grant
}

/** A grant that only runs out is put on the deny list; one that is on it already stays as it is. */
async function denyEnding(
  { ledger, provider, hub }: ApprovalParts,
  grant: Grant,
  now: Date,
  actor: `operator:${string}`,
  note: string,
): Promise<Grant> {
  if (!provider.revocationTarget(grant.roleArn) || (await undefinedIfCorrupt(ledger.denyOf(grant.id)))) return grant
  // Without the plan: a revocation must not fail because the plan on record is damaged.
  const deny = newDeny(provider, grant, await loadOpenLeases(ledger, grant, now), undefined)
  if (!deny) return grant
  const effectiveBy = (grant.effectiveBy ?? now).toISOString()
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason: 'revoked', dueAt: now },
    deny: denyEntry(deny, now),
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

async function rejectWaiting(
  { ledger, hub }: ApprovalParts,
  grant: Grant,
  now: Date,
  actor: `operator:${string}`,
  note: string,
): Promise<Grant> {
  const approval = await ledger.approvalOf(grant.id)
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

/** What the revocation came to, as it truly is. */
async function outcomeOf({ ledger, provider, clock }: ApprovalParts, grant: Grant): Promise<RevocationOutcome> {
  const now = clock.now()
  if (isFinalState(grant.state)) return { kind: 'ended', at: grant.endedAt ?? now }
  const live = (await loadOpenLeases(ledger, grant, now)).filter((lease) => isLive(lease, now))
  const bound = new Date(Math.max(now.getTime(), ...live.map((lease) => lease.notAfter.getTime())))
  if (provider.revocationTarget(grant.roleArn)) return { kind: 'ending', effectiveBy: grant.effectiveBy ?? bound }
  return { kind: 'not-revocable', usableUntil: bound }
}
