import { TokenGuard } from '../grants/agents/token-guard.ts'
import { DEAD_AFTER_MS } from '../grpc/server-options.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { definePart } from './part.ts'
import type { Refusals } from './refusals.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly ledger: Ledger
  readonly refusals: Refusals
}

/** Says how often a bearer token may mint, and follows the connections that tokens are bound to. */
export const tokens = definePart({
  name: 'tokens',
  start({ liveConfig, ledger, refusals, clock, partHealth }: Needs) {
    const value = new TokenGuard({
      ledger,
      refusedTokens: refusals.tokens,
      clock,
      get reuse() {
        return liveConfig.current().identity.tokens.reuse
      },
      deadAfterMs: DEAD_AFTER_MS,
      onProblem: (error) => partHealth.failed('tokens', error),
      onWell: () => partHealth.well('tokens'),
    })
    return { value, stop: () => value.stop() }
  },
})
