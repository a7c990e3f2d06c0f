import { canonicalJson, type Json } from '../../core/canonical-json.ts'
import { asStintError, type ErrorCode, hasCode, type StintError } from '../../core/errors.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import type { Approval, EndReason, Grant } from '../../ledger/records.ts'
import { coversPlan } from '../../plan/compare-plans.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Decision, FailedPair } from '../../policy/decision.ts'
import type { Judge } from '../judge.ts'
import { findEndReason } from '../renew-lease.ts'

/** The verdict of the current rules on a grant that was opened under earlier ones. */
export type Standing =
  | { readonly kind: 'stands' }
  /** Permitted if a person has approved the plan that its task leads to now. */
  | { readonly kind: 'needs_approval'; readonly plan: Plan; readonly decision: Decision }
  | Refusal
  /** The rules could not be evaluated: that ends nothing. */
  | { readonly kind: 'undecided'; readonly error: StintError | undefined }

/** The rules of now do not allow the grant. */
export interface Refusal {
  readonly kind: 'refused'
  readonly reason: EndReason
  readonly code: ErrorCode
  /** The policy set that judged; missing where it did not come to that. */
  readonly policySetHash?: string
  readonly failedPairs: readonly FailedPair[]
}

/** The facts about a grant that its standing depends on, beside its plan and its approval. */
export type JudgedGrant = Pick<Grant, 'subject' | 'trustDomain' | 'authMethod'>

/** Grants with the same text stand or fall together, as long as no approval is needed. */
export function standingKey({ subject, trustDomain, authMethod, planHash }: Grant): string {
  return JSON.stringify([subject, trustDomain, authMethod, planHash])
}

/** Judges the task of a grant by the rules of now, as a renewal does. Never throws. */
export function judgeAnew(
  judge: Pick<Judge, 'judge'>,
  { subject, trustDomain, authMethod }: JudgedGrant,
  stored: Plan,
  now: Date,
): Standing {
  // A session of the broker's own check: no policy speaks of it.
  if (authMethod === 'broker') return { kind: 'stands' }
  try {
    const { plan, decision } = judge.judge({ subject, trustDomain, authMethod }, stored.task, now)
    if (decision.outcome === 'deny') return refuseDenied(decision)
    if (!coversPlan(plan, stored)) return { ...refused('APPROVAL_STALE'), policySetHash: decision.policySetHash }
    return decision.outcome === 'approval' ? { kind: 'needs_approval', plan, decision } : { kind: 'stands' }
  } catch (thrown) {
    const error = asStintError(thrown)
    const reason = findEndReason(error)
    return reason ? { ...refused(error.code), reason } : { kind: 'undecided', error }
  }
}

/** The standing of one grant whose plan needs an approval now: it stands if a person has approved this very plan. */
export async function settleApproval(
  ledger: Pick<LedgerReads, 'findApproval'>,
  grant: Grant,
  stored: Plan,
  { plan, decision }: Extract<Standing, { kind: 'needs_approval' }>,
): Promise<Standing> {
  try {
    const approval = await ledger.findApproval(grant.id)
    if (holdsApproval(approval, stored, plan)) return { kind: 'stands' }
  } catch (error) {
    if (!hasCode(error, 'LEDGER_CORRUPT')) throw error
    return { kind: 'undecided', error: asStintError(error) }
  }
  return { ...refused('APPROVAL_STALE'), policySetHash: decision.policySetHash }
}

function holdsApproval(approval: Approval | undefined, stored: Plan, plan: Plan): boolean {
  if (approval?.state !== 'approved') return false
  // Warnings come and go with what the broker finds out, and change nothing that was approved.
  return approval.planHash === plan.hash || (approval.planHash === stored.hash && isSameButWarnings(stored, plan))
}

function refuseDenied(decision: Decision): Standing {
  if (isDoubtAlone(decision)) return { kind: 'undecided', error: undefined }
  const { failedPairs, policySetHash } = decision
  return { ...refused('POLICY_DENIED'), policySetHash, failedPairs }
}

/** True if a plan is denied for nothing but policies that could not be evaluated. */
export function isDoubtAlone({ failedPairs }: Pick<Decision, 'failedPairs'>): boolean {
  return failedPairs.length > 0 && failedPairs.every(({ reason }) => reason === 'evaluation_error')
}

function refused(code: ErrorCode): Refusal {
  return { kind: 'refused', reason: 'policy_changed', code, failedPairs: [] }
}

/** True if two plans differ in nothing that anybody decided on: warnings come and go with what the broker finds out. */
export function isSameButWarnings(stored: Plan, plan: Plan): boolean {
  const content = ({ hash: _, warnings: __, ...rest }: Plan) => canonicalJson(rest as unknown as Json)
  return content(stored) === content(plan)
}
