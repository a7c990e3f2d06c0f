import { constants } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket, Server as TlsServer } from 'node:tls'
import { createServer } from 'node:tls'
import type { ConnectionInjector, Server } from '@grpc/grpc-js'
import { farewell } from '../../contract/farewell.ts'
import type { Clock } from '../../core/clock.ts'
import { asStintError, ERROR_CATALOG, StintError } from '../../core/errors.ts'
import type { Penalties } from '../../core/limits/penalties.ts'
import { type ConnectionTable, type ConnectionTableLimits, peerKey } from '../../core/net/connection-table.ts'
import {
  GuardedListener,
  type GuardedListenerLimits,
  HANDSHAKE_TIMEOUT_MS,
  type ListenAddress,
  peerText,
  type RefusedConnection,
} from '../../core/net/guarded-listener.ts'
import { type BundleStore, requireBundle } from '../../identity/bundle/bundle-store.ts'
import type { ServerIdentity } from '../../identity/server-identity.ts'
import { spiffeIdText } from '../../identity/spiffe-id.ts'
import { VerifiedConnection } from '../../identity/verified-connection.ts'
import { bindConnection } from './find-connection.ts'
import { HandshakeBytes } from './handshake-bytes.ts'
import { createInjector } from './http2-guard.ts'
import { keepPeerChains, peerChain, shownIdentity } from './peer-chain.ts'

/** Options of `Listener`. */
export interface ListenerOptions {
  /** Made with GRPC_SERVER_OPTIONS; it must not be bound to a TCP port of its own, since this is where TLS is done. */
  readonly server: Server
  readonly identity: ServerIdentity
  readonly clock: Clock
  readonly limits?: Partial<ListenerLimits>
  /** Told of every connection that is taken, before its first call. */
  readonly onTaken?: (socket: Socket) => void
  /** Told of every connection that was turned away. For the record; addresses prove nothing. */
  readonly onRefused: (refusal: RefusedConnection) => void
  /** The operating system gave no connection; undefined: it does again. */
  readonly onAccept?: (problem: StintError | undefined) => void
  /** Penalties for floods, shared by the ports that an agent can connect to. */
  readonly penalties?: Penalties
}

/** How many connections: see `connectionLimits`. `firstByteTimeoutMs`: default 10 000. */
export interface ListenerLimits extends GuardedListenerLimits {
  /** Default 10 000. */
  readonly handshakeTimeoutMs: number
}

const MAX_CONNECTIONS = 1_024
const MAX_UNPROVEN = 512
const TIME_LIMITS = { handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS, firstByteTimeoutMs: 10_000 }

/** Connections of a port for agents: one agent may have a quarter of the proven ones. */
export function connectionLimits(maxConnections = MAX_CONNECTIONS): ConnectionTableLimits {
  return {
    maxConnections,
    maxConnectionsPerOwner: Math.ceil(maxConnections / 4),
    maxUnproven: MAX_UNPROVEN,
  }
}

/**
 * A TLS 1.3 port that feeds connections to a gRPC server. No session is ever resumed: resumption would skip the checks
 * of the certificate.
 */
export class Listener {
  readonly #options: ListenerOptions
  /** Client certificates are required when there are bundles; else none is asked for. Never optional. */
  readonly #bundles: BundleStore | undefined
  readonly #limits: ListenerLimits
  readonly #injector: ConnectionInjector
  readonly #tls: TlsServer
  readonly #guard: GuardedListener
  /** Read while the handshake runs: a socket that failed it knows its peer no longer. */
  readonly #peers = new WeakMap<Socket, string>()
  readonly #unsubscribe: () => void
  #identity: ServerIdentity | undefined

