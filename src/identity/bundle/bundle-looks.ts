import type { Clock } from '../../core/clock.ts'

/** Nobody is told to come again sooner, also while a look that is due takes its time. */
const LEAST_WAIT_MS = 1_000

/** When a source that is asked by schedule was last asked with success, and when it will be asked next. */
export class BundleLooks {
  readonly #clock: Clock
  #lastBeganMs = Number.NEGATIVE_INFINITY
  #nextMs = Number.NEGATIVE_INFINITY

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** A look begins. @returns to be called when it has worked */
  begin(): () => void {
    const beganMs = this.#clock.monotonicMs()
    return () => {
      this.#lastBeganMs = beganMs
    }
  }

  /** The next look begins after so long. */
  nextIn(ms: number): void {
    this.#nextMs = this.#clock.monotonicMs() + ms
  }

  /** As `UntilLooked`. */
  untilLookedMs(sinceMs: number): number {
    if (this.#lastBeganMs > sinceMs) return 0
    return Math.max(LEAST_WAIT_MS, this.#nextMs - this.#clock.monotonicMs())
  }
}
