import { addressKey } from '../core/address-key.ts'
import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { TokenBucket } from '../core/token-bucket.ts'

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
  readonly #clock: Clock
  /** The address seen longest ago first. */
  readonly #byAddress = new Map<string, TokenBucket>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** @param peer `address:port` @throws {StintError} RATE_LIMITED with `details.retryAfterMs` */
  check(peer: string): void {
    const waitMs = this.#byAddress.get(keyOf(peer))?.waitMs() ?? 0
    if (waitMs === 0) return
    const explanation = 'Too many bad bearer tokens came from this address; wait and try again.'
    throw new StintError('RATE_LIMITED', { check: 'token-failures', explanation, retryAfterMs: Math.ceil(waitMs) })
  }

  failed(peer: string): void {
    const key = keyOf(peer)
    const bucket =
      this.#byAddress.get(key) ?? new TokenBucket({ clock: this.#clock, ratePerSecond: PER_SECOND, burst: BURST })
    this.#byAddress.delete(key)
    this.#byAddress.set(key, bucket)
    bucket.tryTake()
    const [oldest] = this.#byAddress.keys()
    if (this.#byAddress.size > MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest)
  }
}

function keyOf(peer: string): string {
  return addressKey(peer.slice(0, peer.lastIndexOf(':')))
}
