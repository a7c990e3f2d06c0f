import type { PostgresSettings } from '../../config/ledger-settings.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { serverText } from '../../ledger/postgres/database/pg-server.ts'
import { inspectPostgresSchema, migratePostgresLedger } from '../../ledger/postgres/migrations/migrate-database.ts'
import type { Migration } from '../../ledger/schema/migration.ts'
import { findBreakingStep, type MigrationListener, type SchemaState } from '../../ledger/schema/schema-state.ts'
import { inspectSqliteSchema, migrateSqliteLedger } from '../../ledger/sqlite/migrations/migrate-file.ts'
import { postgresServer } from './postgres-server.ts'

/** A database user with rights on the schema, in the place of the configured one. */
export interface SchemaOwner {
  readonly user: string
  readonly passwordFile?: string | undefined
}

/** The outcome of a look at a ledger's schema. */
export interface MigrationPlan {
  /** The ledger in messages. */
  readonly ledger: string
  readonly found: number
  readonly known: number
  /** The steps that are missing, in order. */
  readonly steps: readonly Pick<Migration, 'version' | 'name' | 'readableBy'>[]
  /** The oldest schema version whose brokers can use the ledger after these steps. */
  readonly readableBy: number
  /** The first step that brokers which know only the version found cannot live with. */
  readonly breaking?: Pick<Migration, 'version' | 'name'>
  /** The processes that have the ledger open, in words. */
  readonly usedBy: readonly string[]
  /** False when the steps have to wait until nobody uses the ledger. */
  readonly canRunNow: boolean
}

/** Looks at the ledger of a configuration; nothing is changed. @throws {StintError} LEDGER_* */
export async function planMigration(ledger: Config['ledger'], owner?: SchemaOwner): Promise<MigrationPlan> {
  const { file, postgres } = ledger
  if (file !== undefined) {
    const { state, isInUse } = inspectSqliteSchema(file)
    // A file serves one process, which is not this one.
    const canRunNow = !isInUse || state.pending.length === 0
    return { ledger: file, ...describe(state), usedBy: isInUse ? ['a process on this machine'] : [], canRunNow }
  }
  if (!postgres) throw new TypeError('a ledger has a file or a database')
  const server = await postgresServer({ ...postgres, ...owner })
  const { state, replicas } = await inspectPostgresSchema({ server, schema: postgres.schema })
  const plan = describe(state)
  return {
    ledger: describeDatabase(postgres),
    ...plan,
    usedBy: replicas.map(
      ({ id, knows, silentMs }) => `broker ${id}, which knows version ${knows}, heard of ${silentMs} ms ago`,
    ),
    canRunNow: replicas.every(({ knows }) => !findBreakingStep(state.pending, knows)),
  }
}

/**
 * Brings the schema of a ledger up to date.
 *
 * @param owner does it in the place of the configured database user, who then gets the rights that a broker needs.
 * @throws {StintError} LEDGER_LOCKED when the steps have to wait until nobody uses the ledger; LEDGER_*
 */
export async function migrateLedger(
  { file, postgres }: Config['ledger'],
  { clock, owner, onProgress }: { clock: Pick<Clock, 'now'>; owner?: SchemaOwner; onProgress?: MigrationListener },
): Promise<void> {
  const input = { now: clock.now(), onProgress }
  if (file !== undefined) {
    // A broker that runs has brought it up to date, and keeps its file to itself.
    if (inspectSqliteSchema(file).state.pending.length > 0) migrateSqliteLedger(file, input)
    return
  }
  if (!postgres) throw new TypeError('a ledger has a file or a database')
  const server = await postgresServer({ ...postgres, ...owner })
  const grantTo = owner && owner.user !== postgres.user ? postgres.user : undefined
  await migratePostgresLedger({ server, schema: postgres.schema }, { ...input, grantTo })
}

function describe({ found, known, readableBy, pending }: SchemaState) {
  const breaking = found > 0 ? findBreakingStep(pending, found) : undefined
  return {
    found,
    known,
    steps: pending.map(({ version, name, readableBy: by }) => ({ version, name, readableBy: by })),
    readableBy: Math.max(readableBy, ...pending.map(({ readableBy: by }) => by)),
    ...(breaking && { breaking: { version: breaking.version, name: breaking.name } }),
  }
}

/** A database in messages. */
export function describeDatabase({ host, port, database, schema }: PostgresSettings): string {
  return `schema ${schema} of the database ${database} at ${serverText({ host, port })}`
}
