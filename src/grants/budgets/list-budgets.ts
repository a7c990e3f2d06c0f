import {
  BUDGET_MEASURES,
  type BudgetHolder,
  type BudgetMeasure,
  type BudgetReads,
  parseMeterKey,
} from '../../ledger/budgets/budget-records.ts'
import type { Page, PageRequest } from '../../ledger/pages.ts'
import { measureUse } from '../../ledger/rules/budget-rules.ts'
import { type Budget, countedLimits } from './budget.ts'

/** The use of a budget by one holder. */
export interface BudgetUse {
  readonly budget: string
  readonly holder: BudgetHolder
  readonly measures: readonly {
    readonly measure: BudgetMeasure
    readonly used: number
    readonly limit: number
    /** When one more is possible; missing while there is room, or where time alone frees nothing. */
    readonly freesAt?: Date
  }[]
}

/** Dependencies of listing budgets. */
export interface ListBudgetsParts {
  readonly ledger: BudgetReads
  readonly clock: { now(): Date }
  readonly quotas: { readonly budgets: readonly Budget[] }
}

/** The use of each budget by each holder that has drawn on it of late. Budgets that the configuration has no more are left out. */
export async function listBudgets(
  { ledger, clock, quotas }: ListBudgetsParts,
  page: PageRequest,
): Promise<Page<BudgetUse>> {
  const now = clock.now()
  const byName = new Map(quotas.budgets.map((budget) => [budget.name, budget]))
  const { items, nextCursor } = await ledger.listBudgetMeters(page)
  const uses = items.flatMap((meter): BudgetUse[] => {
    const { budget: name, holder } = parseMeterKey(meter.key)
    const budget = byName.get(name)
    if (!budget) return []
    const limits = countedLimits(budget)
    const measures = BUDGET_MEASURES.flatMap((measure) => {
      const limit = limits[measure]
      return limit === undefined ? [] : [{ measure, limit, ...measureUse(meter, measure, limit, now) }]
    })
    return [{ budget: name, holder, measures }]
  })
  return nextCursor === undefined ? { items: uses } : { items: uses, nextCursor }
}
