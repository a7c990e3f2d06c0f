import { StintError } from '../../core/errors.ts'
import { idBody } from '../../core/ids.ts'
import type { GrantMove, LeaseMove, LedgerWrites, NewLease, OpenGrant } from '../ledger.ts'
import type { Grant, Lease } from '../records.ts'
import { assertGrantMove, assertLeaseMove, isFinalState, OPENING_STATES } from '../transitions.ts'
import { putDeny } from './deny.ts'
import { type GrantRow, type LeaseRow, msOf, msOrNull, SELECT_GRANT } from './rows.ts'
import type { SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'
import type { TokenRows } from './tokens.ts'

type Opened = { kind: 'created'; grant: Grant; lease?: Lease } | { kind: 'existing'; grant: Grant }

/** Nothing acts on the plan of a denied grant, and its agent can make as many as it likes. */
const MAX_DENIED_PLAN_BYTES = 4_096

/** See `LedgerWrites.openGrant`. */
export function openGrant(store: SqliteStore, tx: SqliteTransaction, tokens: TokenRows, input: OpenGrant): Opened {
  const { grant, lease } = input
  const subjectTextId = tx.texts.intern(grant.subject)
  const existing = store.db.get<GrantRow>(
    `${SELECT_GRANT} WHERE g.subject_n = ? AND g.idempotency_key = ?`,
    subjectTextId,
    grant.idempotencyKey,
  )
  if (existing) return { kind: 'existing', grant: store.grant(existing) }
  checkOpening(input)
  checkRoom(tx, input, subjectTextId)
  const waits = grant.state === 'awaiting_approval'
  if (input.token) tokens.use(input.token, { grantId: grant.id, leaseId: lease?.id, waits })
  const rowId = insertGrant(store, tx, input, subjectTextId)
  tx.count(subjectTextId, undefined, grant.state)
  const leaseCount = lease ? 1 : 0
  if (lease) insertLease(tx, rowId, tx.texts.intern(grant.roleArn), 1, lease)
  if (input.approval) insertApproval(tx, rowId, input.approval)
  tx.append(input.events)
  const created: Grant = { ...withoutUndefined(grant), leaseCount, version: 1 }
  return lease
    ? { kind: 'created', grant: created, lease: newLease(created, 1, lease) }
    : { kind: 'created', grant: created }
}

/** See `LedgerWrites.intendLease`. */
export function intendLease(
  store: SqliteStore,
  tx: SqliteTransaction,
  tokens: TokenRows,
  input: Parameters<LedgerWrites['intendLease']>[0],
): { grant: Grant; lease: Lease } {
  const row = grantAt(store, input.grantId, input.grantVersion)
  if (row.state !== 'active') {
    throw conflict(`The grant is ${row.state}; only an active grant has further leases.`, {
      grantId: row.id,
      from: row.state,
    })
  }
  checkLeaseEnd(row.id, input.lease.notAfter, row.deadline)
  if (input.token) tokens.use(input.token, { grantId: row.id, leaseId: input.lease.id, waits: false })
  const number = row.lease_count + 1
  tx.db.run('UPDATE grants SET lease_count = ?, version = version + 1 WHERE n = ?', number, row.row_id)
  insertLease(tx, row.row_id, row.role_text_id, number, input.lease)
  const grant = store.grant({ ...row, lease_count: number, version: row.version + 1 })
  const lease = newLease(grant, number, input.lease)
  tx.append(input.events(lease))
  return { grant, lease }
}

/** See `LedgerWrites.settleLease`. */
export function settleLease(store: SqliteStore, tx: SqliteTransaction, move: LeaseMove): Lease {
  const row = store.leaseRow(move.leaseId)
  if (!row) throw conflict('There is no such lease.', { leaseId: move.leaseId })
  if (isThere(row, move)) return store.lease(row)
  const changed = settled(store, row, move)
  tx.db.run(
    'UPDATE leases SET state = ?, end_kind = ?, issued_at = ?, ended_at = ?, access_key_id = ?, outcome_unknown = ? WHERE n = ?',
    changed.state,
    changed.end_kind,
    changed.issued_at,
    changed.ended_at,
    changed.access_key_id,
    changed.outcome_unknown,
    row.row_id,
  )
  tx.append(move.events)
  return store.lease(changed)
}

/** See `LedgerWrites.moveGrant`. */
export function moveGrant(store: SqliteStore, tx: SqliteTransaction, move: GrantMove): Grant {
  return moveRow(store, tx, grantAt(store, move.grantId, move.expectedVersion), move)
}

/** See `LedgerWrites.appendReports`. */
export function appendReports(
  store: SqliteStore,
  tx: SqliteTransaction,
  { grantId, maxReports, events }: Parameters<LedgerWrites['appendReports']>[0],
): void {
  const state = store.grantRow(grantId)?.state
  if (state !== 'active' && state !== 'ending') {
    const explanation = `Grant ${grantId} is ${state ?? 'not there'}; reports are taken while it is active or ending.`
    throw new StintError('GRANT_NOT_ACTIVE', { grantId, explanation, ...(state && { state }) })
  }
  const [first] = events
  if (!first) return
  const row = tx.db.get<{ count: number }>(
    'SELECT count(*) AS count FROM events WHERE grant_id = ? AND type_n = ?',
    grantId,
    tx.texts.intern(first.type),
  )
  const count = row?.count ?? 0
  if (count + events.length > maxReports) {
    const explanation = `Grant ${grantId} has ${count} reports and may have ${maxReports}; report larger steps.`
    throw new StintError('QUOTA_EXCEEDED', { grantId, explanation })
  }
  tx.append(events)
}

/** Moves a grant whose row has been read in this unit; the row becomes what is written. */
export function moveRow(
  store: SqliteStore,
  tx: SqliteTransaction,
  row: GrantRow,
  move: Omit<GrantMove, 'grantId' | 'expectedVersion'>,
): Grant {
  const { to } = move
  const from = row.state
  assertGrantMove(row.id, from, to.state)
  row.state = to.state
  row.reason = to.reason ?? row.reason
  row.active_at = msOrNull(to.activeAt) ?? row.active_at
  row.deadline = msOrNull(to.deadline) ?? row.deadline
  row.effective_by = msOrNull(to.effectiveBy) ?? row.effective_by
  row.ended_at = msOrNull(to.endedAt) ?? row.ended_at
  row.due_at = dueOf(row.id, to)
  row.version += 1
  updateGrant(tx, row)
  tx.count(row.subject_text_id, from, to.state)
  if (move.endLeases) endLeases(tx, row.row_id, move.endLeases)
  if (move.deny) putDeny(tx, row, move.deny)
  if (move.approval) decideApproval(tx, row, move.approval)
  tx.append(move.events)
  return store.grant(row)
}

function grantAt(store: SqliteStore, id: string, version: number): GrantRow {
  const row = store.grantRow(id)
  if (!row) throw conflict('There is no such grant.', { grantId: id })
  if (row.version !== version) {
    throw conflict(`The grant is at version ${row.version}, not ${version}: read it again and decide anew.`, {
      grantId: id,
      version: row.version,
      state: row.state,
    })
  }
  return row
}

function checkOpening({ grant, plan, lease, approval }: OpenGrant): void {
  if (!OPENING_STATES.includes(grant.state)) {
    throw misuse(`A grant cannot be opened as ${grant.state}.`, grant.id)
  }
  if (lease && grant.state !== 'active') throw misuse('Only an active grant is opened with a lease.', grant.id)
  if ((approval !== undefined) !== (grant.state === 'awaiting_approval')) {
    throw misuse('A grant is opened with an approval exactly when it awaits one.', grant.id)
  }
  if (plan.hash !== grant.planHash) throw misuse('The plan is not the one that the grant names.', grant.id)
  if (lease) checkLeaseEnd(grant.id, lease.notAfter, msOrNull(grant.deadline))
}

/** Counted where it is written: calls at the same time would else all find the same room. */
function checkRoom(tx: SqliteTransaction, { grant, maxOpen }: OpenGrant, subjectTextId: number): void {
  if (maxOpen === undefined || isFinalState(grant.state)) return
  const open = tx.openCount(subjectTextId)
  if (open < maxOpen) return
  const explanation = `This agent has ${open} open grants and may have ${maxOpen}; complete some first.`
  throw new StintError('QUOTA_EXCEEDED', { explanation, open })
}

/** P7: no lease reaches beyond its grant's deadline, whatever the caller worked out. */
function checkLeaseEnd(grantId: string, notAfter: Date, deadline: number | null): void {
  if (deadline === null || msOf(notAfter) > deadline) {
    throw misuse("A lease cannot end after its grant's deadline.", grantId)
  }
}

function dueOf(grantId: string, to: GrantMove['to']): number | null {
  if (to.dueAt && isFinalState(to.state)) throw misuse('Nothing is due of a grant in a final state.', grantId)
  return msOrNull(to.dueAt)
}

function insertGrant(store: SqliteStore, tx: SqliteTransaction, input: OpenGrant, subjectTextId: number): number {
  const { texts } = tx
  const { grant, plan } = input
  return tx.db.insert(
    `INSERT INTO grants (id, subject_n, trust_domain_n, auth_method_n, registration_n, owner_n, team_n, role_n, plan_n,
       decision_n, idempotency_key, task_hash, purpose, state, reason, requested_at, active_at, deadline, effective_by,
       ended_at, due_at, lease_count, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    grant.id,
    subjectTextId,
    texts.intern(grant.trustDomain),
    texts.intern(grant.authMethod),
    texts.intern(grant.registration),
    texts.intern(grant.owner),
    texts.intern(grant.team),
    texts.intern(grant.roleArn),
    store.planRowId(plan, grant.state === 'denied' ? { maxBytes: MAX_DENIED_PLAN_BYTES } : {}),
    store.decisionRowId(grant.decision),
    grant.idempotencyKey,
    Buffer.from(grant.taskHash, 'hex'),
    grant.purpose,
    grant.state,
    grant.reason ?? null,
    msOf(grant.requestedAt),
    msOrNull(grant.activeAt),
    msOrNull(grant.deadline),
    msOrNull(grant.effectiveBy),
    msOrNull(grant.endedAt),
    dueOf(grant.id, { state: grant.state, dueAt: grant.dueAt ?? null }),
    input.lease ? 1 : 0,
  )
}

function insertLease(
  tx: SqliteTransaction,
  grantRowId: number,
  roleTextId: number,
  number: number,
  lease: NewLease,
): void {
  tx.db.insert(
    "INSERT INTO leases (id, grant_n, number, role_n, state, not_after, intended_at) VALUES (?, ?, ?, ?, 'intended', ?, ?)",
    lease.id,
    grantRowId,
    number,
    roleTextId,
    msOf(lease.notAfter),
    msOf(lease.intendedAt),
  )
}

function insertApproval(tx: SqliteTransaction, grantRowId: number, approval: NonNullable<OpenGrant['approval']>): void {
  tx.db.insert(
    `INSERT INTO approvals (id, grant_n, plan_hash, requirements, state, requested_at, expires_at, decided_by, decided_at,
       note, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    approval.id,
    grantRowId,
    Buffer.from(approval.planHash, 'hex'),
    JSON.stringify(approval.requirements),
    approval.state,
    msOf(approval.requestedAt),
    msOf(approval.expiresAt),
    approval.decidedBy ?? null,
    msOrNull(approval.decidedAt),
    approval.note ?? null,
  )
}

function updateGrant(tx: SqliteTransaction, row: GrantRow): void {
  tx.db.run(
    `UPDATE grants SET state = ?, reason = ?, active_at = ?, deadline = ?, effective_by = ?, ended_at = ?, due_at = ?,
       version = ? WHERE n = ?`,
    row.state,
    row.reason,
    row.active_at,
    row.deadline,
    row.effective_by,
    row.ended_at,
    row.due_at,
    row.version,
    row.row_id,
  )
}

function endLeases(tx: SqliteTransaction, grantRowId: number, end: NonNullable<GrantMove['endLeases']>): void {
  tx.db.run(
    "UPDATE leases SET state = 'ended', end_kind = ?, ended_at = ? WHERE grant_n = ? AND state <> 'ended'",
    end.end,
    msOf(end.endedAt),
    grantRowId,
  )
}

/** An approval is decided once; only the grant's own move decides it, so both change together or not at all. */
function decideApproval(tx: SqliteTransaction, grant: GrantRow, to: NonNullable<GrantMove['approval']>): void {
  const changed = tx.db.run(
    `UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?, note = ?, version = version + 1
     WHERE grant_n = ? AND state = 'pending'`,
    to.state,
    to.decidedBy ?? null,
    msOf(to.decidedAt),
    to.note ?? null,
    grant.row_id,
  )
  if (changed === 0) throw conflict('The grant has no approval that is still pending.', { grantId: grant.id })
}

function isThere(row: LeaseRow, move: LeaseMove): boolean {
  if (move.to === 'unknown') return row.state === 'intended' && row.outcome_unknown !== null
  if (move.to === 'issued') return row.state === 'issued' && row.access_key_id === move.accessKeyId
  return row.state === 'ended'
}

function settled(store: SqliteStore, row: LeaseRow, move: LeaseMove): LeaseRow {
  if (move.to === 'unknown') {
    if (row.state === 'intended') return { ...row, outcome_unknown: 1 }
    throw conflict(`The lease is ${row.state}: its outcome is known.`, { leaseId: row.id, from: row.state })
  }
  assertLeaseMove(store.lease(row), move.to)
  if (move.to === 'ended') return { ...row, state: 'ended', end_kind: move.end, ended_at: msOf(move.endedAt) }
  return {
    ...row,
    state: 'issued',
    access_key_id: move.accessKeyId,
    issued_at: msOf(move.issuedAt),
    outcome_unknown: null,
  }
}

function newLease(grant: Grant, number: number, lease: NewLease): Lease {
  return {
    id: lease.id,
    grantId: grant.id,
    number,
    roleArn: grant.roleArn,
    sessionName: `${idBody(grant.id)}.${number}`,
    state: 'intended',
    notAfter: lease.notAfter,
    intendedAt: lease.intendedAt,
  }
}

function withoutUndefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}

function conflict(explanation: string, details: { readonly [key: string]: string | number }): StintError {
  return new StintError('LEDGER_CONFLICT', { explanation, ...details })
}

/** A mistake of our own code, refused before it can be recorded. */
function misuse(explanation: string, grantId: string): StintError {
  return new StintError('INTERNAL', { explanation, grantId })
}
