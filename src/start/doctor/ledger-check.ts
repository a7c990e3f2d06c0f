import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PostgresSettings } from '../../config/ledger-settings.ts'
import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import { verifyAuditFile } from '../../ledger/audit-verify.ts'
import { inspectPostgresSchema } from '../../ledger/postgres/migrations/migrate-database.ts'
import { examinePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { refusePending, type SchemaState } from '../../ledger/schema/schema-state.ts'
import { inspectSqliteSchema } from '../../ledger/sqlite/migrations/migrate-file.ts'
import { postgresServer } from '../ledger/postgres-server.ts'

/**
 * Checks that a broker can open the ledger of a configuration, and that its audit log is whole; only reads.
 *
 * @throws {StintError} LEDGER_*, AUDIT_INVALID
 */
export async function checkLedger({ file, postgres, migrate }: Config['ledger']): Promise<string> {
  const mayOpen = (state: SchemaState) => {
    if (migrate === 'never') refusePending(state)
  }
  if (file !== undefined) return checkFile(file, mayOpen)
  if (!postgres) throw new TypeError('a ledger has a file or a database')
  return checkDatabase(postgres, mayOpen)
}

async function checkDatabase(settings: PostgresSettings, mayOpen: (state: SchemaState) => void): Promise<string> {
  const place = { server: await postgresServer(settings), schema: settings.schema }
  // Refuses a schema that no broker of this release would open.
  mayOpen((await inspectPostgresSchema(place)).state)
  const verdict = await examinePostgresLedger(place)
  return verdict ? auditText(verdict) : `no ledger in the schema ${settings.schema} yet; the first start creates it`
}

async function checkFile(file: string, mayOpen: (state: SchemaState) => void): Promise<string> {
  await access(dirname(file), constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    const explanation = `The broker cannot write to the folder ${dirname(file)} (${error.code}): create it, owned by the broker's user.`
    throw new StintError('LEDGER_UNAVAILABLE', { explanation }, error)
  })
  // Refuses what no broker would open: a file that was moved to a database, or that a newer release has changed.
  mayOpen(inspectSqliteSchema(file).state)
  const exists = await access(file).then(
    () => true,
    () => false,
  )
  return exists ? auditText(await verifyAuditFile(file)) : 'does not exist yet; the first start creates it'
}

function auditText({ problem, events, chains }: AuditVerdict): string {
  if (problem) throw new StintError('AUDIT_INVALID', { ...problem })
  if (events === 0) return 'no events yet'
  return `${events} events in ${chains} ${chains === 1 ? 'chain' : 'chains'}, all intact`
}
