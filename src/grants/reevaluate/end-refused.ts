import type { Clock } from '../../core/clock.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { copyFailedPair } from '../../policy/decision.ts'
import { type EndParts, endGrant } from '../end-grant.ts'
import type { Judge } from '../judge.ts'
import { ATTEMPTS_AT_A_REVOCATION, retryOnConflict } from '../read-grants.ts'
import type { WatchHub } from '../watching/watch-hub.ts'
import { judgeAnew, type Refusal, settleApproval } from './judge-anew.ts'

/** Dependencies of judging grants anew. */
export interface ReevaluateParts extends EndParts {
  readonly ledger: EndParts['ledger'] & Pick<Ledger, 'listGrants' | 'getGrant' | 'findApproval'>
  readonly judge: Pick<Judge, 'judge'>
  readonly clock: Clock
  readonly hub: WatchHub
}

/** One pass over the grants. */
export interface PassRequest {
  /**
   * Asked before each page and again right before grants are ended: false stops the pass, since the rules have changed or another
   * replica has newer ones.
   */
  readonly mayGoOn: () => Promise<boolean>
  /** Only grants that were requested after it. */
  readonly requestedAfter?: Date
}

/** A grant that the rules refuse, with the plan on record. */
export interface RefusedGrant {
  readonly grant: Grant
  readonly plan: Plan
}

/** Pairs named in one event. */
const MAX_PAIRS = 5

/**
 * Ends a grant that the rules of now refuse. It is judged once more right before each attempt, since the rules may have changed back
 * meanwhile, and its agent may be renewing it.
 *
 * @returns false if it had ended by itself, or is allowed again
 */
export async function endRefused(parts: ReevaluateParts, { grant: known, plan }: RefusedGrant): Promise<boolean> {
  let justRead: Grant | undefined = known
  return retryOnConflict(async () => {
    const grant = justRead ?? (await parts.ledger.getGrant(known.id))
    justRead = undefined
    if (grant?.state !== 'active') return false
    const now = parts.clock.now()
    const first = judgeAnew(parts.judge, grant, plan, now)
    const standing = first.kind === 'needs_approval' ? await settleApproval(parts.ledger, grant, plan, first) : first
    if (standing.kind !== 'refused') return false
    failpoint('reevaluate.before_end')
    const { reason, code } = standing
    const eventData = { code, change: describeChange(grant, standing) }
    // An agent that is known no more is cut as by a renewal that fails; for others the classes of the plan decide.
    const deny = reason === 'identity_lost' ? 'always' : 'by_class'
    await endGrant(parts, { grant, plan, reason, now, deny, actor: 'stint', eventData })
    failpoint('reevaluate.after_end')
    return true
  }, ATTEMPTS_AT_A_REVOCATION)
}

function describeChange({ decision }: Grant, { policySetHash, failedPairs }: Refusal) {
  const leftOut = failedPairs.length - MAX_PAIRS
  return {
    policySetBefore: decision.policySetHash,
    ...(policySetHash && { policySetNow: policySetHash }),
    failedPairs: failedPairs.slice(0, MAX_PAIRS).map(copyFailedPair),
    ...(leftOut > 0 && { failedPairsLeftOut: leftOut }),
  }
}
