import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Clock } from '../../core/clock.ts'
import { GuardedListener, type GuardedListenerLimits, type RefusedConnection } from '../../core/net/guarded-listener.ts'
import { hostPortText } from '../../core/net/host-port.ts'
import { bundleDocument } from '../bundle/bundle-document.ts'
import type { TrustBundle } from '../bundle/trust-bundle.ts'
import type { ServerIdentity, ServerIdentitySource } from '../server-identity.ts'

/** Where the endpoint listens and what it shows. */
export interface BundleEndpointOptions {
  readonly host: string
  readonly port: number
  /** The one path that is served, e.g. `/`. */
  readonly path: string
  /** The server's certificate: one for its name (`https_web`) or our own SVID (`https_spiffe`). */
  readonly identity: ServerIdentitySource
  /** The bundle of now; undefined while there is none. */
  readonly bundle: () => TrustBundle | undefined
  /** How often others should look; default the hint of the bundle itself, or 300. */
  readonly refreshHintSeconds?: number
  /** For the handshake, and then for the request to arrive whole and for the answer to be read. Default 5000. */
  readonly requestWithinMs?: number
  readonly clock: Clock
  /** See BUNDLE_ENDPOINT_LIMITS. */
  readonly limits?: Partial<GuardedListenerLimits>
  /** Told of every connection that was turned away. */
  readonly onRefused?: (refusal: RefusedConnection) => void
}

/** Connections of the endpoint unless told otherwise. Nobody proves anything here, so each can give way to a newer one. */
export const BUNDLE_ENDPOINT_LIMITS: GuardedListenerLimits = {
  maxConnections: 0,
  maxConnectionsPerOwner: 0,
  maxUnproven: 160,
  firstByteTimeoutMs: 5_000,
}

/** The endpoint, listening. */
export interface BundleEndpoint {
  /** `host:port` */
  readonly address: string
  stop(): Promise<void>
}

const MAX_HEADER_BYTES = 8_192

/**
 * Serves the bundle of our own trust domain to others. Whoever asks may read it: it holds public keys only, and the
 * standard forbids to ask for a client certificate.
 *
 * @throws {StintError} what the identity throws; CONFIG_INVALID when the address cannot be bound.
 * @see SPIFFE Federation, section 5.2
 */
export async function startBundleEndpoint(options: BundleEndpointOptions): Promise<BundleEndpoint> {
  const { clock, onRefused, requestWithinMs: ms = 5_000 } = options
  const server = createServer(timeLimits(ms), (request, response) => answer(request, response, options))
  server.setTimeout(ms)
  const guard = new GuardedListener({
    server,
    clock,
    limits: { ...BUNDLE_ENDPOINT_LIMITS, firstByteTimeoutMs: ms, ...options.limits },
    ...(onRefused && { onRefused }),
  })
  show(server, await options.identity.start((identity) => show(server, identity)))
  const stop = async () => {
    await options.identity.stop()
    await guard.stop(0)
  }
  try {
    const { address, port } = await guard.listen({
      host: options.host,
      port: options.port,
      setting: 'identity.bundleEndpoint.listen',
    })
    return { address: hostPortText(address, port), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Node looks at its time limits every 30 s unless told, which is as long as a slow client would then have. */
function timeLimits(ms: number) {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    handshakeTimeout: ms,
    headersTimeout: ms,
    requestTimeout: ms,
    connectionsCheckingInterval: Math.ceil(ms / 5),
    keepAliveTimeout: 1_000,
  }
}

/** Without an identity no handshake succeeds. Session tickets are off: no benefit here, and they widen the attack surface. */
function show(server: Server, identity: ServerIdentity | undefined): void {
  server.setSecureContext({
    ...(identity && { cert: identity.cert, key: identity.key.reveal() }),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
}

function answer(request: IncomingMessage, response: ServerResponse, options: BundleEndpointOptions): void {
  const bundle = options.bundle()
  const status = chooseStatus(request, options, bundle)
  response.setHeader('connection', 'close')
  if (status === 405) response.setHeader('allow', 'GET')
  if (status !== 200 || !bundle) {
    response.writeHead(status).end()
    return
  }
  const { refreshHintSeconds = bundle.refreshHintSeconds ?? 300 } = options
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(bundleDocument(bundle, { refreshHintSeconds }))
}

function chooseStatus(
  { url, method }: IncomingMessage,
  { path }: BundleEndpointOptions,
  bundle: TrustBundle | undefined,
): number {
  if (url !== path) return 404
  if (method !== 'GET') return 405
  return bundle ? 200 : 503
}
