import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { BlockList, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import type { AdminApp } from './app.ts'
import type { AdminLogger } from './deps.ts'
import { ANSWER_HEADERS } from './hardening.ts'
import { problemResponse, requestInvalid } from './problem.ts'
import { readTlsPair, samePair, type TlsFiles, type TlsPair } from './tls-files.ts'

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
}

/** The admin API, listening. */
export interface AdminServer {
  /** e.g. `https://127.0.0.1:8445` */
  readonly url: string
  readonly port: number
  /** Takes no more calls, waits for those in hand, cuts what is left after the grace, and puts the last refusals on record. */
  stop(): Promise<void>
}

const HTTP_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  insecureHTTPParser: false,
  // Checked when the Request is made, so that the answer is a problem document.
  requireHostHeader: false,
} as const satisfies ServerOptions
const MAX_CONNECTIONS = 256
const MAX_HEADERS = 64
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
  const { host, admin, clock, logger, tls } = input
  checkAddress(host, tls)
  const pair = tls && (await readTlsPair(tls))
  const server = listenerFor(admin, pair)
  await listen(server, host, input.port)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : input.port
  const url = `${tls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const stopping = new AbortController()
  const watching =
    tls && pair
      ? watchCertificate(server as TlsServer, tls, pair, input.tlsReloadMs ?? 10_000, clock, logger, stopping.signal)
      : Promise.resolve()
  logger.info({ url }, 'admin API listens')
  let stopped: Promise<void> | undefined
  return {
    url,
    port,
    stop() {
      stopped ??= stop(server, admin, clock, input.stopGraceMs ?? 5_000, stopping).then(() => watching)
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

function listenerFor(admin: AdminApp, pair: TlsPair | undefined): Server | TlsServer {
  const handle = getRequestListener(admin.app.fetch, {
    overrideGlobalObjects: false,
    // The app answers its own errors; what arrives here is a request that it never saw, such as a bad Host.
    errorHandler: () => refusal(),
  })
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // While stopping, a connection that has its answer must not be kept open for another call.
    outgoing.once('close', () => server.listening || setImmediate(() => server.closeIdleConnections()))
    void handle(incoming, outgoing)
  }
  const server: Server | TlsServer = pair
    ? createTlsServer({ ...HTTP_LIMITS, ...pair, minVersion: 'TLSv1.3', handshakeTimeout: 10_000 }, onRequest)
    : createServer(HTTP_LIMITS, onRequest)
  server.maxConnections = MAX_CONNECTIONS
  server.maxHeadersCount = MAX_HEADERS
  server.maxRequestsPerSocket = MAX_CALLS_PER_CONNECTION
  server.on('clientError', (_error, socket) => void refuseRaw(socket))
  return server
}

function refusal(): Response {
  const answer = problemResponse(requestInvalid('This is not a well-formed HTTP request.'), crypto.randomUUID())
  for (const [name, value] of Object.entries(ANSWER_HEADERS)) answer.headers.set(name, value)
  return answer
}

/** Bytes that are not HTTP get an answer all the same, and the connection ends. */
async function refuseRaw(socket: Duplex): Promise<void> {
  if (!socket.writable) return void socket.destroy()
  const answer = refusal()
  const body = await answer.text()
  const headers = [...answer.headers, ['content-length', Buffer.byteLength(body)], ['connection', 'close']]
  const head = ['HTTP/1.1 400 Bad Request', ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy())
}

async function listen(server: Server | TlsServer, host: string, port: number): Promise<void> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    const explanation = `The admin API cannot listen on ${host} port ${port}; free the port, or give it another.`
    throw new StintError('CONFIG_INVALID', { explanation }, error)
  }
}

async function watchCertificate(
  server: TlsServer,
  files: TlsFiles,
  first: TlsPair,
  everyMs: number,
  clock: Clock,
  logger: AdminLogger,
  signal: AbortSignal,
): Promise<void> {
  let inUse = first
  let broken = false
  for (;;) {
    const awake = await clock.sleep(everyMs, signal).then(
      () => true,
      () => false,
    )
    if (!awake) return
    try {
      const pair = await readTlsPair(files)
      broken = false
      if (samePair(pair, inUse)) continue
      server.setSecureContext({ ...pair, minVersion: 'TLSv1.3' })
      inUse = pair
      logger.info({}, 'admin API uses a new certificate')
    } catch (error) {
      if (!broken) logger.error({ code: asStintError(error).code, err: error }, 'admin API keeps its last certificate')
      broken = true
    }
  }
}

async function stop(
  server: Server | TlsServer,
  admin: AdminApp,
  clock: Clock,
  graceMs: number,
  stopping: AbortController,
): Promise<void> {
  const closed = once(server, 'close').then(() => stopping.abort())
  server.close()
  server.closeIdleConnections()
  const grace = clock.sleep(graceMs, stopping.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  )
  await Promise.all([closed, grace])
  await admin.close()
}
