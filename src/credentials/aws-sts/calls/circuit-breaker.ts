import type { Clock } from '../../../core/clock.ts'

/** The outcome of a call that was let through. `undecided`: it says nothing of the service, e.g. the caller gave up. */
type CallResult = 'answered' | 'failed' | 'undecided'

/** The right to make one call; `done` must follow exactly once. */
export interface Permit {
  done(result: CallResult): void
}

/**
 * Failures that come this close to each other, of calls that were under way together, are one event: a stall of this process
 * lets all their timers fire in one moment, and a balancer that goes away breaks all its connections.
 */
const SAME_EVENT_MS = 200

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
  #entered = 0
  /** The failure counted last: when, and the newest call that was under way then. */
  #counted: { readonly atMs: number; readonly newestCall: number } | undefined

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
    this.#entered += 1
    const call = this.#entered
    return {
      done: (result) => {
        if (generation !== this.#generation) return
        this.#probing = false
        if (result === 'answered') this.#close()
        if (result === 'failed') this.#fail(call)
      },
    }
  }

  #close(): void {
    if (this.#openUntilMs !== undefined) this.#generation += 1
    this.#failures = 0
    this.#counted = undefined
    this.#openUntilMs = undefined
  }

  #fail(call: number): void {
    const atMs = this.#clock.monotonicMs()
    const { newestCall = 0, atMs: countedAtMs = 0 } = this.#counted ?? {}
    if (call <= newestCall && atMs - countedAtMs < SAME_EVENT_MS) return
    this.#counted = { atMs, newestCall: this.#entered }
    this.#failures += 1
    if (this.#openUntilMs === undefined && this.#failures < this.#failuresToOpen) return
    this.#openUntilMs = atMs + this.#openMs
    this.#generation += 1
  }
}
