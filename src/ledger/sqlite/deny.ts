import type { ClaimedDenyTarget, GrantMove, LedgerWrites } from '../ledger.ts'
import type { DenyEntry, DenyTarget } from '../records.ts'
import {
  claimedDenyTarget,
  damagedDenyEntry,
  denyEntryAfterWrite,
  dueDenyTarget,
  enforcedDenyEntry,
  failedDenyTarget,
  isClaimable,
  isNeeded,
  mendedDenyTarget,
  newDenyTarget,
  requireClaim,
  wantedDenyEntry,
  writtenDenyTarget,
} from '../rules.ts'
import {
  type DenyEntryRow,
  type DenyTargetRow,
  type GrantRow,
  LAST_INSTANT_MS,
  SELECT_DENY_ENTRY,
  SELECT_DENY_TARGET,
  toMs,
  toMsOrNull,
  toReadableDenyTarget,
} from './rows.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import type { SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

type Input<Method extends keyof LedgerWrites> = Parameters<LedgerWrites[Method]>[0]

/** Puts a grant on a target, or renews its entry there, and makes the target due. */
export function putDeny(
  store: SqliteStore,
  tx: SqliteTransaction,
  grant: GrantRow,
  wanted: NonNullable<GrantMove['deny']>,
): void {
  const row = tx.db.get<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.grant_n = ?`, grant.row_id)
  // An entry that cannot be read is written anew: it must not keep its grant from being denied.
  const known = row && store.orUndefined(() => store.denyEntry(row))
  // Its target is that of the document that may hold it, if that can still be told.
  const entry = wantedDenyEntry(known, grant.id, known ? wanted : { ...wanted, target: row?.target ?? wanted.target })
  const targetRowId = makeDue(store, tx, entry.target, entry.wantedAt)
  if (!row) {
    insertEntry(tx, grant.row_id, targetRowId, entry)
    return
  }
  updateEntry(tx, row.row_id, entry)
  if (row.target_row_id !== targetRowId) {
    tx.db.run('UPDATE deny_entries SET target_n = ? WHERE n = ?', targetRowId, row.row_id)
  }
}

/** Makes a target due, stored if need be. @returns its row id */
function makeDue(store: SqliteStore, tx: SqliteTransaction, target: string, at: Date): number {
  const row = tx.db.get<DenyTargetRow>(`${SELECT_DENY_TARGET} WHERE target = ?`, target)
  if (!row) return insertTarget(tx, dueDenyTarget(newDenyTarget(target), at))
  const known = store.orUndefined(() => store.denyTarget(row))
  if (known) updateTarget(tx, row.row_id, dueDenyTarget(known, at))
  // P6: a grant can be revoked while its target is damaged; whoever claims the target mends it.
  else makeDamagedDue(tx, row.row_id, at)
  return row.row_id
}

function makeDamagedDue(tx: SqliteTransaction, rowId: number, at: Date): void {
  tx.db.run(
    'UPDATE deny_targets SET next_attempt_at = min(coalesce(next_attempt_at, ?1), ?1) WHERE n = ?2',
    toMs(at),
    rowId,
  )
}

/** See `LedgerWrites.claimDenyTarget`. */
export function claimDenyTarget(
  store: SqliteStore,
  tx: SqliteTransaction,
  input: Input<'claimDenyTarget'>,
): ClaimedDenyTarget | undefined {
  const { now } = input
  // An instant that is none would never come: such a target is due, and in nobody's hands.
  const due = tx.db.all<DenyTargetRow>(
    `${SELECT_DENY_TARGET} WHERE (next_attempt_at <= ?1 OR next_attempt_at > ?2)
       AND (claimed_until IS NULL OR claimed_until <= ?1 OR claimed_until > ?2)
     ORDER BY next_attempt_at, n`,
    toMs(now),
    LAST_INSTANT_MS,
  )
  for (const row of due) {
    const free = store.orUndefined(() => store.denyTarget(row)) ?? mendedDenyTarget(toReadableDenyTarget(row), now)
    if (isClaimable(free, now)) return claim(store, tx, row, claimedDenyTarget(free, input), now)
  }
  return undefined
}

function claim(
  store: SqliteStore,
  tx: SqliteTransaction,
  row: DenyTargetRow,
  target: DenyTarget,
  now: Date,
): ClaimedDenyTarget {
  updateTarget(tx, row.row_id, target)
  const entries = readEntries(tx, row.row_id).flatMap((entry) => claimedEntry(store, entry, target, now))
  return {
    target,
    entries: entries.filter((entry) => isNeeded(entry, now)),
    expired: entries.filter((entry) => !isNeeded(entry, now)),
  }
}

/** P6: whoever is to be denied stays denied, whatever else of the entry is lost; nobody can be denied whose id is lost. */
function claimedEntry(store: SqliteStore, row: DenyEntryRow, { target }: DenyTarget, now: Date): DenyEntry[] {
  const entry = store.orUndefined(() => store.denyEntry(row))
  if (entry) return [entry]
  return row.grant_id === null ? [] : [damagedDenyEntry(row.grant_id, target, now)]
}

/**
 * At opening: the file is this process's alone, so whoever holds a claim is dead, and a revocation need not wait for the
 * claim's deadline. The claim's version stays, which keeps a late write of the dead one out.
 */
export function giveBackClaims(db: SqliteDatabase): void {
  db.run('UPDATE deny_targets SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by IS NOT NULL')
}

/** See `LedgerWrites.denyWritten`. */
export function denyWritten(store: SqliteStore, tx: SqliteTransaction, input: Input<'denyWritten'>): void {
  const { rowId, target } = heldClaim(store, tx, input)
  const write = { listed: new Set(input.grantIds), removed: new Set(input.removedGrantIds), at: input.at }
  let hasUnwritten = false
  for (const row of readEntries(tx, rowId)) {
    const entry = store.orUndefined(() => store.denyEntry(row))
    if (!entry) continue
    const after = denyEntryAfterWrite(entry, write)
    if (!after) tx.db.run('DELETE FROM deny_entries WHERE n = ?', row.row_id)
    else if (after !== entry) updateEntry(tx, row.row_id, after)
    hasUnwritten ||= after !== undefined && after.writtenAt === undefined
  }
  updateTarget(tx, rowId, writtenDenyTarget(target, input, hasUnwritten))
  tx.append(input.events)
}

/** See `LedgerWrites.denyFailed`. */
export function denyFailed(store: SqliteStore, tx: SqliteTransaction, input: Input<'denyFailed'>): void {
  const { rowId, target } = heldClaim(store, tx, input)
  updateTarget(tx, rowId, failedDenyTarget(target, input))
  tx.append(input.events)
}

/** The deny of this grant is in force. */
export function denyEnforced(store: SqliteStore, tx: SqliteTransaction, grant: GrantRow, at: Date): void {
  const row = tx.db.get<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.grant_n = ?`, grant.row_id)
  if (!row) return
  const entry = store.denyEntry(row)
  const enforced = enforcedDenyEntry(entry, at)
  if (enforced !== entry) updateEntry(tx, row.row_id, enforced)
}

