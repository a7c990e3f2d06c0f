import { lookAlikes } from '../../../core/text/look-alikes.ts'
import { visible } from '../../../core/text/visible.ts'
import type { LedgerReads } from '../../../ledger/ledger.ts'
import type { Approval, ApprovalState, Grant } from '../../../ledger/records.ts'
import type { Plan, PlanWarning } from '../../../plan/plan.ts'
import { riskiestFirst } from '../../../plan/plan-difference.ts'
import type { Operator } from '../../operators/operator.ts'
import { undefinedIfCorrupt } from '../../read-grants.ts'
import { accessByClass, type ClassAccess, type FlagView, listFlags, pairLine } from './access-by-class.ts'
import { type PastGrant, recentGrants } from './agent-history.ts'
import { type AskingAgent, describeAgent, type RegistrationList } from './asking-agent.ts'
import { type BlastRadiusWords, describeBlastRadius } from './blast-radius-words.ts'
import { type ChangeClaim, describeChange } from './change-claim.ts'
import { type DecidersView, describeDeciders } from './deciders.ts'
import { compareWithLast, type LastApproved, type LastApprovedReads } from './last-approved.ts'
import { describeStop } from './stopped.ts'
import { CLASS_WORDS, countWords, durationWords } from './words.ts'

/**
 * What a person looks at before deciding on a waiting grant, in the order in which it is shown. Facts of the broker, but for
 * `agentSays`. All texts are fit for a screen.
 */
export interface ApprovalView {
  readonly verdict: VerdictBar
  readonly agent: AskingAgent
  readonly agentSays: AgentWords
  /** Also the agent's claim. Missing if the task has no change. */
  readonly change?: ChangeClaim
  readonly roleArn: string
  /** The time for which the credentials would work. */
  readonly duration: string
  readonly access: readonly ClassAccess[]
  /** Members of wildcards that are not in the plan, in words. */
  readonly notIncluded: readonly string[]
  readonly blastRadius: BlastRadiusWords
  /** Effects that revoking the grant would not undo or stop, in words. */
  readonly outlives: readonly string[]
  readonly flags: readonly FlagView[]
  /** The plan's own, and those of now. */
  readonly warnings: readonly string[]
  readonly deciders: DecidersView
  readonly lastApproved: LastApproved
  /** Newest first, ten at most. */
  readonly history: readonly PastGrant[]
  readonly sessionPolicy: SessionPolicyLayout
  readonly planHash: string
  readonly timeLeft: TimeLeft
}

/** The question in one look. */
export interface VerdictBar {
  /** The riskiest thing that is asked for, and how many others there are. */
  readonly what: string
  readonly agent: string
  readonly owner: string
  readonly expiresAt: Date
  readonly state: ApprovalState
  /** Where the question stands. */
  readonly sentence: string
  /** Set while the kill switch or a suspension keeps the agent from getting anything. */
  readonly stopped?: string
}

/** The agent's own words: nothing in here is checked. */
export interface AgentWords {
  readonly purpose: string
  readonly reference?: string
  /** Words, of these and of resources, that may be taken for others. */
  readonly lookAlikes: readonly string[]
}

/** The session policy laid out over several lines, without the Deny that ends each lease. */
export interface SessionPolicyLayout {
  readonly text: string
  readonly characters: number
  readonly limit: number
}

/** The time until nobody can decide any more. */
export interface TimeLeft {
  readonly seconds: number
  readonly words: string
}

/** Where the view comes from. */
export interface ViewSources {
  readonly ledger: LastApprovedReads & Pick<LedgerReads, 'listGrants' | 'firstRequestedAt' | 'holdsInForce'>
  readonly registrations: RegistrationList
}

/** An approval with what it is about, as of one instant. */
export interface Question {
  readonly approval: Approval
  readonly grant: Grant
  readonly plan: Plan
  /** Whether it can still be decided. */
  readonly open: boolean
  /** Warnings of now. */
  readonly warnings: readonly PlanWarning[]
  readonly now: Date
}

const SESSION_POLICY_LIMIT = 2_048

