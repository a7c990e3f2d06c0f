import { sha256Hex } from '../../../core/canonical-json.ts'
import { StintError } from '../../../core/errors.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
import type { PgConnection } from '../database/pg-connection.ts'
import type { Statement } from '../database/statement.ts'
import type { TransactionFrame } from '../database/transaction-frame.ts'
import { ledgerMigration } from './001-ledger.ts'
import type { Migration } from './migration.ts'

/** All steps, by version. */
export const MIGRATIONS: readonly Migration[] = [ledgerMigration]

const CREATE_STEPS = `CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
  readable_by integer NOT NULL, applied_at bigint NOT NULL)`

/** Whoever migrates holds this lock until its transaction ends: "STNT". */
const LOCK = 0x53544e54

interface AppliedRow {
  readonly version: number
  readonly name: string
  readonly checksum: string
  readonly readable_by: number
}

/**
 * Brings the schema up to date, one transaction a step, so that a crash leaves whole steps only, and one process at a time.
 *
 * @throws {StintError} LEDGER_CORRUPT when a step on record is not the one we know; LEDGER_VERSION_UNSUPPORTED when a newer
 *   release has made the schema unreadable for this one.
 */
export async function runMigrations(
  connection: PgConnection,
  frame: TransactionFrame,
  { schema, now, migrations = MIGRATIONS }: { schema: string; now: Date; migrations?: readonly Migration[] },
): Promise<void> {
  while (await runNext(connection, frame, { schema, now, migrations })) {
    // The next one sees what this one has left.
  }
}

/** @returns whether there may be more */
async function runNext(
  connection: PgConnection,
  frame: TransactionFrame,
  { schema, now, migrations }: { schema: string; now: Date; migrations: readonly Migration[] },
): Promise<boolean> {
  try {
    const applied = await lockAndRead(connection, frame, schema)
    checkApplied(applied, migrations)
    const current = applied.at(-1)?.version ?? 0
    const next = migrations.find(({ version }) => version > current)
    // Also without a step, the table of steps may be new.
    await connection.round([...(next ? toStatements(next, now) : []), ...frame.commit])
    return next !== undefined
  } catch (error) {
    await connection.round([frame.rollback]).catch(() => undefined)
    throw error
  }
}

async function lockAndRead(connection: PgConnection, frame: TransactionFrame, schema: string): Promise<AppliedRow[]> {
  // A schema that exists is not created again, since its user need not have the right to create one.
  const [, , found] = await connection.round([
    frame.beginWrite,
    { text: 'SELECT pg_advisory_xact_lock($1, hashtext($2))', values: [LOCK, schema] },
    {
      text: `SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS schema, to_regclass(quote_ident($1) || '.migrations') IS NOT NULL AS steps`,
      values: [schema],
    },
  ])
  const has = found?.rows[0] as { schema: boolean; steps: boolean } | undefined
  const answers = await connection.round([
    ...(has?.schema ? [] : [{ text: `CREATE SCHEMA "${schema}"` }]),
    ...(has?.steps ? [] : [{ text: CREATE_STEPS }]),
    { text: 'SELECT version, name, checksum, readable_by FROM migrations ORDER BY version' },
  ])
  return (answers.at(-1)?.rows ?? []) as unknown as AppliedRow[]
}

function toStatements(migration: Migration, now: Date): Statement[] {
  failpoint('ledger.migrating')
  const { version, name, sql, readableBy } = migration
  return [
    // A large ledger takes its time, and other sessions theirs.
    { text: 'SET LOCAL statement_timeout = 0' },
    { text: sql },
    {
      text: 'INSERT INTO migrations (version, name, checksum, readable_by, applied_at) VALUES ($1, $2, $3, $4, $5)',
      values: [version, name, sha256Hex(sql), readableBy, now.getTime()],
    },
  ]
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
