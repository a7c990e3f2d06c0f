/** How long the pauses between tries may be. */
export interface BackoffLimits {
  /** Ceiling of the first pause; each further one doubles it. */
  readonly baseMs: number
  /** Ceiling of the longest pause. */
  readonly capMs: number
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** Share of the ceiling that is waited at least, 0 to 1. Default a quarter, so that a broken peer is never hammered. */
  readonly leastShare?: number
}

/**
 * The pause after so many failures in a row: jitter under a ceiling that doubles. For a count that lives elsewhere, such as in
 * a database; see `Backoff` for one that lives in memory.
 *
 * @param failures from 1
 */
export function backoffMs(failures: number, { baseMs, capMs, random, leastShare = 0.25 }: BackoffLimits): number {
  const ceilingMs = Math.min(capMs, baseMs * 2 ** (failures - 1))
  return Math.ceil(ceilingMs * (leastShare + (1 - leastShare) * random()))
}

/** How long to wait before attempt 2, 3, …, counted from its creation. */
export class Backoff {
  readonly #limits: BackoffLimits
  #failures = 0

  constructor(limits: BackoffLimits) {
    this.#limits = limits
  }

  /** Counts one more failure. @returns the pause after it */
  nextMs(): number {
    this.#failures += 1
    return backoffMs(this.#failures, this.#limits)
  }

  /** The next failure counts as the first again. */
  reset(): void {
    this.#failures = 0
  }
}
