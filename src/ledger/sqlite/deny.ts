import { StintError } from '../../core/errors.ts'
import type { ClaimedDenyTarget, GrantMove, LedgerWrites } from '../ledger.ts'
import {
  type DenyEntryRow,
  type DenyTargetRow,
  denyEntryOf,
  denyTargetOf,
  type GrantRow,
  msOf,
  msOrNull,
  SELECT_DENY_ENTRY,
  SELECT_DENY_TARGET,
} from './rows.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

type Input<Method extends keyof LedgerWrites> = Parameters<LedgerWrites[Method]>[0]

/** Puts a grant on a target, or renews its entry there, and makes the target due. */
export function putDeny(tx: SqliteTransaction, grant: GrantRow, deny: NonNullable<GrantMove['deny']>): void {
  const targetRowId = targetRowIdOf(tx, deny.target)
  const entry = tx.db.get<{ target_row_id: number }>(
    'SELECT target_n AS target_row_id FROM deny_entries WHERE grant_n = ?',
    grant.row_id,
  )
  if (entry && entry.target_row_id !== targetRowId) {
    throw new StintError('LEDGER_CONFLICT', {
      explanation: 'The grant is on another deny target already; it can leave that one only by its document.',
      grantId: grant.id,
    })
  }
  // A lease issued later than known before may escape a watermark, so the document has to be written again.
  tx.db.run(
    `INSERT INTO deny_entries (grant_n, target_n, wanted_at, until, last_issued_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (grant_n) DO UPDATE SET
       until = max(until, excluded.until),
       written_at = CASE WHEN excluded.last_issued_at > last_issued_at THEN NULL ELSE written_at END,
       enforced_at = CASE WHEN excluded.last_issued_at > last_issued_at THEN NULL ELSE enforced_at END,
       last_issued_at = max(last_issued_at, excluded.last_issued_at)`,
    grant.row_id,
    targetRowId,
    msOf(deny.wantedAt),
    msOf(deny.until),
    msOf(deny.lastIssuedAt),
  )
  makeDue(tx, targetRowId, msOf(deny.wantedAt))
}

/** See `LedgerWrites.claimDenyTarget`. */
export function claimDenyTarget(
  tx: SqliteTransaction,
  { owner, now, claimUntil }: Input<'claimDenyTarget'>,
): ClaimedDenyTarget | undefined {
  const row = tx.db.get<DenyTargetRow>(
    `${SELECT_DENY_TARGET} WHERE next_attempt_at <= ?1 AND (claimed_until IS NULL OR claimed_until <= ?1)
     ORDER BY next_attempt_at, n LIMIT 1`,
    msOf(now),
  )
  if (!row) return undefined
  tx.db.run(
    'UPDATE deny_targets SET claimed_by = ?, claimed_until = ?, claim_version = claim_version + 1 WHERE n = ?',
    owner,
    msOf(claimUntil),
    row.row_id,
  )
  const entries = tx.db.all<DenyEntryRow>(
    `${SELECT_DENY_ENTRY} WHERE d.target_n = ? ORDER BY d.wanted_at, d.n`,
    row.row_id,
  )
  return {
    target: denyTargetOf({
      ...row,
      claimed_by: owner,
      claimed_until: msOf(claimUntil),
      claim_version: row.claim_version + 1,
    }),
    entries: entries.filter(({ until }) => until > now.getTime()).map(denyEntryOf),
    expired: entries.filter(({ until }) => until <= now.getTime()).map(denyEntryOf),
  }
}

/**
 * At opening: the file is this process's alone, so whoever holds a claim is dead, and a revocation need not wait for the
 * claim's deadline. The claim's version stays, which keeps a late write of the dead one out.
 */
export function giveBackClaims(db: SqliteDatabase): void {
  db.run('UPDATE deny_targets SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by IS NOT NULL')
}

