import type { Clock } from '../../core/clock.ts'
import type { ClockGuard } from '../../core/clock-guard.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { isId } from '../../core/ids.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { GrantMove, Ledger } from '../../ledger/ledger.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import { decidedApproval } from '../../ledger/rules/grant-rules.ts'
import { touchedLabels } from '../../ledger/rules/hold-rules.ts'
import type { Task } from '../../plan/task.ts'
import type { ApprovalRequirement, Decision } from '../../policy/decision.ts'
import { type Judge, toDeniedError } from '../judge.ts'
import type { LifeSettings } from '../lifecycle.ts'
import { describeWaivers } from '../open-grant.ts'
import { loadPlan } from '../read-grants.ts'
import type { WatchHub } from '../watching/watch-hub.ts'
import { explainIneligible } from './eligibility.ts'
import type { Operator } from './operator.ts'

/** Dependencies of answering an approval. */
export interface DecideParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly clockGuard: ClockGuard
  readonly judge: Judge
  readonly hub: WatchHub
  readonly settings: Pick<LifeSettings, 'claimMs'>
  /** True if a trust domain has a bundle with at least one authority now. */
  readonly trust: { isTrusted(trustDomain: string): boolean }
}

/** A person's answer: to the plan with this hash, with the person's own words. */
export interface ApprovalAnswer {
  readonly verdict: 'approve' | 'reject'
  readonly planHash: string
  readonly note: string
}

/**
 * Answers an approval once. The write names the version of the grant that was looked at, so of two answers one wins.
 * An approve that the rules of now do not allow leaves the question open and is on record.
 */
export async function decideApproval(
  parts: DecideParts,
  operator: Operator,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<{ approval: Approval; grant: Grant }> {
  const { ledger, clock, hub } = parts
  const now = clock.now()
  const { approval, grant } = await requirePending(ledger, approvalId, now)
  if (answer.planHash !== approval.planHash) {
    const explanation =
      'planHash differs from the hash of the pending plan; read the approval again and decide on the plan it shows.'
    throw new StintError('APPROVAL_STALE', { approvalId, planHash: approval.planHash, explanation })
  }
  const actor = operatorActor(operator)
  const plan = await loadPlan(ledger, grant)
  const { task } = plan
  const answered = { grant, approval, task, touches: touchedLabels(plan), note: answer.note, actor, now }
  let move: Answer
  try {
    checkEligible(operator, grant, approval.requirements)
    move =
      answer.verdict === 'approve'
        ? describeApproving(parts, answered, judgeNow(parts, operator, grant, task, now))
        : describeRejecting(answered)
  } catch (error) {
    const data = { approvalId, verdict: answer.verdict, code: asStintError(error).code }
    await ledger.appendEvents([auditEvent('approval.refused', { at: now, actor, grantId: grant.id, data })])
    throw error
  }
  failpoint('approve.before_record')
  const moved = await ledger.moveGrant(move)
  failpoint('approve.after_record')
  hub.changed(grant.id)
  // The answer changed it in the unit of the move, by the same rule.
  return { approval: decidedApproval(approval, grant.id, move.approval), grant: moved }
}

/** True if this operator could answer: the right role, a group that is asked for, and not the agent's own. */
export function isEligible(operator: Operator, grant: Grant, requirements: readonly ApprovalRequirement[]): boolean {
  return explainIneligible(operator, grant, requirements) === undefined
}

async function requirePending(
  ledger: Ledger,
  approvalId: string,
  now: Date,
): Promise<{ approval: Approval; grant: Grant }> {
  const approval = isId('apr', approvalId) ? await ledger.getApproval(approvalId) : undefined
  const grant = approval && (await ledger.getGrant(approval.grantId))
  if (!approval || !grant) {
    throw new StintError('APPROVAL_NOT_FOUND', {
      explanation: 'No approval has this id; an id is apr_ and 26 characters.',
    })
  }
  if (approval.state === 'expired' || (approval.state === 'pending' && approval.expiresAt <= now)) {
    throw new StintError('APPROVAL_EXPIRED', {
      approvalId,
      explanation: 'Nobody decided in time; the agent must request a new grant.',
    })
  }
  if (approval.state !== 'pending' || grant.state !== 'awaiting_approval') {
    throw new StintError('APPROVAL_DECIDED', {
      approvalId,
      state: approval.state,
      explanation: `The approval is already ${approval.state}, and the decision is final.`,
    })
  }
  return { approval, grant }
}

function checkEligible(operator: Operator, grant: Grant, requirements: readonly ApprovalRequirement[]): void {
  const explanation = explainIneligible(operator, grant, requirements)
  if (explanation) throw new StintError('APPROVAL_NOT_ELIGIBLE', { explanation })
}

/** Registration, trust, plan and policy as they are when the answer is given. */
function judgeNow(parts: DecideParts, operator: Operator, grant: Grant, task: unknown, now: Date): Decision {
  parts.clockGuard.check(now)
  if (!parts.trust.isTrusted(grant.trustDomain)) {
    throw new StintError('TRUST_DOMAIN_UNKNOWN', {
      explanation: `The trust domain ${grant.trustDomain} has no usable bundle any more, so its agents cannot be verified.`,
    })
  }
  const { subject, trustDomain, authMethod } = grant
  // A grant of the broker's own never waits for an approval.
  if (authMethod === 'broker') throw new StintError('INTERNAL', { grantId: grant.id })
  const { plan, decision } = parts.judge.judge({ subject, trustDomain, authMethod }, task, now)
  if (decision.outcome === 'deny') throw toDeniedError({ id: grant.id, subject: grant.subject, decision }, plan)
  if (plan.hash !== grant.planHash) {
    const explanation =
      'Labels or action classes have changed since the request, so the plan differs. Reject it, and let the agent request a new grant.'
    throw new StintError('APPROVAL_STALE', { grantId: grant.id, planHash: plan.hash, explanation })
  }
  checkEligible(operator, grant, decision.approval)
  return decision
}

/** A move that answers an approval. */
type Answer = GrantMove & { readonly approval: NonNullable<GrantMove['approval']> }

interface Answered {
  readonly grant: Grant
  readonly approval: Approval
  readonly task: Task
  /** Labels that the plan touches. */
  readonly touches: readonly string[]
  readonly note: string
  readonly actor: `operator:${string}`
  readonly now: Date
}

function describeApproving(
  { settings }: Pick<DecideParts, 'settings'>,
  { grant, approval, task, touches, note, actor, now }: Answered,
  decision: Decision,
): Answer {
  const claimBy = new Date(now.getTime() + settings.claimMs)
  const head = { at: now, actor, grantId: grant.id }
  const { policySetHash, determiningPolicies: policies } = decision
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'active', activeAt: now, claimBy, taskMs: task.ttlSeconds * 1_000, dueAt: claimBy },
    touches,
    approval: { state: 'approved', decidedBy: actor, decidedAt: now, note },
    events: [
      auditEvent('approval.approved', {
        ...head,
        data: { approvalId: approval.id, planHash: approval.planHash, note },
      }),
      ...describeWaivers(decision, approval.planHash, head, grant.decision),
      auditEvent('grant.active', { ...head, data: { policySetHash, policies, claimBy: claimBy.toISOString() } }),
    ],
  }
}

function describeRejecting({ grant, approval, note, actor, now }: Answered): Answer {
  const data = { approvalId: approval.id, planHash: approval.planHash, note }
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'rejected', dueAt: null },
    approval: { state: 'rejected', decidedBy: actor, decidedAt: now, note },
    events: [auditEvent('approval.rejected', { at: now, actor, grantId: grant.id, data })],
  }
}
