import { toApprovalTexts } from '../../approvals/stored-approval.ts'
import type { GrantMove, LeaseMove, OpenGrant, WriteInput } from '../../ledger.ts'
import type { Approval, Grant, Lease } from '../../records.ts'
import { toMs, toMsOrNull } from '../../row-values.ts'
import { movedApproval } from '../../rules/approval-rules.ts'
import { toStoredDeadline } from '../../rules/claim-rules.ts'
import {
  checkOpenGrants,
  checkReports,
  isFinalState,
  maxPlanBytes,
  movedGrant,
  openedGrant,
  openGrantLimit,
  requireGrantAt,
} from '../../rules/grant-rules.ts'
import { requireNotHeld } from '../../rules/hold-rules.ts'
import { intendedLease, settledLease } from '../../rules/lease-rules.ts'
import { isApproving, requireNoQuarantine } from '../../rules/quarantine-rules.ts'
import { type ReuseWish, restingApproval, usedApproval } from '../../rules/reuse-rules.ts'
import { toStoredReason, toStoredState } from '../../stored-states.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { SqliteStore, StoredPlan } from '../sqlite-store.ts'
import { drawBudgets } from './budgets.ts'
import { putDeny } from './deny.ts'
import type { TokenRows } from './tokens.ts'

/** Input of the unit that opens a grant. */
export type OpenGrantUnit = Omit<OpenGrant, 'plan'> & { readonly plan: StoredPlan }

/** See `LedgerWrites.openGrant`. @returns the grant that is there already; undefined when `input` makes a new one */
export function openGrant(
  store: SqliteStore,
  tx: SqliteTransaction,
  tokens: TokenRows,
  input: OpenGrantUnit,
): Grant | undefined {
  const subjectTextId = tx.texts.intern(input.grant.subject)
  const existing = store.db.get<GrantRow>(
    `${SELECT_GRANT} WHERE g.subject_n = ? AND g.idempotency_key = ?`,
    subjectTextId,
    input.grant.idempotencyKey,
  )
  if (existing) return store.grant(existing)
  const { grant, lease, approval } = openedGrant(input, store.replica)
  if (!isFinalState(grant.state)) {
    requireNoQuarantine(store.quarantine(), grant)
    requireNotHeld(store.holds(), { ...grant, touches: input.plan.touches })
  }
  const limit = openGrantLimit(input)
  if (limit !== undefined) checkOpenGrants(tx.openCount(subjectTextId), limit)
  if (input.budgets) drawBudgets(tx, grant, input.budgets)
  const waits = grant.state === 'awaiting_approval'
  if (input.token) tokens.use(input.token, { grantId: grant.id, leaseId: lease?.id, waits })
  const rowId = insertGrant(store, tx, grant, input.plan, subjectTextId)
  tx.count(subjectTextId, undefined, grant.state)
  if (lease) insertLease(tx, rowId, tx.texts.intern(grant.roleArn), lease)
  if (approval) insertApproval(tx, rowId, approval)
  if (input.reuse) restOnApproval(store, tx, { rowId, grant }, input.reuse)
  tx.append(input.events)
  return undefined
}

/** See `LedgerWrites.intendLease`. */
export function intendLease(
  store: SqliteStore,
  tx: SqliteTransaction,
  tokens: TokenRows,
  input: WriteInput<'intendLease'>,
): { grant: Grant; lease: Lease } {
  const { row, grant: before } = grantAt(store, input.grantId, input.grantVersion)
  requireNoQuarantine(store.quarantine(), before)
  requireNotHeld(store.holds(), { ...before, touches: input.touches, registered: input.registered })
  const { grant, lease } = intendedLease(before, input.lease, store.replica)
  if (input.token) tokens.use(input.token, { grantId: grant.id, leaseId: lease.id, waits: false })
  if (before.claimBy) updateGrant(tx, row.row_id, grant)
  tx.db.run('UPDATE grants SET lease_count = ?, version = ? WHERE n = ?', grant.leaseCount, grant.version, row.row_id)
  insertLease(tx, row.row_id, row.role_text_id, lease)
  tx.append(input.events)
  return { grant, lease }
}

