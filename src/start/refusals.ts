import type { RefusedConnection } from '../core/net/guarded-listener.ts'
import { refusal } from '../grpc/broker-server.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { RefusalLog } from '../ledger/refusal-log.ts'
import { CountedRefusals } from '../metrics/counted-refusals.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** Where what was turned away goes on record, within bounds. */
export interface Refusals {
  readonly calls: RefusalLog
  /** With a budget of its own: a flood of bad certificates must not hide that a token was stolen, nor the reverse. */
  readonly tokens: RefusalLog
  /** Records a connection that was turned away at one of our ports, e.g. `admin`. */
  readonly connection: (port: string) => (refused: RefusedConnection) => void
}

interface Needs extends Surroundings {
  readonly ledger: Ledger
  readonly metrics: Metrics | undefined
}

/** A flood of bad certificates shows on record and cannot fill it. */
const REFUSAL_EVENTS_PER_MINUTE = 60

/** The records of refused calls, connections and tokens. */
export const refusals = definePart({
  name: 'refusals',
  start({ ledger, metrics, clock, logger }: Needs) {
    const deps = { ledger, clock, logger, callers: 'agents', eventsPerMinute: REFUSAL_EVENTS_PER_MINUTE } as const
    const log = () => (metrics ? new CountedRefusals(deps, metrics) : new RefusalLog(deps))
    const [calls, tokens] = [log(), log()]
    const value: Refusals = {
      calls,
      tokens,
      connection:
        (port) =>
        ({ peer, error }) =>
          void calls.note(refusal(error, `connection:${port}`, peer)),
    }
    return { value, stop: () => closeBoth(calls, tokens) }
  },
})

async function closeBoth(calls: RefusalLog, tokens: RefusalLog): Promise<void> {
  await Promise.all([calls.close(), tokens.close()])
}
