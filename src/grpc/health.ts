import { createServer } from 'node:net'
import { HealthImplementation } from 'grpc-health-check'
import type { Clock } from '../core/clock.ts'
import { peerKey } from '../core/net/connection-table.ts'
import { GuardedListener, type GuardedListenerLimits, type RefusedConnection } from '../core/net/guarded-listener.ts'
import { createGrpcServer, createInjector } from './connections/http2-guard.ts'
import { createHealthRequests, type Readiness, routeByProtocol } from './health-requests.ts'

const BROKER = 'stint.v1.BrokerService'

/** Health for probes, which have no certificate: grpc.health.v1 and `GET /ready` in plain text, and nothing else. */
export interface HealthServer {
  readonly port: number
  /** For adding the same service to the agents' listener. */
  readonly health: HealthImplementation
  /** `live` is what `""` says, for liveness; `ready` what the broker's service says, for readiness. */
  setServing(state: { readonly live: boolean; readonly ready: boolean }): void
  stop(): Promise<void>
}

/** Options of `startHealthServer`. */
export interface HealthServerOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  /** For `GET /ready`. */
  readonly readiness: () => Readiness
  /** See HEALTH_LIMITS. */
  readonly limits?: Partial<GuardedListenerLimits>
  /** Told of every connection that was turned away. */
  readonly onRefused?: (refusal: RefusedConnection) => void
}

/** Connections of the health port unless told otherwise. A probe proves nothing, so each can give way to a newer one. */
export const HEALTH_LIMITS: GuardedListenerLimits = {
  maxConnections: 0,
  maxConnectionsPerOwner: 0,
  maxUnproven: 96,
  firstByteTimeoutMs: 10_000,
}

/** @throws {StintError} CONFIG_INVALID when the address cannot be bound. Starts as NOT_SERVING. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { clock, onRefused } = options
  const health = new HealthImplementation({ '': 'NOT_SERVING', [BROKER]: 'NOT_SERVING' })
  const server = createGrpcServer({
    'grpc.max_receive_message_length': 4_096,
    'grpc.max_concurrent_streams': 16,
    'grpc.max_connection_age_ms': 30 * 60_000,
    'grpc.max_connection_age_grace_ms': 10_000,
    'grpc.max_connection_idle_ms': 60_000,
    // Also what ends a connection that began to talk and never spoke HTTP/2.
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc-node.max_session_memory': 1,
    'grpc.enable_channelz': 0,
  })
  health.addToServer(server)
  const injector = createInjector(server, {
    opened: (peer) => guard.opened(peer),
    begun: (peer) => guard.called(peer),
    reset: (peer) => guard.gaveUp(peer),
  })
  const requests = createHealthRequests(options.readiness)
  requests.on('request', ({ socket }) => guard.called(peerKey(socket)))
  const tcp = createServer((socket) =>
    routeByProtocol(socket, {
      http1: (taken) => requests.emit('connection', taken),
      http2: (taken) => injector.injectConnection(taken),
    }),
  )
  const guard = new GuardedListener({
    server: tcp,
    clock,
    limits: { ...HEALTH_LIMITS, ...options.limits },
    ...(onRefused && { onRefused }),
  })
  const { port } = await guard.listen({ host: options.host, port: options.port, setting: 'listen.health' })
  return {
    port,
    health,
    setServing({ live, ready }) {
      health.setStatus('', live ? 'SERVING' : 'NOT_SERVING')
      health.setStatus(BROKER, live && ready ? 'SERVING' : 'NOT_SERVING')
    },
    stop: async () => {
      await guard.stop(0)
      injector.destroy()
      server.forceShutdown()
    },
  }
}
