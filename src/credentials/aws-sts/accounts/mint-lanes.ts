import { splitArn } from '../../../aws/arn.ts'
import type { Clock } from '../../../core/clock.ts'
import { BoundedMap } from '../../../core/limits/bounded-map.ts'
import { Slots } from '../../../core/limits/slots.ts'
import { CircuitBreaker } from '../calls/circuit-breaker.ts'

/** Calls of one account that may wait for STS at the same time. */
const SLOTS_PER_ACCOUNT = 256
/** Sockets to STS: several accounts that hang leave some to the others. */
export const STS_SOCKETS = 4 * SLOTS_PER_ACCOUNT
/** Accounts and roles whose state is kept. An agent may name any role that a pattern has, so the number has an end. */
const MAX_KEPT = 20_000

/** Lanes that keep the mints of one account from holding up those of another. */
export class MintLanes {
  readonly #clock: Clock
  readonly #isListed: (roleArn: string) => boolean
  readonly #breakers = new BoundedMap<CircuitBreaker>({ limit: MAX_KEPT })
  readonly #slots = new BoundedMap<Slots>({ limit: MAX_KEPT })

  /** @param options.isListed whether the operator has named a role by its own ARN */
  constructor(options: { readonly clock: Clock; readonly isListed: (roleArn: string) => boolean }) {
    this.#clock = options.clock
    this.#isListed = options.isListed
  }

  /**
   * The breaker of a role that the operator has named: roles that work are not held back by one that does not. The roles of a
   * pattern share that of their account, or whoever names ever new ones would never be held back.
   */
  breaker(roleArn: string): CircuitBreaker {
    const key = this.#isListed(roleArn) ? roleArn : accountOf(roleArn)
    return keep(this.#breakers, key, () => new CircuitBreaker({ clock: this.#clock }))
  }

  /** Places for calls at the same time, of the role's account. */
  slots(roleArn: string): Slots {
    return keep(this.#slots, accountOf(roleArn), () => new Slots({ clock: this.#clock, slots: SLOTS_PER_ACCOUNT }))
  }
}

function accountOf(roleArn: string): string {
  return splitArn(roleArn).account ?? ''
}

function keep<V>(map: BoundedMap<V>, key: string, make: () => V): V {
  const known = map.get(key)
  if (known) return known
  const made = make()
  map.set(key, made)
  return made
}
