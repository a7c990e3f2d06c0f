import { idBody } from '../../core/ids.ts'
import type { AuthMethod } from '../../identity/caller-identity.ts'
import type { Plan } from '../../plan/plan.ts'
import type { ApprovalRequirement, Decision } from '../../policy/decision.ts'
import { FIRST_PREV_HASH } from '../audit/sealed-event.ts'
import {
  APPROVAL_STATES,
  type Approval,
  type ApprovalState,
  type AuditEvent,
  type DenyEntry,
  type DenyList,
  type EndReason,
  GRANT_STATES,
  type Grant,
  type GrantState,
  LEASE_STATES,
  type Lease,
  type LeaseEnd,
  type LeaseState,
  type UnregisteredAttempt,
} from '../records.ts'
import type { ReadableDenyList } from '../rules/deny-list-rules.ts'
import type { InternedTexts } from './database/interned-texts.ts'

/*
 * A row may be damaged: each reader throws for what it cannot make a record of. Joins are outer ones, so that a row is not
 * missed because the one that it refers to is gone.
 */

type Ms = number | null

/** 0 or 1; null in a row from before it was on record. */
type Flag = number | null

export interface GrantRow {
  row_id: number
  id: string
  subject_text_id: number
  trust_domain_text_id: number
  auth_method_text_id: number
  registration_text_id: number
  owner_text_id: number
  team_text_id: number
  role_text_id: number
  plan_row_id: number
  decision_row_id: number
  plan_hash: Uint8Array | null
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
export const SELECT_GRANT = `SELECT g.n AS row_id, g.id, g.subject_n AS subject_text_id, g.trust_domain_n AS trust_domain_text_id,
  g.auth_method_n AS auth_method_text_id, g.registration_n AS registration_text_id, g.owner_n AS owner_text_id,
  g.team_n AS team_text_id, g.role_n AS role_text_id, g.plan_n AS plan_row_id, g.decision_n AS decision_row_id,
  p.hash AS plan_hash, g.idempotency_key, g.task_hash, g.purpose, g.state, g.reason, g.requested_at, g.active_at,
  g.deadline, g.effective_by, g.ended_at, g.due_at, g.lease_count, g.version
  FROM grants g LEFT JOIN plans p ON p.n = g.plan_n`

export interface LeaseRow {
  row_id: number
  id: string
  grant_row_id: number
  grant_id: string | null
  number: number
  role_text_id: number
  session_name: string | null
  replica_text_id: number | null
  mint_until: Ms
  state: LeaseState
  ended_by: LeaseEnd | null
  not_after: number
  intended_at: number
  issued_at: Ms
  ended_at: Ms
  access_key_id: string | null
  outcome_unknown: number | null
}

/** A lease row with the id of its grant. */
export const SELECT_LEASE = `SELECT l.n AS row_id, l.id, l.grant_n AS grant_row_id, g.id AS grant_id, l.number, l.role_n AS role_text_id,
  l.session_name, l.replica_n AS replica_text_id, l.mint_until, l.state, l.ended_by, l.not_after, l.intended_at, l.issued_at, l.ended_at, l.access_key_id, l.outcome_unknown
  FROM leases l LEFT JOIN grants g ON g.n = l.grant_n`

export interface ApprovalRow {
  row_id: number
  id: string
  grant_row_id: number
  grant_id: string | null
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
export const SELECT_APPROVAL = `SELECT a.n AS row_id, a.id, a.grant_n AS grant_row_id, g.id AS grant_id, a.plan_hash, a.requirements,
  a.state, a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.note, a.version
  FROM approvals a LEFT JOIN grants g ON g.n = a.grant_n`

export interface DenyEntryRow {
  row_id: number
  grant_row_id: number
  grant_id: string | null
  list_key: string | null
  list_row_id: number
  wanted_at: number
  until: number
  last_issued_at: number
  written_at: Ms
  enforced_at: Ms
  agent: string | null
  names_agent: Flag
  chains: Flag
  urgent: Flag
  by_watermark: Flag
}

/** A deny entry with the id and the agent of its grant and the key of its list. */
export const SELECT_DENY_ENTRY = `SELECT d.n AS row_id, d.grant_n AS grant_row_id, g.id AS grant_id, l.list_key,
  d.list_n AS list_row_id, d.wanted_at, d.until, d.last_issued_at, d.written_at, d.enforced_at, s.text AS agent,
  d.names_agent, d.chains, d.urgent, d.by_watermark FROM deny_entries d
  LEFT JOIN grants g ON g.n = d.grant_n LEFT JOIN deny_lists l ON l.n = d.list_n LEFT JOIN names s ON s.n = g.subject_n`

export interface DenyListRow {
  row_id: number
  list_key: string
  next_attempt_at: Ms
  attempts: number
  last_error: string | null
  last_written_at: Ms
  watermark: Ms
  claimed_by: string | null
  claimed_until: Ms
  claim_version: number
  written_digest: string | null
  written_sequence: number | null
  opened_version: number | null
  failing_since: Ms
}

/** A deny list with its row number. */
export const SELECT_DENY_LIST = `SELECT n AS row_id, list_key, next_attempt_at, attempts, last_error, last_written_at, watermark,
  claimed_by, claimed_until, claim_version, written_digest, written_sequence,
  opened_version, failing_since FROM deny_lists`

export interface UnregisteredRow {
  row_id: number
  subject: string
  trust_domain: string
  auth_method: AuthMethod
  reason: UnregisteredAttempt['reason']
  first_seen_at: number
  last_seen_at: number
  count: number
}

/** An attempt with its row number. */
export const SELECT_UNREGISTERED = `SELECT n AS row_id, subject, trust_domain, auth_method, reason, first_seen_at, last_seen_at, count
  FROM unregistered`

export interface EventRow {
  position: number
  /** Null when its chain is not on record; empty for events recorded before chains had names. */
  chain: string | null
  seq: number
  id: string
  type: string | null
  actor: string | null
  at: number
  grant_id: string | null
  lease_id: string | null
  request_id: string | null
  trace_id: string | null
  data: string | null
  hash: Uint8Array
  prev_hash: Uint8Array | null
}

/** Columns of an event that came with a later schema: a file of before, which is only read, has nothing there. */
const LATER_EVENT_COLUMNS = ['request_id', 'trace_id'] as const

/**
 * Events with the hash of the one before in their chain; null for the first. One process at a time writes a file, so the
 * events of a chain have one position after another.
 */
export const SELECT_EVENT = selectEvent([...LATER_EVENT_COLUMNS, 'chain_n'])

/** As `SELECT_EVENT`, of a table that has these of the later columns. */
export function selectEvent(present: readonly string[]): string {
  const later = LATER_EVENT_COLUMNS.map((name) => (present.includes(name) ? `e.${name}` : `NULL AS ${name}`)).join(', ')
  const common = `e.id, tn.text AS type, an.text AS actor, e.at, e.grant_id, e.lease_id, ${later}, e.data, e.hash`
  const texts = 'LEFT JOIN names tn ON tn.n = e.type_n LEFT JOIN names an ON an.n = e.actor_n'
  if (!present.includes('chain_n')) {
    // Before chains had names there was one, and the number of an event was its position.
    return `SELECT e.seq AS position, '' AS chain, e.seq, ${common},
  (SELECT p.hash FROM events p WHERE p.seq = e.seq - 1) AS prev_hash FROM events e ${texts}`
  }
  return `SELECT e.position, iif(e.chain_n IS NULL, '', c.id) AS chain, coalesce(e.seq, e.position) AS seq, ${common},
  (SELECT p.hash FROM events p WHERE p.position = e.position - 1 AND p.chain_n IS e.chain_n) AS prev_hash
  FROM events e LEFT JOIN chains c ON c.n = e.chain_n ${texts}`
}

/** Filled in step by step rather than by spreads: the sweeper makes tens of thousands of these a second. */
export function toGrant(row: GrantRow, texts: InternedTexts, decision: Decision): Grant {
  const grant: { -readonly [Key in keyof Grant]: Grant[Key] } = {
    id: row.id,
    subject: texts.textOf(row.subject_text_id),
    trustDomain: texts.textOf(row.trust_domain_text_id),
    authMethod: texts.textOf(row.auth_method_text_id) as AuthMethod,
    registration: texts.textOf(row.registration_text_id),
    owner: texts.textOf(row.owner_text_id),
    team: texts.textOf(row.team_text_id),
    idempotencyKey: row.idempotency_key,
    taskHash: toHex(row.task_hash),
    planHash: toHex(present(row.plan_hash, 'plan')),
    roleArn: texts.textOf(row.role_text_id),
    purpose: row.purpose,
    state: knownState(row.state, GRANT_STATES),
    decision,
    requestedAt: toInstant(row.requested_at),
    leaseCount: integer(row.lease_count),
    version: integer(row.version),
  }
  if (row.reason !== null) grant.reason = row.reason
  if (row.active_at !== null) grant.activeAt = toInstant(row.active_at)
  if (row.deadline !== null) grant.deadline = toInstant(row.deadline)
  if (row.effective_by !== null) grant.effectiveBy = toInstant(row.effective_by)
  if (row.ended_at !== null) grant.endedAt = toInstant(row.ended_at)
  if (row.due_at !== null) grant.dueAt = toInstant(row.due_at)
  return grant
}

export function toLease(row: LeaseRow, texts: InternedTexts): Lease {
  const grantId = present(row.grant_id, 'grant')
  const number = integer(row.number)
  const lease: { -readonly [Key in keyof Lease]: Lease[Key] } = {
    id: row.id,
    grantId,
    number,
    roleArn: texts.textOf(row.role_text_id),
    // Before names were on record, every session was named so.
    sessionName: row.session_name ?? `${idBody(grantId)}.${number}`,
    state: knownState(row.state, LEASE_STATES),
    notAfter: toInstant(row.not_after),
    intendedAt: toInstant(row.intended_at),
  }
  if (row.replica_text_id !== null) lease.replica = texts.textOf(row.replica_text_id)
  if (row.mint_until !== null) lease.mintUntil = toInstant(row.mint_until)
  if (row.ended_by !== null) lease.end = row.ended_by
  if (row.issued_at !== null) lease.issuedAt = toInstant(row.issued_at)
  if (row.ended_at !== null) lease.endedAt = toInstant(row.ended_at)
  if (row.access_key_id !== null) lease.accessKeyId = row.access_key_id
  if (row.outcome_unknown !== null) lease.outcomeUnknown = true
  return lease
}

export function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    grantId: present(row.grant_id, 'grant'),
    planHash: toHex(row.plan_hash),
    requirements: parseRequirements(row.requirements),
    state: knownState(row.state, APPROVAL_STATES),
    requestedAt: toInstant(row.requested_at),
    expiresAt: toInstant(row.expires_at),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...instant('decidedAt', row.decided_at),
    ...(row.note === null ? {} : { note: row.note }),
    version: integer(row.version),
  }
}

