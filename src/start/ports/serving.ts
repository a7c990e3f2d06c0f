import type { AgentPorts } from '../../grpc/agent-ports.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { OwnIdentity } from '../identity/own-identity.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Health } from './health.ts'

/** `host:port` of each port that listens; of the admin API its URL. */
export interface Addresses {
  readonly agents: string
  readonly bearer?: string
  readonly admin: string
  readonly health: string
  readonly metrics?: string
  readonly bundle?: string
}

interface Needs extends Surroundings {
  readonly health: Health
  readonly ledger: Ledger
  readonly ownIdentity: OwnIdentity
  readonly agentPorts: AgentPorts
  readonly admin: string
  readonly metricsEndpoint: string | undefined
  readonly bundleEndpoint: string | undefined
}

/** Tells probes that calls are taken: the last to start, and the first to stop. Its value is where the broker listens. */
export const serving = definePart({
  name: 'serving',
  start({ ledger, health, ownIdentity, agentPorts, admin, metricsEndpoint, bundleEndpoint, logger }: Needs) {
    const value: Addresses = {
      agents: agentPorts.mutual,
      ...(agentPorts.bearer && { bearer: agentPorts.bearer }),
      admin,
      health: health.address,
      ...(metricsEndpoint && { metrics: metricsEndpoint }),
      ...(bundleEndpoint && { bundle: bundleEndpoint }),
    }
    health.setTakingCalls(true)
    const { spiffeId, bundles: trusted } = ownIdentity.view()
    const { replica } = ledger.identity
    logger.info({ ...value, health: health.port, replica, spiffeId, trusted }, 'serving')
    return { value, stop: () => health.setTakingCalls(false) }
  },
})
