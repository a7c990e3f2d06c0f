import { hasCode, StintError } from '../core/errors.ts'
import type { LedgerReads } from '../ledger/ledger.ts'
import type { Grant } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'

type Plans = Pick<LedgerReads, 'getPlan'>

/** The plan that a grant was opened with. @throws {StintError} LEDGER_CORRUPT when the ledger has the grant without it. */
export async function loadPlan(ledger: Plans, grant: Grant): Promise<Plan> {
  const plan = await ledger.getPlan(grant.planHash)
  if (plan) return plan
  throw new StintError('LEDGER_CORRUPT', {
    explanation: `The ledger has no plan for grant ${grant.id}; keep the file as evidence, and restore a backup.`,
    grantId: grant.id,
  })
}

/** The plan of a grant that is about to end; undefined if its row is damaged, which must not keep the grant from ending. */
export function loadPlanIfReadable(ledger: Plans, grant: Grant): Promise<Plan | undefined> {
  return undefinedIfCorrupt(loadPlan(ledger, grant))
}

/** What a read gives, or undefined if the row is damaged. */
export async function undefinedIfCorrupt<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (hasCode(error, 'LEDGER_CORRUPT')) return undefined
    throw error
  }
}
