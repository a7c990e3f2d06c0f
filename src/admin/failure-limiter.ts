import type { Clock } from '../core/clock.ts'
import { KeyedLimiter } from '../core/limits/keyed-limiter.ts'
import { TokenBucket } from '../core/limits/token-bucket.ts'
import { addressKey } from '../core/net/address-key.ts'

/**
 * Counts failed sign-ins, of everybody and of each remote address, in buckets that refill over a minute.
 *
 * Only failures are counted and slowed: whoever holds a valid token gets in even from an address that is being abused,
 * so that nobody can lock the operators out. Guessing 256 bits needs no lock-out to fail; the limit keeps it cheap.
 */
export class FailureLimiter {
  readonly #byAddress: KeyedLimiter
  readonly #all: TokenBucket

  /** `perAddress`, `overall`: failures per minute. `maxAddresses`: size of the table; the one seen longest ago gives way. */
  constructor(input: { clock: Clock; perAddress: number; overall: number; maxAddresses: number }) {
    const { clock, perAddress, overall, maxAddresses } = input
    const perSecond = (perMinute: number) => perMinute / 60
    const ratePerSecond = perSecond(perAddress)
    this.#byAddress = new KeyedLimiter({ clock, ratePerSecond, burst: perAddress, maxKeys: maxAddresses })
    this.#all = new TokenBucket({ clock, ratePerSecond: perSecond(overall), burst: overall })
  }

  /** Counts one failure from this address. False: over a limit. */
  failed(address: string): boolean {
    // An address over its own limit does not use up what is left for the others.
    return this.#byAddress.tryTake(addressKey(address)) && this.#all.tryTake()
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#byAddress.size
  }
}
