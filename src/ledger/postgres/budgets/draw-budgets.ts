import { type BudgetRequest, meterKey } from '../../budgets/budget-records.ts'
import type { Grant } from '../../records.ts'
import { drawnMeter } from '../../rules/budget-rules.ts'
import type { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'

/** The rows that drawing on budgets needs. A meter is locked, so that replicas count the grants of its holder one after the other. */
export function wantBudgets(wanted: WantedRows, { draws }: BudgetRequest): void {
  for (const draw of draws) {
    wanted.budgetMeters.add(meterKey(draw))
    wanted.holders[draw.holder.kind].add(draw.holder.name)
  }
}

/** Draws on the budgets of a new grant, which is not counted yet. @throws {StintError} BUDGET_EXCEEDED */
export function drawBudgets(set: WorkingSet, grant: Grant, { draws, ...taken }: BudgetRequest): void {
  for (const draw of draws) {
    const before = set.budgetMeters.get(meterKey(draw))
    const drawing = { ...taken, ...set.countHolder(draw.holder), at: grant.requestedAt, state: grant.state }
    const after = drawnMeter(before, draw, drawing)
    if (after !== before) set.budgetMeters.put(after.key, after)
  }
}
