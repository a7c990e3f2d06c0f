import type { GrantView } from '../grants/read-grants.ts'
import type { GrantService, OperatorService } from '../grants/services.ts'
import { type CallEnded, meterCalls } from './meter-calls.ts'
import type { Metrics } from './metrics.ts'

/** Agents' calls, counted and timed. */
export function meterGrantService(service: GrantService, metrics: Metrics): GrantService {
  const ended = countCalls(metrics, 'grants')
  const metered = meterCalls(
    service,
    ['planTask', 'requestGrant', 'renewLease', 'completeGrant', 'getGrant', 'listGrants', 'reportActivity'],
    (call) => {
      ended(call)
      if (call.operation === 'requestGrant' && call.answer) {
        const { grant } = call.answer as Awaited<ReturnType<GrantService['requestGrant']>>
        metrics.calls.requests.inc({ state: grant.state })
      }
    },
  )
  return { ...metered, watchGrant: (...args) => counted(service.watchGrant(...args), metrics) }
}

/** Operators' calls, counted and timed. */
export function meterOperatorService(service: OperatorService, metrics: Metrics): OperatorService {
  return meterCalls(service, ['revokeGrant', 'decideApproval'], countCalls(metrics, 'operators'))
}

function countCalls({ calls }: Metrics, edge: 'grants' | 'operators'): CallEnded {
  return ({ operation, seconds, error }) => {
    calls.ended.inc({ edge, operation, code: error?.code ?? 'ok' })
    calls.seconds.observe({ edge, operation }, seconds)
  }
}

async function* counted(views: AsyncIterable<GrantView>, { watches }: Metrics): AsyncGenerator<GrantView> {
  watches.inc()
  try {
    yield* views
  } finally {
    watches.dec()
  }
}
