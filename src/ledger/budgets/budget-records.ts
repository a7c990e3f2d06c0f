import type { Page, PageRequest } from '../pages.ts'

/** Who a budget is counted for. */
export const BUDGET_HOLDERS = ['agent', 'owner', 'team'] as const

/** One agent by its subject, one owner, or one team. */
export interface BudgetHolder {
  readonly kind: (typeof BUDGET_HOLDERS)[number]
  readonly name: string
}

/** The measures that a budget counts over a rolling time window. */
export const ROLLING_MEASURES = [
  'grantsPerHour',
  'destructiveGrantsPerDay',
  'deniedPerHour',
  'recordBytesPerHour',
] as const
/** One of `ROLLING_MEASURES`. */
export type RollingMeasure = (typeof ROLLING_MEASURES)[number]

/** All that a budget counts; the first two as of now. */
export const BUDGET_MEASURES = ['liveGrants', 'approvalsPending', ...ROLLING_MEASURES] as const
/** One of `BUDGET_MEASURES`. */
export type BudgetMeasure = (typeof BUDGET_MEASURES)[number]

/** A budget that a request counts on, for one holder. */
export interface BudgetDraw {
  /** Its name in the configuration. */
  readonly budget: string
  readonly holder: BudgetHolder
  readonly limits: Readonly<Partial<Record<BudgetMeasure, number>>>
}

/** The draw of a request on its budgets, checked in the unit that opens its grant. */
export interface BudgetRequest {
  readonly draws: readonly BudgetDraw[]
  /** True if its plan has an action of the class destructive. */
  readonly isDestructive: boolean
  /** Bytes that it puts on record. */
  readonly recordBytes: number
}

/** Amounts by the start of the bucket that they fell into, the oldest first. */
export type Buckets = readonly (readonly [startMs: number, amount: number])[]

/** The recent draws of one holder on one budget. */
export interface BudgetMeter {
  /** See `meterKey`. */
  readonly key: string
  readonly rolling: Readonly<Partial<Record<RollingMeasure, Buckets>>>
  /** From then on nothing in it counts any more. */
  readonly until: Date
}

/** Grants of a holder now. */
export interface HolderCounts {
  /** In `awaiting_approval`, `active` or `ending`. */
  readonly live: number
  /** In `awaiting_approval`. */
  readonly pending: number
}

/** The reads of budgets. */
export interface BudgetReads {
  /** Meters with the counts of their holders, in the order in which they were used first. */
  listBudgetMeters(page: PageRequest): Promise<Page<BudgetMeter & HolderCounts>>
}

/** Names the meter of a budget and a holder. The name of a budget has no space. */
export function meterKey({ budget, holder }: Pick<BudgetDraw, 'budget' | 'holder'>): string {
  return `${budget} ${holder.kind} ${holder.name}`
}

/** The budget and holder of a meter. */
export function parseMeterKey(key: string): { readonly budget: string; readonly holder: BudgetHolder } {
  const [budget = '', kind = 'agent', ...name] = key.split(' ')
  return { budget, holder: { kind: kind as BudgetHolder['kind'], name: name.join(' ') } }
}
