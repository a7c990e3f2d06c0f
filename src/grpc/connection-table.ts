import type { Socket } from 'node:net'
import { addressKey } from '../core/address-key.ts'
import { StintError } from '../core/errors.ts'

export interface ConnectionTableLimits {
  /** Connections whose peer has proved who it is. */
  readonly maxConnections: number
  /** How many of them one agent may have. */
  readonly maxConnectionsPerAgent: number
  /** Connections whose peer has proved nothing yet; one more takes the place of the oldest. */
  readonly maxUnproven: number
}

interface Entry {
  readonly peer: string
  readonly address: string
  readonly socket: Socket
  owner?: string
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
 * be given up, so whoever opens thousands and stays silent pushes out its own first: the oldest of the address that has
 * the most goes.
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
    const entry: Entry = { peer, address, socket, talker: socket, badTokens: 0, seenBytes: 0, allowance: BURST_BYTES }
    this.#entries.set(peer, entry)
    const neighbours = this.#unproven.get(address) ?? new Set()
    this.#unproven.set(address, neighbours.add(entry))
    this.#unprovenCount += 1
    socket.once('close', () => this.#drop(entry))
    return evicted
  }

  /** Counts the bytes that this socket has decrypted from now on. */
  talksBy(socket: Socket): void {
    const entry = this.#entries.get(peerKey(socket))
    if (!entry) return
    entry.talker = socket
    entry.seenBytes = socket.bytesRead
  }

  /**
   * The peer has proved to be this agent; the first one counts.
   *
   * @param peer `address:port` as grpc-js says it.
   * @throws {StintError} RATE_LIMITED when there are too many, of this agent or in all; the caller closes it
   */
  prove(peer: string, owner: string): void {
    const entry = this.#entries.get(peer)
    if (!entry || entry.owner !== undefined) return
    const own = this.#owned.get(owner) ?? 0
    if (own >= this.#limits.maxConnectionsPerAgent)
      throw tooMany('agent-connections', 'Too many connections of one agent.')
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

  sockets(): Socket[] {
    return [...this.#entries.values()].map(({ socket }) => socket)
  }

  #evict(): Socket | undefined {
    let most: Set<Entry> | undefined
    for (const entries of this.#unproven.values()) if (entries.size > (most?.size ?? 0)) most = entries
    const [oldest] = most ?? []
    if (!oldest) return undefined
    this.#drop(oldest)
    return oldest.socket
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
    const neighbours = this.#unproven.get(entry.address)
    if (!neighbours?.delete(entry)) return
    this.#unprovenCount -= 1
    if (neighbours.size === 0) this.#unproven.delete(entry.address)
  }
}

/** `address:port`, as grpc-js says it: unique among open connections. */
export function peerKey({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort ?? 0}`
}

function tooMany(check: string, explanation: string): StintError {
  return new StintError('RATE_LIMITED', { check, explanation })
}
