import type { Ids } from '../../core/ids.ts'
import type { CallerIdentity } from '../../identity/caller-identity.ts'
import type { LedgerReads } from '../../ledger/ledger.ts'
import { mayRestOn, type ReuseWish, usesLeft } from '../../ledger/rules/reuse-rules.ts'
import type { Judgement } from '../judge.ts'
import type { People } from '../operators/who-can-answer.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'
import { countVotes, joinRequirements } from './count-votes.ts'
import { findConcerned } from './voters.ts'

/** Dependencies of resting on an earlier approval. */
export interface ReuseParts {
  readonly ledger: Pick<LedgerReads, 'findReusable'>
  readonly ids: Ids
  readonly people: People
}

/** An earlier approval that a request may rest on. */
export interface Reuse {
  readonly wish: ReuseWish
  /** Grants that may still rest on it after this one. */
  readonly usesLeft: number
  /** Until when. */
  readonly until: Date
}

/**
 * An earlier approval of the same agent's same plan, if policy lets it be used again. The policy of now says how often and how long,
 * and the votes count as they would now: by the people, the requirements and the owner of today.
 */
export async function findReuse(
  { ledger, ids, people }: ReuseParts,
  { subject }: CallerIdentity,
  { plan, decision, registration }: Judgement,
  now: Date,
): Promise<Reuse | undefined> {
  const { reuse } = decision
  if (decision.outcome !== 'approval' || !reuse) return undefined
  const givenAfter = new Date(now.getTime() - reuse.withinMs)
  // A damaged row is no yes: a person is asked.
  const found = await undefinedIfCorrupt(ledger.findReusable({ subject, planHash: plan.hash, givenAfter }))
  const left = found ? usesLeft(found.approval, reuse.uses) : 0
  if (!found || left === 0 || !mayRestOn(found)) return undefined
  const { approval, grants } = found
  const { owner, team } = registration
  const tally = countVotes({
    concerned: findConcerned({ subject, owner: grants[0]?.owner ?? owner, team, roleArn: plan.task.roleArn }, owner),
    requirements: joinRequirements(approval.requirements, decision.approval),
    votes: approval.votes,
    people: people.current(now),
  })
  if (!tally.isMet || !approval.decidedAt) return undefined
  const { id: approvalId, grantId, decidedAt } = approval
  return {
    wish: { approvalId, grantId, newApprovalId: ids.next('apr', now), uses: reuse.uses, givenAfter },
    usesLeft: left - 1,
    until: new Date(decidedAt.getTime() + reuse.withinMs),
  }
}