  private constructor(options: ListenerOptions, bundles?: BundleStore) {
    this.#options = options
    this.#bundles = bundles
    const { limits } = options
    this.#limits = { ...TIME_LIMITS, ...connectionLimits(limits?.maxConnections), ...limits }
    this.#identity = options.identity
    this.#injector = createInjector(options.server, {
      opened: (peer) => this.#guard.opened(peer),
      begun: (peer) => this.#guard.called(peer),
      reset: (peer) => this.#guard.gaveUp(peer),
    })
    this.#tls = this.#createTlsServer()
    const { clock, onRefused, onAccept, penalties } = options
    this.#guard = new GuardedListener({
      server: this.#tls,
      clock,
      limits: this.#limits,
      onRefused,
      ...(onAccept && { onAccept }),
      ...(penalties && { penalties }),
      copyableProof: bundles === undefined,
    })
    this.#unsubscribe = bundles?.onChange(() => this.#renewContext()) ?? (() => undefined)
  }

  /** The agents' port: an X.509-SVID of a known trust domain is required. */
  static mutual(options: ListenerOptions & { readonly bundles: BundleStore }): Listener {
    return new Listener(options, options.bundles)
  }

  /** The port for callers that have only a bearer token: no client certificate is asked for. */
  static bearer(options: ListenerOptions): Listener {
    return new Listener(options)
  }

  /** Starts to accept. @returns the address it got; port 0 takes any free one. @throws {StintError} CONFIG_INVALID */
  listen(at: ListenAddress): Promise<AddressInfo> {
    return this.#guard.listen(at)
  }

  /** The open connections; it learns what calls show. */
  get connections(): Pick<ConnectionTable, 'prove' | 'isTrusted' | 'badToken'> {
    return this.#guard.connections
  }

  /** New connections get this certificate, or none when there is no identity; those that are open stay as they are. */
  setServerIdentity(identity: ServerIdentity | undefined): void {
    this.#tls.setSecureContext(this.#context(identity))
    this.#identity = identity
  }

  /** Takes no more connections, lets calls end for `graceMs`, then cuts off what is left. */
  async stop(graceMs: number): Promise<void> {
    this.#unsubscribe()
    this.#injector.drain(graceMs)
    await this.#guard.stop(graceMs)
    this.#injector.destroy()
  }

  #createTlsServer(): TlsServer {
    const mutual = this.#bundles !== undefined
    const server = createServer({
      ...this.#context(this.#identity),
      ALPNProtocols: ['h2'],
      requestCert: mutual,
      // Node lets every handshake pass and judges afterwards, either way. Judged here, a client can be told why it goes, and
      // the record has what it showed. `#verify` is the one way on, and it looks at `authorized` first.
      rejectUnauthorized: false,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    })
    if (mutual) keepPeerChains(server)
    const handshakes = new HandshakeBytes(server)
    server.on('keylog', (_line, socket) => this.#peers.set(socket, this.#toPeer(socket)))
    server.on('secureConnection', (socket) => {
      socket.on('error', () => socket.destroy())
      handshakes.judge(socket, (refusal) => (refusal ? this.#dismiss(socket, refusal) : this.#accept(socket)))
    })
    server.on('tlsClientError', (error, socket) => this.#handshakeFailed(error, socket))
    return server
  }

  /** Everything a context has. It is always given whole: an update that leaves minVersion out would allow TLS 1.2. */
  #context(identity: ServerIdentity | undefined): SecureContextOptions {
    return {
      ...(identity && keyPair(identity)),
      ...(this.#bundles ? { ca: [...this.#bundles.roots()] } : {}),
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      secureOptions: constants.SSL_OP_NO_TICKET,
    }
  }

  #renewContext(): void {
    this.#tls.setSecureContext(this.#context(this.#identity))
  }

  #accept(socket: TLSSocket): void {
    try {
      if (socket.alpnProtocol !== 'h2') throw refused('alpn', 'The client must speak HTTP/2 (ALPN h2).')
      if (socket.isSessionReused()) throw refused('resumption', 'TLS sessions are not resumed here.')
      if (this.#bundles) {
        const connection = this.#verify(socket, this.#bundles)
        this.connections.prove(peerKey(socket), spiffeIdText(connection.svid(this.#options.clock.now()).id))
        bindConnection(socket, connection)
      }
      this.#options.onTaken?.(socket)
      this.#injector.injectConnection(socket)
    } catch (thrown) {
      const error = asStintError(thrown)
      if (error.details.check === 'penalty') this.#guard.hold(socket, error)
      else this.#dismiss(socket, error)
    }
  }

  #verify(socket: TLSSocket, bundles: BundleStore): VerifiedConnection {
    if (!socket.authorized) throw unverified(socket, bundles)
    const peer = peerText(socket.remoteAddress, socket.remotePort)
    return new VerifiedConnection({ chain: peerChain(socket), bundles, now: this.#options.clock.now(), peer })
  }

  /** Without an identity to show no handshake can succeed: that is an outage of ours, and nobody's refusal. */
  #handshakeFailed(error: Error, socket: TLSSocket): void {
    if (this.#identity) this.#refuse(socket, handshakeFailed(error, socket))
    else socket.destroy()
  }

  /** Ends a connection whose handshake is done. A client with a certificate is told why, in the HTTP/2 that it speaks. */
  #dismiss(socket: TLSSocket, error: StintError): void {
    const shown = withShown(error, socket)
    // After a retryable error the connection closes without a word, so that the client tries again by itself.
    const isFinal = !ERROR_CATALOG[error.code].retryable
    if (isFinal && this.#bundles && socket.alpnProtocol === 'h2') this.#refuse(socket, shown, farewell(error.code))
    else this.#refuse(socket, shown)
  }

  #refuse(socket: Socket, error: StintError, lastWord?: Uint8Array): void {
    this.#guard.refuse(socket, error, { peer: this.#toPeer(socket), ...(lastWord && { lastWord }) })
  }

  #toPeer(socket: Socket): string {
    return this.#peers.get(socket) ?? peerText(socket.remoteAddress, socket.remotePort)
  }
}

function keyPair({ cert, key }: ServerIdentity): { cert: string; key: string } {
  return { cert, key: key.reveal() }
}

function handshakeFailed(error: Error & { code?: string }, socket: TLSSocket): StintError {
  const reason = error.code ?? 'unknown'
  const explanation = `The TLS handshake failed (${reason}); TLS 1.3 and a current X.509-SVID are needed.`
  return withShown(new StintError('SVID_INVALID', { check: 'handshake', reason, explanation }, error), socket)
}

/** Why OpenSSL did not verify the client, as far as its certificate tells. */
function unverified(socket: TLSSocket, bundles: BundleStore): StintError {
  const reason = String(socket.authorizationError ?? 'no certificate')
  const { shownTrustDomain, shownFingerprint } = shownIdentity(socket)
  if (shownFingerprint === undefined) {
    return new StintError('IDENTITY_REQUIRED', { check: 'handshake', explanation: 'Connect with an X.509-SVID.' })
  }
  if (TIME_REASONS.has(reason)) {
    return new StintError('SVID_EXPIRED', { check: 'handshake', reason, explanation: 'Present a current X.509-SVID.' })
  }
  try {
    if (shownTrustDomain !== undefined) requireBundle(bundles.snapshot, shownTrustDomain)
  } catch (thrown) {
    const { code, details } = asStintError(thrown)
    return new StintError(code, { ...details, check: 'handshake', reason })
  }
  const explanation = `The TLS handshake did not verify the client (${reason}).`
  return new StintError('SVID_INVALID', { check: 'handshake', reason, explanation })
}

const TIME_REASONS = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** The same error with what the peer has shown, for the record. */
function withShown({ code, details, cause }: StintError, socket: TLSSocket): StintError {
  return new StintError(code, { ...details, ...shownIdentity(socket) }, cause)
}

function refused(check: string, explanation: string): StintError {
  return new StintError('SVID_INVALID', { check, explanation })
}