function heldClaim(
  store: SqliteStore,
  tx: SqliteTransaction,
  claim: { readonly target: string; readonly claimVersion: number },
): { readonly rowId: number; readonly target: DenyTarget } {
  const row = tx.db.get<DenyTargetRow>(`${SELECT_DENY_TARGET} WHERE target = ?`, claim.target)
  const target = requireClaim(row && store.denyTarget(row), claim)
  return { rowId: (row as DenyTargetRow).row_id, target }
}

function readEntries(tx: SqliteTransaction, targetRowId: number): DenyEntryRow[] {
  return tx.db.all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.target_n = ? ORDER BY d.wanted_at, d.n`, targetRowId)
}

function insertTarget(tx: SqliteTransaction, target: DenyTarget): number {
  const rowId = tx.db.insert(
    'INSERT INTO deny_targets (target, attempts, claim_version) VALUES (?, ?, ?)',
    target.target,
    target.attempts,
    target.claimVersion,
  )
  updateTarget(tx, rowId, target)
  return rowId
}

function updateTarget(tx: SqliteTransaction, rowId: number, target: DenyTarget): void {
  tx.db.run(
    `UPDATE deny_targets SET next_attempt_at = ?, attempts = ?, last_error = ?, last_written_at = ?, watermark = ?,
       claimed_by = ?, claimed_until = ?, claim_version = ? WHERE n = ?`,
    toMsOrNull(target.nextAttemptAt),
    target.attempts,
    target.lastError ?? null,
    toMsOrNull(target.lastWrittenAt),
    toMsOrNull(target.watermark),
    target.claimedBy ?? null,
    toMsOrNull(target.claimedUntil),
    target.claimVersion,
    rowId,
  )
}

function insertEntry(tx: SqliteTransaction, grantRowId: number, targetRowId: number, entry: DenyEntry): void {
  tx.db.run(
    'INSERT INTO deny_entries (grant_n, target_n, wanted_at, until, last_issued_at) VALUES (?, ?, ?, ?, ?)',
    grantRowId,
    targetRowId,
    toMs(entry.wantedAt),
    toMs(entry.until),
    toMs(entry.lastIssuedAt),
  )
}

function updateEntry(tx: SqliteTransaction, rowId: number, entry: DenyEntry): void {
  tx.db.run(
    'UPDATE deny_entries SET wanted_at = ?, until = ?, last_issued_at = ?, written_at = ?, enforced_at = ? WHERE n = ?',
    toMs(entry.wantedAt),
    toMs(entry.until),
    toMs(entry.lastIssuedAt),
    toMsOrNull(entry.writtenAt),
    toMsOrNull(entry.enforcedAt),
    rowId,
  )
}
