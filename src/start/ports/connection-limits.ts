import { ADMIN_LIMITS } from '../../admin/server.ts'
import type { Config } from '../../config/schema.ts'
import { openFileLimit, type SocketBudget, shareSockets } from '../../core/net/socket-budget.ts'
import { HEALTH_LIMITS } from '../../grpc/health.ts'
import { connectionLimits } from '../../grpc/listener.ts'
import { BUNDLE_ENDPOINT_LIMITS } from '../../identity/bundle-endpoint.ts'

export type ListenerLimits = SocketBudget<'agents' | 'bearer' | 'admin' | 'health' | 'bundle'>

const NONE = { maxConnections: 0, maxConnectionsPerOwner: 0, maxUnproven: 0 }

/**
 * How many connections each port takes: as configured or built in, lowered where the open files would not suffice.
 *
 * @throws {StintError} CONFIG_INVALID when the process may have too few open files
 */
export async function listenerLimits({ listen, identity, server }: Config): Promise<ListenerLimits> {
  const agents = connectionLimits(server.maxConnections)
  const wanted = {
    agents,
    bearer: listen.bearer ? agents : NONE,
    admin: ADMIN_LIMITS,
    health: HEALTH_LIMITS,
    bundle: identity.bundleEndpoint ? BUNDLE_ENDPOINT_LIMITS : NONE,
  }
  return shareSockets(wanted, await openFileLimit())
}
