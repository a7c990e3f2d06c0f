import type { Approval, Grant } from '../../../ledger/records.ts'
import type { ApprovalRequirement } from '../../../policy/decision.ts'
import type { Operator } from '../../operators/operator.ts'
import { describeTally, type RequirementView as TallyRequirement, type TallyView } from '../describe-tally.ts'
import { describeVoid } from '../void-approval.ts'

/** The approvals that policy requires, and the people who can give them. */
export interface DecidersView {
  /** The policies that permit it, provided that somebody approves. */
  readonly determiningPolicies: readonly string[]
  readonly requirements: readonly RequirementView[]
  /** Approvals that a policy waived, in words. */
  readonly waived: readonly string[]
  readonly votes: readonly VoteView[]
  /** Whether the operator who looks can decide, and if not the reason. */
  readonly canDecide: boolean
  readonly whyNot?: string
  /** Names of the other operators who could vote now and have not; empty once it is decided. */
  readonly others: readonly string[]
  /** Number of people beside those of `others`. */
  readonly moreOthers: number
  /** Set while it is open and those who could vote are too few. */
  readonly alarm?: string
}

/** One requirement, in words too. */
export interface RequirementView extends ApprovalRequirement {
  readonly sentence: string
  /** People whose approvals count. */
  readonly approvedBy: readonly string[]
  /** Number of further people who must approve. */
  readonly missing: number
}

/** One person's word. */
export interface VoteView {
  readonly by: string
  readonly verdict: 'approve' | 'reject'
  readonly at: Date
  /** The operator's own words. */
  readonly note?: string
  /** Its channel; missing, like the assurance, for a decision from before votes were recorded. */
  readonly channel?: string
  readonly assurance?: string
  /** Why it counts no more. */
  readonly lost?: string
}

/** @param open whether it can still be decided. */
export function describeDeciders(
  {
    grant,
    approval,
    open,
    now,
  }: { readonly grant: Grant; readonly approval: Approval; readonly open: boolean; readonly now: Date },
  operator: Operator,
  people: readonly Operator[],
): DecidersView {
  const tally = describeTally({ approval, grant, people, now }, operator)
  const whyNot = open ? tally.you.approve.explanation : closedReason(approval)
  const others = new Set(tally.requirements.flatMap(({ couldApprove }) => couldApprove))
  const alarm = open ? describeAlarm(approval, tally) : undefined
  return {
    determiningPolicies: grant.decision.determiningPolicies,
    requirements: tally.requirements.map(toRequirementView),
    waived: (grant.decision.waivers ?? []).map(
      ({ policy, reason, because }) => `by ${policy} (${because.join(', ')}): ${reason}`,
    ),
    votes: listVotes(approval, tally),
    canDecide: whyNot === undefined,
    ...(whyNot !== undefined && { whyNot }),
    others: [...others].filter((name) => name !== operator.name).sort(),
    moreOthers: Math.max(0, ...tally.requirements.map(({ couldApproveMore }) => couldApproveMore)),
    ...(alarm !== undefined && { alarm }),
  }
}

/** Why nobody can decide any more. */
export function closedReason({ state, voided }: Pick<Approval, 'state' | 'voided'>): string {
  if (state === 'voided') return `${describeVoid(voided)}; the agent must ask again.`
  if (state === 'expired' || state === 'pending') return 'Nobody decided in time; the agent must ask again.'
  return `It is already ${state}, and the decision is final.`
}

/** One requirement, in words. */
export function describeRequirement({
  anyOf,
  count = 1,
  exclude = [],
  assurance,
  because,
}: ApprovalRequirement): string {
  const groups = anyOf.includes('any') ? undefined : anyOf.join(' or ')
  const one = groups === undefined ? 'any approver' : `a member of ${groups}`
  const several = groups === undefined ? `${count} approvers` : `${count} members of ${groups}`
  const but = exclude.includes('owner') ? ' other than the owner' : ''
  const proof = assurance ? ` with the assurance ${assurance}` : ''
  return `${count === 1 ? one : several}${but}${proof} (asked for by ${because.join(', ')})`
}

function toRequirementView({
  anyOf,
  count,
  exclude,
  assurance,
  because,
  approvedBy,
  missing,
}: TallyRequirement): RequirementView {
  const asked = { anyOf, count, ...(exclude.length > 0 && { exclude }), ...(assurance && { assurance }), because }
  const progress = approvedBy.length > 0 ? `; approved by ${approvedBy.join(', ')}, ${missing} missing` : ''
  return { ...asked, sentence: `${describeRequirement(asked)}${progress}`, approvedBy, missing }
}

function listVotes({ votes, state, decidedBy, decidedAt, note }: Approval, tally: TallyView): VoteView[] {
  if (votes.length > 0)
    return tally.votes.map(({ voter, verdict, at, channel, assurance, obstacle, ...vote }) => ({
      ...{ by: `operator:${voter}`, verdict, at, note: vote.note, channel, assurance },
      ...(obstacle && { lost: obstacle.explanation }),
    }))
  // A revocation while it waited, or a decision from before votes were recorded.
  if (!decidedBy || !decidedAt || (state !== 'approved' && state !== 'rejected')) return []
  const verdict = state === 'approved' ? 'approve' : 'reject'
  return [{ by: decidedBy, verdict, at: decidedAt, ...(note !== undefined && { note }) }]
}

function describeAlarm({ requirements, expiresAt }: Approval, tally: TallyView): string | undefined {
  const short = tally.requirements.filter(({ canBeMet }) => !canBeMet)
  if (short.length === 0) return undefined
  const until = `It expires at ${expiresAt.toISOString()} unless an admin adds`
  const groups = [...new Set(requirements.flatMap(({ anyOf }) => anyOf))].join(', ')
  if (short.some(({ assurance }) => assurance !== undefined))
    return `Nobody can approve this: it needs an assurance that no vote can have yet (approvals.minimumAssurance). It expires at ${expiresAt.toISOString()}.`
  if (tally.requirements.every(({ couldApprove }) => couldApprove.length === 0))
    return `Nobody can decide this: no operator in these groups (${groups}) has the role approver, a valid token and nothing to do with the agent. ${until} one.`
  const wants = short.map(({ anyOf, missing, couldApprove, couldApproveMore }) => {
    return `${missing} more of ${anyOf.join(' or ')}, and ${couldApprove.length + couldApproveMore} could`
  })
  return `Too few people can decide this: it needs ${wants.join('; ')}. ${until} more.`
}
