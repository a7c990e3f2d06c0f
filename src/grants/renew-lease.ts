import type { ClockGuard } from '../core/clock-guard.ts'
import { asStintError, type ErrorCode, StintError } from '../core/errors.ts'
import type { Ids } from '../core/ids.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Registered } from '../ledger/holds/hold-records.ts'
import type { Ledger, TokenUse } from '../ledger/ledger.ts'
import type { EndReason, Grant } from '../ledger/records.ts'
import { deadlineIfClaimed, isClaimOver } from '../ledger/rules/claim-rules.ts'
import { toRegistered, touchedLabels } from '../ledger/rules/hold-rules.ts'
import { coversPlan } from '../plan/compare-plans.ts'
import type { Plan } from '../plan/plan.ts'
import type { Decision } from '../policy/decision.ts'
import type { TokenGuard } from './agents/token-guard.ts'
import { endGrant } from './end-grant.ts'
import { type Judge, toDeniedError } from './judge.ts'
import { describeLease } from './lifecycle.ts'
import { type GrantAnswer, type MintParts, mintOrEnd, toNotActiveError } from './mint-lease.ts'
import { describeWaivers } from './open-grant.ts'
import { loadPlan, requireOwnGrant, retryOnConflict } from './read-grants.ts'
import type { RuleStanding } from './reevaluate/rule-standing.ts'

/** A lease shorter than this would be over before its first use. */
const SHORTEST_LEASE_MS = 5_000

/** Dependencies of renewing a lease. */
export interface RenewParts extends MintParts {
  readonly judge: Judge
  readonly clockGuard: ClockGuard
  readonly ids: Ids
  readonly tokens: TokenGuard
  readonly standing: RuleStanding
}

/**
 * Mints the next lease after a fresh decision; a grant that fails the decision ends.
 *
 * @param known its grant, if the caller has just read it.
 * @param by what the agent called: a repeated request for the grant, or a renewal.
 */
export async function renewLease(
  parts: RenewParts,
  caller: CallerIdentity,
  { grantId, known, by }: { grantId: string; known?: Grant; by: TokenUse['by'] },
  signal: AbortSignal,
): Promise<GrantAnswer> {
  let justRead = known
  const intended = await retryOnConflict(async () => {
    const now = parts.clock.now()
    parts.clockGuard.check(now)
    const grant = justRead ?? (await requireOwnGrant(parts.ledger, caller, grantId))
    justRead = undefined
    const deadline = requireRenewable(grant, now)
    const { plan, decision, ...target } = await judgeAgain(parts, caller, grant, now)
    const head = { at: now, actor: caller.subject, grantId: grant.id }
    if (signal.aborted)
      throw new StintError('CANCELLED', { explanation: 'The caller cancelled the call before the lease was recorded.' })

    failpoint('renew.before_record')
    const number = grant.leaseCount + 1
    const next = { id: parts.ids.next('lse', now), grantId: grant.id, number, agent: grant.subject }
    const intended = describeLease({ ...next, now, deadline }, parts.settings, parts.provider)
    const recorded = await parts.ledger.intendLease({
      grantId: grant.id,
      grantVersion: grant.version,
      lease: intended,
      ...target,
      ...parts.tokens.describeUse(caller, by, now),
      events: [
        ...describeWaivers(decision, plan.hash, head, grant.decision),
        ...(grant.claimBy
          ? [auditEvent('grant.collected', { ...head, data: { deadline: deadline.toISOString() } })]
          : []),
        auditEvent('lease.intended', {
          ...head,
          leaseId: intended.id,
          data: { number, notAfter: intended.notAfter.toISOString(), ...caller.evidence },
        }),
      ],
    })
    return { ...recorded, plan }
  })
  return mintOrEnd(parts, { ...intended, signal })
}

