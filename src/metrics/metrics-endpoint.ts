import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { GuardedListener, type GuardedListenerLimits, type RefusedConnection } from '../core/net/guarded-listener.ts'
import { hostPortText } from '../core/net/host-port.ts'
import type { Metrics } from './metrics.ts'

/** Where the endpoint listens and what it shows. */
export interface MetricsEndpointOptions {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  readonly clock: Clock
  /** Told why a scrape failed as a whole. */
  readonly onFailed: (error: unknown) => void
  readonly limits?: Partial<GuardedListenerLimits>
  /** Told of every connection that was turned away. */
  readonly onRefused?: (refusal: RefusedConnection) => void
}

/** The endpoint, listening. */
export interface MetricsEndpoint {
  /** `host:port` */
  readonly address: string
  stop(): Promise<void>
}

/** Connections of the endpoint unless told otherwise. Nobody proves anything here, so each can give way to a newer one. */
export const METRICS_LIMITS: GuardedListenerLimits = {
  maxConnections: 0,
  maxConnectionsPerOwner: 0,
  maxUnproven: 32,
  firstByteTimeoutMs: 5_000,
}

/** Timeout for the request to arrive whole, and for the answer to be read. */
const REQUEST_MS = 5_000
const PATH = '/metrics'

/**
 * Serves the figures at `/metrics`, in plain HTTP and to whoever asks: they name no agent, no task and no credential.
 *
 * @throws {StintError} CONFIG_INVALID when the address cannot be bound.
 */
export async function startMetricsEndpoint(options: MetricsEndpointOptions): Promise<MetricsEndpoint> {
  const { clock, onRefused } = options
  const times = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000 }
  const server = createServer({ ...times, maxHeaderSize: 8_192 }, (request, response) => {
    void answer(request, response, options)
  })
  server.setTimeout(REQUEST_MS)
  const guard = new GuardedListener({
    server,
    clock,
    limits: { ...METRICS_LIMITS, ...options.limits },
    ...(onRefused && { onRefused }),
  })
  const { address, port } = await guard.listen({ host: options.host, port: options.port, setting: 'listen.metrics' })
  return { address: hostPortText(address, port), stop: () => guard.stop(0) }
}

async function answer(
  { url, method }: IncomingMessage,
  response: ServerResponse,
  { metrics, onFailed }: MetricsEndpointOptions,
): Promise<void> {
  response.setHeader('connection', 'close')
  if (url !== PATH) return void response.writeHead(404).end()
  if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end()
  try {
    const text = await metrics.text()
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text)
  } catch (error) {
    onFailed(error)
    response.writeHead(500).end()
  }
}
