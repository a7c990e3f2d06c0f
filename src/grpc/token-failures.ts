import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { KeyedLimiter } from '../core/limits/keyed-limiter.ts'
import { addressKey } from '../core/net/address-key.ts'

/** Bad tokens of one address, per second and at once. */
const PER_SECOND = 20
const BURST = 60
const MAX_ADDRESSES = 10_000

/**
 * Bounds what bad bearer tokens cost: checking a signature is the dearest thing that a stranger can make us do. An
 * address that has shown too many waits, good tokens included; a connection that has shown a good one does not, so that
 * those who share an address with an attacker and are at work stay at work.
 */
export class TokenFailures {
  readonly #byAddress: KeyedLimiter

  constructor({ clock }: { clock: Clock }) {
    this.#byAddress = new KeyedLimiter({ clock, ratePerSecond: PER_SECOND, burst: BURST, maxKeys: MAX_ADDRESSES })
  }

  /** @param peer `address:port` @throws {StintError} RATE_LIMITED with `details.retryAfterMs` */
  check(peer: string): void {
    const waitMs = this.#byAddress.waitMs(toKey(peer))
    if (waitMs === 0) return
    const explanation = 'Too many bad bearer tokens came from this address; wait and try again.'
    throw new StintError('RATE_LIMITED', { check: 'token-failures', explanation, retryAfterMs: Math.ceil(waitMs) })
  }

  failed(peer: string): void {
    this.#byAddress.tryTake(toKey(peer))
  }
}

function toKey(peer: string): string {
  return addressKey(peer.slice(0, peer.lastIndexOf(':')))
}
