import { StintError } from '../../core/errors.ts'
import type { ApprovalVoid } from '../../ledger/approvals/vote.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { describePlanChanges } from '../../plan/plan-changes.ts'
import type { WatchHub } from '../watching/watch-hub.ts'

/** Dependencies of voiding an approval. */
export interface VoidParts {
  readonly ledger: Pick<Ledger, 'moveGrant'>
  readonly hub: WatchHub
}

/**
 * Ends a question whose task has come to another plan: an approval is bound to the plan that was asked about. The grant is rejected,
 * what changed is on record with the approval, and whoever watches the grant is told.
 *
 * @param input.before the plan that was asked about; `input.plan` the one of now
 * @throws {StintError} LEDGER_CONFLICT
 */
export async function voidApproval(
  { ledger, hub }: VoidParts,
  {
    grant,
    approval,
    before,
    plan,
    now,
  }: {
    readonly grant: Grant
    readonly approval: Approval
    readonly before: Plan
    readonly plan: Plan
    readonly now: Date
  },
): Promise<{ readonly grant: Grant; readonly voided: ApprovalVoid }> {
  const voided = { planHash: plan.hash, changes: describePlanChanges(before, plan) }
  const data = { approvalId: approval.id, planHash: approval.planHash, newPlanHash: plan.hash, changes: voided.changes }
  const moved = await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'rejected', dueAt: null },
    approval: { state: 'voided', decidedAt: now, voided },
    events: [auditEvent('approval.voided', { at: now, actor: 'stint', grantId: grant.id, data })],
  })
  hub.changed(grant.id)
  return { grant: moved, voided }
}

/** The error for whoever votes on a question that is void. */
export function voidedError(
  { id, grantId }: Pick<Approval, 'id' | 'grantId'>,
  { planHash, changes }: ApprovalVoid,
): StintError {
  const explanation = `The task of grant ${grantId} now comes to another plan, so this question is void: ${changes.join(' ')} The agent must request a new grant.`
  return new StintError('APPROVAL_VOIDED', { approvalId: id, grantId, planHash, changes: [...changes], explanation })
}