/** See `LedgerWrites.settleLease`. */
export function settleLease(store: SqliteStore, tx: SqliteTransaction, move: LeaseMove): Lease {
  const row = store.leaseRow(move.leaseId)
  const lease = row && store.lease(row)
  const settled = settledLease(lease, move)
  if (!row || settled === lease) return settled
  tx.db.run(
    'UPDATE leases SET state = ?, ended_by = ?, issued_at = ?, ended_at = ?, access_key_id = ?, outcome_unknown = ? WHERE n = ?',
    settled.state,
    settled.end ?? null,
    toMsOrNull(settled.issuedAt),
    toMsOrNull(settled.endedAt),
    settled.accessKeyId ?? null,
    settled.outcomeUnknown ? 1 : null,
    row.row_id,
  )
  tx.append(move.events)
  return settled
}

/** See `LedgerWrites.moveGrant`. */
export function moveGrant(store: SqliteStore, tx: SqliteTransaction, move: GrantMove): Grant {
  const { row, grant } = grantAt(store, move.grantId, move.expectedVersion)
  if (isApproving(grant, move)) {
    requireNoQuarantine(store.quarantine(), grant)
    requireNotHeld(store.holds(), { ...grant, touches: move.touches, registered: move.registered })
  }
  return writeMove(store, tx, row, movedGrant(grant, move.to), move)
}

/** See `LedgerWrites.appendReports`. */
export function appendReports(
  store: SqliteStore,
  tx: SqliteTransaction,
  { grantId, maxReports, events }: WriteInput<'appendReports'>,
): void {
  const counts = { recorded: countReports(tx, grantId, events[0]?.type), more: events.length, max: maxReports }
  checkReports(grantId, store.grantRow(grantId)?.state, counts)
  tx.append(events)
}

/** Writes a grant as a move has left it, with the records that move with it. `row` was read in this unit. */
export function writeMove(
  store: SqliteStore,
  tx: SqliteTransaction,
  row: GrantRow,
  moved: Grant,
  move: Omit<GrantMove, 'grantId' | 'expectedVersion'>,
): Grant {
  updateGrant(tx, row.row_id, moved)
  tx.count(row.subject_text_id, row.state, moved.state)
  if (move.endLeases) endLeases(tx, row.row_id, move.endLeases)
  if (move.deny) putDeny(store, tx, row, move.deny)
  if (move.vote || move.approval) moveApproval(store, tx, row, move)
  tx.append(move.events)
  if (isFinalState(moved.state)) store.damaged.over(moved.id)
  return moved
}

function countReports(tx: SqliteTransaction, grantId: string, type: string | undefined): number {
  if (type === undefined) return 0
  const row = tx.db.get<{ count: number }>(
    'SELECT count(*) AS count FROM events WHERE grant_id = ? AND type_n = ?',
    grantId,
    tx.texts.intern(type),
  )
  return row?.count ?? 0
}

function grantAt(store: SqliteStore, id: string, version: number): { row: GrantRow; grant: Grant } {
  const row = store.grantRow(id)
  const grant = requireGrantAt(row && store.grant(row), id, version)
  return { row: row as GrantRow, grant }
}

