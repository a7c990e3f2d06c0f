import { toInstant } from '../row-values.ts'
import type { BudgetMeter } from './budget-records.ts'

/** A meter as both stores have it. */
export interface BudgetMeterRow {
  readonly row_id: number
  readonly key: string
  /** JSON. */
  readonly rolling: string
  readonly until: number
}

/** Reads meters as `BudgetMeterRow`. */
export const SELECT_METER = 'SELECT m.n AS row_id, m.key, m.rolling, m.until FROM budget_meters m'

/**
 * A meter as a record. A damaged meter begins at zero, so that it does not stop an agent for good: an attacker who can write the
 * ledger can do worse.
 */
export function toBudgetMeter({ key, rolling, until }: BudgetMeterRow): BudgetMeter {
  return { key, rolling: parseRolling(rolling), until: toInstant(until) }
}

function parseRolling(text: string): BudgetMeter['rolling'] {
  try {
    const rolling = JSON.parse(text) as BudgetMeter['rolling'] | null
    const isWhole = rolling !== null && Object.values(rolling).every((buckets) => Array.isArray(buckets))
    return isWhole ? rolling : {}
  } catch {
    return {}
  }
}
