import type { Ids } from '../core/ids.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { type AuditEventInput, auditEvent } from '../ledger/events/audit-event.ts'
import type { OpenGrant } from '../ledger/ledger.ts'
import type { Approval } from '../ledger/records.ts'
import { taskHash } from '../plan/task.ts'
import { copyFailedPair, type Decision, type FailedPair } from '../policy/decision.ts'
import type { Reuse } from './approvals/reuse-approval.ts'
import { type Budget, describeDraws } from './budgets/budget.ts'
import type { Judgement } from './judge.ts'
import { describeLease, type LifeSettings } from './lifecycle.ts'

/** Bounds of one denial on record. An agent may be denied again and again, with up to 64 KiB of resources each time. */
const MAX_PAIRS = 20
const MAX_BYTES = 2_048

/** Dependencies of opening a grant. */
export interface OpenParts {
  readonly ids: Ids
  readonly settings: LifeSettings
  readonly provider: Pick<CredentialProvider, 'nameSession' | 'mintTimeoutMs'>
  /** Limits of one agent that the ledger counts. */
  readonly quotas: {
    /** Grants of one agent that wait, are active or are ending. */
    readonly openGrantsPerAgent: number
    readonly budgets: readonly Budget[]
  }
}

/** A judged request, before it is decided what becomes of it. */
interface Opening {
  readonly caller: CallerIdentity
  readonly judgement: Judgement
  readonly idempotencyKey: string
  readonly now: Date
  readonly grantId: string
  /** An earlier approval that it rests on. */
  readonly reuse?: Reuse | undefined
}

/** The grant that a judgement comes to: denied, waiting for a person, or active with its first lease; and its events. */
export function describeOpening(
  parts: OpenParts,
  caller: CallerIdentity,
  request: { judgement: Judgement; idempotencyKey: string; now: Date; reuse?: Reuse | undefined },
): OpenGrant {
  const opening = { ...request, caller, grantId: parts.ids.next('grt', request.now) }
  const opened = describeOutcome(parts, opening)
  const budgets = describeDraws(parts.quotas.budgets, opened.grant, opened)
  return budgets ? { ...opened, budgets } : opened
}

function describeOutcome(parts: OpenParts, opening: Opening): OpenGrant {
  const { outcome } = opening.judgement.decision
  if (outcome === 'deny') return describeDenied(opening)
  return outcome === 'approval' && !opening.reuse ? describeWaiting(parts, opening) : describeActive(parts, opening)
}

function describeDenied(opening: Opening): OpenGrant {
  const { plan, decision } = opening.judgement
  const { brief, forEvent } = shortenDenial(decision)
  const data = { ...toDecided(decision), ...forEvent }
  const events = [describeRequest(opening), auditEvent('grant.denied', { ...toHead(opening), data })]
  return { grant: { ...toGrant(opening), state: 'denied', decision: brief }, plan, events }
}

function describeWaiting({ ids, settings, quotas }: OpenParts, opening: Opening): OpenGrant {
  const { now, grantId } = opening
  const { plan, decision } = opening.judgement
  const approvalId = ids.next('apr', now)
  const approval = describeApproval(approvalId, grantId, plan.hash, decision.approval, now, settings.approvalMs)
  const head = toHead(opening)
  const data = { ...toDecided(decision), approvalId, expiresAt: approval.expiresAt.toISOString() }
  const events = [
    describeRequest(opening),
    ...describeWaivers(decision, plan.hash, head),
    auditEvent('approval.requested', { ...head, data }),
  ]
  const grant = { ...toGrant(opening), state: 'awaiting_approval', dueAt: approval.expiresAt } as const
  return { grant, plan, approval, maxOpen: quotas.openGrantsPerAgent, events }
}

function describeActive({ ids, settings, quotas, provider }: OpenParts, opening: Opening): OpenGrant {
  const { caller, now, grantId } = opening
  const { plan, decision } = opening.judgement
  const deadline = new Date(now.getTime() + plan.task.ttlSeconds * 1_000)
  const leaseId = ids.next('lse', now)
  const first = { id: leaseId, grantId, number: 1, agent: caller.subject, now, deadline }
  const lease = describeLease(first, settings, provider)
  const head = toHead(opening)
  const events = [
    describeRequest(opening),
    ...describeWaivers(decision, plan.hash, head),
    ...(opening.reuse ? [describeReuse(opening.reuse, plan.hash, head)] : []),
    auditEvent('grant.active', { ...head, data: { ...toDecided(decision), deadline: deadline.toISOString() } }),
    auditEvent('lease.intended', {
      ...head,
      leaseId,
      data: { number: 1, notAfter: lease.notAfter.toISOString(), ...caller.evidence },
    }),
  ]
  const grant = { ...toGrant(opening), state: 'active', activeAt: now, deadline, dueAt: deadline } as const
  const reuse = opening.reuse && { reuse: opening.reuse.wish }
  return { grant, plan, lease, ...reuse, maxOpen: quotas.openGrantsPerAgent, events }
}

