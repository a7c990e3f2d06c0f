import { canonicalJson, type Json, sha256Hex } from '../../src/core/canonical-json.ts'
import { type IdPrefix, type Ids, randomIds } from '../../src/core/ids.ts'
import type { AuditEventInput, EventType } from '../../src/ledger/events/audit-event.ts'
import type { NewLease, OpenGrant } from '../../src/ledger/ledger.ts'
import type { EventContent, Grant } from '../../src/ledger/records.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Decision } from '../../src/policy/decision.ts'

/** Ids that count up within a millisecond's random part, so that a failure shows the same ids again. */
export function countingIds(): Ids {
  let made = 0
  return {
    next: (prefix: IdPrefix, now: Date) => {
      made += 1
      return `${randomIds.next(prefix, now).slice(0, 14)}${made.toString().padStart(16, '0')}`
    },
  }
}

export const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
export const AGENT = 'spiffe://example.org/ci/deploy'

export const PERMIT: Decision = {
  outcome: 'permit',
  determiningPolicies: ['invoices-read'],
  failedPairs: [],
  approval: [],
  policySetHash: 'ab'.repeat(32),
}

/** A plan that reads one bucket; `purpose` makes another plan of it. */
export function samplePlan(purpose = 'read the invoices of May'): Plan {
  const plan: Omit<Plan, 'hash'> = {
    subject: AGENT,
    task: {
      purpose,
      roleArn: ROLE,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices/*'] }],
      ttlSeconds: 900,
    },
    pairs: [
      {
        action: 's3:GetObject',
        resource: 'arn:aws:s3:::invoices/*',
        class: 'read',
        flags: [],
        within: ['data:invoices'],
        touches: ['data:invoices'],
      },
    ],
    classes: ['read'],
    flags: [],
    sessionPolicy:
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::invoices/*"}]}',
    sessionPolicyCharacters: 240,
    blastRadius: {
      actions: 1,
      resourcePatterns: 1,
      byClass: { read: 1 },
      byLabel: { 'data:invoices': 1 },
      flags: [],
      outlives: [],
      unknown: ['role policies'],
    },
    actionTableVersion: '0.21.0',
  }
  return { ...plan, hash: sha256Hex(canonicalJson(plan as unknown as Json)) }
}

/** An event as a store takes it; a store asks nothing of its data, so what a test puts there need not be a row's. */
export function sampleEvent(at: Date, more: Partial<EventContent & { type: EventType }> = {}): AuditEventInput {
  return { type: 'grant.requested', at, actor: AGENT, ...more } as EventContent as AuditEventInput
}

/** An event type of a later version, which an earlier one still has to read, export and verify. */
export const LATER_TYPE = 'grant.transferred' as EventType

/** What opens a grant that is active for 15 minutes, with one intended lease of 5 unless told otherwise. */
export function sampleOpen(
  ids: Ids,
  now: Date,
  more: {
    readonly grant?: Partial<OpenGrant['grant']>
    readonly lease?: NewLease | null
    readonly plan?: Plan
    readonly approval?: Partial<OpenGrant['approval']>
  } = {},
): OpenGrant {
  const plan = more.plan ?? samplePlan()
  const id = more.grant?.id ?? ids.next('grt', now)
  const state = more.grant?.state ?? 'active'
  const lease = more.lease === null || state !== 'active' ? undefined : (more.lease ?? sampleLease(ids, now))
  const deadline = new Date(now.getTime() + 900_000)
  const grant: Omit<Grant, 'version' | 'leaseCount'> = {
    id,
    subject: AGENT,
    trustDomain: 'example.org',
    authMethod: 'x509-svid',
    registration: 'deployer',
    owner: 'data-team@example.org',
    team: 'data',
    idempotencyKey: `key-${id}`,
    taskHash: 'cd'.repeat(32),
    planHash: plan.hash,
    roleArn: ROLE,
    purpose: plan.task.purpose,
    state,
    decision: PERMIT,
    requestedAt: now,
    ...(state === 'active' ? { activeAt: now, deadline, dueAt: deadline } : {}),
    ...(state === 'awaiting_approval' ? { dueAt: new Date(now.getTime() + 600_000) } : {}),
    ...more.grant,
  }
  return {
    grant,
    plan,
    ...(lease ? { lease } : {}),
    ...(state === 'awaiting_approval' ? { approval: { ...sampleApproval(ids, now, grant), ...more.approval } } : {}),
    events: [
      sampleEvent(now, { grantId: id, data: { purpose: grant.purpose, planHash: plan.hash } }),
      ...(lease ? [sampleEvent(now, { type: 'lease.intended', grantId: id, leaseId: lease.id })] : []),
    ],
  }
}

export function sampleLease(ids: Ids, now: Date, ms = 300_000): NewLease {
  const id = ids.next('lse', now)
  const at = now.getTime()
  const mintUntil = new Date(at + 20_000)
  return { id, sessionName: `session-of-${id}`, intendedAt: now, notAfter: new Date(at + ms), mintUntil }
}

function sampleApproval(ids: Ids, now: Date, grant: Pick<Grant, 'id' | 'planHash'>) {
  return {
    id: ids.next('apr', now),
    grantId: grant.id,
    planHash: grant.planHash,
    requirements: [{ anyOf: ['owners'], because: ['class:destructive'] }],
    state: 'pending',
    requestedAt: now,
    expiresAt: new Date(now.getTime() + 600_000),
  } as const
}
