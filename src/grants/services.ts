import { sizeWarnings } from '../credentials/session-size.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { Page, PageRequest } from '../ledger/ledger.ts'
import type { Approval, Grant, GrantState, Quarantine } from '../ledger/records.ts'
import type { Plan, PlanWarning } from '../plan/plan.ts'
import type { Decision } from '../policy/decision.ts'
import type { Admission, RecordLimits } from './agents/agent-limits.ts'
import { type CompleteParts, completeGrant } from './complete-grant.ts'
import { judgeOnRecord } from './judge.ts'
import type { GrantAnswer } from './mint-lease.ts'
import { type ApprovalAnswer, type DecideParts, decideApproval } from './operators/decide-approval.ts'
import { openQuarantine } from './operators/open-quarantine.ts'
import type { Operator } from './operators/operator.ts'
import { scopeParts } from './operators/operator-scope.ts'
import { type RevocationOutcome, type RevokeParts, revokeGrant } from './operators/revoke-grant.ts'
import { countAnswerers, type People } from './operators/who-can-answer.ts'
import { type AssessParts, assessQuarantine, type QuarantineView } from './quarantine/assess-quarantine.ts'
import { type GrantView, listOwnGrants, requireOwnGrant, toView } from './read-grants.ts'
import { renewLease } from './renew-lease.ts'
import { type Activity, reportActivity } from './report-activity.ts'
import {
  checkIdempotencyKey,
  forecastSize,
  type RequestParts,
  requestGrant,
  shareFlight,
  toFlightKey,
} from './request-grant.ts'
import { type WatchParts, watchGrant } from './watching/watch-grant.ts'

/** The plan of a task, and its decision. */
export interface PlanAnswer {
  readonly plan: Plan
  readonly decision: Decision
  /** Warnings that change with time, beside the plan's own, which are part of its hash. */
  readonly warnings: readonly PlanWarning[]
  /** Number of people who could approve now; only if the decision asks for an approval. */
  readonly couldApprove?: number
}

/** The actions of agents on their grants. Every method throws StintError; a grant of somebody else is GRANT_NOT_FOUND. */
export interface GrantService {
  planTask(caller: CallerIdentity, task: unknown, signal: AbortSignal): Promise<PlanAnswer>
  requestGrant(
    caller: CallerIdentity,
    request: { task: unknown; idempotencyKey: unknown },
    signal: AbortSignal,
  ): Promise<GrantAnswer>
  renewLease(caller: CallerIdentity, grantId: string, signal: AbortSignal): Promise<GrantAnswer>
  completeGrant(caller: CallerIdentity, grantId: string, note: string): Promise<GrantView>
  getGrant(caller: CallerIdentity, grantId: string): Promise<GrantView>
  listGrants(caller: CallerIdentity, filter: { state?: GrantState }, page: PageRequest): Promise<Page<GrantView>>
  /** The grant as it is, then each change; ends after a final state. */
  watchGrant(caller: CallerIdentity, grantId: string, signal: AbortSignal): AsyncIterable<GrantView>
  reportActivity(caller: CallerIdentity, grantId: string, activities: readonly Activity[]): Promise<void>
}

/** The actions of operators. The edge has checked the role; these check everything else. */
export interface OperatorService {
  /** Ends a grant now: an active or ending one goes on the deny list, one that awaits approval is rejected. Idempotent. */
  revokeGrant(operator: Operator, grantId: string, note: string): Promise<{ grant: Grant; outcome: RevocationOutcome }>
  /**
   * Records a person's vote on an approval; the last one that it needs approves it, a rejection ends it. Approving judges
   * registration, trust, plan and policy again, and counts every vote by the operators of now.
   *
   * @param answer.planHash the hash that the person saw; another one is APPROVAL_STALE.
   * @throws {StintError} APPROVAL_NOT_FOUND, APPROVAL_DECIDED, APPROVAL_EXPIRED, APPROVAL_STALE, APPROVAL_VOIDED,
   *   APPROVAL_NOT_ELIGIBLE, STEP_UP_REQUIRED, POLICY_DENIED, AGENT_UNREGISTERED
   */
  decideApproval(
    operator: Operator,
    approvalId: string,
    answer: ApprovalAnswer,
  ): Promise<{ approval: Approval; grant: Grant }>
}

