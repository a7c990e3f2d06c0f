import { StintError } from '../../core/errors.ts'
import type { ChainHead } from '../audit/sealed-event.ts'
import type { AuditVerdict } from '../audit/walk-chains.ts'
import { DamagedRows } from '../damaged-rows.ts'
import type { LedgerReads } from '../ledger.ts'
import { verifyStored } from './audit.ts'
import { PgConnection } from './database/pg-connection.ts'
import { databaseError } from './database/pg-errors.ts'
import { type PgServer, serverText } from './database/pg-server.ts'
import type { Statement } from './database/statement.ts'
import { checkReadable } from './migrations/run-migrations.ts'
import { postgresReads } from './reads.ts'
import { prepareFrame } from './server-frame.ts'
import { RowReader } from './working-set/row-reader.ts'

/** The audit log as it was at one instant. */
export interface AuditSnapshot extends Pick<LedgerReads, 'auditEvents' | 'auditHeads'> {
  /** @param saved heads that the record must still contain */
  verify(saved: readonly ChainHead[]): Promise<AuditVerdict>
}

/** A reader that stands still, such as a full pipe, holds a snapshot no longer than this. */
const LONGEST_PAUSE = '5min'

/**
 * Reads the audit log of a ledger over one snapshot, beside brokers that use it, without locking anything.
 *
 * @throws {StintError} NOT_FOUND when there is no ledger, LEDGER_VERSION_UNSUPPORTED, LEDGER_UNAVAILABLE
 */
export async function readAuditSnapshot<T>(
  { server, schema }: { readonly server: PgServer; readonly schema: string },
  work: (snapshot: AuditSnapshot) => Promise<T>,
): Promise<T> {
  const where = serverText(server)
  let connection: PgConnection | undefined
  try {
    connection = await PgConnection.open(server)
    const opened = connection
    const frame = await prepareFrame(opened, server, schema)
    await requireLedger(opened, schema)
    await opened.round([
      frame.beginRead(''),
      { text: `SET LOCAL idle_in_transaction_session_timeout = '${LONGEST_PAUSE}'` },
    ])
    await checkReadable(opened)
    const read = async (statements: readonly Statement[]) => (await opened.round(statements)).map(({ rows }) => rows)
    const reader = new RowReader(new DamagedRows(undefined, () => false))
    const { auditEvents, auditHeads } = postgresReads({
      reads: { read },
      reader,
      replica: '',
      where,
      isOpen: () => true,
    })
    return await work({ auditEvents, auditHeads, verify: (saved) => verifyStored({ read }, saved) })
  } catch (error) {
    throw databaseError(error, where)
  } finally {
    await connection?.close()
  }
}

async function requireLedger(connection: PgConnection, schema: string): Promise<void> {
  const text = `SELECT to_regclass(quote_ident($1) || '.chains') IS NOT NULL AS is_there`
  const [found] = await connection.round([{ text, values: [schema] }])
  if (found?.rows[0]?.is_there === true) return
  throw new StintError('NOT_FOUND', { explanation: `There is no ledger in the schema ${schema}.` })
}