/** Resolves the view. Of the agent's past, a damaged row is said or left out; it does not keep anybody from deciding. */
export async function viewApproval(
  { ledger, registrations }: ViewSources,
  question: Question,
  operator: Operator,
  people: readonly Operator[],
): Promise<ApprovalView> {
  const { approval, grant, plan, now } = question
  const [stopped, firstRequestedAt, lastApproved, history] = await Promise.all([
    question.open ? describeStop(ledger, grant, plan) : undefined,
    undefinedIfCorrupt(ledger.firstRequestedAt(grant.subject)),
    compareWithLast(ledger, grant, plan),
    recentGrants(ledger, grant),
  ])
  const deciders = describeDeciders(question, operator, people)
  const leftMs = question.open ? approval.expiresAt.getTime() - now.getTime() : 0
  return {
    verdict: { ...describeVerdict(question, deciders), ...(stopped !== undefined && { stopped }) },
    agent: describeAgent(grant, registrations, { firstRequestedAt, now }),
    agentSays: quoteAgent(plan),
    ...(plan.task.change && { change: describeChange(plan.task.change) }),
    roleArn: plan.task.roleArn,
    duration: durationWords(plan.task.ttlSeconds * 1_000),
    access: accessByClass(plan),
    notIncluded: (plan.dropped ?? []).map(({ explanation, actions, count }) => {
      return `${explanation}: ${actions.join(', ')}${count > actions.length ? ' …' : ''}`
    }),
    blastRadius: describeBlastRadius(plan),
    outlives: plan.blastRadius.outlives.map(({ action, reason }) => `${action}: ${reason}`),
    flags: listFlags(plan),
    warnings: [...(plan.warnings ?? []), ...question.warnings].map(({ explanation }) => explanation),
    deciders,
    lastApproved,
    history,
    sessionPolicy: {
      text: layOut(plan.sessionPolicy),
      characters: plan.sessionPolicyCharacters,
      limit: SESSION_POLICY_LIMIT,
    },
    planHash: plan.hash,
    timeLeft: { seconds: Math.floor(leftMs / 1_000), words: question.open ? durationWords(leftMs) : 'none' },
  }
}

function describeVerdict({ approval, grant, plan, open }: Question, { requirements, votes }: DecidersView): VerdictBar {
  const { state, expiresAt } = approval
  return {
    what: describeRiskiest(plan),
    agent: grant.subject,
    owner: `${grant.owner} (team ${grant.team})`,
    expiresAt,
    state: open || state !== 'pending' ? state : 'expired',
    sentence: open
      ? `waiting for ${requirements.map(({ sentence }) => sentence).join(', and for ')}`
      : describeOutcome(approval, votes),
  }
}

function describeOutcome({ state, voided }: Approval, votes: DecidersView['votes']): string {
  if (voided) return `voided: ${voided.changes.join(' ')}`
  const words = votes.map(({ by, verdict, at }) => {
    return `${verdict === 'approve' ? 'approved' : 'rejected'} by ${by} at ${at.toISOString()}`
  })
  if (state === 'pending' || state === 'expired') return 'expired: nobody decided in time'
  return words.join('; ') || state
}

/** The riskiest pair in words, and how many others the plan has. */
export function describeRiskiest(plan: Plan): string {
  const [first] = riskiestFirst(plan.pairs)
  if (!first) return 'nothing'
  const others = plan.pairs.length - 1
  return `${CLASS_WORDS[first.class]}: ${pairLine(first)}${others > 0 ? `, and ${countWords(others, 'other pair')}` : ''}`
}

function quoteAgent({ task, pairs }: Plan): AgentWords {
  const conditions = pairs.flatMap(({ conditions = [] }) => conditions.flatMap(({ key, values }) => [key, ...values]))
  const texts = [task.purpose, task.reference ?? '', ...pairs.map(({ resource }) => resource), ...conditions]
  return {
    purpose: visible(task.purpose),
    ...(task.reference !== undefined && { reference: visible(task.reference) }),
    lookAlikes: lookAlikes(texts.join('\n')).map(({ word, why }) => `${visible(word)} ${why}`),
  }
}

/** The same JSON over several lines; as it is where it is none, since it is what somebody has to see. */
function layOut(policy: string): string {
  try {
    return JSON.stringify(JSON.parse(policy), undefined, 2).split('\n').map(visible).join('\n')
  } catch {
    return visible(policy)
  }
}
