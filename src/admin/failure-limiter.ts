import { addressKey } from '../core/address-key.ts'
import type { Clock } from '../core/clock.ts'

interface Bucket {
  tokens: number
  at: number
}

/**
 * Counts failed sign-ins, of everybody and of each remote address, in buckets that refill over a minute.
 *
 * Only failures are counted and slowed: whoever holds a valid token gets in even from an address that is being abused,
 * so that nobody can lock the operators out. Guessing 256 bits needs no lock-out to fail; the limit keeps it cheap.
 */
export class FailureLimiter {
  readonly #clock: Clock
  readonly #perAddress: number
  readonly #overall: number
  readonly #maxAddresses: number
  readonly #all: Bucket
  readonly #byAddress = new Map<string, Bucket>()

  /** `perAddress`, `overall`: failures per minute. `maxAddresses`: size of the table; the one seen longest ago gives way. */
  constructor(input: { clock: Clock; perAddress: number; overall: number; maxAddresses: number }) {
    this.#clock = input.clock
    this.#perAddress = input.perAddress
    this.#overall = input.overall
    this.#maxAddresses = input.maxAddresses
    this.#all = { tokens: input.overall, at: input.clock.monotonicMs() }
  }

  /** Counts one failure from this address. False: over a limit. */
  failed(address: string): boolean {
    const now = this.#clock.monotonicMs()
    const key = addressKey(address)
    const own = this.#byAddress.get(key) ?? { tokens: this.#perAddress, at: now }
    this.#byAddress.delete(key)
    this.#byAddress.set(key, own)
    const [oldest] = this.#byAddress.keys()
    if (this.#byAddress.size > this.#maxAddresses && oldest !== undefined) this.#byAddress.delete(oldest)
    // An address over its own limit does not use up what is left for the others.
    return take(own, this.#perAddress, now) && take(this.#all, this.#overall, now)
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#byAddress.size
  }
}

function take(bucket: Bucket, perMinute: number, now: number): boolean {
  bucket.tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / 60_000)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens -= 1
  return true
}