/** The deadline of a grant that may have another lease now. @throws {StintError} as `toNotActiveError` */
function requireRenewable(grant: Grant, now: Date): Date {
  // P7: the time of an approved task begins with its first lease, for which its agent has a time of its own.
  const deadline = deadlineIfClaimed(grant, now) ?? grant.deadline
  if (grant.state !== 'active' || !deadline) throw toNotActiveError(grant)
  if (isClaimOver(grant, now)) throw toNotActiveError({ ...grant, state: 'ending', reason: 'claim_expired' })
  if (deadline.getTime() - now.getTime() < SHORTEST_LEASE_MS)
    throw toNotActiveError({ ...grant, state: 'ending', reason: 'deadline' })
  return deadline
}

/**
 * Judges the task again, by the policy of now and the plan of now. The lease is minted from the plan on record all the same: by a
 * newer action table the task's wildcards may cover more, which no record shows and nobody approved.
 *
 * @returns the plan on record, and the decision of now.
 * @throws {StintError} after it has ended the grant that fails
 */
async function judgeAgain(parts: RenewParts, caller: CallerIdentity, grant: Grant, now: Date): Promise<Rejudged> {
  const stored = await loadPlan(parts.ledger, grant)
  try {
    const { plan, decision, registration } = parts.judge.judge(caller, stored.task, now)
    if (decision.outcome === 'deny') throw toDeniedError({ id: grant.id, subject: grant.subject, decision }, plan)
    if (decision.outcome === 'approval') await checkApproved(parts.ledger, grant, plan)
    checkJudged(grant, stored, plan)
    // By the labels of now it may touch more than was known when it was planned.
    const touches = [...touchedLabels(stored), ...touchedLabels(plan)]
    return { plan: stored, decision, touches, registered: toRegistered(registration) }
  } catch (thrown) {
    const error = asStintError(thrown)
    const reason = findEndReason(error)
    if (reason && parts.standing.isOutdated) throw parts.standing.refusal(grant.id, error)
    if (reason) {
      const eventData = { code: error.code }
      await endGrant(parts, { grant, plan: stored, reason, now, deny: 'always', actor: 'stint', eventData })
    }
    throw error
  }
}

interface Rejudged {
  readonly plan: Plan
  readonly decision: Decision
  /** Labels that either plan touches. */
  readonly touches: readonly string[]
  readonly registered: Registered
}

/** An approval holds only for the plan hash that it was given for. */
async function checkApproved(ledger: Pick<Ledger, 'findApproval'>, grant: Grant, plan: Plan): Promise<void> {
  const approval = await ledger.findApproval(grant.id)
  if (approval?.state === 'approved' && approval.planHash === plan.hash) return
  const explanation = `Policy now requires an approval that grant ${grant.id} does not have; request a new grant.`
  throw new StintError('APPROVAL_STALE', { grantId: grant.id, explanation })
}

/** The judgement of now must cover everything that will be minted. */
function checkJudged(grant: Grant, stored: Plan, plan: Plan): void {
  if (coversPlan(plan, stored)) return
  const explanation = `the task of grant ${grant.id} now leads to a different plan; request a new grant`
  throw new StintError('APPROVAL_STALE', { grantId: grant.id, explanation })
}

const REGISTRATION_LOST: ReadonlySet<ErrorCode> = new Set([
  'AGENT_UNREGISTERED',
  'REGISTRATION_EXPIRED',
  'REGISTRATION_UNREVIEWED',
  'REGISTRATION_OWNERLESS',
])

/** Why a grant ends when its judgement fails with an error; undefined: it does not end, since the error is doubt. */
export function findEndReason(error: StintError): EndReason | undefined {
  if (REGISTRATION_LOST.has(error.code)) return 'identity_lost'
  // A policy set that cannot be read is doubt, not a decision: no lease now, and the grant waits for its deadline.
  return error.retryable || error.code === 'LEDGER_CORRUPT' || error.code === 'INTERNAL' ? undefined : 'policy_changed'
}
