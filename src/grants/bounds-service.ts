import { StintError } from '../core/errors.ts'
import type { Page, PageRequest } from '../ledger/pages.ts'
import type { PolicyFile } from '../policy/policy-set.ts'
import { type BudgetUse, type ListBudgetsParts, listBudgets } from './budgets/list-budgets.ts'
import { assessImpact, type ImpactParts, type PolicyImpact } from './reevaluate/assess-impact.ts'

/** Operators' questions about budgets, and about policies that are not in force yet. */
export interface BoundsService {
  listBudgets(page: PageRequest): Promise<Page<BudgetUse>>
  /** @throws {StintError} POLICY_INVALID; RATE_LIMITED while another one is assessed, since it judges every open grant */
  assessImpact(files: readonly PolicyFile[]): Promise<PolicyImpact>
}

/** Dependencies of the bounds. */
export type BoundsParts = ListBudgetsParts & ImpactParts

/** Makes the service; it assesses one policy set at a time. */
export function createBoundsService(parts: BoundsParts): BoundsService {
  let isAssessing = false
  return {
    listBudgets: (page) => listBudgets(parts, page),
    async assessImpact(files) {
      if (isAssessing) {
        const explanation = 'Another policy set is assessed at this moment; try again when that is done.'
        throw new StintError('RATE_LIMITED', { explanation })
      }
      isAssessing = true
      try {
        return await assessImpact(parts, files)
      } finally {
        isAssessing = false
      }
    },
  }
}
