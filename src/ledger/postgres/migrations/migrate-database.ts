import { StintError } from '../../../core/errors.ts'
import { type SchemaState, schemaState } from '../../schema/schema-state.ts'
import { PgConnection } from '../database/pg-connection.ts'
import { databaseError, sqlState } from '../database/pg-errors.ts'
import { type PgServer, serverText } from '../database/pg-server.ts'
import type { TransactionFrame } from '../database/transaction-frame.ts'
import { prepareFrame } from '../server-frame.ts'
import { type LiveReplica, readApplied, readLiveReplicas } from './inspect-schema.ts'
import { MIGRATIONS, type MigrationInput, runMigrations } from './run-migrations.ts'

/** The schema of a database that holds a ledger. */
export interface SchemaPlace {
  readonly server: PgServer
  readonly schema: string
}

/**
 * Looks at the schema of a ledger and at the brokers that use it; nothing is changed or locked.
 *
 * @throws {StintError} LEDGER_UNAVAILABLE, LEDGER_VERSION_UNSUPPORTED, LEDGER_CORRUPT
 */
export function inspectPostgresSchema({
  server,
  schema,
}: SchemaPlace): Promise<{ readonly state: SchemaState; readonly replicas: readonly LiveReplica[] }> {
  return onSchema({ server, schema }, async (connection, frame) => {
    await connection.round([frame.beginRead('')])
    const { applied = [] } = await readApplied(connection, schema)
    const state = schemaState(applied, MIGRATIONS)
    return { state, replicas: state.found === 0 ? [] : await readLiveReplicas(connection) }
  })
}

/**
 * Brings the schema of a ledger up to date; a schema that is not there is made.
 *
 * @param input.grantTo a user who then gets what a broker needs and no more: rows of every table, not the tables themselves,
 *   and of the audit log only what adds to it.
 * @throws {StintError} as `runMigrations`
 */
export function migratePostgresLedger(
  place: SchemaPlace,
  { grantTo, ...input }: Pick<MigrationInput, 'now' | 'onProgress'> & { readonly grantTo?: string | undefined },
): Promise<void> {
  return onSchema(place, async (connection, frame) => {
    await runMigrations(connection, frame, { ...input, schema: place.schema })
    if (grantTo !== undefined) await grant(connection, frame, place.schema, grantTo)
  })
}

async function onSchema<T>(
  { server, schema }: SchemaPlace,
  work: (connection: PgConnection, frame: TransactionFrame) => Promise<T>,
): Promise<T> {
  let connection: PgConnection | undefined
  try {
    connection = await PgConnection.open(server)
    return await work(connection, await prepareFrame(connection, server, schema))
  } catch (error) {
    throw databaseError(error, serverText(server))
  } finally {
    await connection?.close()
  }
}

async function grant(connection: PgConnection, frame: TransactionFrame, schema: string, user: string): Promise<void> {
  const to = `"${user.replaceAll('"', '""')}"`
  const statements = [
    `GRANT USAGE ON SCHEMA "${schema}" TO ${to}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO ${to}`,
    `REVOKE UPDATE, DELETE ON events FROM ${to}`,
    `REVOKE INSERT, UPDATE, DELETE ON migrations FROM ${to}`,
    // A quarantine keeps releases out that do not know of quarantines.
    `GRANT UPDATE (readable_by) ON migrations TO ${to}`,
  ]
  try {
    await connection.round([frame.beginWrite, ...statements.map((text) => ({ text })), ...frame.commit])
  } catch (error) {
    if (sqlState(error) !== '42704') throw error
    const explanation = `The database has no user ${user}, which ledger.postgres.user names: create it, then run this again.`
    throw new StintError('LEDGER_UNAVAILABLE', { explanation }, error)
  }
}
