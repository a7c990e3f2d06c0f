import { toVoterKey, type Vote } from '../../ledger/approvals/vote.ts'
import { type Tally, tallyVotes } from '../../ledger/rules/approval-rules.ts'
import { type ApprovalRequirement, VOTE_ASSURANCES, type VoteAssurance } from '../../policy/decision.ts'
import type { Operator } from '../operators/operator.ts'
import { type Concerned, findObstacle, findObstacleTo, type Obstacle } from './voters.ts'

/** A question as it stands at one instant. */
export interface Question {
  readonly concerned: Concerned
  readonly requirements: readonly ApprovalRequirement[]
  readonly votes: readonly Vote[]
  /** The operators of now: a vote counts only as far as its voter could cast it now. */
  readonly people: readonly Operator[]
}

/** Counts the votes of a question by the people of now. */
export function countVotes({ concerned, requirements, votes, people }: Question): Tally {
  const directory = toDirectory(people)
  return tallyVotes(requirements, votes, (vote, requirement) => {
    const operator = directory.get(toVoterKey(vote.voter))
    return operator !== undefined && findObstacleTo(operator, concerned, requirement, vote.assurance) === undefined
  })
}

/** Why a vote that was cast counts towards nothing now; undefined if it counts. A rejection always counts. */
export function findLoss(
  { concerned, requirements, people }: Omit<Question, 'votes'>,
  vote: Vote,
): Obstacle | undefined {
  if (vote.verdict === 'reject') return undefined
  const operator = toDirectory(people).get(toVoterKey(vote.voter))
  if (operator) return findObstacle(operator, concerned, requirements, vote.assurance)
  const explanation = `${vote.voter} is no longer an operator with a token that has not expired.`
  return { reason: 'unknown', explanation }
}

/** The operators by the name that their votes have. */
export function toDirectory(people: readonly Operator[]): ReadonlyMap<string, Operator> {
  return new Map(people.map((operator) => [toVoterKey(operator.name), operator]))
}

/**
 * The requirements that hold now and those that were asked for, as one list. Of two for the same people, the larger number and the
 * stronger assurance hold.
 */
export function joinRequirements(
  ...lists: readonly (readonly ApprovalRequirement[])[]
): readonly ApprovalRequirement[] {
  const joined = new Map<string, ApprovalRequirement>()
  for (const requirement of lists.flat()) {
    const key = JSON.stringify([requirement.anyOf, requirement.exclude ?? []])
    const earlier = joined.get(key)
    joined.set(key, earlier ? stricter(earlier, requirement) : requirement)
  }
  return [...joined.values()]
}

function stricter(one: ApprovalRequirement, other: ApprovalRequirement): ApprovalRequirement {
  const count = Math.max(one.count ?? 1, other.count ?? 1)
  const assurance = strongest(one.assurance, other.assurance)
  const because = [...new Set([...one.because, ...other.because])].sort()
  const { anyOf, exclude } = one
  return { anyOf, ...(count > 1 && { count }), ...(exclude && { exclude }), ...(assurance && { assurance }), because }
}

function strongest(one: VoteAssurance | undefined, other: VoteAssurance | undefined): VoteAssurance | undefined {
  if (!one || !other) return one ?? other
  return VOTE_ASSURANCES.indexOf(one) > VOTE_ASSURANCES.indexOf(other) ? one : other
}
