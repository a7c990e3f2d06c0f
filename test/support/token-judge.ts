import type { StintError } from '../../src/core/errors.ts'
import { Authenticator } from '../../src/identity/authenticator.ts'
import { AwaitedKeys } from '../../src/identity/bundle/awaited-keys.ts'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { createJwtSvidVerifier } from '../../src/identity/jwt/jwt-svid.ts'
import type { JwtSvidOrder, PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import type { ManualClock } from './manual-clock.ts'

const AUDIENCE = 'spiffe://stint.test/stint'

/** Shows JWT-SVIDs as an agent at the bearer port does. */
export class TokenJudge {
  readonly #clock: ManualClock
  readonly #authenticator: Authenticator

  constructor({ store, clock }: { store: BundleStore; clock: ManualClock }) {
    this.#clock = clock
    const verifier = createJwtSvidVerifier({ audience: AUDIENCE })
    this.#authenticator = new Authenticator({
      bundles: store,
      tokens: () => verifier,
      awaitedKeys: new AwaitedKeys({ bundles: store, clock }),
      bearerAlone: true,
    })
  }

  issue(domain: PracticeTrustDomain, order: Partial<JwtSvidOrder> = {}): Promise<string> {
    const now = this.#clock.now()
    return domain.issueJwtSvid({ path: '/agent', audience: AUDIENCE, now, ttlSeconds: 3_600, ...order })
  }

  /** @returns `accepted`, or the code with `details.check` and after how long to come again, e.g. `TOKEN_INVALID kid`. */
  async answer(token: string): Promise<string> {
    const via = { id: 'con_1', closed: new AbortController().signal }
    try {
      await this.#authenticator.authenticate({ via, authorization: [`Bearer ${token}`] }, this.#clock.now())
      return 'accepted'
    } catch (error) {
      const { code, details } = error as StintError
      return [code, details.check, details.retryAfterMs].filter((part) => part !== undefined).join(' ')
    }
  }
}
