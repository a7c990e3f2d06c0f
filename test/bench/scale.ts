/** How much the bench does. */
export interface Scale {
  readonly name: 'full' | 'quick' | 'smoke'
  readonly warmMs: number
  readonly windowMs: number
  /** Windows of a figure that has a target; the median counts. */
  readonly windows: number
  readonly inFlight: readonly number[]
  /** Live grants of the large ledger, and of the one that memory is measured with. */
  readonly manyGrants: number
  readonly memoryGrants: number
  readonly expiringGrants: number
  /** Streams that are open when a broker is stopped. */
  readonly watchers: number
  /** Tasks that are planned for their size. */
  readonly everydayTasks: number
}

export const SCALES: Readonly<Record<Scale['name'], Scale>> = {
  full: {
    name: 'full',
    warmMs: 1_500,
    windowMs: 3_000,
    windows: 5,
    inFlight: [1, 16, 64, 256],
    manyGrants: 1_000_000,
    memoryGrants: 100_000,
    expiringGrants: 10_000,
    watchers: 1_000,
    everydayTasks: 10_000,
  },
  quick: {
    name: 'quick',
    warmMs: 1_500,
    windowMs: 2_000,
    windows: 3,
    inFlight: [1, 16, 64, 256],
    manyGrants: 100_000,
    memoryGrants: 20_000,
    expiringGrants: 10_000,
    watchers: 1_000,
    everydayTasks: 2_000,
  },
  smoke: {
    name: 'smoke',
    warmMs: 150,
    windowMs: 250,
    windows: 1,
    inFlight: [1, 64],
    manyGrants: 2_000,
    memoryGrants: 1_000,
    expiringGrants: 200,
    watchers: 100,
    everydayTasks: 200,
  },
}
