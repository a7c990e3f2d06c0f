import { sha256Hex } from '../../../core/canonical-json.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
import { type Migration, migrationText, type RowStep } from '../../schema/migration.ts'
import {
  type AppliedStep,
  type MigrationListener,
  refusePending,
  type SchemaState,
  schemaState,
} from '../../schema/schema-state.ts'
import type { SqliteDatabase } from '../database/sqlite-database.ts'
import { ledgerMigration } from './001-ledger.ts'
import { tokenOwnersMigration } from './002-token-owners.ts'
import { correlationMigration } from './003-correlation.ts'
import { sessionNamesMigration } from './004-session-names.ts'
import { chainsMigration } from './005-chains.ts'
import { leaseReplicasMigration } from './006-lease-replicas.ts'
import { denyListsMigration } from './007-deny-lists.ts'
import { denySharesMigration } from './008-deny-shares.ts'
import { denyDocumentsMigration } from './009-deny-documents.ts'
import { denyProofsMigration } from './010-deny-proofs.ts'
import { furtherDocumentsMigration } from './011-further-documents.ts'
import { unwrittenDeniesMigration } from './012-unwritten-denies.ts'
import { quarantinesMigration } from './013-quarantines.ts'
import { noOpenLeasesIndexMigration } from './014-no-open-leases-index.ts'
import { withdrawnMigration } from './015-withdrawn.ts'
import { holdsMigration } from './016-holds.ts'
import { noticesMigration } from './017-notices.ts'
import { registrationsMigration } from './018-registrations.ts'
import { claimsMigration } from './019-claims.ts'
import { budgetsMigration } from './020-budgets.ts'
import { votesMigration } from './021-votes.ts'
import { reuseMigration } from './022-reuse.ts'
import { refuseMoved } from './moved-mark.ts'

/** All steps, by version. */
export const MIGRATIONS: readonly Migration[] = [
  ledgerMigration,
  tokenOwnersMigration,
  correlationMigration,
  sessionNamesMigration,
  chainsMigration,
  leaseReplicasMigration,
  denyListsMigration,
  denySharesMigration,
  denyDocumentsMigration,
  denyProofsMigration,
  furtherDocumentsMigration,
  unwrittenDeniesMigration,
  quarantinesMigration,
  noOpenLeasesIndexMigration,
  withdrawnMigration,
  holdsMigration,
  noticesMigration,
  registrationsMigration,
  claimsMigration,
  budgetsMigration,
  votesMigration,
  reuseMigration,
]

/** Inputs of a migration besides the file. */
export interface MigrationInput {
  readonly now: Date
  readonly migrations?: readonly Migration[]
  /** `never`: steps that are pending are an error. */
  readonly migrate?: 'start' | 'never'
  readonly onProgress?: MigrationListener | undefined
}

/**
 * Brings the schema up to date, one transaction a step, so that a crash leaves whole steps only.
 *
 * @throws {StintError} LEDGER_CORRUPT when a step on record is not the one we know; LEDGER_VERSION_UNSUPPORTED when a
 *   newer release has made the schema unreadable for this one; LEDGER_MIGRATION_NEEDED if `migrate` is `never`.
 */
export function runMigrations(db: SqliteDatabase, input: MigrationInput): void {
  const state = inspectSchema(db, input.migrations)
  if (input.migrate === 'never') refusePending(state)
  if (state.pending.length > 0) db.exec(CREATE_STEPS)
  for (const migration of state.pending) apply(db, migration, input)
}

/** The schema of a ledger; nothing is changed. @throws {StintError} as `runMigrations`, and LEDGER_MOVED */
export function inspectSchema(db: SqliteDatabase, migrations: readonly Migration[] = MIGRATIONS): SchemaState {
  const isThere = db.get("SELECT 1 AS one FROM sqlite_schema WHERE name = 'migrations'") !== undefined
  refuseMoved(db)
  const select = 'SELECT version, name, checksum, readable_by FROM migrations ORDER BY version'
  return schemaState(isThere ? db.all<AppliedStep>(select) : [], migrations)
}

const CREATE_STEPS = `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
  readable_by INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`

function apply(db: SqliteDatabase, migration: Migration, { now, onProgress }: MigrationInput): void {
  const step = { version: migration.version, name: migration.name }
  onProgress?.({ step, isDone: false })
  if ('rows' in migration) changeRows(db, migration, onProgress)
  inTransaction(db, () => {
    if ('sql' in migration) db.exec(migration.sql)
    failpoint('ledger.migrating')
    db.run(
      'INSERT INTO migrations (version, name, checksum, readable_by, applied_at) VALUES (?, ?, ?, ?, ?)',
      migration.version,
      migration.name,
      sha256Hex(migrationText(migration)),
      migration.readableBy,
      now.getTime(),
    )
  })
  onProgress?.({ step, isDone: true })
}

/** Some thousands of rows a transaction: a kill loses one of these at most. */
function changeRows(db: SqliteDatabase, { version, name, rows }: RowStep, onProgress?: MigrationListener): void {
  const total = db.get<{ count: number }>(rows.remaining)?.count ?? 0
  for (let done = 0; ; ) {
    onProgress?.({ step: { version, name }, rows: { done, total }, isDone: false })
    const changed = inTransaction(db, () => db.run(rows.change))
    failpoint('ledger.migrating_rows')
    if (changed === 0) return
    done += changed
  }
}

function inTransaction<T>(db: SqliteDatabase, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
