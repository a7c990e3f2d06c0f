import type { ErrorCode } from '../../core/errors.ts'
import type { Verdict, Vote } from '../../ledger/approvals/vote.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import { findVote, neededVotes, type RequirementTally } from '../../ledger/rules/approval-rules.ts'
import { type ApprovalRequirement, ATTAINABLE_ASSURANCE, type VoteAssurance } from '../../policy/decision.ts'
import type { Operator } from '../operators/operator.ts'
import { countAnswerers } from '../operators/who-can-answer.ts'
import { countVotes, findLoss, joinRequirements, type Question } from './count-votes.ts'
import { describeVoid } from './void-approval.ts'
import {
  type Concerned,
  findConcerned,
  findObstacle,
  findObstacleTo,
  type Obstacle,
  type ObstacleKind,
  toVoteErrorCode,
} from './voters.ts'

/** Most names in one list. */
const MAX_NAMED = 20

/** The votes on an approval and what is still missing, as one person sees them. */
export interface TallyView {
  /** True if the votes on record are enough; an approval that is over keeps the outcome that it had. */
  readonly isMet: boolean
  readonly requirements: readonly RequirementView[]
  /** In the order in which they were cast. */
  readonly votes: readonly VoteView[]
  /** People whose vote would count now. 0 if the question is over, or if all of them could not complete it. */
  readonly couldDecide: number
  /** The acts that the asking person may perform now. */
  readonly you: { readonly voted?: Verdict; readonly approve: Permission; readonly reject: Permission }
}

/** One requirement, and how far it is met. */
export interface RequirementView {
  readonly anyOf: readonly string[]
  /** Number of different people. */
  readonly count: number
  readonly exclude: NonNullable<ApprovalRequirement['exclude']>
  readonly assurance?: VoteAssurance
  readonly because: readonly string[]
  /** People whose approvals count. */
  readonly approvedBy: readonly string[]
  /** Number of further people who must approve. */
  readonly missing: number
  /** The first of the people who could approve and have not; empty if the question is over. */
  readonly couldApprove: readonly string[]
  /** Number of people beside them. */
  readonly couldApproveMore: number
  /** True if the votes on record and these people are enough. */
  readonly canBeMet: boolean
}

/** A vote, and whether it counts now. */
export interface VoteView extends Omit<Vote, 'groups' | 'planHash'> {
  readonly counts: boolean
  /** Why it counts no more. */
  readonly obstacle?: Obstacle
}

/** Whether a person may vote, as the vote itself would find out. */
export interface Permission {
  readonly allowed: boolean
  /** The error that the vote would get. */
  readonly code?: ErrorCode
  readonly reason?: ObstacleKind
  readonly explanation?: string
}

/** The inputs of a tally's description. */
export interface TallyInput {
  readonly approval: Approval
  readonly grant: Grant
  /** The operators of now. */
  readonly people: readonly Operator[]
  readonly now: Date
  /** The current requirements and the current owner, if they were looked up. */
  readonly ruled?: { readonly requirements: readonly ApprovalRequirement[]; readonly owner: string }
}

/** Describes the votes on an approval as an operator sees them. It enforces nothing, and asks what enforces. */
export function describeTally(
  { approval, grant, people, now, ruled }: TallyInput,
  operator: Operator,
  assurance: VoteAssurance = ATTAINABLE_ASSURANCE,
): TallyView {
  const { votes } = approval
  const over = describeOver(approval, grant, now)
  const concerned = findConcerned(grant, ruled?.owner)
  const requirements = joinRequirements(approval.requirements, over ? [] : (ruled?.requirements ?? []))
  const question: Question = { concerned, requirements, votes, people }
  const tally = countVotes(question)
  const voted = findVote(votes, operator.name)?.verdict
  return {
    isMet: approval.state === 'approved' || tally.isMet,
    requirements: tally.requirements.map((counted) => describeRequirement(counted, question, over !== undefined)),
    votes: votes.map((vote) => describeVote(vote, over ? undefined : findLoss(question, vote))),
    couldDecide: over ? 0 : countAnswerers(people, grant, requirements),
    you: {
      ...(voted && { voted }),
      approve: over ?? toPermission(findObstacle(operator, concerned, requirements, assurance)),
      reject: over ?? toPermission(findObstacle(operator, concerned, approval.requirements)),
    },
  }
}

function describeOver({ state, expiresAt, voided }: Approval, grant: Grant, now: Date): Permission | undefined {
  const over = (code: ErrorCode, explanation: string): Permission => ({ allowed: false, code, explanation })
  if (state === 'voided') return over('APPROVAL_VOIDED', `${describeVoid(voided)}.`)
  if (state === 'expired' || (state === 'pending' && expiresAt <= now))
    return over('APPROVAL_EXPIRED', 'The question expired before it was decided.')
  if (state === 'pending' && grant.state === 'awaiting_approval') return undefined
  return over('APPROVAL_DECIDED', `The approval is already ${state}.`)
}

function describeRequirement(
  { requirement, voters, missing }: RequirementTally,
  { concerned, people, votes }: Question,
  isOver: boolean,
): RequirementView {
  const { anyOf, exclude = [], assurance, because } = requirement
  const others = isOver ? [] : listOthers(requirement, concerned, people, votes)
  return {
    anyOf,
    count: neededVotes(requirement),
    exclude,
    ...(assurance && { assurance }),
    because,
    approvedBy: voters,
    missing,
    couldApprove: others.slice(0, MAX_NAMED),
    couldApproveMore: Math.max(0, others.length - MAX_NAMED),
    canBeMet: missing <= others.length,
  }
}

/** The people who could still meet a requirement; sorted. */
function listOthers(
  requirement: ApprovalRequirement,
  concerned: Concerned,
  people: readonly Operator[],
  votes: readonly Vote[],
): string[] {
  return people
    .filter((operator) => findVote(votes, operator.name) === undefined)
    .filter((operator) => findObstacleTo(operator, concerned, requirement, ATTAINABLE_ASSURANCE) === undefined)
    .map(({ name }) => name)
    .sort()
}

function describeVote({ groups: _g, planHash: _p, ...vote }: Vote, obstacle: Obstacle | undefined): VoteView {
  return { ...vote, counts: obstacle === undefined, ...(obstacle && { obstacle }) }
}

function toPermission(obstacle: Obstacle | undefined): Permission {
  if (!obstacle) return { allowed: true }
  return { allowed: false, code: toVoteErrorCode(obstacle.reason), ...obstacle }
}