/** See `LedgerWrites.denyWritten`. */
export function denyWritten(tx: SqliteTransaction, input: Input<'denyWritten'>): void {
  const at = msOf(input.at)
  const { row_id: targetRowId } = heldClaim(tx, input)
  tx.db.run(
    `UPDATE deny_entries SET written_at = ? WHERE target_n = ? AND written_at IS NULL AND grant_n IN
       (SELECT g.n FROM json_each(?) j JOIN grants g ON g.id = j.value)`,
    at,
    targetRowId,
    JSON.stringify(input.grantIds),
  )
  removeEntries(tx, targetRowId, input.removedGrantIds, at)
  giveBack(tx, targetRowId, { attempts: 0, lastError: null, nextAttemptAt: msOrNull(input.nextAttemptAt) })
  tx.db.run(
    'UPDATE deny_targets SET last_written_at = ?, watermark = ? WHERE n = ?',
    at,
    msOrNull(input.watermark),
    targetRowId,
  )
  // Entries that were wanted while the document was being written wait for the next one.
  const unwritten = 'SELECT 1 AS one FROM deny_entries WHERE target_n = ? AND written_at IS NULL LIMIT 1'
  if (tx.db.get(unwritten, targetRowId)) makeDue(tx, targetRowId, at)
  tx.append(input.events)
}

/** See `LedgerWrites.denyFailed`. */
export function denyFailed(tx: SqliteTransaction, input: Input<'denyFailed'>): void {
  const { row_id: targetRowId, attempts } = heldClaim(tx, input)
  giveBack(tx, targetRowId, {
    attempts: attempts + 1,
    lastError: input.error,
    nextAttemptAt: msOf(input.nextAttemptAt),
  })
  tx.append(input.events)
}

/** The deny of these grants is in force. An entry that no document holds yet stays as it is. */
export function denyEnforced(
  tx: SqliteTransaction,
  { grantIds, at }: { readonly grantIds: readonly string[]; readonly at: Date },
): void {
  tx.db.run(
    `UPDATE deny_entries SET enforced_at = ? WHERE enforced_at IS NULL AND written_at IS NOT NULL AND grant_n IN
       (SELECT g.n FROM json_each(?) j JOIN grants g ON g.id = j.value)`,
    msOf(at),
    JSON.stringify(grantIds),
  )
}

/** P6: an entry goes only after its last session. One that came to last longer meanwhile is written again instead. */
function removeEntries(tx: SqliteTransaction, targetRowId: number, grantIds: readonly string[], at: number): void {
  const named = 'grant_n IN (SELECT g.n FROM json_each(?) j JOIN grants g ON g.id = j.value)'
  const ids = JSON.stringify(grantIds)
  tx.db.run(`DELETE FROM deny_entries WHERE target_n = ? AND until <= ? AND ${named}`, targetRowId, at, ids)
  tx.db.run(
    `UPDATE deny_entries SET written_at = NULL, enforced_at = NULL WHERE target_n = ? AND ${named}`,
    targetRowId,
    ids,
  )
}

function heldClaim(tx: SqliteTransaction, claim: { target: string; claimVersion: number }): DenyTargetRow {
  const row = tx.db.get<DenyTargetRow>(`${SELECT_DENY_TARGET} WHERE target = ?`, claim.target)
  if (row && row.claim_version === claim.claimVersion && row.claimed_by !== null) return row
  throw new StintError('LEDGER_CONFLICT', {
    explanation: 'The claim on this deny target was given back or taken over: claim it again.',
    target: claim.target,
    claimVersion: row?.claim_version ?? 0,
  })
}

function giveBack(
  tx: SqliteTransaction,
  targetRowId: number,
  to: { attempts: number; lastError: string | null; nextAttemptAt: number | null },
): void {
  tx.db.run(
    `UPDATE deny_targets SET claimed_by = NULL, claimed_until = NULL, attempts = ?, last_error = ?, next_attempt_at = ?
     WHERE n = ?`,
    to.attempts,
    to.lastError,
    to.nextAttemptAt,
    targetRowId,
  )
}

function targetRowIdOf(tx: SqliteTransaction, target: string): number {
  const row = tx.db.get<{ row_id: number }>('SELECT n AS row_id FROM deny_targets WHERE target = ?', target)
  return (
    row?.row_id ?? tx.db.insert('INSERT INTO deny_targets (target, attempts, claim_version) VALUES (?, 0, 0)', target)
  )
}

function makeDue(tx: SqliteTransaction, targetRowId: number, at: number): void {
  tx.db.run(
    'UPDATE deny_targets SET next_attempt_at = min(coalesce(next_attempt_at, ?1), ?1) WHERE n = ?2',
    at,
    targetRowId,
  )
}