/** The actions of operators on a ledger that was set back. */
export interface QuarantineService {
  /** The latest quarantine, and what there is to wait for. */
  show(): Promise<QuarantineView>
  /**
   * Opens the ledger.
   *
   * @throws {StintError} LEDGER_NOT_QUARANTINED, QUARANTINE_UNFINISHED, LEDGER_CONFLICT
   */
  open(operator: Operator, words: { note: string; acceptedRisk?: string }): Promise<Quarantine>
}

/** Dependencies of the agents' stories, and the limits around them. */
export type GrantParts = RequestParts &
  CompleteParts &
  WatchParts & { readonly admission: Admission; readonly recordLimits: RecordLimits; readonly people: People }

/** The life of a grant as its agent can drive it. */
export function createGrantService(parts: GrantParts): GrantService {
  const inFlight = new Map<string, Promise<GrantAnswer>>()
  const admit = <T>({ subject }: CallerIdentity, work: () => Promise<T>) => parts.admission.admit(subject, work)
  const judged = <T>(caller: CallerIdentity, work: () => Promise<T>) =>
    admit(caller, () => parts.recordLimits.withinRefusals(caller, work))
  const remembered = async (caller: CallerIdentity, asked: Promise<GrantAnswer>) => {
    const answer = await asked
    if (answer.lease) parts.recordLimits.minted(caller)
    return answer
  }

  return {
    planTask: (caller, task) =>
      judged(caller, async () => {
        const now = parts.clock.now()
        const judgement = await judgeOnRecord(parts, caller, task, now)
        const { plan, decision } = judgement
        const warnings = sizeWarnings(forecastSize(parts, caller, judgement))
        if (decision.outcome !== 'approval') return { plan, decision, warnings }
        const { owner, team } = judgement.registration
        const asked = { subject: caller.subject, owner, team, roleArn: plan.task.roleArn }
        const couldApprove = countAnswerers(parts.people.current(now), asked, decision.approval)
        return { plan, decision, warnings, couldApprove }
      }),

    requestGrant: (caller, request, signal) =>
      judged(caller, async () => {
        const idempotencyKey = checkIdempotencyKey(request.idempotencyKey)
        await parts.tokens.askIssuer(caller, signal)
        const wanted = { task: request.task, idempotencyKey }
        const work = () => parts.tokens.onRecord(caller, () => requestGrant(parts, caller, wanted, signal))
        const key = toFlightKey(caller, idempotencyKey, request.task)
        return remembered(caller, shareFlight(inFlight, key, signal, work))
      }),

    // Not under the limit of refusals: a renewal that is refused ends its grant, so it puts itself out of reach.
    renewLease: (caller, grantId, signal) =>
      admit(caller, async () => {
        await parts.tokens.askIssuer(caller, signal)
        const work = () => renewLease(parts, caller, { grantId, by: 'renewal' }, signal)
        return remembered(caller, parts.tokens.onRecord(caller, work))
      }),

    completeGrant: (caller, grantId, note) => completeGrant(parts, caller, grantId, note),
    getGrant: async (caller, grantId) => toView(parts, await requireOwnGrant(parts.ledger, caller, grantId)),
    listGrants: (caller, filter, page) => listOwnGrants(parts, caller, filter, page),
    watchGrant: (caller, grantId, signal) => watchGrant(parts, caller, grantId, signal),
    reportActivity: (caller, grantId, activities) =>
      admit(caller, () => {
        parts.recordLimits.admitReports(caller.subject, activities.length)
        return reportActivity(parts, caller, grantId, activities)
      }),
  }
}

/** The actions of a person on grants. */
export function createOperatorService(parts: DecideParts & RevokeParts): OperatorService {
  return {
    decideApproval: (operator, approvalId, answer) =>
      decideApproval(scopeParts(parts, operator), operator, approvalId, answer),
    revokeGrant: (operator, grantId, note) => revokeGrant(scopeParts(parts, operator), operator, grantId, note),
  }
}

/** The actions of an operator on a quarantined ledger. */
export function createQuarantineService(parts: AssessParts): QuarantineService {
  return {
    show: () => assessQuarantine(parts),
    open: (operator, words) => openQuarantine(parts, operator, words),
  }
}
