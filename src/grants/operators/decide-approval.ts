import type { Clock } from '../../core/clock.ts'
import type { ClockGuard } from '../../core/clock-guard.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { isId } from '../../core/ids.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { Verdict, Vote, VoteChannel } from '../../ledger/approvals/vote.ts'
import { type AuditEventInput, auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { GrantMove, Ledger } from '../../ledger/ledger.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import { findVote, movedApproval, type Tally } from '../../ledger/rules/approval-rules.ts'
import { toRegistered, touchedLabels } from '../../ledger/rules/hold-rules.ts'
import type { VoteAssurance } from '../../policy/decision.ts'
import { countVotes, joinRequirements } from '../approvals/count-votes.ts'
import { voidApproval, voidedError } from '../approvals/void-approval.ts'
import { findBar, findConcerned, findObstacle, type Obstacle, toVoteError } from '../approvals/voters.ts'
import { type Judge, type Judgement, toDeniedError } from '../judge.ts'
import type { LifeSettings } from '../lifecycle.ts'
import { describeWaivers } from '../open-grant.ts'
import { loadPlan, retryOnConflict } from '../read-grants.ts'
import type { WatchHub } from '../watching/watch-hub.ts'
import type { Operator } from './operator.ts'
import type { People } from './who-can-answer.ts'

/** Each conflict is another person's vote, or the end of the question. */
const ATTEMPTS_AT_A_VOTE = 20

/** Dependencies of voting on an approval. */
export interface DecideParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly clockGuard: ClockGuard
  readonly judge: Judge
  readonly hub: WatchHub
  readonly settings: Pick<LifeSettings, 'claimMs'>
  readonly people: People
  /** True if a trust domain has a bundle with at least one authority now. */
  readonly trust: { isTrusted(trustDomain: string): boolean }
}

/** A person's answer: to the plan with this hash, with the person's own words. */
export interface ApprovalAnswer {
  readonly verdict: Verdict
  readonly planHash: string
  readonly note: string
  /** The channel and assurance of the vote; default: by a bearer token. */
  readonly via?: { readonly channel: VoteChannel; readonly assurance: VoteAssurance }
}

const BY_TOKEN = { channel: 'token', assurance: 'no_step_up' } as const

/** A question with its grant. */
interface Asked {
  readonly approval: Approval
  readonly grant: Grant
}

/**
 * Records a person's vote. A rejection ends the question; an approval does when it completes what was asked for and what the rules
 * of now ask for. Votes count as far as the people of now could cast them. The write names the version of the grant whose votes were
 * counted, so of two votes at once the later one counts the earlier one too, and exactly one completes the question.
 *
 * A repeat of the same vote changes nothing, but completes the question if the votes on record are enough by now. An approve that
 * the rules of now do not allow is on record and leaves the question open, unless the plan has changed: that voids it.
 */
