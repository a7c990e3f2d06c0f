import { StintError } from '../../core/errors.ts'
import type { AuditVerdict } from '../../ledger/audit/walk-chains.ts'
import { verifyAuditFile } from '../../ledger/audit-verify.ts'
import { backUpSqliteLedger } from '../../ledger/sqlite/backup.ts'

/**
 * Backs up a ledger, and verifies the copy before it gets its name.
 *
 * @returns what the copy holds; its heads are worth keeping elsewhere.
 * @throws {StintError} AUDIT_INVALID when the copy does not verify, and as `backUpSqliteLedger`
 */
export async function backUpLedger(file: string, to: string): Promise<AuditVerdict> {
  let verdict: AuditVerdict | undefined
  await backUpSqliteLedger({
    file,
    to,
    check: async (copy) => {
      verdict = await verifyAuditFile(copy)
      if (verdict.verdict !== 'broken') return
      const explanation = `The ledger does not verify, so no backup was made: ${verdict.problem?.explanation ?? ''} See stint audit verify.`
      throw new StintError('AUDIT_INVALID', { explanation, file })
    },
  })
  if (!verdict) throw new StintError('INTERNAL', { explanation: 'The backup was not checked.' })
  return verdict
}
