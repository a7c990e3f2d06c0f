import type { Approval, Grant } from '../../../ledger/records.ts'
import type { ApprovalRequirement } from '../../../policy/decision.ts'
import { explainIneligible } from '../../operators/eligibility.ts'
import type { Operator } from '../../operators/operator.ts'

/** What policy asks of people, and who they are. */
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
  /** Names of the other operators who could decide now; empty once it is decided. */
  readonly others: readonly string[]
  /** Set while it is open and nobody could decide it. */
  readonly alarm?: string
}

/** One requirement, in words too. */
export interface RequirementView extends ApprovalRequirement {
  readonly sentence: string
}

/** One person's word. */
export interface VoteView {
  readonly by: string
  readonly verdict: 'approve' | 'reject'
  readonly at: Date
  /** The operator's own words. */
  readonly note?: string
}

/** @param open whether it can still be decided. */
export function describeDeciders(
  { grant, approval, open }: { readonly grant: Grant; readonly approval: Approval; readonly open: boolean },
  operator: Operator,
  people: readonly Operator[],
): DecidersView {
  const { requirements } = approval
  const ineligible = open ? explainIneligible(operator, grant, requirements) : closedReason(approval)
  const able = open ? people.filter((one) => explainIneligible(one, grant, requirements) === undefined) : []
  return {
    determiningPolicies: grant.decision.determiningPolicies,
    requirements: requirements.map((one) => ({ ...one, sentence: describeRequirement(one) })),
    waived: (grant.decision.waivers ?? []).map(
      ({ policy, reason, because }) => `by ${policy} (${because.join(', ')}): ${reason}`,
    ),
    votes: votesOf(approval),
    canDecide: ineligible === undefined,
    ...(ineligible !== undefined && { whyNot: ineligible }),
    others: able.map(({ name }) => name).filter((name) => name !== operator.name),
    ...(open && able.length === 0 && { alarm: describeAlarm(approval) }),
  }
}

/** Why nobody can decide any more. */
export function closedReason({ state }: Pick<Approval, 'state'>): string {
  if (state === 'expired' || state === 'pending') return 'Nobody decided in time; the agent must ask again.'
  return `It is already ${state}, and the decision is final.`
}

function describeRequirement({ anyOf, because }: ApprovalRequirement): string {
  const who = anyOf.includes('any') ? 'any approver' : `a member of ${anyOf.join(' or ')}`
  return `${who} (asked for by ${because.join(', ')})`
}

function votesOf({ state, decidedBy, decidedAt, note }: Approval): VoteView[] {
  if (!decidedBy || !decidedAt || (state !== 'approved' && state !== 'rejected')) return []
  const verdict = state === 'approved' ? 'approve' : 'reject'
  return [{ by: decidedBy, verdict, at: decidedAt, ...(note !== undefined && { note }) }]
}

function describeAlarm({ requirements, expiresAt }: Approval): string {
  const groups = [...new Set(requirements.flatMap(({ anyOf }) => anyOf))].join(', ')
  return `Nobody can decide this: no operator in these groups (${groups}) has the role approver, a valid token and nothing to do with the agent. It expires at ${expiresAt.toISOString()} unless an admin adds one.`
}
