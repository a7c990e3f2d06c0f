import { pathToFileURL } from 'node:url'
import { hasCode, StintError } from '../../../core/errors.ts'
import { SqliteDatabase } from '../database/sqlite-database.ts'

/** A step that no release will ever know, so that releases which do not know of moves refuse the file too. */
const MOVED = 1_000_000_000

/** Where a ledger file was moved to; undefined for one that is in use. */
export function movedTo(db: SqliteDatabase): string | undefined {
  // A file that was never opened has no steps yet.
  if (!db.get("SELECT 1 AS one FROM sqlite_schema WHERE name = 'migrations'")) return undefined
  return db.get<{ name: string }>('SELECT name FROM migrations WHERE version = ?', MOVED)?.name
}

/** Marks a ledger file as moved: nothing opens it any more. */
export function markAsMoved(db: SqliteDatabase, where: string, now: Date): void {
  db.run(
    `INSERT INTO migrations (version, name, checksum, readable_by, applied_at) VALUES (?, ?, '', ?, ?)
     ON CONFLICT (version) DO NOTHING`,
    MOVED,
    where,
    MOVED,
    now.getTime(),
  )
}

/** For a move that has not happened. */
export function removeMovedMark(db: SqliteDatabase): void {
  db.run('DELETE FROM migrations WHERE version = ?', MOVED)
}

/** @throws {StintError} LEDGER_MOVED */
export function refuseMoved(db: SqliteDatabase): void {
  const where = movedTo(db)
  if (where === undefined) return
  const explanation = `The ledger was moved to the ${where}, or a move to it was begun: two ledgers that both go on would each not know what the other grants. Set ledger.postgres; if the move was not completed, run "stint migrate to-postgres" again.`
  throw new StintError('LEDGER_MOVED', { explanation, movedTo: where })
}

/**
 * For a file that a backup is about to replace, and that the caller has locked: the backup would be a second ledger beside the one in
 * the database. Whatever else is wrong with the file is what the backup is for.
 *
 * @throws {StintError} LEDGER_MOVED
 */
export function refuseMovedFile(file: string): void {
  let db: SqliteDatabase | undefined
  try {
    // Immutable: nothing is made beside the file, and its write-ahead log, which a move leaves empty, is not read.
    const url = pathToFileURL(file)
    url.search = 'immutable=1'
    db = new SqliteDatabase(url, { readOnly: true })
    refuseMoved(db)
  } catch (error) {
    if (hasCode(error, 'LEDGER_MOVED')) throw error
  } finally {
    db?.close()
  }
}
