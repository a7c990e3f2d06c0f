import { asStintError, StintError } from '../core/errors.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events.ts'
import type { TokenUse } from '../ledger/ledger.ts'
import type { EndReason, Grant } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { GrantAnswer } from './grant-view.ts'
import { notActive } from './lease-mint.ts'
import { leaseToIntend } from './lifecycle.ts'
import { loadPlan } from './load-plan.ts'
import { mintOrEnd } from './mint-or-end.ts'
import type { GrantParts } from './parts.ts'
import { deniedError } from './refusals.ts'
import { retryOnConflict } from './retry-conflict.ts'
import { requireOwnGrant } from './view-of.ts'

/** A lease shorter than this would be over before its first use. */
const SHORTEST_LEASE_MS = 5_000

/**
 * Mints the next lease after a fresh decision; a grant that fails the decision ends.
 *
 * @param by what the agent called: a repeated request for the grant, or a renewal.
 */
export async function renewLease(
  parts: GrantParts,
  caller: CallerIdentity,
  { grantId, by }: { grantId: string; by: TokenUse['by'] },
  signal: AbortSignal,
): Promise<GrantAnswer> {
  const intended = await retryOnConflict(async () => {
    const now = parts.clock.now()
    parts.clockGuard.check()
    const grant = await requireOwnGrant(parts, caller, grantId)
    if (grant.state !== 'active' || !grant.deadline) throw notActive(grant)
    if (grant.deadline.getTime() - now.getTime() < SHORTEST_LEASE_MS)
      throw notActive({ ...grant, state: 'ending', reason: 'deadline' })
    const plan = await judgeAgain(parts, caller, grant, now)
    if (signal.aborted)
      throw new StintError('CANCELLED', { explanation: 'The caller cancelled the call before the lease was recorded.' })

    failpoint('renew.before_record')
    const next = { id: parts.ids.next('lse', now), grantId: grant.id, number: grant.leaseCount + 1 }
    const intended = leaseToIntend({ ...next, now, deadline: grant.deadline }, parts.settings, parts.provider)
    const recorded = await parts.ledger.intendLease({
      grantId: grant.id,
      grantVersion: grant.version,
      lease: intended,
      ...parts.tokens.describeUse(caller, by, now),
      events: (lease) => [
        auditEvent('lease.intended', {
          at: now,
          actor: caller.subject,
          grantId: grant.id,
          leaseId: lease.id,
          data: { number: lease.number, notAfter: lease.notAfter.toISOString(), ...caller.evidence },
        }),
      ],
    })
    return { ...recorded, plan }
  })
  return mintOrEnd(parts, { ...intended, signal })
}

/**
 * The policy of now, on the plan as it comes out now. What is minted is the plan on record all the same: a newer action
 * table may let the task's wildcards stand for more, which no record shows and nobody was shown.
 *
 * @returns the plan on record.
 * @throws {StintError} after it has ended the grant that fails
 */
async function judgeAgain(parts: GrantParts, caller: CallerIdentity, grant: Grant, now: Date): Promise<Plan> {
  const stored = await loadPlan(parts.ledger, grant)
  try {
    const { plan, decision } = parts.judge.judge(caller, stored.task, now)
    if (decision.outcome === 'deny') throw deniedError({ id: grant.id, subject: grant.subject, decision })
    if (decision.outcome === 'approval') await checkApproved(parts, grant, plan)
    checkJudged(grant, stored, plan)
    return stored
  } catch (thrown) {
    const error = asStintError(thrown)
    const reason = endReasonFor(error)
    if (reason) {
      await parts.ender.end({ grant, reason, now, deny: 'always', actor: 'stint', eventData: { code: error.code } })
    }
    throw error
  }
}

/** A person's yes holds for the plan that the person saw and for no other. */
async function checkApproved({ ledger }: GrantParts, grant: Grant, plan: Plan): Promise<void> {
  const approval = await ledger.approvalOf(grant.id)
  if (approval?.state === 'approved' && approval.planHash === plan.hash) return
  const explanation = `Policy now requires an approval that grant ${grant.id} does not have; request a new grant.`
  throw new StintError('APPROVAL_STALE', { grantId: grant.id, explanation })
}

/** What was judged now has to hold all that is going to be minted. */
function checkJudged(grant: Grant, stored: Plan, { hash, pairs }: Plan): void {
  if (hash === stored.hash) return
  const judged = new Set(pairs.map(({ action, resource }) => `${action} ${resource}`))
  if (stored.pairs.every(({ action, resource }) => judged.has(`${action} ${resource}`))) return
  const explanation = `the task of grant ${grant.id} now leads to a different plan; request a new grant`
  throw new StintError('APPROVAL_STALE', { grantId: grant.id, explanation })
}

function endReasonFor(error: StintError): EndReason | undefined {
  if (error.code === 'AGENT_UNREGISTERED' || error.code === 'REGISTRATION_EXPIRED') return 'identity_lost'
  // A policy set that cannot be read is doubt, not a decision: no lease now, and the grant waits for its deadline.
  return error.retryable || error.code === 'LEDGER_CORRUPT' || error.code === 'INTERNAL' ? undefined : 'policy_changed'
}
