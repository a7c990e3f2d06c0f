import type { Config } from '../../config/schema.ts'
import type { ChainHead } from '../../ledger/audit/sealed-event.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import { verifyAuditFile } from '../../ledger/audit-verify.ts'
import { type AuditSnapshot, readAuditSnapshot } from '../../ledger/postgres/audit-snapshot.ts'
import { postgresServer } from './postgres-server.ts'

/**
 * Verifies the audit log of a configuration's ledger where it is stored, beside brokers that use it; it is only read.
 *
 * @param saved heads that the record must still contain
 * @throws {StintError} NOT_FOUND when there is no ledger, AUDIT_INVALID, LEDGER_*
 */
export function verifyStoredAudit(ledger: Config['ledger'], saved: readonly ChainHead[]): Promise<AuditVerdict> {
  if (ledger.file !== undefined) return verifyAuditFile(ledger.file, saved)
  return withAuditSnapshot(ledger, (snapshot) => snapshot.verify(saved))
}

/** Reads the audit log of a ledger in a database over one snapshot. @throws {StintError} NOT_FOUND, LEDGER_* */
export async function withAuditSnapshot<T>(
  { postgres }: Config['ledger'],
  work: (snapshot: AuditSnapshot) => Promise<T>,
): Promise<T> {
  if (!postgres) throw new TypeError('the ledger is not in a database')
  return readAuditSnapshot({ server: await postgresServer(postgres), schema: postgres.schema }, work)
}
