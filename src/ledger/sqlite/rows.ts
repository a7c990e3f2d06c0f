import { idBody } from '../../core/ids.ts'
import type { AuthMethod } from '../../identity/caller-identity.ts'
import type { ApprovalRequirement, Decision } from '../../policy/decision.ts'
import { EMPTY_HEAD } from '../audit/audit-log.ts'
import type {
  Approval,
  ApprovalState,
  AuditEvent,
  DenyEntry,
  DenyTarget,
  EndReason,
  Grant,
  GrantState,
  Lease,
  LeaseEnd,
  LeaseState,
  UnregisteredAttempt,
} from '../records.ts'
import type { Names } from './names.ts'

type Ms = number | null

export interface GrantRow {
  n: number
  id: string
  subject_n: number
  trust_domain_n: number
  auth_method_n: number
  registration_n: number
  owner_n: number
  team_n: number
  role_n: number
  plan_n: number
  decision_n: number
  plan_hash: Uint8Array
  idempotency_key: string
  task_hash: Uint8Array
  purpose: string
  state: GrantState
  reason: EndReason | null
  requested_at: number
  active_at: Ms
  deadline: Ms
  effective_by: Ms
  ended_at: Ms
  due_at: Ms
  lease_count: number
  version: number
}

/** A grant row with what is read along with it. */
export const SELECT_GRANT = 'SELECT g.*, p.hash AS plan_hash FROM grants g JOIN plans p ON p.n = g.plan_n'

export interface LeaseRow {
  n: number
  id: string
  grant_n: number
  grant_id: string
  number: number
  role_n: number
  state: LeaseState
  end_kind: LeaseEnd | null
  not_after: number
  intended_at: number
  issued_at: Ms
  ended_at: Ms
  access_key_id: string | null
  outcome_unknown: number | null
}

/** A lease row with the id of its grant. */
export const SELECT_LEASE = 'SELECT l.*, g.id AS grant_id FROM leases l JOIN grants g ON g.n = l.grant_n'

export interface ApprovalRow {
  n: number
  id: string
  grant_n: number
  grant_id: string
  plan_hash: Uint8Array
  requirements: string
  state: ApprovalState
  requested_at: number
  expires_at: number
  decided_by: string | null
  decided_at: Ms
  note: string | null
  version: number
}

/** An approval row with the id of its grant. */
export const SELECT_APPROVAL = 'SELECT a.*, g.id AS grant_id FROM approvals a JOIN grants g ON g.n = a.grant_n'

export interface DenyEntryRow {
  n: number
  grant_n: number
  grant_id: string
  target: string
  target_n: number
  wanted_at: number
  until: number
  last_issued_at: number
  written_at: Ms
  enforced_at: Ms
}

/** A deny entry with the id of its grant and its target. */
export const SELECT_DENY_ENTRY = `SELECT d.*, g.id AS grant_id, t.target FROM deny_entries d
  JOIN grants g ON g.n = d.grant_n JOIN deny_targets t ON t.n = d.target_n`

export interface DenyTargetRow {
  n: number
  target: string
  next_attempt_at: Ms
  attempts: number
  last_error: string | null
  last_written_at: Ms
  watermark: Ms
  claimed_by: string | null
  claimed_until: Ms
  claim_version: number
}

export interface UnregisteredRow {
  n: number
  subject: string
  trust_domain: string
  auth_method: AuthMethod
  reason: UnregisteredAttempt['reason']
  first_seen_at: number
  last_seen_at: number
  count: number
}

export interface EventRow {
  seq: number
  id: string
  type: string
  actor: string
  at: number
  grant_id: string | null
  lease_id: string | null
  data: string | null
  hash: Uint8Array
  prev_hash: Uint8Array | null
}

/** Events with the hash of the one before; null for the first. */
export const SELECT_EVENT = `SELECT e.seq, e.id, tn.text AS type, an.text AS actor, e.at, e.grant_id, e.lease_id, e.data, e.hash,
  (SELECT p.hash FROM events p WHERE p.seq = e.seq - 1) AS prev_hash
  FROM events e LEFT JOIN names tn ON tn.n = e.type_n LEFT JOIN names an ON an.n = e.actor_n`

