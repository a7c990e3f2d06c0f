import type { HealthImplementation } from 'grpc-health-check'
import { hostPortText } from '../../core/net/host-port.ts'
import { startHealthServer } from '../../grpc/health.ts'
import { definePart } from '../part.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'

/** The health that probes see: SERVING while calls are taken and there is an identity to show to callers. */
export interface Health {
  /** `host:port` */
  readonly address: string
  readonly port: number
  /** For the agents' port, which answers the same. */
  readonly implementation: HealthImplementation
  /** True if the broker takes calls; false until told otherwise. */
  setTakingCalls(taking: boolean): void
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
  async start({ config: { listen }, clock, connectionLimits, refusals }: Needs) {
    const server = await startHealthServer({
      ...listen.health,
      clock,
      limits: connectionLimits.health,
      onRefused: refusals.connection('health'),
    })
    let [takingCalls, identityUsable] = [false, true]
    const show = () => server.setServing(takingCalls && identityUsable)
    const value: Health = {
      address: hostPortText(listen.health.host, server.port),
      port: server.port,
      implementation: server.health,
      setTakingCalls(taking) {
        takingCalls = taking
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