export function decideApproval(
  parts: DecideParts,
  operator: Operator,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<Asked> {
  return retryOnConflict(() => vote(parts, operator, approvalId, answer), ATTEMPTS_AT_A_VOTE)
}

async function vote(
  parts: DecideParts,
  operator: Operator,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<Asked> {
  const { ledger, clock, hub } = parts
  const now = clock.now()
  const asked = await loadApproval(ledger, approvalId)
  const { approval, grant } = asked
  if (isRepeat(asked, operator, answer)) return asked
  // By a clock that jumped, nothing has expired.
  if (answer.verdict === 'approve' && approval.expiresAt <= now) parts.clockGuard.check(now)
  requireOpen(asked, now)
  requireSamePlan(approval, answer.planHash)
  const actor = operatorActor(operator)
  const cast = { asked, operator, answer, vote: toVote(operator, answer, now), actor, now }
  let move: VoteMove | undefined
  try {
    move = answer.verdict === 'approve' ? await describeApproving(parts, cast) : describeRejecting(cast)
  } catch (thrown) {
    const error = asStintError(thrown)
    // The reason for voiding is recorded with the question, and a conflict is tried again.
    if (error.code === 'APPROVAL_VOIDED' || error.code === 'LEDGER_CONFLICT') throw error
    const data = { approvalId, verdict: answer.verdict, code: error.code }
    await ledger.appendEvents([auditEvent('approval.refused', { at: now, actor, grantId: grant.id, data })])
    throw error
  }
  if (!move) return asked
  failpoint('approve.before_record')
  const moved = await ledger.moveGrant(move)
  failpoint('approve.after_record')
  hub.changed(grant.id)
  // The move changed it in the unit of the grant, by the same rule.
  return { approval: movedApproval(approval, grant.id, move), grant: moved }
}

async function loadApproval(ledger: Pick<Ledger, 'getApproval' | 'getGrant'>, approvalId: string): Promise<Asked> {
  const approval = isId('apr', approvalId) ? await ledger.getApproval(approvalId) : undefined
  const grant = approval && (await ledger.getGrant(approval.grantId))
  if (approval && grant) return { approval, grant }
  throw new StintError('APPROVAL_NOT_FOUND', {
    explanation: 'No approval has this id; an id is apr_ and 26 characters.',
  })
}

/** The same person's same word on a question that ended as that word wanted: the person may not have got the answer. */
function isRepeat({ approval }: Asked, { name }: Operator, { verdict, planHash }: ApprovalAnswer): boolean {
  const wanted = verdict === 'approve' ? 'approved' : 'rejected'
  return (
    approval.state === wanted && approval.planHash === planHash && findVote(approval.votes, name)?.verdict === verdict
  )
}

function requireOpen({ approval, grant }: Asked, now: Date): void {
  const { id: approvalId, state, voided } = approval
  if (voided) throw voidedError(approval, voided)
  if (state === 'expired' || (state === 'pending' && approval.expiresAt <= now)) {
    throw new StintError('APPROVAL_EXPIRED', {
      approvalId,
      explanation: 'The question expired before it was decided; the agent must request a new grant.',
    })
  }
  if (state === 'pending' && grant.state === 'awaiting_approval') return
  throw new StintError('APPROVAL_DECIDED', {
    approvalId,
    state,
    explanation: `The approval is already ${state}, and the decision is final.`,
  })
}

function requireSamePlan({ id: approvalId, planHash }: Approval, shown: string): void {
  if (shown === planHash) return
  const explanation =
    'planHash differs from the hash of the pending plan; read the approval again and decide on the plan it shows.'
  throw new StintError('APPROVAL_STALE', { approvalId, planHash, explanation })
}

function toVote(
  { name, groups }: Operator,
  { verdict, planHash, note, via = BY_TOKEN }: ApprovalAnswer,
  at: Date,
): Vote {
  const { channel, assurance } = via
  return { voter: name, verdict, at, channel, assurance, note, planHash, groups }
}

/** A vote on its way to the record. */
interface Cast {
  readonly asked: Asked
  readonly operator: Operator
  readonly answer: ApprovalAnswer
  readonly vote: Vote
  readonly actor: `operator:${string}`
  readonly now: Date
}

/** A move that records a vote, ends the question, or both. */
type VoteMove = GrantMove

/** @returns undefined if the vote is on record already and completes nothing. */
async function describeApproving(parts: DecideParts, cast: Cast): Promise<VoteMove | undefined> {
  const { asked, operator, vote, now } = cast
  const { approval, grant } = asked
  requireNoObstacle(findBar(operator, findConcerned(grant)))
  const judgement = await judgeNow(parts, asked, now)
  const concerned = findConcerned(grant, judgement.registration.owner)
  const requirements = joinRequirements(approval.requirements, judgement.decision.approval)
  requireNoObstacle(findObstacle(operator, concerned, requirements, vote.assurance))
  const isRepeated = findVote(approval.votes, operator.name) !== undefined
  const votes = isRepeated ? approval.votes : [...approval.votes, vote]
  // The voter was looked up for this very call.
  const people = [...parts.people.current(now), operator]
  const tally = countVotes({ concerned, requirements, votes, people })
  if (tally.isMet) return describeApproved(parts, cast, isRepeated, { judgement, tally })
  if (isRepeated) return undefined
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'awaiting_approval', dueAt: approval.expiresAt },
    touches: touchedLabels(judgement.plan),
    registered: toRegistered(judgement.registration),
    vote,
    events: [describeVote(cast)],
  }
}

