/** How long to wait before attempt 2, 3, …: full jitter under a ceiling that doubles. */
export class Backoff {
  readonly #random: () => number
  readonly #capMs: number
  #ceilingMs: number

  constructor({ random, baseMs, capMs }: { random: () => number; baseMs: number; capMs: number }) {
    this.#random = random
    this.#ceilingMs = baseMs
    this.#capMs = capMs
  }

  /** At least a quarter of the ceiling, so that a broken peer is never hammered. */
  nextMs(): number {
    const ceiling = this.#ceilingMs
    this.#ceilingMs = Math.min(this.#capMs, ceiling * 2)
    return Math.ceil(ceiling * (0.25 + 0.75 * this.#random()))
  }
}
