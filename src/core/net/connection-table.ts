import type { Socket } from 'node:net'
import { addressKey } from '../address-key.ts'
import { StintError } from '../errors.ts'

/** How many connections a listener keeps. Together they are all the file descriptors that it can take. */
export interface ConnectionTableLimits {
  /** Connections whose peer has proved who it is. */
  readonly maxConnections: number
  /** How many of them one identity may have. */
  readonly maxConnectionsPerOwner: number
  /** Connections whose peer has proved nothing yet; one more takes the place of another. */
  readonly maxUnproven: number
}

interface Entry {
  readonly peer: string
  readonly address: string
  readonly socket: Socket
  /** The connections that this one's address has open and unproven, itself included. */
  readonly neighbours: Set<Entry>
  owner?: string
  /** The TLS handshake is done. */
  secured: boolean
  /** The peer has sent at least one byte. Bytes never become fewer, so a yes is kept. */
  heard: boolean
  badTokens: number
  /** What bytes are counted on: the TLS socket once there is one. */
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

/**
 * The open connections of a listener, so that none can starve another. A connection that has proved nothing can always
 * be given up for a newer one. Those that have got least far go first (silent, then in the handshake, then past it), of
 * these the ones of the address that has the most, and of these the oldest: whoever opens thousands pushes out its own.
 */
export class ConnectionTable {
  readonly #limits: ConnectionTableLimits
  readonly #entries = new Map<string, Entry>()
  /** By address, in order of arrival. */
  readonly #unproven = new Map<string, Set<Entry>>()
  readonly #owned = new Map<string, number>()
  #unprovenCount = 0

  constructor(limits: ConnectionTableLimits) {
    this.#limits = limits
  }

  /** Connections that are open. */
  get size(): number {
    return this.#entries.size
  }

  /** Takes a new connection in. @returns the one that has to go for it, if any; the caller closes it. */
  add(socket: Socket): Socket | undefined {
    const peer = peerKey(socket)
    const address = addressKey(socket.remoteAddress ?? '')
    const evicted = this.#unprovenCount >= this.#limits.maxUnproven ? this.#evict() : undefined
    const neighbours = this.#unproven.get(address) ?? new Set()
    const entry: Entry = {
      peer,
      address,
      socket,
      neighbours,
      secured: false,
      heard: false,
      badTokens: 0,
      talker: socket,
      seenBytes: 0,
      allowance: BURST_BYTES,
    }
    this.#entries.set(peer, entry)
    this.#unproven.set(address, neighbours.add(entry))
    this.#unprovenCount += 1
    socket.once('close', () => this.#drop(entry))
    return evicted
  }

  /** The TLS handshake is done: from now on the bytes count that this socket has decrypted. */
  secured(socket: Socket): void {
    const entry = this.#entries.get(peerKey(socket))
    if (!entry) return
    entry.secured = true
    entry.talker = socket
    entry.seenBytes = socket.bytesRead
  }

  /** Whether the TLS handshake of this connection is done. */
  isSecured(socket: Socket): boolean {
    return this.#entries.get(peerKey(socket))?.secured === true
  }

  /**
   * The peer has proved who it is; the first identity counts.
   *
   * @param peer `address:port` as grpc-js says it.
   * @throws {StintError} RATE_LIMITED when there are too many, of this identity or in all; the caller closes it
   */
  prove(peer: string, owner: string): void {
    const entry = this.#entries.get(peer)
    if (!entry || entry.owner !== undefined) return
    const own = this.#owned.get(owner) ?? 0
    if (own >= this.#limits.maxConnectionsPerOwner)
      throw tooMany('agent-connections', 'Too many connections of one identity are open.')
    const proven = this.#entries.size - this.#unprovenCount
    if (proven >= this.#limits.maxConnections) throw tooMany('connections', 'Too many connections are open.')
    this.#forgetUnproven(entry)
    entry.owner = owner
    this.#owned.set(owner, own + 1)
  }

  /** Whether the peer has proved who it is and has shown few bad tokens. */
  isTrusted(peer: string): boolean {
    const entry = this.#entries.get(peer)
    return entry?.owner !== undefined && entry.badTokens <= MAX_BAD_TOKENS
  }

  /** A bearer token of this connection was bad. */
  badToken(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry) entry.badTokens += 1
  }

  /** A call has begun, which justifies as many bytes as a call may have. */
  called(peer: string): void {
    const entry = this.#entries.get(peer)
    if (entry) entry.allowance = Math.min(BURST_BYTES + BYTES_PER_CALL, entry.allowance + BYTES_PER_CALL)
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

  /** Those of them that cannot have a request in hand: silent, or still in the handshake of a port that has one. */
  idleSockets({ tls }: { tls: boolean }): Socket[] {
    const idle = [...this.#entries.values()].filter((entry) => (tls ? !entry.secured : !isHeard(entry)))
    return idle.map(({ socket }) => socket)
  }

  #evict(): Socket | undefined {
    const victim = this.#silentOfBusiest() ?? this.#leastAdvanced()
    if (!victim) return undefined
    this.#drop(victim)
    return victim.socket
  }

  /** The usual flood is silent and from one address: found without looking at every connection. */
  #silentOfBusiest(): Entry | undefined {
    let most: Set<Entry> | undefined
    for (const entries of this.#unproven.values()) if (entries.size > (most?.size ?? 0)) most = entries
    for (const entry of most ?? []) if (!isHeard(entry)) return entry
    return undefined
  }

  #leastAdvanced(): Entry | undefined {
    let least: Entry | undefined
    for (const entries of this.#unproven.values()) {
      for (const entry of entries) if (!least || givesWayBefore(entry, least)) least = entry
    }
    return least
  }

  #drop(entry: Entry): void {
    if (this.#entries.get(entry.peer) !== entry) return
    this.#entries.delete(entry.peer)
    this.#forgetUnproven(entry)
    if (entry.owner === undefined) return
    const left = (this.#owned.get(entry.owner) ?? 1) - 1
    if (left > 0) this.#owned.set(entry.owner, left)
    else this.#owned.delete(entry.owner)
  }

  #forgetUnproven(entry: Entry): void {
    if (!entry.neighbours.delete(entry)) return
    this.#unprovenCount -= 1
    if (entry.neighbours.size === 0) this.#unproven.delete(entry.address)
  }
}

/** `address:port`, as grpc-js says it: unique among open connections. */
export function peerKey({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort ?? 0}`
}

function isHeard(entry: Entry): boolean {
  entry.heard ||= entry.socket.bytesRead > 0
  return entry.heard
}

function givesWayBefore(one: Entry, other: Entry): boolean {
  const [step, otherStep] = [stepOf(one), stepOf(other)]
  return step === otherStep ? one.neighbours.size > other.neighbours.size : step < otherStep
}

/** How far a connection has got. */
function stepOf(entry: Entry): number {
  if (entry.secured) return 2
  return isHeard(entry) ? 1 : 0
}

function tooMany(check: string, explanation: string): StintError {
  return new StintError('RATE_LIMITED', { check, explanation })
}
