import type {
  ServerOptions as Http2Options,
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import { constants } from 'node:http2'
import { type ConnectionInjector, Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js'
import { FairTurns } from '../../core/limits/fair-turns.ts'
import { peerKey } from '../../core/net/connection-table.ts'

/**
 * nghttp2 keeps this limit itself and soon reads no further, which our own limit of resets cannot do: it is looked at when a
 * whole read of up to 64 KiB has become streams. It is above that one, so that whoever floods is known and not only cut. Node's
 * own are 1 000, and 33 a second.
 *
 * @see CVE-2023-44487
 */
const HTTP2_OPTIONS: Http2Options = { streamResetBurst: 240, streamResetRate: 33 }

/** An error of nghttp2: the first bytes were not HTTP/2. That is a mistake, and ends one connection. */
const BAD_CLIENT_MAGIC = -903
/**
 * An error of nghttp2: the protocol was broken. It says so of a flood of resets, and of the last frame that grpc-go sends: a GOAWAY with
 * the id of a stream that the server never opened. It is the first only when many streams have just begun.
 */
const PROTOCOL_ERROR = -505
const FLOOD_STREAMS = 100
const FLOOD_MS = 1_000

/** Reports of a listener on its connections. @param peer `address:port`, as grpc-js says it */
export interface ConnectionLimits {
  /** A connection has begun to speak HTTP/2. @returns to be told when Node ends it for what it was sent */
  opened(peer: string): (cause: Error) => void
  /** A stream has begun, for a method that exists or not. @returns false when its connection is being cut */
  begun(peer: string): boolean
  /** A stream was reset by either side, or fell with its connection. */
  reset(peer: string): void
}

/** Private fields of grpc-js, in the one version that package.json names. */
interface Internals {
  readonly commonServerOptions: Http2Options
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>
}

/** A gRPC server with these options of HTTP/2, which grpc-js has no name for: they go where it keeps its own. */
export function createGrpcServer(options: ServerOptions): Server {
  const server = new Server(options)
  Object.assign(internals(server).commonServerOptions, HTTP2_OPTIONS)
  return server
}

/**
 * The way into a server for connections whose TLS is done. grpc-js gets a stream in a later turn of the event loop, and not
 * at all when it has been given up by then: that costs next to nothing, and grpc-js throws where nobody catches when it has
 * to turn away a stream that is gone.
 *
 * @throws {TypeError} when grpc-js is not as it was
 */
export function createInjector(server: Server, limits: ConnectionLimits): ConnectionInjector {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const http2 = [...internals(server).http2Servers.keys()].at(-1)
  const [handle, ...others] = http2?.listeners('stream') ?? []
  if (!http2 || !handle || others.length > 0)
    throw new TypeError('grpc-js takes its streams in another way than it did.')
  const turns = new FairTurns()
  http2.removeAllListeners('stream')
  http2.on('session', (session) => {
    answerPingsWhileClosing(session)
    const broken = limits.opened(peerKey(session.socket))
    const begunLately = countLately(session)
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (!error.code?.startsWith('ERR_HTTP2') || error.errno === BAD_CLIENT_MAGIC) return
      if (error.errno === PROTOCOL_ERROR && begunLately() < FLOOD_STREAMS) return
      broken(error)
    })
  })
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    // Without a listener an error of the stream would end the process, also one that its session ends with.
    stream.on('error', () => undefined)
    const peer = findPeer(stream)
    if (peer === undefined || !limits.begun(peer)) return
    if (stream.closed) return limits.reset(peer)
    stream.once('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) limits.reset(peer)
    })
    turns.await(peer, () => {
      if (!stream.closed && !stream.destroyed) handle.call(http2, stream, headers)
    })
  })
  return injector
}

/**
 * Node sends no ping on a session that is closing, which grpc-js takes for a dead peer: its next keepalive would cut the calls
 * that it is waiting for, at a drain as at the age limit. They have the time of the drain or the age limit instead.
 */
function answerPingsWhileClosing(session: ServerHttp2Session): void {
  const ping = session.ping.bind(session)
  const answer = (answered: (error: Error | null, durationMs: number, payload: Buffer) => void): boolean => {
    if (!session.closed || session.destroyed) return ping(answered)
    queueMicrotask(() => answered(null, 0, Buffer.alloc(0)))
    return true
  }
  Object.assign(session, { ping: answer })
}

/**
 * Streams that a session has begun within the last second or two. The session tells of each of them, also of those that are
 * gone with it before the server hears of them.
 */
function countLately(session: ServerHttp2Session): () => number {
  let begun = 0
  session.on('stream', () => {
    begun += 1
    if (begun === 1) setTimeout(() => (begun = 0), FLOOD_MS).unref()
  })
  return () => begun
}

/** Undefined when the connection is gone. */
function findPeer({ session }: ServerHttp2Stream): string | undefined {
  return session && !session.destroyed ? peerKey(session.socket) : undefined
}

function internals(server: Server): Internals {
  return server as unknown as Internals
}
