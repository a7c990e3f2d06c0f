import type { Clock } from '../clock.ts'
import { BoundedMap } from './bounded-map.ts'
import { TokenBucket } from './token-bucket.ts'

/** Options of `KeyedLimiter`. */
export interface KeyedLimiterOptions {
  readonly clock: Clock
  /** Tokens per second for each key. */
  readonly ratePerSecond: number
  /** How many each key may take at once after a pause. */
  readonly burst: number
  /** Keys that are counted; the one seen longest ago is forgotten beyond that, and starts with a full allowance again. */
  readonly maxKeys: number
}

/** A rate for each key, such as an agent or an address. */
export class KeyedLimiter {
  readonly #options: KeyedLimiterOptions
  readonly #buckets: BoundedMap<TokenBucket>

  constructor(options: KeyedLimiterOptions) {
    this.#options = options
    this.#buckets = new BoundedMap({ limit: options.maxKeys })
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#buckets.size
  }

  /** Counts one, or `count`. False: the key is over its rate, and nothing was counted. */
  tryTake(key: string, count = 1): boolean {
    const known = this.#buckets.get(key)
    if (known) return known.tryTake(count)
    const { clock, ratePerSecond, burst } = this.#options
    const bucket = new TokenBucket({ clock, ratePerSecond, burst })
    this.#buckets.set(key, bucket)
    return bucket.tryTake(count)
  }

  /** How long the key has to wait before it may count one more, in milliseconds; 0 for one that is not known. */
  waitMs(key: string): number {
    return this.#buckets.get(key)?.waitMs() ?? 0
  }
}