export function toDenyEntry(row: DenyEntryRow): DenyEntry {
  return {
    grantId: present(row.grant_id, 'grant'),
    listKey: present(row.list_key, 'list_key'),
    wantedAt: toInstant(row.wanted_at),
    until: toInstant(row.until),
    lastIssuedAt: toInstant(row.last_issued_at),
    ...(row.agent === null ? {} : { agent: row.agent }),
    ...flag('namesAgent', row.names_agent === 1),
    // Before this was on record, an entry lasted so long exactly when its sessions could chain.
    ...flag('chains', row.chains === null ? row.until - row.last_issued_at > LONGEST_UNCHAINED_MS : row.chains === 1),
    ...flag('urgent', row.urgent === 1),
    ...instant('writtenAt', row.written_at),
    ...flag('byWatermark', row.by_watermark === 1),
    ...instant('enforcedAt', row.enforced_at),
  }
}

const LONGEST_UNCHAINED_MS = 1_800_000

function flag<Name extends string>(name: Name, value: boolean): { readonly [key in Name]?: true } {
  return (value ? { [name]: true } : {}) as { readonly [key in Name]?: true }
}

export function toDenyList(row: DenyListRow): DenyList {
  return {
    key: row.list_key,
    ...instant('nextAttemptAt', row.next_attempt_at),
    attempts: integer(row.attempts),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...instant('failingSince', row.failing_since),
    ...instant('lastWrittenAt', row.last_written_at),
    ...(row.written_digest === null || row.written_sequence === null
      ? {}
      : { written: { digest: row.written_digest, sequence: integer(row.written_sequence) } }),
    ...instant('watermark', row.watermark),
    ...(row.claimed_by === null ? {} : { claimedBy: row.claimed_by }),
    ...instant('claimedUntil', row.claimed_until),
    claimVersion: integer(row.claim_version),
    ...(row.opened_version === null ? {} : { openedVersion: integer(row.opened_version) }),
  }
}

