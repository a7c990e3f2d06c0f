import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { StintError } from '../../core/errors.ts'
import { peerKey } from '../../core/net/connection-table.ts'

/**
 * The most bytes that a client may send in its handshake. A leaf under two intermediates comes to 3 KiB with P-256 and to 6 KiB with
 * RSA-4096, hybrid key share included; OpenSSL itself stops at 100 KiB of certificates.
 */
export const MAX_HANDSHAKE_BYTES = 16 * 1024
/** A TLS 1.3 record on the wire (RFC 8446, section 5.2); nothing of it is decrypted until all of it is there. */
const MAX_RECORD_BYTES = 5 + 16 * 1024 + 256
/** How long the first record may take to be whole, and how often it is looked at. */
const FIRST_RECORD_MS = 1_000
const LOOK_MS = 50

/**
 * Bounds what clients send in the handshakes of a TLS server. Node shows only those certificates of a peer that lead from
 * one to the next; the others are seen as bytes alone. OpenSSL has done its work by then: what one handshake may cost is
 * bounded by OpenSSL's own limit, how many there are by the listener's limits.
 */
export class HandshakeBytes {
  /** The TCP socket of each connection: a TLS socket counts what it has decrypted, not what came. */
  readonly #sockets = new Map<string, Socket>()

  constructor(server: TlsServer) {
    server.on('connection', (socket) => {
      const peer = peerKey(socket)
      this.#sockets.set(peer, socket)
      socket.once('close', () => {
        if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer)
      })
    })
  }

  /**
   * Calls back once, without an error if the handshake was small enough. That is at once, unless more has come than a
   * handshake may have: a client can send its first requests in the same breath, which are decrypted only after the
   * handshake. What was decrypted of them does not count, and neither does a last record that is not whole yet.
   */
  judge(socket: TLSSocket, done: (refusal?: StintError) => void): void {
    const tcp = this.#sockets.get(peerKey(socket))
    if (!tcp || tcp.bytesRead <= MAX_HANDSHAKE_BYTES) {
      done()
      return
    }
    setImmediate(() => this.#look(socket, tcp, FIRST_RECORD_MS, done))
  }

  #look(socket: TLSSocket, tcp: Socket, leftMs: number, done: (refusal?: StintError) => void): void {
    if (socket.destroyed) return
    const encrypted = tcp.bytesRead - socket.bytesRead
    const most = MAX_HANDSHAKE_BYTES + (socket.bytesRead > 0 ? MAX_RECORD_BYTES : 0)
    if (encrypted <= most) done()
    else if (encrypted > MAX_HANDSHAKE_BYTES + MAX_RECORD_BYTES || leftMs <= 0) done(tooLarge())
    else setTimeout(() => this.#look(socket, tcp, leftMs - LOOK_MS, done), LOOK_MS).unref()
  }
}

function tooLarge(): StintError {
  return new StintError('SVID_INVALID', {
    check: 'handshake-size',
    explanation: `The client sent more than ${MAX_HANDSHAKE_BYTES} bytes in the handshake; send the X.509-SVID and its intermediates only.`,
  })
}
