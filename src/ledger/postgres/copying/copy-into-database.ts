import { StintError } from '../../../core/errors.ts'
import { failpoint } from '../../../core/process/failpoint.ts'
import type { AuditVerdict } from '../../audit/walk-chains.ts'
import {
  CONTENT_TABLES,
  type ContentRecords,
  type ContentTable,
  type CopyProgress,
  type LedgerContent,
} from '../../copying/ledger-content.ts'
import { verifyStored } from '../audit.ts'
import { PgConnection } from '../database/pg-connection.ts'
import { databaseError } from '../database/pg-errors.ts'
import { serverText } from '../database/pg-server.ts'
import type { Statement } from '../database/statement.ts'
import type { TransactionFrame } from '../database/transaction-frame.ts'
import type { SchemaPlace } from '../migrations/migrate-database.ts'
import { runMigrations } from '../migrations/run-migrations.ts'
import { prepareFrame } from '../server-frame.ts'
import { CONSEQUENCES, CONTENT_WRITERS, tableName } from './content-writers.ts'

/** Inputs of a copy besides its place. */
export interface CopyInput {
  readonly content: LedgerContent
  /** The audit log of the source, as it was found whole. */
  readonly verdict: AuditVerdict
  readonly now: Date
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  /** Called when everything is copied and verified, just before the commit. */
  readonly beforeCommit: () => void
}

/**
 * Copies a whole ledger into an empty schema, in one transaction: a copy that breaks off has not happened. Before the commit the
 * number of records of every kind is compared, and the audit log is walked.
 *
 * @returns false when the schema has this ledger already
 * @throws {StintError} LEDGER_CONFLICT when it has another one, AUDIT_INVALID when the copy does not verify, LEDGER_*; after
 *   LEDGER_UNAVAILABLE the commit may have taken effect: the same call finds out.
 */
export async function copyIntoDatabase({ server, schema }: SchemaPlace, input: CopyInput): Promise<boolean> {
  let connection: PgConnection | undefined
  try {
    connection = await PgConnection.open(server)
    const frame = await prepareFrame(connection, server, schema)
    await runMigrations(connection, frame, { schema, now: input.now })
    return await copy(connection, frame, input)
  } catch (error) {
    throw databaseError(error, serverText(server))
  } finally {
    // A transaction that was not committed ends with its connection.
    await connection?.close()
  }
}

async function copy(connection: PgConnection, frame: TransactionFrame, input: CopyInput): Promise<boolean> {
  const { content, beforeCommit } = input
  await connection.round([
    frame.beginWrite,
    { text: 'SET LOCAL statement_timeout = 0' },
    { text: 'SET LOCAL idle_in_transaction_session_timeout = 0' },
  ])
  if (await hasLedger(connection, content)) return false
  for (const table of CONTENT_TABLES) await copyTable(connection, table, input)
  for (const statement of CONSEQUENCES) await connection.round([statement])
  await compareCounts(connection, content)
  await compareRecord(connection, input.verdict)
  beforeCommit()
  failpoint('ledger.before_move')
  await connection.round(frame.commit.map((statement) => ({ ...statement, isPatient: true })))
  failpoint('ledger.after_move')
  return true
}

/** Takes the identity, which keeps brokers out until the commit. @returns whether the ledger is there already */
async function hasLedger(connection: PgConnection, content: LedgerContent): Promise<boolean> {
  const text = 'INSERT INTO ledger_identity (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING'
  const [inserted, found] = await connection.round([
    { text, values: [content.ledgerId] },
    { text: 'SELECT id FROM ledger_identity' },
  ])
  if (inserted?.count === 1) return false
  const id = (found?.rows[0] as { id: string } | undefined)?.id
  if (id === content.ledgerId && (await hasRecord(connection, content))) return true
  const other = id === content.ledgerId ? 'an earlier state of this ledger' : `another ledger (${id})`
  const explanation = `The schema has ${other} already: name one that is not there yet, or drop it if nobody needs it.`
  throw new StintError('LEDGER_CONFLICT', { explanation })
}

/** True if the last event of every chain is there; a copy of an earlier state of the file lacks some. */
async function hasRecord(connection: PgConnection, content: LedgerContent): Promise<boolean> {
  const text = `SELECT count(*) AS count FROM unnest($1::text[], $2::bigint[], $3::text[]) AS v(id, seq, hash)
    JOIN chains c ON c.id = v.id JOIN events e ON e.chain_n = c.n AND e.seq = v.seq AND encode(e.hash, 'hex') = v.hash`
  for (const chains of content.read('chains')) {
    const values = [chains.map(({ id }) => id), chains.map(({ seq }) => seq), chains.map(({ hash }) => hash)]
    const [answer] = await connection.round([{ text, values }])
    if ((answer?.rows[0] as { count: number } | undefined)?.count !== chains.length) return false
  }
  return true
}

async function copyTable<Table extends ContentTable>(
  connection: PgConnection,
  table: Table,
  { content, onProgress }: CopyInput,
): Promise<void> {
  const total = content.count(table)
  const write: (records: readonly ContentRecords[Table][]) => Statement[] = CONTENT_WRITERS[table]
  let done = 0
  for (const records of content.read(table)) {
    await connection.round(write(records))
    done += records.length
    onProgress?.({ table, done, total })
    failpoint('ledger.moving')
  }
}

async function compareCounts(connection: PgConnection, content: LedgerContent): Promise<void> {
  for (const table of CONTENT_TABLES) {
    const text = `SELECT count(*) AS count FROM ${tableName(table)}`
    const [answer] = await connection.round([{ text, isPatient: true }])
    const copied = (answer?.rows[0] as { count: number } | undefined)?.count
    if (copied === content.count(table)) continue
    const explanation = `The copy has ${copied} of ${content.count(table)} records of ${table}; nothing was moved. Check the ledger with "stint audit verify".`
    throw new StintError('LEDGER_CORRUPT', { explanation })
  }
}

async function compareRecord(connection: PgConnection, source: AuditVerdict): Promise<void> {
  const read = async (statements: readonly Statement[]) => (await connection.round(statements)).map(({ rows }) => rows)
  const verdict = await verifyStored({ read })
  if (JSON.stringify(verdict) === JSON.stringify(source)) return
  const explanation = `The audit log of the copy does not verify as the original does; nothing was moved. ${verdict.problem?.explanation ?? ''}`
  throw new StintError('AUDIT_INVALID', { explanation: explanation.trimEnd() })
}
