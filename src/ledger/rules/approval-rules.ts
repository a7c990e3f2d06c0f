import type { ApprovalRequirement } from '../../policy/decision.ts'
import { toVoterKey, type Vote } from '../approvals/vote.ts'
import type { GrantMove } from '../ledger.ts'
import type { Approval } from '../records.ts'
import { conflict, misuse } from './rule-errors.ts'

/** The votes on a question, counted. */
export interface Tally {
  /** True if every requirement is met and nobody has rejected. */
  readonly isMet: boolean
  /** In the order of the requirements that were given. */
  readonly requirements: readonly RequirementTally[]
}

/** The votes that count towards one requirement. */
export interface RequirementTally {
  readonly requirement: ApprovalRequirement
  /** Different people whose approval counts; sorted. */
  readonly voters: readonly string[]
  /** Number of further people who must approve. */
  readonly missing: number
}

/** The requirement of a question that names none: somebody must have said yes. */
const ANYBODY: ApprovalRequirement = { anyOf: ['any'], because: [] }

/** The number of people that a requirement asks for. */
export function neededVotes({ count = 1 }: Pick<ApprovalRequirement, 'count'>): number {
  return count
}

/**
 * Counts votes. The order of the votes does not matter, nor how often a person is among them: a person counts once towards a
 * requirement, and may count towards several.
 *
 * @param counts whether an approval counts towards a requirement, e.g. by the groups that its voter has now.
 */
export function tallyVotes(
  requirements: readonly ApprovalRequirement[],
  votes: readonly Vote[],
  counts: (vote: Vote, requirement: ApprovalRequirement) => boolean,
): Tally {
  const approvals = votes.filter(({ verdict }) => verdict === 'approve')
  const rejected = votes.length > approvals.length
  const counted = (requirements.length > 0 ? requirements : [ANYBODY]).map((requirement): RequirementTally => {
    const people = new Map(
      approvals.filter((vote) => counts(vote, requirement)).map(({ voter }) => [toVoterKey(voter), voter]),
    )
    const missing = Math.max(0, neededVotes(requirement) - people.size)
    return { requirement, voters: [...people.values()].sort(), missing }
  })
  return { isMet: !rejected && counted.every(({ missing }) => missing === 0), requirements: counted }
}

/** The vote of a person, if there is one. */
export function findVote(votes: readonly Vote[], voter: string): Vote | undefined {
  return votes.find((vote) => toVoterKey(vote.voter) === toVoterKey(voter))
}

/**
 * An approval after a move of its grant: with a further vote, ended, or both. Only the grant's own move changes it, so both change
 * together or not at all; and since every vote moves the grant, of two votes that were cast on the same state one is refused.
 *
 * @throws {StintError} LEDGER_CONFLICT if the question is over, or this very vote is on record.
 */
export function movedApproval(
  approval: Approval | undefined,
  grantId: string,
  { vote, approval: to }: Pick<GrantMove, 'vote' | 'approval'>,
): Approval {
  if (approval?.state !== 'pending') throw conflict('The grant has no approval that is still pending.', { grantId })
  const votes = vote ? withVote(approval, grantId, vote) : approval.votes
  if (to?.state === 'approved') checkQuorum(approval, grantId, votes)
  if (to && (to.state === 'voided') !== (to.voided !== undefined))
    throw misuse('An approval is voided exactly with the reason for it.', grantId)
  const ended = to && Object.fromEntries(Object.entries(to).filter(([, value]) => value !== undefined))
  return { ...approval, ...ended, votes, version: approval.version + 1 }
}

/** A person has one vote. A rejection is final, so the only vote that a person can change is an approval. */
function withVote(approval: Approval, grantId: string, vote: Vote): readonly Vote[] {
  if (vote.planHash !== approval.planHash) throw misuse('The vote is for another plan.', grantId)
  if (vote.at >= approval.expiresAt) throw conflict('The question had expired when the vote was cast.', { grantId })
  const earlier = findVote(approval.votes, vote.voter)
  if (earlier?.verdict === vote.verdict) throw conflict('The vote is on record already.', { grantId })
  return [...approval.votes.filter((other) => other !== earlier), vote]
}

/**
 * Whether each vote counts is decided by whoever knows the people of now. This is what holds without them: a question that several
 * people must answer is not approved by fewer.
 */
function checkQuorum({ requirements }: Approval, grantId: string, votes: readonly Vote[]): void {
  const needed = Math.max(0, ...requirements.map(neededVotes))
  if (needed <= 1) return
  const { isMet } = tallyVotes([{ ...ANYBODY, count: needed }], votes, () => true)
  if (!isMet) throw misuse(`The approval needs the votes of ${needed} people.`, grantId)
}
