import { StintError } from '../../core/errors.ts'
import type { ApprovalVoid } from '../../ledger/approvals/vote.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { describePlanChanges } from '../../plan/plan-changes.ts'
import type { Decision } from '../../policy/decision.ts'
import { describeDenial } from '../judge.ts'
import type { WatchHub } from '../watching/watch-hub.ts'

/** Dependencies of voiding an approval. */
export interface VoidParts {
  readonly ledger: Pick<Ledger, 'moveGrant'>
  readonly hub: WatchHub
}

/** A question that nobody can approve any more. */
export interface VoidQuestion {
  readonly grant: Grant
  readonly approval: Approval
  /** The plan that was asked about. */
  readonly before: Plan
  /** The plan of now. */
  readonly plan: Plan
  /** Given if the plan is the same, and policy denies it. */
  readonly denial?: Decision
  readonly now: Date
}

/**
 * Ends a question whose task has come to another plan, since an approval is bound to the plan that was asked about, or whose plan policy
 * denies by now. The grant is rejected, the reason is on record with the approval, and whoever watches the grant is told.
 *
 * @throws {StintError} LEDGER_CONFLICT
 */
export async function voidApproval(
  { ledger, hub }: VoidParts,
  question: VoidQuestion,
): Promise<{ readonly grant: Grant; readonly voided: ApprovalVoid }> {
  const { grant, approval, plan, denial, now } = question
  const voided = { ...findReason(question), planHash: plan.hash }
  const data = {
    ...{ approvalId: approval.id, planHash: approval.planHash, newPlanHash: plan.hash },
    ...{ reason: voided.reason, changes: voided.changes },
    ...(denial && { policySetHash: denial.policySetHash }),
  }
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

function findReason({ grant, before, plan, denial }: VoidQuestion): Pick<ApprovalVoid, 'reason' | 'changes'> {
  if (!denial) return { reason: 'plan_changed', changes: describePlanChanges(before, plan) }
  const changes = ['The plan is the same, but policy denies it now.', describeDenial(grant.subject, denial, plan)]
  return { reason: 'policy_denied', changes }
}

/** Why a question is void, in words without a full stop. */
export function describeVoid(voided: Pick<ApprovalVoid, 'reason'> | undefined): string {
  return voided?.reason === 'policy_denied'
    ? 'Policy has come to deny the plan, so the question is void'
    : 'The plan changed, so the question is void'
}

/** The error for whoever votes on a question that is void. */
export function voidedError(
  { id, grantId }: Pick<Approval, 'id' | 'grantId'>,
  { reason, planHash, changes }: ApprovalVoid,
): StintError {
  const why =
    reason === 'policy_denied'
      ? `Policy has come to deny the task of grant ${grantId}`
      : `The task of grant ${grantId} now comes to another plan`
  const explanation = `${why}, so this question is void: ${changes.join(' ')} The agent must request a new grant.`
  return new StintError('APPROVAL_VOIDED', {
    approvalId: id,
    grantId,
    reason,
    planHash,
    changes: [...changes],
    explanation,
  })
}
