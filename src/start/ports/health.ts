import type { HealthImplementation } from 'grpc-health-check'
import { hostPortText } from '../../core/net/host-port.ts'
import { startHealthServer } from '../../grpc/health.ts'
import type { Readiness } from '../../grpc/health-requests.ts'
import { definePart } from '../part.ts'
import type { UnreadyPart } from '../readiness.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'

/** The readiness for probes: every reason must let calls through, or callers go to another replica. */
export function toReadiness(reasons: readonly UnreadyPart[]): Readiness {
  return { takesCalls: reasons.every(({ takesCalls }) => takesCalls === true), reasons }
}

/**
 * The health that probes see. `stint.v1.BrokerService` is SERVING while a good request would be served; `""` while the process does its
 * work, ready or not, so that nobody restarts a broker that waits for AWS or its database.
 */
export interface Health {
  /** `host:port` */
  readonly address: string
  readonly port: number
  /** For the agents' port, which answers the same. */
  readonly implementation: HealthImplementation
  /** True if the broker takes calls; false until told otherwise. */
  setTakingCalls(taking: boolean): void
  /** True if nothing speaks against calls; true until told otherwise. */
  setReady(ready: boolean): void
  /** True if there is an identity to show; true until told otherwise. */
  setIdentityUsable(usable: boolean): void
}

interface Needs extends Surroundings {
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
}

/** The port for probes. */
export const health = definePart({
  name: 'health',
  async start({ config: { listen }, clock, running, connectionLimits, refusals }: Needs) {
    const server = await startHealthServer({
      ...listen.health,
      clock,
      readiness: () => toReadiness(running.notReady()),
      limits: connectionLimits.health,
      onRefused: refusals.connection('health'),
    })
    let [takingCalls, isReady, identityUsable] = [false, true, true]
    const show = () => server.setServing({ live: takingCalls, ready: isReady && identityUsable })
    const value: Health = {
      address: hostPortText(listen.health.host, server.port),
      port: server.port,
      implementation: server.health,
      setTakingCalls(taking) {
        takingCalls = taking
        show()
      },
      setReady(ready) {
        isReady = ready
        show()
      },
      setIdentityUsable(usable) {
        identityUsable = usable
        show()
      },
    }
    return { value, stop: () => server.stop() }
  },
})