/** The readable part of a damaged deny list; `undefined` is what is lost, `null` what it never had. */
export function toReadableDenyList(row: DenyListRow): ReadableDenyList {
  return {
    key: row.list_key,
    claimVersion: Number.isSafeInteger(row.claim_version) ? row.claim_version : undefined,
    watermark: row.watermark === null ? null : toValidInstant(row.watermark),
  }
}

export function toUnregistered(row: UnregisteredRow): UnregisteredAttempt {
  return {
    subject: row.subject,
    trustDomain: row.trust_domain,
    authMethod: row.auth_method,
    reason: row.reason,
    firstSeenAt: toInstant(row.first_seen_at),
    lastSeenAt: toInstant(row.last_seen_at),
    count: integer(row.count),
  }
}

export function toEvent(row: EventRow): AuditEvent {
  return {
    type: present(row.type, 'type'),
    at: toInstant(row.at),
    actor: present(row.actor, 'actor'),
    ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
    ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    ...(row.trace_id === null ? {} : { traceId: row.trace_id }),
    ...(row.data === null ? {} : { data: JSON.parse(row.data) }),
    id: row.id,
    position: row.position,
    ...(row.chain === '' ? {} : { chain: present(row.chain, 'chain') }),
    seq: row.seq,
    prevHash: row.prev_hash === null ? FIRST_PREV_HASH : toHex(row.prev_hash),
    hash: toHex(row.hash),
  }
}

