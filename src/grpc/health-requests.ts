import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ERROR_CATALOG, type ErrorCode } from '../core/errors.ts'

/** Readiness as anybody who reaches the health port may see it: without explanations, which may name roles or files. */
export interface Readiness {
  /** False: callers should go to another replica. */
  readonly takesCalls: boolean
  /** Why a good request would not be served; none if it would. */
  readonly reasons: readonly { readonly part: string; readonly code: ErrorCode; readonly since: Date }[]
}

/** How long a request may take to come, and its answer to go. */
const TIME_MS = 5_000
/** More than any line of a request to this port. */
const MAX_HEADER_BYTES = 8_192
/** The beginning of HTTP/1, in which no HTTP/2 connection begins. */
const HTTP1_METHODS = ['GET ', 'HEAD']

/**
 * Answers `GET /ready` and `GET /live` in HTTP/1.1, for probes and people without a gRPC client. One request a connection.
 *
 * @param readiness must neither wait nor throw.
 */
export function createHealthRequests(readiness: () => Readiness): Server {
  const options = { maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false, requireHostHeader: false } as const
  return createServer(options, (request, response) => answer(request, response, readiness))
}

/** Hands a new connection to one of two servers by how it begins. */
export function routeByProtocol(
  socket: Socket,
  { http1, http2 }: { readonly http1: (socket: Socket) => void; readonly http2: (socket: Socket) => void },
): void {
  socket.on('error', () => socket.destroy())
  const look = () => {
    const beginning: Buffer | null = socket.read()
    if (beginning === null) return
    socket.off('readable', look)
    socket.unshift(beginning)
    const method = beginning.toString('latin1', 0, 4)
    if (!HTTP1_METHODS.includes(method)) return http2(socket)
    socket.setTimeout(TIME_MS, () => socket.destroy())
    http1(socket)
  }
  socket.on('readable', look)
}

function answer({ url = '', method }: IncomingMessage, response: ServerResponse, readiness: () => Readiness): void {
  const [path] = url.split('?')
  const body =
    path === '/ready' ? toBody(readiness()) : path === '/live' ? { status: 200, content: { live: true } } : NONE
  const text = `${JSON.stringify(body.content)}\n`
  response.writeHead(body.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    connection: 'close',
  })
  response.end(method === 'HEAD' ? undefined : text)
}

const NONE = { status: 404, content: { error: 'This port answers GET /ready and GET /live.' } }

function toBody({ takesCalls, reasons }: Readiness) {
  const said = reasons.map(({ part, code, since }) => ({
    part,
    code,
    title: ERROR_CATALOG[code].title,
    since: since.toISOString(),
  }))
  return { status: takesCalls ? 200 : 503, content: { ready: reasons.length === 0, takesCalls, reasons: said } }
}
