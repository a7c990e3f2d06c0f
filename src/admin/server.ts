import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { BlockList, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { Reloading } from '../core/files/reloading.ts'
import { peerKey } from '../core/net/connection-table.ts'
import {
  GuardedListener,
  type GuardedListenerLimits,
  HANDSHAKE_TIMEOUT_MS,
  type RefusedConnection,
} from '../core/net/guarded-listener.ts'
import { hostPortText } from '../core/net/host-port.ts'
import type { AdminApp } from './app.ts'
import type { AdminLogger } from './deps.ts'
import { ANSWER_HEADERS } from './middleware/hardening.ts'
import { problemResponse, requestInvalid } from './problem.ts'
import { readTlsPair, type TlsFiles, type TlsPair, tlsFingerprint } from './tls-files.ts'

/** How the admin API listens. */
export interface AdminServerSettings {
  /** An IP address as such; a name would leave it to DNS where this listens. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Needed unless `host` is a loopback address. */
  readonly tls?: TlsFiles
  /** How often the certificate files are looked at; default 10 s. */
  readonly tlsReloadMs?: number
  /** How long `stop` waits for calls in hand; default 5 s. */
  readonly stopGraceMs?: number
  /** See ADMIN_LIMITS. A connection is proven by the first call of it that a known operator made. */
  readonly limits?: Partial<AdminConnectionLimits>
  /** Told of every connection that was turned away. */
  readonly onRefused?: (refusal: RefusedConnection) => void
  /** Told what is wrong with the certificate files, while the last good pair stays in use; undefined: nothing any more. */
  readonly onCertificate?: (problem: StintError | undefined) => void
}

/** Limits of the admin port: its connections, and how long a handshake and a request may take. */
export interface AdminConnectionLimits extends GuardedListenerLimits {
  readonly handshakeTimeoutMs: number
  /** For the head of a request, and for the whole of it. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** Connections and times of the admin port unless told otherwise. */
export const ADMIN_LIMITS: AdminConnectionLimits = {
  maxConnections: 128,
  maxConnectionsPerOwner: 32,
  maxUnproven: 240,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  firstByteTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
}

/** The admin API, listening. */
export interface AdminServer {
  /** e.g. `https://127.0.0.1:8445` */
  readonly url: string
  readonly port: number
  /** The certificate in use, PEM; undefined for plain HTTP. */
  certificate(): string | undefined
  /** Takes no more calls, waits for those in hand, cuts what is left after the grace, and puts the last refusals on record. */
  stop(): Promise<void>
}

const HTTP_LIMITS = {
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  insecureHTTPParser: false,
  // Checked when the Request is made, so that the answer is a problem document.
  requireHostHeader: false,
} as const satisfies ServerOptions
const MAX_HEADERS = 64
/** A connection on which nothing has moved for so long is closed, also one whose far side does not read its answer. */
const STALLED_MS = 120_000
/** How long a connection that spoke no HTTP may take to read what it is told. */
const LAST_WORD_MS = 1_000
const MAX_CALLS_PER_CONNECTION = 1_000

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Starts the admin API on a port of its own: HTTPS 1.3 when certificate files are given (read again when they change; a
 * pair that does not fit leaves the last good one), plain HTTP on a loopback address only.
 *
 * @throws {StintError} CONFIG_INVALID: the address may not be used so, or is taken, or the certificate cannot be used.
 */
export async function startAdminServer(
  input: AdminServerSettings & { admin: AdminApp; clock: Clock; logger: AdminLogger },
): Promise<AdminServer> {
  const { host, admin, logger, tls } = input
  checkAddress(host, tls)
  let useCertificate: (pair: TlsPair) => void = () => {}
  const certificate = tls && followCertificate(tls, input, (pair) => useCertificate(pair))
  const pair = await certificate?.startWithValue()
  let inUse = pair
  const limits = { ...ADMIN_LIMITS, ...input.limits }
  const listen = async () => {
    const { server, guard } = guardedServer(input, limits, pair)
    useCertificate = (next) => {
      inUse = next
      const tlsServer = server as TlsServer
      tlsServer.setSecureContext({ ...next, minVersion: 'TLSv1.3' })
      logger.info({}, 'admin API uses a new certificate')
    }
    return { guard, ...(await guard.listen({ host, port: input.port, setting: 'listen.admin' })) }
  }
  const { guard, port } = await listen().catch(async (error: unknown) => {
    await certificate?.stop()
    throw error
  })
  const url = `${tls ? 'https' : 'http'}://${hostPortText(host, port)}`
  logger.info({ url }, 'admin API listens')
  let stopped: Promise<void> | undefined
  return {
    url,
    port,
    certificate: () => inUse?.cert,
    stop() {
      stopped ??= guard.stop(input.stopGraceMs ?? 5_000).then(async () => {
        await certificate?.stop()
        await admin.close()
      })
      return stopped
    },
  }
}

function checkAddress(host: string, tls: TlsFiles | undefined): void {
  const family = isIP(host)
  if (family === 0) {
    throw new StintError('CONFIG_INVALID', {
      explanation: 'The admin API must listen on an IP address, not on a name.',
    })
  }
  if (!tls && !LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')) {
    const explanation = `Without a certificate the admin API may only listen on a loopback address, not on ${host}.`
    throw new StintError('CONFIG_INVALID', { explanation })
  }
}

function guardedServer(
  { admin, clock, onRefused }: Parameters<typeof startAdminServer>[0],
  limits: AdminConnectionLimits,
  pair: TlsPair | undefined,
): { server: Server | TlsServer; guard: GuardedListener } {
  const proving = ({ incoming }: { incoming: { socket: unknown } }) => ({
    proved: (operator: string) => guard.connections.prove(peerKey(incoming.socket as Socket), `operator:${operator}`),
  })
  const handle = getRequestListener((request, env) => admin.app.fetch(request, { ...env, ...proving(env) }), {
    overrideGlobalObjects: false,
    // The app answers its own errors; what arrives here is a request that it never saw, such as a bad Host.
    errorHandler: () => refusal(),
  })
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // While stopping, a connection that has its answer must not be kept open for another call.
    outgoing.once('close', () => server.listening || setImmediate(() => server.closeIdleConnections()))
    if (hostHeaders(incoming) > 1) void refuseCall(outgoing)
    else void handle(incoming, outgoing)
  }
  const { headersTimeoutMs: headersTimeout, requestTimeoutMs: requestTimeout, handshakeTimeoutMs } = limits
  const http = { ...HTTP_LIMITS, headersTimeout, requestTimeout }
  const server: Server | TlsServer = pair
    ? createTlsServer({ ...http, ...pair, minVersion: 'TLSv1.3', handshakeTimeout: handshakeTimeoutMs }, onRequest)
    : createServer(http, onRequest)
  server.maxHeadersCount = MAX_HEADERS
  server.maxRequestsPerSocket = MAX_CALLS_PER_CONNECTION
  server.setTimeout(STALLED_MS)
  const guard = new GuardedListener({ server, clock, limits, copyableProof: true, ...(onRefused && { onRefused }) })
  // Left to itself Node answers an expectation with an empty 417, and a CONNECT by closing the connection.
  server.on('checkExpectation', (_incoming: IncomingMessage, outgoing: ServerResponse) => void refuseCall(outgoing))
  server.on('connect', (_incoming: IncomingMessage, socket: Duplex) => void refuseRaw(socket))
  server.on('clientError', (_error, socket) => {
    // Nothing can be said in a handshake that has failed: ending such a socket would wait for it for ever.
    if (pair && !guard.connections.isSecured(socket as Socket)) socket.destroy()
    else void refuseRaw(socket)
  })
  return { server, guard }
}

function refusal(): Response {
  const answer = problemResponse(requestInvalid('This is not a well-formed HTTP request.'), {
    requestId: crypto.randomUUID(),
  })
  for (const [name, value] of Object.entries(ANSWER_HEADERS)) answer.headers.set(name, value)
  return answer
}

/** Two of them name two hosts for one call. @see RFC 9112, section 3.2 */
function hostHeaders({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
}

/** Answers a call that the app does not see; the connection ends with it, since a body may follow. */
async function refuseCall(outgoing: ServerResponse): Promise<void> {
  const answer = refusal()
  const body = await answer.text()
  const length = { 'content-length': Buffer.byteLength(body) }
  outgoing.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...length, connection: 'close' }).end(body)
}

/** Bytes that are not HTTP get an answer all the same, and the connection ends. */
async function refuseRaw(socket: Duplex): Promise<void> {
  if (!socket.writable) return void socket.destroy()
  const answer = refusal()
  const body = await answer.text()
  const headers = [...answer.headers, ['content-length', Buffer.byteLength(body)], ['connection', 'close']]
  const head = ['HTTP/1.1 400 Bad Request', ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  const cut = setTimeout(() => socket.destroy(), LAST_WORD_MS).unref()
  socket.once('close', () => clearTimeout(cut))
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy())
}

/** The certificate in files, not loaded yet; each pair after the first is put into force at the server. */
function followCertificate(
  files: TlsFiles,
  { tlsReloadMs = 10_000, clock, onCertificate }: Parameters<typeof startAdminServer>[0],
  use: (pair: TlsPair) => void,
): Reloading<TlsPair> {
  return new Reloading({
    load: () => readTlsPair(files),
    fingerprint: () => tlsFingerprint(files),
    clock,
    pollMs: tlsReloadMs,
    onLoaded: use,
    ...(onCertificate && { onState: onCertificate }),
  })
}
