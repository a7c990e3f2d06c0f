import { StintError } from '../../core/errors.ts'
import {
  BUDGET_MEASURES,
  type Buckets,
  type BudgetDraw,
  type BudgetMeasure,
  type BudgetMeter,
  type BudgetRequest,
  type HolderCounts,
  meterKey,
  ROLLING_MEASURES,
  type RollingMeasure,
} from '../budgets/budget-records.ts'
import type { Grant } from '../records.ts'
import { isFinalState } from './grant-rules.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** The time that a measure looks back, and the width of its buckets. A bucket counts as a whole until its end has left the time. */
const WINDOWS: Readonly<Record<RollingMeasure, { readonly windowMs: number; readonly bucketMs: number }>> = {
  grantsPerHour: { windowMs: HOUR_MS, bucketMs: 5 * MINUTE_MS },
  destructiveGrantsPerDay: { windowMs: DAY_MS, bucketMs: HOUR_MS },
  deniedPerHour: { windowMs: HOUR_MS, bucketMs: 5 * MINUTE_MS },
  recordBytesPerHour: { windowMs: HOUR_MS, bucketMs: 5 * MINUTE_MS },
}

/** The last request may exceed these measures; after that every request is refused, however small. */
const STOPS_ALL: readonly BudgetMeasure[] = ['deniedPerHour', 'recordBytesPerHour']

/** A request, as it draws on its budgets. */
export interface Drawing extends HolderCounts, Omit<BudgetRequest, 'draws'> {
  readonly at: Date
  /** The state of the new grant. */
  readonly state: Grant['state']
}

/**
 * Draws on one budget. The store counts and writes in one unit, since concurrent calls would all find the same room.
 *
 * @returns the meter afterwards; the same object if nothing of it has changed.
 * @throws {StintError} BUDGET_EXCEEDED with `budget`, `holder`, `measure`, `used`, `limit`, and `retryAfterMs` where it is known
 */
export function drawnMeter(before: BudgetMeter | undefined, draw: BudgetDraw, drawing: Drawing): BudgetMeter {
  const meter = before ?? { key: meterKey(draw), rolling: {}, until: drawing.at }
  for (const measure of BUDGET_MEASURES) {
    const limit = draw.limits[measure]
    if (limit !== undefined) checkMeasure(meter, draw, drawing, measure, limit)
  }
  const rolling: Partial<Record<RollingMeasure, Buckets>> = {}
  for (const measure of ROLLING_MEASURES) {
    if (draw.limits[measure] === undefined) continue
    rolling[measure] = withAmount(meter.rolling[measure] ?? [], measure, drawnAmount(measure, drawing), drawing.at)
  }
  const isSame = before && ROLLING_MEASURES.every((measure) => sameBuckets(rolling[measure], before.rolling[measure]))
  return isSame ? before : { key: meter.key, rolling, until: new Date(drawing.at.getTime() + DAY_MS + HOUR_MS) }
}

/** The used amount of a measure, and when a further unit is free, for people. */
export function measureUse(
  meter: BudgetMeter & HolderCounts,
  measure: BudgetMeasure,
  limit: number,
  at: Date,
): { readonly used: number; readonly freesAt?: Date } {
  if (measure === 'liveGrants') return { used: meter.live }
  if (measure === 'approvalsPending') return { used: meter.pending }
  const buckets = recent(meter.rolling[measure] ?? [], measure, at)
  const used = sum(buckets)
  const freesAt = used < limit ? undefined : findFree(buckets, measure, limit, 1)
  return freesAt ? { used, freesAt } : { used }
}

function checkMeasure(
  meter: BudgetMeter,
  draw: BudgetDraw,
  drawing: Drawing,
  measure: BudgetMeasure,
  limit: number,
): void {
  const { used, freesAt } = measureUse({ ...meter, ...drawing }, measure, limit, drawing.at)
  const wants = STOPS_ALL.includes(measure) ? 1 : drawnAmount(measure, drawing)
  if (wants === 0 || used + wants <= limit) return
  throw exceeded(draw, { measure, used, limit, freesAt, at: drawing.at })
}

