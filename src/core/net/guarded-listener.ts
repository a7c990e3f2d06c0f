import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import type { Clock } from '../clock.ts'
import { StintError } from '../errors.ts'
import { KeyedLimiter } from '../limits/keyed-limiter.ts'
import { Penalties } from '../limits/penalties.ts'
import { addressKey } from './address-key.ts'
import {
  type CallLimits,
  ConnectionTable,
  type ConnectionTableLimits,
  type Offender,
  peerKey,
  shutOut,
} from './connection-table.ts'
import { hostPortText } from './host-port.ts'

/** Options of `GuardedListener`. */
export interface GuardedListenerOptions {
  /**
   * A TCP, TLS, HTTP or HTTPS server that does not listen yet. One with TLS is made with the `handshakeTimeout` of
   * `HANDSHAKE_TIMEOUT_MS` or a shorter one of its own.
   */
  readonly server: Server
  readonly clock: Clock
  readonly limits: GuardedListenerLimits
  /** Told of every connection that was turned away. For the record; addresses prove nothing. */
  readonly onRefused?: (refusal: RefusedConnection) => void
  /** The operating system gave no connection, e.g. for want of file descriptors; undefined with the next that it gives. */
  readonly onAccept?: (problem: StintError | undefined) => void
  /**
   * Penalties of identities for floods; listeners with the same clients share one instance. Default: penalties of this listener
   * alone. Addresses are never shared: strangers at one port must not close another to those who prove who they are there.
   */
  readonly penalties?: Penalties
  /**
   * True if peers prove who they are by something that can be copied, such as a bearer token. A penalty is then for the
   * identity at one address, so that a thief cannot shut out the agent itself. Default false.
   */
  readonly copyableProof?: boolean
}

/** Where to listen. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Names the address to whoever has to change it, e.g. `listen.agents`. */
  readonly setting: string
}

/** How many connections one listener takes, and how long each may stay silent. */
export interface GuardedListenerLimits extends ConnectionTableLimits {
  /** How long the first byte may take once the connection is open and its handshake, if it has one, is done. */
  readonly firstByteTimeoutMs: number
  /** Default 400 a second, 800 at once. */
  readonly calls?: CallLimits
}

/** A connection that was turned away, and why. */
export interface RefusedConnection {
  /** `address:port` */
  readonly peer: string
  readonly error: StintError
}

/** Node's own default is 120 s. */
export const HANDSHAKE_TIMEOUT_MS = 10_000
/** Accepted at once by the operating system before the oldest can be closed. */
const ACCEPT_BACKLOG = 512
const CALLS: CallLimits = { callsPerSecond: 400, burst: 800 }
const LAST_WORD_MS = 1_000
const TALK_CHECK_MS = 1_000
/** New connections of one identity: at once, which is also what a fleet needs that comes back after a restart, and per second. */
const NEW_CONNECTIONS_BURST = 256
const NEW_CONNECTIONS_PER_SECOND = 20
const MAX_IDENTITIES = 10_000
/** Whoever is turned away at once is back at once, so a connection of one that is shut out is held for a while. */
const LONGEST_HOLD_MS = 10_000

/**
 * Keeps account of the connections of one server, whatever it speaks: how many there are, who gives way to whom, who is
 * silent, who floods; and ends them all at a stop. It works on the TCP sockets, below TLS and HTTP, because a TLS socket
 * whose handshake never ends cannot be ended, only destroyed, and servers do not count it among their connections.
 */
export class GuardedListener {
  readonly #server: Server
  readonly #clock: Clock
  readonly #limits: GuardedListenerLimits
  readonly #onRefused: (refusal: RefusedConnection) => void
  readonly #onAccept: (problem: StintError | undefined) => void
  readonly #table: ConnectionTable
  #acceptFails = false
  readonly #tls: boolean
  readonly #penalties: Penalties
  readonly #addressPenalties: Penalties
  readonly #copyableProof: boolean
  readonly #newConnections: KeyedLimiter
  #talkCheck: NodeJS.Timeout | undefined

