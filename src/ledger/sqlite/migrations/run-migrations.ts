import { sha256Hex } from '../../../core/canonical-json.ts'
import { StintError } from '../../../core/errors.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
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
import type { Migration } from './migration.ts'

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
]

interface AppliedRow {
  version: number
  name: string
  checksum: string
  readable_by: number
}

/**
 * Brings the schema up to date, one transaction a step, so that a crash leaves whole steps only.
 *
 * @throws {StintError} LEDGER_CORRUPT when a step on record is not the one we know; LEDGER_VERSION_UNSUPPORTED when a
 *   newer release has made the schema unreadable for this one.
 */
export function runMigrations(db: SqliteDatabase, now: Date, migrations: readonly Migration[] = MIGRATIONS): void {
  const applied = appliedMigrations(db)
  checkApplied(applied, migrations)
  const current = applied.at(-1)?.version ?? 0
  for (const migration of migrations) if (migration.version > current) apply(db, migration, now)
}

function appliedMigrations(db: SqliteDatabase): AppliedRow[] {
  db.exec(
    `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
       readable_by INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT`,
  )
  return db.all<AppliedRow>('SELECT version, name, checksum, readable_by FROM migrations ORDER BY version')
}

function checkApplied(applied: readonly AppliedRow[], migrations: readonly Migration[]): void {
  const known = migrations.at(-1)?.version ?? 0
  for (const row of applied) {
    if (row.readable_by > known) {
      throw new StintError('LEDGER_VERSION_UNSUPPORTED', {
        explanation: `The ledger has schema version ${row.version}, which needs a release that knows version ${row.readable_by}; this one knows ${known}. Start the newer release, or restore a backup made before the upgrade.`,
        found: row.version,
        known,
      })
    }
    const migration = migrations.find(({ version }) => version === row.version)
    if (migration && sha256Hex(migration.sql) !== row.checksum) {
      throw new StintError('LEDGER_CORRUPT', {
        explanation: `Schema step ${row.version} (${row.name}) on record is not the one that this release knows.`,
        version: row.version,
      })
    }
  }
}

function apply(db: SqliteDatabase, migration: Migration, now: Date): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(migration.sql)
    failpoint('ledger.migrating')
    db.run(
      'INSERT INTO migrations (version, name, checksum, readable_by, applied_at) VALUES (?, ?, ?, ?, ?)',
      migration.version,
      migration.name,
      sha256Hex(migration.sql),
      migration.readableBy,
      now.getTime(),
    )
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
