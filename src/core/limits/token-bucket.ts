import type { Clock } from '../clock.ts'

const RECOVERY_MS = 30_000
const SLOW_DOWN_WINDOW_MS = 1_000
const LOWEST_PACE = 0.1

/**
 * Paces calls to a rate. A waiter books the next free slot when it arrives, so those who wait are served in order of
 * arrival and nobody who comes later overtakes them. Keeps no timer; all time comes from the clock's monotonic reading.
 */
export class TokenBucket {
  readonly #clock: Clock
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  #refilledAtMs: number
  #slowedAtMs = Number.NEGATIVE_INFINITY
  #paceWhenSlowed = 1

  /**
   * @param options.ratePerSecond tokens per second, above 0.
   * @param options.burst how many may be taken at once after a pause; default the tokens of one second, at least 1.
   */
  constructor(options: { readonly clock: Clock; readonly ratePerSecond: number; readonly burst?: number }) {
    if (!(options.ratePerSecond > 0)) throw new RangeError('ratePerSecond must be above 0')
    this.#clock = options.clock
    this.#ratePerSecond = options.ratePerSecond
    this.#burst = Math.max(1, options.burst ?? options.ratePerSecond)
    this.#tokens = this.#burst
    this.#refilledAtMs = options.clock.monotonicMs()
  }

  /** Takes a token, or `count` of them, if they are free this instant and nobody waits for them; else none. */
  tryTake(count = 1): boolean {
    this.#refill()
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** How long a caller who came now would wait, in milliseconds. */
  waitMs(): number {
    this.#refill()
    return this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / (this.#ratePerSecond * this.#pace())) * 1_000
  }

  /**
   * Takes a token, waiting for it if need be.
   *
   * @returns false, at once and with nothing taken, if the wait would be longer than `maxWaitMs`.
   * @throws the signal's reason when aborted; the slot goes back.
   */
  async acquire(options: { readonly maxWaitMs: number; readonly signal?: AbortSignal }): Promise<boolean> {
    options.signal?.throwIfAborted()
    const waitMs = this.waitMs()
    if (waitMs > options.maxWaitMs) return false
    this.#tokens -= 1
    if (waitMs === 0) return true
    try {
      await this.#clock.sleep(waitMs, options.signal)
      return true
    } catch (error) {
      this.#tokens = Math.min(this.#burst, this.#tokens + 1)
      throw error
    }
  }

  /**
   * The far side said "too fast": halves the pace (not below a tenth), which then grows back evenly over 30 seconds. Calls
   * within a second of the last one count as the same event.
   */
  slowDown(): void {
    this.#refill()
    const now = this.#clock.monotonicMs()
    if (now - this.#slowedAtMs < SLOW_DOWN_WINDOW_MS) return
    this.#paceWhenSlowed = Math.max(LOWEST_PACE, this.#pace() / 2)
    this.#slowedAtMs = now
    this.#tokens = Math.min(this.#tokens, 0)
  }

  #refill(): void {
    const now = this.#clock.monotonicMs()
    const elapsedMs = now - this.#refilledAtMs
    if (elapsedMs <= 0) return
    const pace = (this.#pace(this.#refilledAtMs) + this.#pace(now)) / 2
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1_000) * this.#ratePerSecond * pace)
    this.#refilledAtMs = now
  }

  #pace(atMs = this.#clock.monotonicMs()): number {
    return Math.min(1, this.#paceWhenSlowed + Math.max(0, atMs - this.#slowedAtMs) / RECOVERY_MS)
  }
}
