import { arnAccount } from '../../../aws/arn.ts'
import type { Clock } from '../../../core/clock.ts'
import { BoundedMap } from '../../../core/limits/bounded-map.ts'
import { Slots } from '../../../core/limits/slots.ts'
import { CircuitBreaker } from '../calls/circuit-breaker.ts'

/** Calls for one account that may wait for STS at the same time. */
const SLOTS_PER_ACCOUNT = 256
/** Sockets to STS. Three accounts that hang leave enough for the others. */
export const STS_SOCKETS = 4 * SLOTS_PER_ACCOUNT
/** Most accounts and roles whose state is kept. The number is bounded, since an agent can name any role of a pattern. */
const MAX_KEPT = 20_000

/** Lanes that keep the mints of one account from holding up those of another. */
export class MintLanes {
  readonly #clock: Clock
  readonly #isListed: (roleArn: string) => boolean
  readonly #breakers = new BoundedMap<CircuitBreaker>({ limit: MAX_KEPT })
  readonly #slots = new BoundedMap<Slots>({ limit: MAX_KEPT })

  /** @param options.isListed true if the configuration spells a role's ARN */
  constructor(options: { readonly clock: Clock; readonly isListed: (roleArn: string) => boolean }) {
    this.#clock = options.clock
    this.#isListed = options.isListed
  }

  /**
   * The circuit breaker of a role. A role whose ARN the configuration spells has its own, so that a failing role does not hold up
   * the others. The roles of a pattern share one by account, or a caller with ever new role names would never be held up.
   */
  breaker(roleArn: string): CircuitBreaker {
    const key = this.#isListed(roleArn) ? roleArn : arnAccount(roleArn)
    return keep(this.#breakers, key, () => new CircuitBreaker({ clock: this.#clock }))
  }

  /** The slots for concurrent calls of the role's account. */
  slots(roleArn: string): Slots {
    return keep(this.#slots, arnAccount(roleArn), () => new Slots({ clock: this.#clock, slots: SLOTS_PER_ACCOUNT }))
  }
}

function keep<V>(map: BoundedMap<V>, key: string, make: () => V): V {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  return made
}
