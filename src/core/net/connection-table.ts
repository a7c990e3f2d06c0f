import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { StintError } from '../errors.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import { addressKey } from './address-key.ts'
import { WaitingRoom } from './waiting-room.ts'

/** How many connections a listener keeps. Together they are all the file descriptors that it can take. */
export interface ConnectionTableLimits {
  /** Connections whose peer has proved who it is. */
  readonly maxConnections: number
  /** How many of them one identity may have. */
  readonly maxConnectionsPerOwner: number
  /** Connections whose peer has proved nothing yet, in equal parts for each step that they take; one more takes the place of another. */
  readonly maxUnproven: number
}

/** Calls that one identity may begin over one connection; more are a flood. */
export interface CallLimits {
  readonly callsPerSecond: number
  readonly burst: number
}

/** The party that answers for an offence: nobody where several identities share the connection. */
export type Offender =
  | { readonly kind: 'owner'; readonly owner: string; readonly address: string }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'shared' }

/**
 * How far a connection has got that has proved nothing: it is silent, has sent a byte, has sent a whole ClientHello, has
 * shaken hands, has made a call.
 */
type Step = (typeof TLS_STEPS)[number]

const TLS_STEPS = ['silent', 'heard', 'greeted', 'secured', 'called'] as const
const PLAIN_STEPS = ['silent', 'heard', 'called'] as const satisfies readonly Step[]

interface Entry {
  readonly peer: string
  readonly address: string
  readonly socket: Socket
  owner?: string
  step: Step
  badTokens: number
  convicted?: true
  /** An identity has come over it, whether or not there was room for it. */
  announced?: true
  gone?: true
  /** All identities that have called over it, the owner first; a proxy brings many. */
  readonly identities: Set<string>
  /** Calls that the peer may still begin, and give up; there once it has done so. */
  calls?: TokenBucket
  resets?: TokenBucket
  /** The socket whose bytes are counted: the TLS socket once there is one. */
  talker: Pick<Socket, 'bytesRead'>
  seenBytes: number
  allowance: number
}

/** Bytes that a connection may send beside its calls: what it starts with, and per second. */
const BURST_BYTES = 2 * 1024 * 1024
const BYTES_PER_SECOND = 256 * 1024
/** A call may be as large as a request and its metadata, with some frames around them. */
const BYTES_PER_CALL = 80 * 1024
const MAX_BAD_TOKENS = 20
/** Calls that a connection may give up before they are answered: at once, and per second. A client's deadlines need some. */
const RESET_BURST = 200
const RESETS_PER_SECOND = 20
/** Calls over a connection that has proved nothing. */
const UNPROVEN_CALLS: CallLimits = { callsPerSecond: 50, burst: 200 }
/** Identities that are told apart on one connection; a proxy with more gets no larger allowance for them. */
const MAX_IDENTITIES = 64

/**
 * The open connections of a listener, so that none can starve another. A connection that has proved nothing can always
 * be given up for a newer one that has got as far. Each step has room of its own: to push out a connection, strangers
 * have to do as much work as it has done, and what they hold at one step takes no place at another.
 */
export class ConnectionTable {
  readonly #limits: ConnectionTableLimits
  readonly #clock: Clock
  readonly #calls: CallLimits
  readonly #onEvicted: (socket: Socket) => void
  readonly #shutOutMs: (owner: string, address: string, isNew: boolean) => number
  readonly #entries = new Map<string, Entry>()
  readonly #rooms: ReadonlyMap<Step, WaitingRoom<Entry>>
  readonly #owned = new Map<string, number>()
  #proven = 0

  /**
   * @param options.onEvicted closes a connection that has to give way to another one.
   * @param options.shutOutMs how long an identity at this address has to wait; 0 for most. `isNew` once for each connection:
   *   one that is over its identity's limit comes with every call again.
   */
  constructor(options: {
    readonly limits: ConnectionTableLimits
    readonly tls: boolean
    readonly clock: Clock
    readonly calls: CallLimits
    readonly onEvicted: (socket: Socket) => void
    readonly shutOutMs?: (owner: string, address: string, isNew: boolean) => number
  }) {
    this.#limits = options.limits
    this.#clock = options.clock
    this.#calls = options.calls
    this.#shutOutMs = options.shutOutMs ?? (() => 0)
    this.#onEvicted = options.onEvicted
    const steps: readonly Step[] = options.tls ? TLS_STEPS : PLAIN_STEPS
    const each = Math.max(1, Math.floor(options.limits.maxUnproven / steps.length))
    this.#rooms = new Map(steps.map((step) => [step, new WaitingRoom<Entry>(each)]))
  }

