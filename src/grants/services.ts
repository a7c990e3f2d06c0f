import type { CallerIdentity } from '../identity/caller-identity.ts'
import type { Page, PageRequest } from '../ledger/ledger.ts'
import type { Approval, Grant, GrantState } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { Decision } from '../policy/decision.ts'
import type { GrantAnswer, GrantView, RevocationOutcome } from './grant-view.ts'
import type { Operator } from './operator.ts'

/** What agents can do with their grants. Every method throws StintError; a grant of somebody else is GRANT_NOT_FOUND. */
export interface GrantService {
  planTask(caller: CallerIdentity, task: unknown, signal: AbortSignal): Promise<{ plan: Plan; decision: Decision }>
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

/** What an agent says it did; goes to the trail as the agent's word, not as fact. */
export interface Activity {
  readonly at: Date
  readonly action: string
  readonly resource: string
  readonly note: string
}

/** What operators can do. The edge has checked the role; these check everything else. */
export interface OperatorService {
  /** Ends a grant now: an active or ending one goes on the deny list, one that awaits approval is rejected. Idempotent. */
  revokeGrant(operator: Operator, grantId: string, note: string): Promise<{ grant: Grant; outcome: RevocationOutcome }>
  /**
   * Answers an approval once. Approving judges registration, trust and policy again.
   *
   * @param answer.planHash the hash that the person saw; another one is APPROVAL_STALE.
   * @throws {StintError} APPROVAL_NOT_FOUND, APPROVAL_DECIDED, APPROVAL_EXPIRED, APPROVAL_STALE, APPROVAL_NOT_ELIGIBLE, POLICY_DENIED, AGENT_UNREGISTERED
   */
  decideApproval(
    operator: Operator,
    approvalId: string,
    answer: { verdict: 'approve' | 'reject'; planHash: string; note: string },
  ): Promise<{ approval: Approval; grant: Grant }>
}
