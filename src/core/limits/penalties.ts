import type { Clock } from '../clock.ts'
import { BoundedMap } from './bounded-map.ts'

/** Options of `Penalties`; all but the clock have a default. */
export interface PenaltiesOptions {
  readonly clock: Clock
  /** The first penalty; each further offence doubles it. Default 5 000. */
  readonly firstMs?: number
  /** The longest penalty. Default 300 000. */
  readonly longestMs?: number
  /** An offender that has been good for this long starts anew. Default 1 800 000. */
  readonly forgivenAfterMs?: number
  /** Offenders that are remembered; the one seen longest ago is forgotten beyond that. Default 10 000. */
  readonly maxOffenders?: number
}

interface Offender {
  readonly offences: number
  readonly lastMs: number
  readonly untilMs: number
}

/** Penalties that grow: whoever offends again is shut out for twice as long. */
export class Penalties {
  readonly #clock: Clock
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #forgivenAfterMs: number
  readonly #offenders: BoundedMap<Offender>

  constructor({
    clock,
    firstMs = 5_000,
    longestMs = 300_000,
    forgivenAfterMs = 1_800_000,
    maxOffenders = 10_000,
  }: PenaltiesOptions) {
    this.#clock = clock
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#forgivenAfterMs = forgivenAfterMs
    this.#offenders = new BoundedMap({ limit: maxOffenders })
  }

  /** The key has offended. What it does while it is shut out does not count again. @returns its penalty, in milliseconds */
  offend(key: string): number {
    const nowMs = this.#clock.monotonicMs()
    const known = this.#offenders.get(key)
    if (known && known.untilMs > nowMs) return known.untilMs - nowMs
    const before = known && nowMs - known.lastMs < this.#forgivenAfterMs ? known.offences : 0
    const penaltyMs = Math.min(this.#longestMs, this.#firstMs * 2 ** before)
    this.#offenders.set(key, { offences: before + 1, lastMs: nowMs, untilMs: nowMs + penaltyMs })
    return penaltyMs
  }

  /** How long the key is still shut out, in milliseconds. */
  remainingMs(key: string): number {
    const untilMs = this.#offenders.get(key)?.untilMs ?? 0
    return Math.max(0, untilMs - this.#clock.monotonicMs())
  }
}
