import { hash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { BundleStore } from './bundle-store.ts'

/** Beyond it the oldest is forgotten: that token is then told once more to come again, instead of being refused for good. */
const MAX_TOKENS = 4_096

/**
 * Says whether the key of a JWT-SVID may still come: the sources of bundles look by their own schedule, and a token that is
 * signed with a new key may be here first. It is refused for good only once its source has looked after the token came. Nobody
 * causes a look by showing a token. A token is remembered by its hash, not by its `kid`: whoever shows invented tokens with
 * the `kid` of tomorrow must not use up the time that the good ones of tomorrow have.
 */
export class AwaitedKeys {
  readonly #bundles: BundleStore
  readonly #clock: Clock
  /** When the token first came, by the monotonic clock. */
  readonly #cameAtMs = new BoundedMap<number>({ limit: MAX_TOKENS })

  constructor({ bundles, clock }: { bundles: BundleStore; clock: Clock }) {
    this.#bundles = bundles
    this.#clock = clock
  }

  /**
   * Notes a token whose `kid` is not in the bundle of its trust domain.
   *
   * @returns after how long it is worth coming again; 0: the key does not exist
   */
  waitMs(token: string, trustDomain: string): number {
    const key = hash('sha256', token, 'base64')
    const cameAtMs = this.#cameAtMs.get(key) ?? this.#clock.monotonicMs()
    this.#cameAtMs.set(key, cameAtMs)
    return Math.ceil(this.#bundles.untilLookedMs(trustDomain, cameAtMs))
  }
}
