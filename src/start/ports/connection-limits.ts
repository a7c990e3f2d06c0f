import { ADMIN_LIMITS } from '../../admin/server.ts'
import type { Config } from '../../config/schema.ts'
import type { ConnectionTableLimits } from '../../core/net/connection-table.ts'
import { openFileLimit, type SocketBudget, shareSockets } from '../../core/net/socket-budget.ts'
import { connectionLimits as agentLimits } from '../../grpc/connections/listener.ts'
import { HEALTH_LIMITS } from '../../grpc/health.ts'
import { BUNDLE_ENDPOINT_LIMITS } from '../../identity/federation/bundle-endpoint.ts'
import { METRICS_LIMITS } from '../../metrics/metrics-endpoint.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

type Port = 'agents' | 'bearer' | 'admin' | 'health' | 'metrics' | 'bundle'

/** How many connections each port takes. */
export type ConnectionLimits = Readonly<Record<Port, ConnectionTableLimits>>

const NONE = { maxConnections: 0, maxConnectionsPerOwner: 0, maxUnproven: 0 }

/** Shares the open files among the ports. Where they do not suffice, the broker serves on with fewer connections. */
export const connectionLimits = definePart({
  name: 'connectionLimits',
  async start({ config, partHealth }: Surroundings) {
    const { limits, notice } = await shareOpenFiles(config)
    if (notice) partHealth.found('open-files', [{ finding: 'too-few', code: 'CONFIG_INVALID', explanation: notice }])
    return { value: limits }
  },
})

/** @throws {StintError} CONFIG_INVALID when the process may have too few open files */
async function shareOpenFiles({ listen, identity, server }: Config): Promise<SocketBudget<Port>> {
  const agents = agentLimits(server.maxConnections)
  const wanted = {
    agents,
    bearer: listen.bearer ? agents : NONE,
    admin: ADMIN_LIMITS,
    health: HEALTH_LIMITS,
    metrics: listen.metrics ? METRICS_LIMITS : NONE,
    bundle: identity.bundleEndpoint ? BUNDLE_ENDPOINT_LIMITS : NONE,
  }
  return shareSockets(wanted, await openFileLimit())
}
