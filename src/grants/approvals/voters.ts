import { StintError } from '../../core/errors.ts'
import { toVoterKey } from '../../ledger/approvals/vote.ts'
import type { Grant } from '../../ledger/records.ts'
import { type ApprovalRequirement, VOTE_ASSURANCES, type VoteAssurance } from '../../policy/decision.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import { hasRole, type Operator } from '../operators/operator.ts'
import { isInScope, type ScopeTarget } from '../operators/operator-scope.ts'

/** The agents and owners that a question is about. */
export interface Concerned {
  /** The agent that asked, and everyone on whose behalf it acts. Whoever runs one of them has no vote. */
  readonly subjects: readonly string[]
  /** Owners of the registration, as it was and as it is. */
  readonly owners: readonly string[]
  /** The grant: whoever has a scope that leaves it out has no vote. */
  readonly target: ScopeTarget
}

/** The part of a grant that decides who may vote on it. */
export type AskedGrant = Pick<Grant, 'subject' | 'owner' | 'team' | 'roleArn'>

/** Why a vote does not count. `unknown`: its voter is no operator with a valid token any more. */
export const OBSTACLES = ['unknown', 'role', 'scope', 'own_agent', 'group', 'owner', 'assurance'] as const
/** One of `OBSTACLES`. */
export type ObstacleKind = (typeof OBSTACLES)[number]

/** Why a vote does not count, for a program and in words. */
export interface Obstacle {
  readonly reason: ObstacleKind
  readonly explanation: string
}

/** The error of a vote that an obstacle keeps from counting. */
export function toVoteError({ reason, explanation }: Obstacle): StintError {
  return new StintError(toVoteErrorCode(reason), { explanation, reason })
}

/** The code of `toVoteError`. */
export function toVoteErrorCode(reason: ObstacleKind): 'STEP_UP_REQUIRED' | 'APPROVAL_NOT_ELIGIBLE' {
  return reason === 'assurance' ? 'STEP_UP_REQUIRED' : 'APPROVAL_NOT_ELIGIBLE'
}

/** The agents and owners of a grant. @param ownerNow of its registration of now, if it was looked up */
export function findConcerned({ subject, owner, team, roleArn }: AskedGrant, ownerNow?: string): Concerned {
  const owners = ownerNow === undefined || ownerNow === owner ? [owner] : [owner, ownerNow]
  return { subjects: [subject], owners, target: { team, roleArn } }
}

/**
 * Why a person's vote does not count on a question: the wrong role or scope, its own agent, or something about each requirement. Undefined if
 * it counts towards some requirement.
 *
 * @param assurance of the vote; undefined: it is not considered, e.g. since a rejection takes none.
 */
export function findObstacle(
  operator: Operator,
  concerned: Concerned,
  requirements: readonly ApprovalRequirement[],
  assurance?: VoteAssurance,
): Obstacle | undefined {
  const bar = findBar(operator, concerned)
  if (bar) return bar
  const obstacles = requirements.map((requirement) => findObstacleTo(operator, concerned, requirement, assurance))
  if (obstacles.length === 0 || obstacles.includes(undefined)) return undefined
  // The requirement that is closest to being met: somebody of the right group, or with the right proof.
  const nearest = [...OBSTACLES].reverse().flatMap((kind) => obstacles.find((one) => one?.reason === kind) ?? [])[0]
  return nearest?.reason === 'group' ? explainGroups(requirements) : nearest
}

/** Why a person's vote does not count towards one requirement; undefined if it does. */
export function findObstacleTo(
  operator: Operator,
  concerned: Concerned,
  { anyOf, exclude = [], assurance: least = VOTE_ASSURANCES[0], because }: ApprovalRequirement,
  assurance?: VoteAssurance,
): Obstacle | undefined {
  const bar = findBar(operator, concerned)
  if (bar) return bar
  const by = `(required by ${because.join(', ')})`
  if (!anyOf.includes('any') && !anyOf.some((group) => operator.groups.includes(group)))
    return { reason: 'group', explanation: `A member of ${anyOf.join(' or ')} must decide ${by}.` }
  if (exclude.includes('owner') && isOwner(operator, concerned.owners))
    return { reason: 'owner', explanation: `The owner of the agent may not approve ${by}; somebody else must decide.` }
  if (assurance !== undefined && VOTE_ASSURANCES.indexOf(assurance) < VOTE_ASSURANCES.indexOf(least))
    return {
      reason: 'assurance',
      explanation: `An approval of this plan needs the assurance ${least}, and a vote by bearer token has ${assurance} (approvals.minimumAssurance).`,
    }
  return undefined
}

/** Why a person has no vote on a question at all: the wrong role or scope, or its own agent. Undefined if it may have one. */
export function findBar(operator: Operator, { subjects, target }: Concerned): Obstacle | undefined {
  if (!hasRole(operator, 'approver'))
    return { reason: 'role', explanation: 'Approving or rejecting requires the approver role.' }
  if (!isInScope(operator, target))
    return { reason: 'scope', explanation: 'The grant is out of the scope of this operator.' }
  const runs = (subject: string) =>
    operator.name === subject || operator.subjects.some((match) => matchCovers(match, subject))
  if (!subjects.some(runs)) return undefined
  return {
    reason: 'own_agent',
    explanation: 'Operators cannot approve for their own agents; somebody else must decide.',
  }
}

/** An owner is a person, or a group of which the operator is a member. */
function isOwner({ name, groups }: Operator, owners: readonly string[]): boolean {
  const keys = [name, ...groups].map(toVoterKey)
  return owners.some((owner) => keys.includes(toVoterKey(owner)))
}

function explainGroups(requirements: readonly ApprovalRequirement[]): Obstacle {
  const wanted = requirements.map(({ anyOf, because }) => `${anyOf.join(' or ')} (required by ${because.join(', ')})`)
  const [only] = requirements
  const explanation =
    wanted.length === 1 && only
      ? `A member of ${only.anyOf.join(' or ')} must decide (required by ${only.because.join(', ')}).`
      : `A member of one of these must decide: ${wanted.join('; ')}.`
  return { reason: 'group', explanation }
}
