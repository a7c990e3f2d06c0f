import type { WriteInput } from '../../ledger.ts'
import type { GrantState } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { mayPrune, notedAttempt, type PruneFacts } from '../../rules/housekeeping-rules.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { SELECT_UNREGISTERED, type UnregisteredRow } from '../rows/unregistered-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'
import { pruneMeters } from './budgets.ts'
import type { TokenRows } from './tokens.ts'

/** See `LedgerWrites.noteUnregistered`. */
export function noteUnregistered(
  store: SqliteStore,
  tx: SqliteTransaction,
  attempt: WriteInput<'noteUnregistered'>,
  max: number,
): void {
  const row = tx.db.get<UnregisteredRow>(`${SELECT_UNREGISTERED} WHERE subject = ?`, attempt.subject)
  const noted = notedAttempt(row && store.orUndefined(() => store.unregistered(row)), attempt)
  tx.db.run(
    `INSERT INTO unregistered (subject, trust_domain, auth_method, reason, first_seen_at, last_seen_at, count)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (subject) DO UPDATE SET trust_domain = excluded.trust_domain, auth_method = excluded.auth_method,
       reason = excluded.reason, last_seen_at = excluded.last_seen_at, count = excluded.count`,
    noted.subject,
    noted.trustDomain,
    noted.authMethod,
    noted.reason,
    toMs(noted.firstSeenAt),
    toMs(noted.lastSeenAt),
    noted.count,
  )
  // At most `max` rows, so counting them is cheap.
  const { kept } = tx.db.get<{ kept: number }>('SELECT count(*) AS kept FROM unregistered') ?? { kept: 0 }
  if (kept > max) {
    tx.db.run(
      `DELETE FROM unregistered WHERE n IN
         (SELECT n FROM unregistered WHERE subject <> ? ORDER BY last_seen_at, n LIMIT ?)`,
      attempt.subject,
      kept - max,
    )
  }
  tx.append([attempt.event])
}

interface PrunedRow {
  row_id: number
  id: string
  subject_text_id: number
  plan_row_id: number
  decision_row_id: number
  state: GrantState
  requested_at: number
  ended_at: number | null
  is_on_deny_list: number
  open_until: number | null
}

/** A grant that is removed, with its leases. */
export interface PrunedGrant {
  readonly grantId: string
  readonly leaseIds: readonly string[]
}

/** See `LedgerWrites.prune`. */
export function prune(
  store: SqliteStore,
  tx: SqliteTransaction,
  tokenRows: TokenRows,
  { before, now, limit }: WriteInput<'prune'>,
): { grants: number; tokens: number; gone: PrunedGrant[] } {
  const found = tx.db.all<PrunedRow>(
    `SELECT g.n AS row_id, g.id, g.subject_n AS subject_text_id, g.plan_n AS plan_row_id, g.decision_n AS decision_row_id,
       g.state, g.requested_at, g.ended_at,
       EXISTS (SELECT 1 FROM deny_entries d WHERE d.grant_n = g.n) AS is_on_deny_list,
       (SELECT max(l.not_after) FROM leases l WHERE l.grant_n = g.n AND l.state <> 'ended') AS open_until
     FROM grants g INDEXED BY grants_final
     WHERE g.state IN ('denied', 'rejected', 'approval_expired', 'ended')
       AND coalesce(g.ended_at, g.requested_at) < ?1 AND NOT is_on_deny_list AND coalesce(open_until, 0) <= ?2
     ORDER BY coalesce(g.ended_at, g.requested_at) LIMIT ?3`,
    toMs(before),
    toMs(now),
    limit,
  )
  const rows = found.filter((row) => mayPrune(toPruneFacts(row), { before, now }))
  const gone: PrunedGrant[] = []
  for (const row of rows) {
    // Before its leases go with it.
    const leaseIds = listLeaseIds(tx, row.row_id)
    store.damaged.gone(row.id, () => leaseIds)
    gone.push({ grantId: row.id, leaseIds })
    tx.db.run('DELETE FROM grants WHERE n = ?', row.row_id)
    tx.count(row.subject_text_id, row.state, undefined)
  }
  removeUnused(tx, 'plans', 'plan_n', new Set(rows.map((row) => row.plan_row_id)))
  removeUnused(tx, 'decisions', 'decision_n', new Set(rows.map((row) => row.decision_row_id)))
  pruneMeters(tx.db, now, limit)
  const tokens = tokenRows.prune({ now, limit })
  // SQLite gives row numbers out again, so nothing of the rows that went may be remembered.
  store.forget()
  return { grants: rows.length, tokens, gone }
}

function listLeaseIds(tx: SqliteTransaction, grantRowId: number): string[] {
  return tx.db.all<{ id: string }>('SELECT id FROM leases WHERE grant_n = ?', grantRowId).map(({ id }) => id)
}

function removeUnused(tx: SqliteTransaction, table: 'plans' | 'decisions', column: string, rowIds: Set<number>): void {
  for (const rowId of rowIds) {
    tx.db.run(`DELETE FROM ${table} WHERE n = ?1 AND NOT EXISTS (SELECT 1 FROM grants WHERE ${column} = ?1)`, rowId)
  }
}

function toPruneFacts(row: PrunedRow): PruneFacts {
  return {
    state: row.state,
    requestedAt: new Date(row.requested_at),
    ...(row.ended_at === null ? {} : { endedAt: new Date(row.ended_at) }),
    isOnDenyList: row.is_on_deny_list === 1,
    ...(row.open_until === null ? {} : { openUntil: new Date(row.open_until) }),
  }
}
