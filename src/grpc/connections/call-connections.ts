import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import type { Ids } from '../../core/ids.ts'
import { peerKey } from '../../core/net/connection-table.ts'
import type { CallConnection } from '../../identity/caller-identity.ts'

/** The open connections of a port for bearer tokens, each with an id of its own: an address can be used again. */
export class CallConnections {
  readonly #ids: Ids
  readonly #clock: Clock
  readonly #open = new Map<string, CallConnection>()

  constructor({ ids, clock }: { ids: Ids; clock: Clock }) {
    this.#ids = ids
    this.#clock = clock
  }

  /** Takes a connection in before its first call. */
  add(socket: Socket): void {
    const peer = peerKey(socket)
    const closed = new AbortController()
    const connection: CallConnection = { id: this.#ids.next('con', this.#clock.now()), closed: closed.signal }
    this.#open.set(peer, connection)
    socket.once('close', () => {
      if (this.#open.get(peer) === connection) this.#open.delete(peer)
      closed.abort()
    })
  }

  /** @param peer `address:port`, as grpc-js says it. @returns undefined when the connection is gone. */
  of(peer: string): CallConnection | undefined {
    return this.#open.get(peer)
  }
}