function insertGrant(
  store: SqliteStore,
  tx: SqliteTransaction,
  grant: Grant,
  plan: StoredPlan,
  subjectTextId: number,
): number {
  const { texts } = tx
  return tx.db.insert(
    `INSERT INTO grants (id, subject_n, trust_domain_n, auth_method_n, registration_n, owner_n, team_n, role_n, plan_n,
       decision_n, idempotency_key, task_hash, purpose, state, reason, requested_at, active_at, deadline, claim_by, effective_by,
       ended_at, due_at, lease_count, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    grant.id,
    subjectTextId,
    texts.intern(grant.trustDomain),
    texts.intern(grant.authMethod),
    texts.intern(grant.registration),
    texts.intern(grant.owner),
    texts.intern(grant.team),
    texts.intern(grant.roleArn),
    store.planRowId(plan, { maxBytes: maxPlanBytes(grant.state) }),
    store.decisionRowId(grant.decision),
    grant.idempotencyKey,
    Buffer.from(grant.taskHash, 'hex'),
    grant.purpose,
    toStoredState(grant.state),
    toStoredReason(grant),
    toMs(grant.requestedAt),
    toMsOrNull(grant.activeAt),
    toMsOrNull(toStoredDeadline(grant)),
    toMsOrNull(grant.claimBy),
    toMsOrNull(grant.effectiveBy),
    toMsOrNull(grant.endedAt),
    toMsOrNull(grant.dueAt),
    grant.leaseCount,
    grant.version,
  )
}

function insertLease(tx: SqliteTransaction, grantRowId: number, roleTextId: number, lease: Lease): void {
  tx.db.insert(
    `INSERT INTO leases (id, grant_n, number, role_n, session_name, state, not_after, intended_at, replica_n, mint_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    lease.id,
    grantRowId,
    lease.number,
    roleTextId,
    lease.sessionName,
    lease.state,
    toMs(lease.notAfter),
    toMs(lease.intendedAt),
    lease.replica === undefined ? null : tx.texts.intern(lease.replica),
    toMsOrNull(lease.mintUntil),
  )
}

function insertApproval(tx: SqliteTransaction, grantRowId: number, approval: Approval): void {
  const texts = toApprovalTexts(approval)
  tx.db.insert(
    `INSERT INTO approvals (id, grant_n, plan_hash, requirements, quorum, votes, voided, state, requested_at, expires_at,
       decided_by, decided_at, note, uses, reuse_of, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    approval.id,
    grantRowId,
    Buffer.from(approval.planHash, 'hex'),
    texts.requirements,
    texts.quorum,
    texts.votes,
    texts.voided,
    texts.state,
    toMs(approval.requestedAt),
    toMs(approval.expiresAt),
    approval.decidedBy ?? null,
    toMsOrNull(approval.decidedAt),
    approval.note ?? null,
    approval.uses ?? null,
    approval.reuseOf ?? null,
    approval.version,
  )
}

function restOnApproval(
  store: SqliteStore,
  tx: SqliteTransaction,
  { rowId, grant }: { readonly rowId: number; readonly grant: Grant },
  wish: ReuseWish,
): void {
  const row = tx.db.get<ApprovalRow>(`${SELECT_APPROVAL} WHERE a.id = ?`, wish.approvalId)
  const used = usedApproval(row && store.approval(row), wish, grant)
  tx.db.run('UPDATE approvals SET uses = ?, version = ? WHERE id = ?', used.uses ?? null, used.version, used.id)
  insertApproval(tx, rowId, restingApproval(used, wish, grant))
}

function updateGrant(tx: SqliteTransaction, rowId: number, grant: Grant): void {
  tx.db.run(
    `UPDATE grants SET state = ?, reason = ?, active_at = ?, deadline = ?, claim_by = ?, effective_by = ?, ended_at = ?, due_at = ?,
       version = ? WHERE n = ?`,
    toStoredState(grant.state),
    toStoredReason(grant),
    toMsOrNull(grant.activeAt),
    toMsOrNull(toStoredDeadline(grant)),
    toMsOrNull(grant.claimBy),
    toMsOrNull(grant.effectiveBy),
    toMsOrNull(grant.endedAt),
    toMsOrNull(grant.dueAt),
    grant.version,
    rowId,
  )
}

function endLeases(tx: SqliteTransaction, grantRowId: number, end: NonNullable<GrantMove['endLeases']>): void {
  tx.db.run(
    "UPDATE leases SET state = 'ended', ended_by = ?, ended_at = ? WHERE grant_n = ? AND state <> 'ended'",
    end.end,
    toMs(end.endedAt),
    grantRowId,
  )
}

function moveApproval(
  store: SqliteStore,
  tx: SqliteTransaction,
  grant: GrantRow,
  move: Pick<GrantMove, 'vote' | 'approval'>,
): void {
  const row = tx.db.get<ApprovalRow>(`${SELECT_APPROVAL} WHERE a.grant_n = ?`, grant.row_id)
  const approval = movedApproval(row && store.approval(row), grant.id, move)
  const texts = toApprovalTexts(approval)
  tx.db.run(
    `UPDATE approvals SET state = ?, exact_state = ?, votes = ?, voided = ?, decided_by = ?, decided_at = ?, note = ?, version = ?
       WHERE grant_n = ?`,
    texts.state,
    texts.exact_state,
    texts.votes,
    texts.voided,
    approval.decidedBy ?? null,
    toMsOrNull(approval.decidedAt),
    approval.note ?? null,
    approval.version,
    grant.row_id,
  )
}
