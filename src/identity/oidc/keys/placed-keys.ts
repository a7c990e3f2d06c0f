import { hasCode } from '../../../core/errors.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { IssuerKey } from './jwks.ts'

/**
 * The keys of one issuer from all its places. A control plane of several API servers may be asked at each of them: a key counts
 * that any of them publishes, and a token is refused for good only when all of them were asked and none has its key.
 */
export class PlacedKeys {
  readonly #places: readonly IssuerKeys[]

  constructor(places: readonly IssuerKeys[]) {
    this.#places = places
  }

  start(): void {
    for (const place of this.#places) place.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.stop()))
  }

  /** True if there are keys that count now. */
  get usable(): boolean {
    return this.#places.some(({ usable }) => usable)
  }

  /** All keys that count now. */
  get current(): readonly IssuerKey[] {
    return this.#places.flatMap((place) => place.current)
  }

  /** The key of this name, without asking anybody. */
  held(kid: string): IssuerKey | undefined {
    for (const place of this.#places) {
      const key = place.held(kid)
      if (key) return key
    }
    return undefined
  }

  /** The key of this name, if need be after one look at each place. @throws {StintError} as `IssuerKeys.keyFor` */
  async keyFor(kid: string): Promise<IssuerKey> {
    const held = this.held(kid)
    if (held) return held
    return firstToHave(this.#places, kid)
  }
}

/**
 * The key of the first that has it; one that is slow or away does not hold it up.
 *
 * @throws {StintError} ISSUER_UNAVAILABLE when somebody who could not be asked may have it, else TOKEN_INVALID (kid)
 */
export async function firstToHave(keys: readonly Pick<IssuerKeys, 'keyFor'>[], kid: string): Promise<IssuerKey> {
  try {
    return await Promise.any(keys.map((one) => one.keyFor(kid)))
  } catch (error) {
    const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    throw failures.find((failure) => hasCode(failure, 'ISSUER_UNAVAILABLE')) ?? failures[0]
  }
}
