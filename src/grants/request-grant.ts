import { hasCode, StintError } from '../core/errors.ts'
import { inputError } from '../core/input-error.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events.ts'
import type { OpenGrant } from '../ledger/ledger.ts'
import type { Approval, Grant } from '../ledger/records.ts'
import { taskHash } from '../plan/task.ts'
import { briefDenial } from './brief-denial.ts'
import type { GrantAnswer } from './grant-view.ts'
import type { Judgement } from './judge.ts'
import { leaseToIntend } from './lifecycle.ts'
import { mintOrEnd } from './mint-or-end.ts'
import type { GrantParts } from './parts.ts'
import { deniedError, judgeOnRecord } from './refusals.ts'
import { renewLease } from './renew-lease.ts'
import { toView } from './view-of.ts'

const IDEMPOTENCY_KEY = /^[A-Za-z0-9._:-]{8,128}$/

/** @throws {StintError} IDEMPOTENCY_KEY_INVALID */
export function checkIdempotencyKey(key: unknown): string {
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  const message = 'must be 8 to 128 characters of A-Z a-z 0-9 . _ : -, chosen anew for each piece of work'
  throw inputError([{ field: 'idempotencyKey', code: 'IDEMPOTENCY_KEY_INVALID', message }])
}

/**
 * Judges a task and, where it may be, opens a grant and mints its first lease. Order of effects: judge, record grant and
 * lease intent in one unit, which spends the bearer token if the call rests on one, mint, record, reveal. A repeat of the
 * key is the same grant with a new lease.
 */
export async function requestGrant(
  parts: GrantParts,
  caller: CallerIdentity,
  { task, idempotencyKey }: { task: unknown; idempotencyKey: string },
  signal: AbortSignal,
): Promise<GrantAnswer> {
  const now = parts.clock.now()
  const judgement = await judgeOnRecord(parts, caller, task, now)
  await checkQuota(parts, caller, idempotencyKey, judgement, now)
  if (signal.aborted)
    throw new StintError('CANCELLED', { explanation: 'The caller cancelled the call before the grant was recorded.' })

  failpoint('request.before_record')
  const token = parts.tokens.describeUse(caller, 'request', now)
  const wanted = { ...grantToOpen(parts, caller, judgement, idempotencyKey, now), ...token }
  const opened = await parts.ledger.openGrant(wanted).catch(async (error: unknown) => {
    if (hasCode(error, 'QUOTA_EXCEEDED')) await recordOverQuota(parts, caller, Number(error.details.open), now)
    throw error
  })
  if (opened.kind === 'existing') return repeat(parts, caller, opened.grant, judgement, signal)
  const { grant, lease } = opened
  if (grant.state === 'denied') throw deniedError(grant)
  if (!lease) return toView(parts, grant)
  return mintOrEnd(parts, { grant, lease, plan: judgement.plan, signal })
}

/** The same key again: the same task gets the same grant, as it is by now. */
async function repeat(
  parts: GrantParts,
  caller: CallerIdentity,
  grant: Grant,
  { plan }: Judgement,
  signal: AbortSignal,
): Promise<GrantAnswer> {
  if (grant.taskHash !== taskHash(plan.task)) {
    const explanation = `The key belongs to grant ${grant.id}, whose task differs; choose a new key for a new task.`
    throw new StintError('IDEMPOTENCY_KEY_REUSED', { grantId: grant.id, explanation })
  }
  if (grant.state === 'denied') throw deniedError(grant)
  if (grant.state === 'active') return renewLease(parts, caller, { grantId: grant.id, by: 'request' }, signal)
  return toView(parts, grant)
}

/** Looks before anything is written; the ledger counts again, since others may open grants at the same time. */
async function checkQuota(
  { ledger, quotas }: GrantParts,
  caller: CallerIdentity,
  idempotencyKey: string,
  judgement: Judgement,
  now: Date,
): Promise<void> {
  if (judgement.decision.outcome === 'deny') return
  const { subject } = caller
  const open = await ledger.countOpenGrants(subject)
  if (open < quotas.openGrantsPerAgent) return
  // A repeat opens nothing: whoever lost the answer about the last grant that fitted has to get it all the same.
  if (await ledger.findGrantByKey(subject, idempotencyKey)) return
  const explanation = `This agent has ${open} open grants; the limit is ${quotas.openGrantsPerAgent}. Complete some first.`
  await recordOverQuota({ ledger }, caller, open, now)
  throw new StintError('QUOTA_EXCEEDED', { explanation })
}

async function recordOverQuota(
  { ledger }: Pick<GrantParts, 'ledger'>,
  { subject, authMethod, evidence }: CallerIdentity,
  open: number,
  now: Date,
): Promise<void> {
  const data = { code: 'QUOTA_EXCEEDED', authMethod, ...evidence, open } as const
  await ledger.appendEvents([auditEvent('grant.refused', { at: now, actor: subject, data })])
}

function grantToOpen(
  { ids, settings, quotas, provider }: GrantParts,
  caller: CallerIdentity,
  { registration, plan, decision }: Judgement,
  idempotencyKey: string,
  now: Date,
): OpenGrant {
  const grantId = ids.next('grt', now)
  const maxOpen = quotas.openGrantsPerAgent
  const base = {
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
  const head = { at: now, actor: caller.subject, grantId }
  const requested = auditEvent('grant.requested', {
    ...head,
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
  const decided = { policySetHash: decision.policySetHash, policies: decision.determiningPolicies }

  if (decision.outcome === 'deny') {
    const { brief, forEvent } = briefDenial(decision)
    const events = [requested, auditEvent('grant.denied', { ...head, data: { ...decided, ...forEvent } })]
    return { grant: { ...base, state: 'denied', decision: brief }, plan, events }
  }
  if (decision.outcome === 'approval') {
    const approval = newApproval(ids.next('apr', now), grantId, plan.hash, decision.approval, now, settings.approvalMs)
    const data = { ...decided, approvalId: approval.id, expiresAt: approval.expiresAt.toISOString() }
    const events = [requested, auditEvent('approval.requested', { ...head, data })]
    return {
      grant: { ...base, state: 'awaiting_approval', dueAt: approval.expiresAt },
      plan,
      approval,
      maxOpen,
      events,
    }
  }
  const deadline = new Date(now.getTime() + plan.task.ttlSeconds * 1_000)
  const lease = leaseToIntend({ id: ids.next('lse', now), grantId, number: 1, now, deadline }, settings, provider)
  const events = [
    requested,
    auditEvent('grant.active', { ...head, data: { ...decided, deadline: deadline.toISOString() } }),
    auditEvent('lease.intended', {
      ...head,
      leaseId: lease.id,
      data: { number: 1, notAfter: lease.notAfter.toISOString(), ...caller.evidence },
    }),
  ]
  return { grant: { ...base, state: 'active', activeAt: now, deadline, dueAt: deadline }, plan, lease, maxOpen, events }
}

function newApproval(
  id: string,
  grantId: string,
  planHash: string,
  requirements: Approval['requirements'],
  now: Date,
  approvalMs: number,
): Omit<Approval, 'version'> {
  const expiresAt = new Date(now.getTime() + approvalMs)
  return { id, grantId, planHash, requirements, state: 'pending', requestedAt: now, expiresAt }
}