/** Registration, trust, plan and policy as they are when the answer is given. */
async function judgeNow(parts: DecideParts, { approval, grant }: Asked, now: Date): Promise<Judgement> {
  parts.clockGuard.check(now)
  if (!parts.trust.isTrusted(grant.trustDomain)) {
    throw new StintError('TRUST_DOMAIN_UNKNOWN', {
      explanation: `The trust domain ${grant.trustDomain} has no usable bundle any more, so its agents cannot be verified.`,
    })
  }
  const { subject, trustDomain, authMethod } = grant
  // A grant of the broker's own never waits for an approval.
  if (authMethod === 'broker') throw new StintError('INTERNAL', { grantId: grant.id })
  const before = await loadPlan(parts.ledger, grant)
  const judgement = parts.judge.judge({ subject, trustDomain, authMethod }, before.task, now)
  const { plan, decision } = judgement
  if (plan.hash !== grant.planHash) {
    const { voided } = await voidApproval(parts, { grant, approval, before, plan, now })
    throw voidedError(approval, voided)
  }
  if (decision.outcome === 'deny') throw toDeniedError({ id: grant.id, subject: grant.subject, decision }, plan)
  return judgement
}

function requireNoObstacle(obstacle: Obstacle | undefined): void {
  if (obstacle) throw toVoteError(obstacle)
}

function describeApproved(
  { settings }: Pick<DecideParts, 'settings'>,
  cast: Cast,
  isRepeated: boolean,
  { judgement: { plan, decision, registration }, tally }: { readonly judgement: Judgement; readonly tally: Tally },
): VoteMove {
  const { asked, vote, actor, now } = cast
  const { approval, grant } = asked
  const { note } = vote
  const claimBy = new Date(now.getTime() + settings.claimMs)
  const head = { at: now, actor, grantId: grant.id }
  const { policySetHash, determiningPolicies: policies } = decision
  const voters = [...new Set(tally.requirements.flatMap((counted) => counted.voters))].sort()
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'active', activeAt: now, claimBy, taskMs: plan.task.ttlSeconds * 1_000, dueAt: claimBy },
    touches: touchedLabels(plan),
    registered: toRegistered(registration),
    ...(!isRepeated && { vote }),
    approval: { state: 'approved', decidedBy: actor, decidedAt: now, note },
    events: [
      ...(isRepeated ? [] : [describeVote(cast)]),
      auditEvent('approval.approved', {
        ...head,
        data: { approvalId: approval.id, planHash: approval.planHash, note, voters },
      }),
      ...describeWaivers(decision, approval.planHash, head, grant.decision),
      auditEvent('grant.active', { ...head, data: { policySetHash, policies, claimBy: claimBy.toISOString() } }),
    ],
  }
}

/** Any who may vote may reject: whether the task may go on is not asked of the rules. */
function describeRejecting(cast: Cast): VoteMove {
  const { asked, operator, vote, actor, now } = cast
  const { approval, grant } = asked
  requireNoObstacle(findObstacle(operator, findConcerned(grant), approval.requirements))
  const data = { approvalId: approval.id, planHash: approval.planHash, note: vote.note }
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'rejected', dueAt: null },
    vote,
    approval: { state: 'rejected', decidedBy: actor, decidedAt: now, note: vote.note },
    events: [describeVote(cast), auditEvent('approval.rejected', { at: now, actor, grantId: grant.id, data })],
  }
}

function describeVote({ asked, vote, actor, now }: Pick<Cast, 'asked' | 'vote' | 'actor' | 'now'>): AuditEventInput {
  const { verdict, channel, assurance, note, planHash } = vote
  const data = { approvalId: asked.approval.id, planHash, verdict, channel, assurance, note }
  return auditEvent('approval.voted', { at: now, actor, grantId: asked.grant.id, data })
}
