import { StintError } from '../core/errors.ts'
import type { LedgerReads } from '../ledger/ledger.ts'
import type { Grant } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'

/** The plan that a grant was opened with. @throws {StintError} LEDGER_CORRUPT when the ledger has the grant without it. */
export async function planOf(ledger: Pick<LedgerReads, 'getPlan'>, grant: Grant): Promise<Plan> {
  const plan = await ledger.getPlan(grant.planHash)
  if (plan) return plan
  throw new StintError('LEDGER_CORRUPT', {
    explanation: `The ledger has no plan for grant ${grant.id}; keep the file as evidence, and restore a backup.`,
    grantId: grant.id,
  })
}
