import type { WriteInput } from '../../ledger.ts'
import type { Quarantine } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { begunQuarantine, openedQuarantine } from '../../rules/quarantine-rules.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { quarantinesMigration } from '../migrations/013-quarantines.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** See `LedgerWrites.beginQuarantine`. */
export function beginQuarantine(
  store: SqliteStore,
  tx: SqliteTransaction,
  input: WriteInput<'beginQuarantine'>,
): Quarantine {
  const latest = store.quarantine()
  const { quarantine: begun, events } = begunQuarantine(latest, input)
  if (begun === latest) return begun
  tx.db.run(
    'INSERT INTO quarantines (number, reason, since, begun_by, found) VALUES (?, ?, ?, ?, ?)',
    begun.number,
    begun.reason,
    toMs(begun.since),
    begun.by,
    begun.found,
  )
  keepFromEarlierReleases(tx, true)
  tx.append(events)
  return begun
}

/** See `LedgerWrites.openQuarantine`. */
export function openQuarantine(
  store: SqliteStore,
  tx: SqliteTransaction,
  input: WriteInput<'openQuarantine'>,
): Quarantine {
  const opened = openedQuarantine(store.quarantine(), input)
  const { at, by, note, acceptedRisk } = input.opening
  tx.db.run(
    'UPDATE quarantines SET opened_at = ?, opened_by = ?, opening_note = ?, accepted_risk = ? WHERE number = ?',
    toMs(at),
    by,
    note,
    acceptedRisk ?? null,
    opened.number,
  )
  keepFromEarlierReleases(tx, false)
  tx.append(input.events)
  return opened
}

/** A release that knows no quarantine would give out grants. */
function keepFromEarlierReleases(tx: SqliteTransaction, kept: boolean): void {
  const { version, readableBy } = quarantinesMigration
  tx.db.run('UPDATE migrations SET readable_by = ? WHERE version = ?', kept ? version : readableBy, version)
}