function drawnAmount(measure: BudgetMeasure, { state, isDestructive, recordBytes }: Drawing): number {
  const isOpen = !isFinalState(state)
  const amounts: Readonly<Record<BudgetMeasure, number>> = {
    liveGrants: Number(isOpen),
    approvalsPending: Number(state === 'awaiting_approval'),
    grantsPerHour: Number(isOpen),
    destructiveGrantsPerDay: Number(isOpen && isDestructive),
    deniedPerHour: Number(state === 'denied'),
    recordBytesPerHour: recordBytes,
  }
  return amounts[measure]
}

/** Buckets that still count: those whose end is not a whole window ago. */
function recent(buckets: Buckets, measure: RollingMeasure, at: Date): Buckets {
  const { windowMs, bucketMs } = WINDOWS[measure]
  return buckets.filter(([startMs]) => startMs + bucketMs + windowMs > at.getTime())
}

function withAmount(buckets: Buckets, measure: RollingMeasure, amount: number, at: Date): Buckets {
  if (amount === 0) return buckets
  const kept = recent(buckets, measure, at)
  const { bucketMs } = WINDOWS[measure]
  const last = kept.at(-1)
  // By a clock that was set back the newest bucket goes on.
  const startMs = Math.max(Math.floor(at.getTime() / bucketMs) * bucketMs, last?.[0] ?? 0)
  return last?.[0] === startMs ? [...kept.slice(0, -1), [startMs, last[1] + amount]] : [...kept, [startMs, amount]]
}

/** When so many buckets have left that a request fits; undefined if it never does. */
function findFree(buckets: Buckets, measure: RollingMeasure, limit: number, wants: number): Date | undefined {
  const { windowMs, bucketMs } = WINDOWS[measure]
  let left = sum(buckets)
  for (const [startMs, amount] of buckets) {
    left -= amount
    if (left + wants <= limit) return new Date(startMs + bucketMs + windowMs)
  }
  return undefined
}

function sum(buckets: Buckets): number {
  return buckets.reduce((total, [, amount]) => total + amount, 0)
}

function sameBuckets(a: Buckets = [], b: Buckets = []): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

const SAYS: Readonly<Record<BudgetMeasure, string>> = {
  liveGrants: 'grants that wait, are active or are ending',
  approvalsPending: 'grants that wait for an approval',
  grantsPerHour: 'grants an hour',
  destructiveGrantsPerDay: 'grants with destructive actions a day',
  deniedPerHour: 'denied requests an hour',
  recordBytesPerHour: 'bytes of record an hour',
}

function exceeded(
  { budget, holder }: BudgetDraw,
  found: { measure: BudgetMeasure; used: number; limit: number; freesAt: Date | undefined; at: Date },
): StintError {
  const { measure, used, limit, freesAt, at } = found
  const explanation = `The budget ${budget} allows ${holder.kind} ${holder.name} ${limit} ${SAYS[measure]}, and ${used} are used. ${describeRoom(measure, freesAt)}`
  return new StintError('BUDGET_EXCEEDED', {
    ...{ budget, holder: `${holder.kind} ${holder.name}`, measure, used, limit, explanation },
    ...(freesAt && { retryAfterMs: Math.max(0, freesAt.getTime() - at.getTime()) }),
  })
}

function describeRoom(measure: BudgetMeasure, freesAt: Date | undefined): string {
  if (freesAt) return `There is room again at ${freesAt.toISOString()}.`
  if (measure === 'liveGrants') return 'There is room again when one of them ends: complete some first.'
  if (measure === 'approvalsPending') return 'There is room again when one of them is answered.'
  return 'There will be no room by itself: the limit is below one request.'
}
