import type { Clock } from '../../core/clock.ts'

/** What a call that was let through came to. `undecided`: it says nothing of the service, e.g. the caller gave up. */
type CallResult = 'answered' | 'failed' | 'undecided'

/** The right to make one call; `done` must follow exactly once. */
export interface Permit {
  done(result: CallResult): void
}

/**
 * Stops calls to a service that keeps failing. After `failuresToOpen` failures in a row it lets nothing through for
 * `openMs`, then a single probe at a time: an answer closes it, a failure opens it again.
 */
export class CircuitBreaker {
  readonly #clock: Clock
  readonly #failuresToOpen: number
  readonly #openMs: number
  #failures = 0
  #openUntilMs: number | undefined
  #probing = false
  #generation = 0

  constructor(options: { readonly clock: Clock; readonly failuresToOpen?: number; readonly openMs?: number }) {
    this.#clock = options.clock
    this.#failuresToOpen = options.failuresToOpen ?? 5
    this.#openMs = options.openMs ?? 10_000
  }

  /** Undefined while nothing may pass. */
  enter(): Permit | undefined {
    if (this.#openUntilMs === undefined) return this.#permit()
    if (this.#probing || this.#clock.monotonicMs() < this.#openUntilMs) return undefined
    this.#probing = true
    return this.#permit()
  }

  /** Milliseconds until a probe may pass; 0 when closed. */
  get retryAfterMs(): number {
    return this.#openUntilMs === undefined ? 0 : Math.max(0, this.#openUntilMs - this.#clock.monotonicMs())
  }

  // A call that began before the breaker opened must neither close it nor end another call's probe.
  #permit(): Permit {
    const generation = this.#generation
    return {
      done: (result) => {
        if (generation !== this.#generation) return
        this.#probing = false
        if (result === 'answered') this.#close()
        if (result === 'failed') this.#fail()
      },
    }
  }

  #close(): void {
    if (this.#openUntilMs !== undefined) this.#generation += 1
    this.#failures = 0
    this.#openUntilMs = undefined
  }

  #fail(): void {
    this.#failures += 1
    if (this.#openUntilMs === undefined && this.#failures < this.#failuresToOpen) return
    this.#openUntilMs = this.#clock.monotonicMs() + this.#openMs
    this.#generation += 1
  }
}
