import { existsSync } from 'node:fs'
import type { SchemaState } from '../../schema/schema-state.ts'
import { isLocked, lockFile } from '../database/file-lock.ts'
import { ledgerError, prepareFile, SqliteDatabase } from '../database/sqlite-database.ts'
import { inspectSchema, type MigrationInput, runMigrations } from './run-migrations.ts'

/**
 * Looks at the schema of a ledger file, which is only read.
 *
 * @returns the schema, and whether a process has the ledger open
 * @throws {StintError} LEDGER_UNAVAILABLE, LEDGER_VERSION_UNSUPPORTED, LEDGER_CORRUPT, LEDGER_MOVED
 */
export function inspectSqliteSchema(file: string): { readonly state: SchemaState; readonly isInUse: boolean } {
  let db: SqliteDatabase | undefined
  try {
    // Nothing is there before the first start.
    db = existsSync(file) ? new SqliteDatabase(file, { readOnly: true }) : new SqliteDatabase(':memory:')
    return { state: inspectSchema(db), isInUse: isLocked(file) }
  } catch (error) {
    throw ledgerError(error, file)
  } finally {
    db?.close()
  }
}

/**
 * Brings the schema of a ledger file up to date; a file that is not there is made.
 *
 * @throws {StintError} LEDGER_LOCKED when a process has the ledger open, and as opening it
 */
export function migrateSqliteLedger(file: string, input: Pick<MigrationInput, 'now' | 'onProgress'>): void {
  const lock = lockFile(file)
  let db: SqliteDatabase | undefined
  try {
    db = new SqliteDatabase(lock.path)
    prepareFile(db)
    runMigrations(db, input)
  } catch (error) {
    throw ledgerError(error, lock.path)
  } finally {
    db?.close()
    lock.release()
  }
}