/** Filled in step by step rather than by spreads: the sweeper makes tens of thousands of these a second. */
export function grantOf(row: GrantRow, names: Names, decision: Decision): Grant {
  const grant: { -readonly [Key in keyof Grant]: Grant[Key] } = {
    id: row.id,
    subject: names.text(row.subject_n),
    trustDomain: names.text(row.trust_domain_n),
    authMethod: names.text(row.auth_method_n) as AuthMethod,
    registration: names.text(row.registration_n),
    owner: names.text(row.owner_n),
    team: names.text(row.team_n),
    idempotencyKey: row.idempotency_key,
    taskHash: hexOf(row.task_hash),
    planHash: hexOf(row.plan_hash),
    roleArn: names.text(row.role_n),
    purpose: row.purpose,
    state: row.state,
    decision,
    requestedAt: new Date(row.requested_at),
    leaseCount: row.lease_count,
    version: row.version,
  }
  if (row.reason !== null) grant.reason = row.reason
  if (row.active_at !== null) grant.activeAt = new Date(row.active_at)
  if (row.deadline !== null) grant.deadline = new Date(row.deadline)
  if (row.effective_by !== null) grant.effectiveBy = new Date(row.effective_by)
  if (row.ended_at !== null) grant.endedAt = new Date(row.ended_at)
  if (row.due_at !== null) grant.dueAt = new Date(row.due_at)
  return grant
}

export function leaseOf(row: LeaseRow, names: Names): Lease {
  const lease: { -readonly [Key in keyof Lease]: Lease[Key] } = {
    id: row.id,
    grantId: row.grant_id,
    number: row.number,
    roleArn: names.text(row.role_n),
    sessionName: `${idBody(row.grant_id)}.${row.number}`,
    state: row.state,
    notAfter: new Date(row.not_after),
    intendedAt: new Date(row.intended_at),
  }
  if (row.end_kind !== null) lease.end = row.end_kind
  if (row.issued_at !== null) lease.issuedAt = new Date(row.issued_at)
  if (row.ended_at !== null) lease.endedAt = new Date(row.ended_at)
  if (row.access_key_id !== null) lease.accessKeyId = row.access_key_id
  if (row.outcome_unknown !== null) lease.outcomeUnknown = true
  return lease
}

export function approvalOf(row: ApprovalRow): Approval {
  return {
    id: row.id,
    grantId: row.grant_id,
    planHash: hexOf(row.plan_hash),
    requirements: JSON.parse(row.requirements) as ApprovalRequirement[],
    state: row.state,
    requestedAt: new Date(row.requested_at),
    expiresAt: new Date(row.expires_at),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...instant('decidedAt', row.decided_at),
    ...(row.note === null ? {} : { note: row.note }),
    version: row.version,
  }
}

export function denyEntryOf(row: DenyEntryRow): DenyEntry {
  return {
    grantId: row.grant_id,
    target: row.target,
    wantedAt: new Date(row.wanted_at),
    until: new Date(row.until),
    lastIssuedAt: new Date(row.last_issued_at),
    ...instant('writtenAt', row.written_at),
    ...instant('enforcedAt', row.enforced_at),
  }
}

export function denyTargetOf(row: DenyTargetRow): DenyTarget {
  return {
    target: row.target,
    ...instant('nextAttemptAt', row.next_attempt_at),
    attempts: row.attempts,
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...instant('lastWrittenAt', row.last_written_at),
    ...instant('watermark', row.watermark),
    ...(row.claimed_by === null ? {} : { claimedBy: row.claimed_by }),
    ...instant('claimedUntil', row.claimed_until),
    claimVersion: row.claim_version,
  }
}

export function unregisteredOf(row: UnregisteredRow): UnregisteredAttempt {
  return {
    subject: row.subject,
    trustDomain: row.trust_domain,
    authMethod: row.auth_method,
    reason: row.reason,
    firstSeenAt: new Date(row.first_seen_at),
    lastSeenAt: new Date(row.last_seen_at),
    count: row.count,
  }
}

export function eventOf(row: EventRow): AuditEvent {
  return {
    type: row.type,
    at: new Date(row.at),
    actor: row.actor,
    ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
    ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
    ...(row.data === null ? {} : { data: JSON.parse(row.data) }),
    id: row.id,
    seq: row.seq,
    prevHash: row.prev_hash === null ? EMPTY_HEAD.hash : hexOf(row.prev_hash),
    hash: hexOf(row.hash),
  }
}

/** Lower-case hex of the very bytes, without a copy. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Milliseconds of an instant. @throws TypeError for a date that is none. */
export function msOf(at: Date): number {
  const ms = at.getTime()
  if (!Number.isSafeInteger(ms)) throw new TypeError('not an instant')
  return ms
}

/** As `msOf`; null for what is not set. */
export function msOrNull(at: Date | null | undefined): Ms {
  return at ? msOf(at) : null
}

function instant<Name extends string>(name: Name, ms: Ms): { readonly [key in Name]?: Date } {
  return (ms === null ? {} : { [name]: new Date(ms) }) as { readonly [key in Name]?: Date }
}