function describeReuse({ wish, usesLeft, until }: Reuse, planHash: string, head: ReturnType<typeof toHead>) {
  const { approvalId, grantId: ofGrant } = wish
  const data = { approvalId, planHash, ofGrant, usesLeft, until: until.toISOString() }
  return auditEvent('approval.reused', { ...head, data })
}

/** The members that a grant has whatever was decided. */
function toGrant({ caller, judgement, idempotencyKey, now, grantId }: Opening): Omit<OpenGrant['grant'], 'state'> {
  const { registration, plan, decision } = judgement
  return {
    id: grantId,
    subject: caller.subject,
    trustDomain: caller.trustDomain,
    authMethod: caller.authMethod,
    registration: registration.name,
    owner: registration.owner,
    team: registration.team,
    idempotencyKey,
    taskHash: taskHash(plan.task),
    planHash: plan.hash,
    roleArn: plan.task.roleArn,
    purpose: plan.task.purpose,
    decision,
    requestedAt: now,
  }
}

function describeRequest(opening: Opening): AuditEventInput<'grant.requested'> {
  const { caller } = opening
  const { registration, plan } = opening.judgement
  return auditEvent('grant.requested', {
    ...toHead(opening),
    data: {
      planHash: plan.hash,
      roleArn: plan.task.roleArn,
      purpose: plan.task.purpose,
      registration: registration.name,
      owner: registration.owner,
      authMethod: caller.authMethod,
      ...caller.evidence,
    },
  })
}

function toHead({ now, caller, grantId }: Opening) {
  return { at: now, actor: caller.subject, grantId }
}

function toDecided({ policySetHash, determiningPolicies }: Decision) {
  return { policySetHash, policies: determiningPolicies }
}

/**
 * The event for the approvals that a decision waives; empty if there is none.
 *
 * @param before a decision on record, whose waivers have been recorded.
 */
export function describeWaivers(
  { waivers = [], policySetHash }: Decision,
  planHash: string,
  head: { readonly at: Date; readonly actor: string; readonly grantId: string },
  before?: Pick<Decision, 'waivers'>,
): AuditEventInput<'approval.waived'>[] {
  const known = new Set(before?.waivers?.map(({ policy }) => policy))
  const fresh = waivers.filter(({ policy }) => !known.has(policy))
  return fresh.length > 0
    ? [auditEvent('approval.waived', { ...head, data: { policySetHash, planHash, waivers: fresh } })]
    : []
}

function describeApproval(
  id: string,
  grantId: string,
  planHash: string,
  requirements: Approval['requirements'],
  now: Date,
  approvalMs: number,
): NonNullable<OpenGrant['approval']> {
  const expiresAt = new Date(now.getTime() + approvalMs)
  return { id, grantId, planHash, requirements, state: 'pending', requestedAt: now, expiresAt }
}

/**
 * A denial as it goes on record: the pairs that failed as far as they fit, at least the first, and how many more there
 * were.
 *
 * @returns `brief` for the grant, `forEvent` for the data of its event.
 */
function shortenDenial(decision: Decision) {
  const listed = takeFirstPairs(decision.failedPairs)
  const leftOut = decision.failedPairs.length - listed.length
  const brief: Decision = leftOut === 0 ? decision : { ...decision, failedPairs: listed, failedPairsLeftOut: leftOut }
  const failedPairs = listed.map(copyFailedPair)
  return { brief, forEvent: { failedPairs, ...(leftOut > 0 && { failedPairsLeftOut: leftOut }) } }
}

function takeFirstPairs(pairs: readonly FailedPair[]): readonly FailedPair[] {
  let bytes = 0
  const fits = (pair: FailedPair) => {
    bytes += Buffer.byteLength(JSON.stringify(pair))
    return bytes <= MAX_BYTES
  }
  const end = pairs.slice(0, MAX_PAIRS).findIndex((pair) => !fits(pair))
  return pairs.slice(0, end === -1 ? MAX_PAIRS : Math.max(1, end))
}