  /** Connections that are open. */
  get size(): number {
    return this.#entries.size
  }

  /** Takes a new connection in; another may have to go for it. */
  add(socket: Socket): void {
    const entry: Entry = {
      peer: peerKey(socket),
      address: addressKey(socket.remoteAddress ?? ''),
      socket,
      step: 'silent',
      identities: new Set(),
      badTokens: 0,
      talker: socket,
      seenBytes: 0,
      allowance: BURST_BYTES,
    }
    // A client that resets its connection can be back from the same port before the old socket has said that it is closed.
    const before = this.#entries.get(entry.peer)
    if (before) {
      this.#drop(before)
      before.socket.destroy()
    }
    this.#entries.set(entry.peer, entry)
    socket.once('close', () => this.#drop(entry))
    if (this.#rooms.get('silent')?.isFull) this.#listen()
    this.#enter(entry)
  }

  /** The peer has sent a whole ClientHello. */
  greeted(socket: Socket): void {
    const entry = this.#entries.get(peerKey(socket))
    if (entry) this.#advance(entry, 'greeted')
  }

  /** The TLS handshake is done: from now on the bytes count that this socket has decrypted. */
  secured(socket: Socket): void {
    const entry = this.#entries.get(peerKey(socket))
    if (!entry) return
    entry.talker = socket
    entry.seenBytes = socket.bytesRead
    this.#advance(entry, 'secured')
  }

  /** True if the TLS handshake of this connection is done. */
  isSecured(socket: Socket): boolean {
    const step = this.#entries.get(peerKey(socket))?.step
    return step === 'secured' || step === 'called'
  }

  /**
   * The peer has proved who it is; the first identity counts.
   *
   * @param peer `address:port` as grpc-js says it.
   * @throws {StintError} RATE_LIMITED when there are too many, of this identity or in all, or the identity is shut out
   *   (`details.check` is `penalty`); the caller closes it
   */
  prove(peer: string, owner: string): void {
    const entry = this.#entries.get(peer)
    if (!entry) return
    if (entry.owner !== undefined) {
      if (entry.identities.size < MAX_IDENTITIES) entry.identities.add(owner)
      return
    }
    const waitMs = this.#shutOutMs(owner, entry.address, !entry.announced)
    entry.announced = true
    if (waitMs > 0) throw shutOut(waitMs)
    const own = this.#owned.get(owner) ?? 0
    if (own >= this.#limits.maxConnectionsPerOwner)
      throw tooMany('agent-connections', 'Too many connections from one identity are open.')
    if (this.#proven >= this.#limits.maxConnections) throw tooMany('connections', 'Too many connections are open.')
    this.#rooms.get(entry.step)?.delete(entry)
    entry.owner = owner
    entry.identities.add(owner)
    delete entry.calls
    this.#proven += 1
    this.#owned.set(owner, own + 1)
  }

  /** True if the peer has proved who it is and has shown few bad tokens. */
  isTrusted(peer: string): boolean {
    const entry = this.#entries.get(peer)
    return entry?.owner !== undefined && entry.badTokens <= MAX_BAD_TOKENS
  }

  /** A bearer token of this connection was bad. */
  badToken(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry) entry.badTokens += 1
  }

  /** The peer gave a call up before it was answered. @returns the TCP socket to cut when it has given up too many */
  gaveUp(peer: string): Socket | undefined {
    const entry = this.#entries.get(peer)
    if (!entry) return undefined
    entry.resets ??= new TokenBucket({ clock: this.#clock, ratePerSecond: RESETS_PER_SECOND, burst: RESET_BURST })
    return entry.resets.tryTake() ? undefined : entry.socket
  }

  /**
   * Marks the connection as an offender's.
   *
   * @returns to be asked once it has offended, also when the connection is gone by then: whoever floods may be the first to
   *   close. It gives the party that answers for the offence; undefined when the connection was convicted before: what is
   *   still read of it is no new offence.
   */
  convict(peer: string): () => Offender | undefined {
    const entry = this.#entries.get(peer)
    return () => {
      if (!entry || entry.convicted) return undefined
      entry.convicted = true
      if (entry.owner === undefined) return { kind: 'address', address: entry.address }
      // Nothing tells whose calls were too many. A penalty for the first identity would let the others shut it out.
      if (entry.identities.size > 1) return { kind: 'shared' }
      return { kind: 'owner', owner: entry.owner, address: entry.address }
    }
  }

  /** True if somebody who has proved who it is has a connection open from there. */
  hasProven(address: string): boolean {
    for (const { owner, address: of } of this.#entries.values()) if (owner !== undefined && of === address) return true
    return false
  }

  /**
   * A call has begun, which justifies as many bytes as a call may have.
   *
   * @returns the TCP socket to cut when it has begun too many; also for each further call that was read before the cut
   */
  called(peer: string): Socket | undefined {
    const entry = this.#entries.get(peer)
    if (!entry) return undefined
    entry.allowance = Math.min(BURST_BYTES + BYTES_PER_CALL, entry.allowance + BYTES_PER_CALL)
    this.#advance(entry, 'called')
    if (entry.convicted) return entry.socket
    const { callsPerSecond: ratePerSecond, burst } = entry.owner === undefined ? UNPROVEN_CALLS : this.#calls
    entry.calls ??= new TokenBucket({ clock: this.#clock, ratePerSecond, burst })
    return entry.calls.tryTake(1 / Math.max(1, entry.identities.size)) ? undefined : entry.socket
  }

  /** Looks at what each connection has sent. @returns those that sent far more than their calls need. */
  overTalkative(elapsedMs: number): Socket[] {
    const over: Socket[] = []
    for (const entry of this.#entries.values()) {
      const { bytesRead } = entry.talker
      entry.allowance -= bytesRead - entry.seenBytes
      entry.seenBytes = bytesRead
      if (entry.allowance < 0) over.push(entry.socket)
      entry.allowance = Math.min(BURST_BYTES, entry.allowance + (elapsedMs / 1_000) * BYTES_PER_SECOND)
    }
    return over
  }

  /** Every open connection, the TCP sockets. */
  sockets(): Socket[] {
    return [...this.#entries.values()].map(({ socket }) => socket)
  }

  /** The open connections without a request in hand: silent ones and, on a TLS port, those still in their handshake. */
  idleSockets(): Socket[] {
    this.#listen()
    const idle: readonly Step[] = this.#rooms.has('secured') ? ['silent', 'heard', 'greeted'] : ['silent']
    return [...this.#entries.values()].filter(({ step }) => idle.includes(step)).map(({ socket }) => socket)
  }

  /** No event tells of the first byte below TLS, so whoever is still held for silent is looked at when it matters. */
  #listen(): void {
    for (const entry of this.#rooms.get('silent')?.all() ?? []) {
      if (entry.socket.bytesRead > 0) this.#advance(entry, 'heard')
    }
  }

  #advance(entry: Entry, step: Step): void {
    const order: readonly Step[] = TLS_STEPS
    if (order.indexOf(step) <= order.indexOf(entry.step)) return
    this.#rooms.get(entry.step)?.delete(entry)
    entry.step = step
    if (entry.owner === undefined) this.#enter(entry)
  }

  #enter(entry: Entry): void {
    const evicted = this.#rooms.get(entry.step)?.add(entry)
    if (!evicted) return
    this.#drop(evicted)
    this.#onEvicted(evicted.socket)
  }

  #drop(entry: Entry): void {
    if (entry.gone) return
    entry.gone = true
    this.#entries.delete(entry.peer)
    this.#rooms.get(entry.step)?.delete(entry)
    if (entry.owner === undefined) return
    this.#proven -= 1
    const left = (this.#owned.get(entry.owner) ?? 1) - 1
    if (left > 0) this.#owned.set(entry.owner, left)
    else this.#owned.delete(entry.owner)
  }
}

/** `address:port`, as grpc-js says it: unique among open connections. */
export function peerKey({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort ?? 0}`
}

/** @param waitMs see `shutOutMs` */
export function shutOut(waitMs: number): StintError {
  const explanation =
    'This client flooded the port and is blocked for a time that grows with each flood; wait and try again.'
  return new StintError('RATE_LIMITED', { check: 'penalty', explanation, retryAfterMs: Math.ceil(waitMs) })
}

function tooMany(check: string, explanation: string): StintError {
  return new StintError('RATE_LIMITED', { check, explanation })
}