/** A stored plan. @throws for a text that is not the plan of that hash */
export function parsePlan(body: string, hash: string): Plan {
  const plan = JSON.parse(body) as Partial<Plan> | null
  const isWhole = plan?.hash === hash && Array.isArray(plan.classes) && Array.isArray(plan.pairs)
  if (!isWhole || !Array.isArray(plan.flags) || typeof plan.task !== 'object')
    throw new Error('not the plan of its hash')
  return plan as Plan
}

/** A stored decision. @throws for a text that is none */
export function parseDecision(body: string): Decision {
  const decision = JSON.parse(body) as Partial<Decision> | null
  if (!decision || !Array.isArray(decision.determiningPolicies) || !Array.isArray(decision.failedPairs)) {
    throw new Error('not a decision')
  }
  return decision as Decision
}

function parseRequirements(text: string): ApprovalRequirement[] {
  const requirements: unknown = JSON.parse(text)
  if (!Array.isArray(requirements)) throw new Error('not a list of requirements')
  return requirements as ApprovalRequirement[]
}

function present<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`its ${what} is not there`)
  return value
}

function knownState<State>(state: State, states: readonly State[]): State {
  if (!states.includes(state)) throw new Error(`${state} is not a state`)
  return state
}

function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error('a number is out of range')
  return value
}

function toInstant(ms: number): Date {
  const at = toValidInstant(ms)
  if (!at) throw new Error('an instant is out of range')
  return at
}

function toValidInstant(ms: number): Date | undefined {
  const at = new Date(ms)
  return Number.isNaN(at.getTime()) ? undefined : at
}

/** Lower-case hex of the very bytes, without a copy. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Milliseconds of an instant. @throws TypeError for a date that is none. */
export function toMs(at: Date): number {
  const ms = at.getTime()
  if (!Number.isSafeInteger(ms)) throw new TypeError('not an instant')
  return ms
}

/** As `toMs`; null for what is not set. */
export function toMsOrNull(at: Date | null | undefined): Ms {
  return at ? toMs(at) : null
}

function instant<Name extends string>(name: Name, ms: Ms): { readonly [key in Name]?: Date } {
  return (ms === null ? {} : { [name]: toInstant(ms) }) as { readonly [key in Name]?: Date }
}