  constructor(options: GuardedListenerOptions) {
    const { server, clock, limits, onRefused = () => {}, onAccept = () => {} } = options
    this.#server = server
    this.#clock = clock
    this.#limits = limits
    this.#onRefused = onRefused
    this.#onAccept = onAccept
    this.#tls = server instanceof TlsServer
    const onEvicted = (socket: Socket) => this.refuse(socket, unproven())
    const shutOutMs = (owner: string, address: string, isNew: boolean) => this.#shutOutMs(owner, address, isNew)
    this.#table = new ConnectionTable({
      limits,
      tls: this.#tls,
      clock,
      calls: limits.calls ?? CALLS,
      onEvicted,
      shutOutMs,
    })
    this.#penalties = options.penalties ?? new Penalties({ clock })
    this.#addressPenalties = new Penalties({ clock })
    this.#copyableProof = options.copyableProof ?? false
    this.#newConnections = new KeyedLimiter({
      clock,
      ratePerSecond: NEW_CONNECTIONS_PER_SECOND,
      burst: Math.max(NEW_CONNECTIONS_BURST, limits.maxConnectionsPerOwner),
      maxKeys: MAX_IDENTITIES,
    })
    server.maxConnections = limits.maxConnections + limits.maxUnproven + ACCEPT_BACKLOG
    server.on('connection', (socket: Socket) => this.#track(socket))
    // The first secrets of a handshake are there once a whole ClientHello has come.
    server.on('keylog', (_line, socket: TLSSocket) => this.#table.greeted(socket))
    server.on('secureConnection', (socket: TLSSocket) => this.#secured(socket))
    server.on('tlsClientError', (_error, socket: TLSSocket) => void socket.destroy())
    // On an HTTP server each request is a call, which justifies its bytes.
    server.on('request', ({ socket }: { socket: Socket }) => this.called(peerKey(socket)))
    // Without a listener of 'error' a failing accept would end the process. A failing listen is told by `listen`.
    server.on('error', (error) => server.listening && this.#accepted(acceptFailed(error)))
    server.on('drop', (data) => this.#tell(peerText(data?.remoteAddress, data?.remotePort), tooMany()))
  }

  /** The open connections. */
  get connections(): ConnectionTable {
    return this.#table
  }

  /** Starts to accept. @returns the address it got; port 0 takes any free one. @throws {StintError} CONFIG_INVALID */
  async listen({ host, port, setting }: ListenAddress): Promise<AddressInfo> {
    try {
      this.#server.listen({ host, port })
      await once(this.#server, 'listening')
    } catch (error) {
      throw cannotListen({ host, port, setting }, error)
    }
    this.#talkCheck = setInterval(() => this.#cutFloods(), TALK_CHECK_MS).unref()
    return this.#server.address() as AddressInfo
  }

  /**
   * Ends a connection, and tells of it.
   *
   * @param options.lastWord is sent before; the far side then has a second to read it and to close.
   */
  refuse(
    socket: Socket,
    error: StintError,
    {
      peer = peerText(socket.remoteAddress, socket.remotePort),
      lastWord,
    }: { readonly peer?: string; readonly lastWord?: Uint8Array } = {},
  ): void {
    if (lastWord) sendLast(socket, lastWord)
    else socket.destroy()
    this.#tell(peer, error)
  }

  /** A call has begun; too many of them are a flood. @param peer `address:port` @returns false: no work is worth doing for it */
  called(peer: string): boolean {
    const socket = this.#table.called(peer)
    if (socket) this.#punish(peer, socket, callFlood())
    return socket === undefined
  }

  /** A call was given up by its client before it was answered; too many of them are a flood. @param peer `address:port` */
  gaveUp(peer: string): void {
    const socket = this.#table.gaveUp(peer)
    if (socket) this.#punish(peer, socket, resets())
  }

  /**
   * An HTTP/2 session has begun.
   *
   * @param peer `address:port`
   * @returns to be told when Node ends the session for what it was sent: a flood of frames, or some that break the protocol
   */
  opened(peer: string): (cause: Error) => void {
    const convict = this.#table.convict(peer)
    return (cause) => {
      if (this.#shutOut(convict())) this.#tell(peer, protocol(cause))
    }
  }

  /** Tells of a connection of an identity that is shut out, and ends it later. */
  hold(socket: Socket, error: StintError): void {
    this.#tell(peerText(socket.remoteAddress, socket.remotePort), error)
    const waitMs = Math.min(LONGEST_HOLD_MS, Number(error.details.retryAfterMs ?? 0))
    const timer = setTimeout(() => socket.destroy(), waitMs).unref()
    socket.once('close', () => clearTimeout(timer))
  }

  /**
   * Takes no more connections and ends those that cannot have a request in hand. The others get `graceMs`; then they are
   * cut off, so that this ends whatever the far sides do.
   */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#talkCheck)
    if (!this.#server.listening) return
    const over = new AbortController()
    const closed = once(this.#server, 'close').then(() => over.abort())
    this.#server.close()
    for (const socket of this.#table.idleSockets()) socket.destroy()
    if (graceMs > 0) await this.#clock.sleep(graceMs, over.signal).catch(() => undefined)
    for (const socket of this.#table.sockets()) socket.destroy()
    await closed
  }

  #track(socket: Socket): void {
    this.#accepted(undefined)
    socket.on('error', () => socket.destroy())
    // It was reset before it could be taken: nobody is there, and all of its kind would have one name.
    if (socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const address = addressKey(socket.remoteAddress ?? '')
    const waitMs = this.#addressPenalties.remainingMs(address)
    // While a proven client is connected from this address, others may connect from it too: they may share a NAT.
    if (waitMs > 0 && !this.#table.hasProven(address)) {
      this.refuse(socket, shutOut(waitMs))
      return
    }
    this.#table.add(socket)
    if (!this.#tls) this.#awaitFirstByte(socket, 0)
  }

  #secured(socket: TLSSocket): void {
    socket.on('error', () => socket.destroy())
    this.#table.secured(socket)
    this.#awaitFirstByte(socket, socket.bytesRead)
  }

  #awaitFirstByte(socket: Socket, before: number): void {
    const timer = setTimeout(() => {
      if (socket.bytesRead === before) this.refuse(socket, silent())
    }, this.#limits.firstByteTimeoutMs)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  #cutFloods(): void {
    for (const socket of this.#table.overTalkative(TALK_CHECK_MS)) this.#punish(peerKey(socket), socket, flood())
  }

  /** Ends a connection that has flooded, and shuts out its owner, or its address where it has proved nothing. */
  #punish(peer: string, socket: Socket, error: StintError): void {
    if (this.#shutOut(this.#table.convict(peer)())) this.refuse(socket, error, { peer })
  }

  /** @returns false where there was no new offence */
  #shutOut(offender: Offender | undefined): boolean {
    if (offender?.kind === 'owner') this.#penalties.offend(this.#penaltyKey(offender.owner, offender.address))
    if (offender?.kind === 'address') this.#addressPenalties.offend(offender.address)
    return offender !== undefined
  }

  /** A peer that opens connections without end floods too, whatever becomes of each. */
  #shutOutMs(owner: string, address: string, isNew: boolean): number {
    const key = this.#penaltyKey(owner, address)
    const remainingMs = Math.max(this.#penalties.remainingMs(key), this.#penalties.remainingMs(byOwner(owner)))
    if (remainingMs > 0 || !isNew || this.#newConnections.tryTake(key)) return remainingMs
    return this.#penalties.offend(key)
  }

  #penaltyKey(owner: string, address: string): string {
    return this.#copyableProof ? `${byOwner(owner)} at ${address}` : byOwner(owner)
  }

  /** Tells of changes only. */
  #accepted(problem: StintError | undefined): void {
    if (!problem && !this.#acceptFails) return
    this.#acceptFails = problem !== undefined
    try {
      this.#onAccept(problem)
    } catch {
      // As in `#tell`.
    }
  }

  #tell(peer: string, error: StintError): void {
    try {
      this.#onRefused({ peer, error })
    } catch {
      // An observer that fails must not take the port down: this runs in a callback of the server.
    }
  }
}

/** `address:port`, an IPv6 address in brackets; `unknown` once the socket has forgotten its peer. */
export function peerText(address: string | undefined, port: number | undefined): string {
  return address === undefined ? 'unknown' : hostPortText(address, port ?? 0)
}

const LISTEN_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'Another program is using this port: stop it, or choose another port.'],
  ['EADDRNOTAVAIL', 'This machine has no such address: use one of its own, or 0.0.0.0 for all.'],
  ['EACCES', 'The process may not use this port: choose one above 1023.'],
])

function cannotListen({ host, port, setting }: ListenAddress, cause: unknown): StintError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  const hint = LISTEN_PROBLEMS.get(code) ?? 'Give another address.'
  const explanation = `Cannot listen on ${hostPortText(host, port)} (${setting}, ${code}). ${hint}`
  return new StintError('CONFIG_INVALID', { field: setting, explanation }, cause)
}

function acceptFailed(cause: Error): StintError {
  const code = 'code' in cause ? String(cause.code) : 'unknown error'
  const explanation = `A connection could not be accepted (${code}); if file descriptors ran out, raise their limit.`
  return new StintError('INTERNAL', { check: 'accept', explanation }, cause)
}

function byOwner(owner: string): string {
  return `identity:${owner}`
}

/** Reads and drops what the far side has sent: unread bytes would make the close a reset that takes the word away. */
function sendLast(socket: Socket, word: Uint8Array): void {
  const cut = setTimeout(() => socket.destroy(), LAST_WORD_MS).unref()
  socket.once('close', () => clearTimeout(cut))
  socket.resume()
  socket.end(word)
}

function tooMany(): StintError {
  return new StintError('RATE_LIMITED', { check: 'connections', explanation: 'Too many connections are open.' })
}

function unproven(): StintError {
  const explanation = 'The connection was unauthenticated and was closed to make room for a newer one.'
  return new StintError('RATE_LIMITED', { check: 'unproven', explanation })
}

function silent(): StintError {
  return new StintError('SVID_INVALID', { check: 'first-byte', explanation: 'The client sent nothing.' })
}

function flood(): StintError {
  return new StintError('RATE_LIMITED', {
    check: 'flood',
    explanation: 'The client sent far more data than its calls need.',
  })
}

function callFlood(): StintError {
  const explanation = 'The client started far more calls than its limit.'
  return new StintError('RATE_LIMITED', { check: 'calls', explanation })
}

function resets(): StintError {
  const explanation = 'The client cancelled far more calls than it completed.'
  return new StintError('RATE_LIMITED', { check: 'resets', explanation })
}

function protocol(cause: Error): StintError {
  const explanation = 'The client broke the rules of HTTP/2 or sent far too many frames.'
  return new StintError('RATE_LIMITED', { check: 'protocol', explanation }, cause)
}
