import type { Socket } from 'node:net'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { StintError } from '../core/errors.ts'
import { peerKey } from '../core/net/connection-table.ts'

/**
 * What a client may send in its handshake. A leaf under two intermediates comes to 3 KiB with P-256 and to 6 KiB with
 * RSA-4096, hybrid key share included; OpenSSL itself stops at 100 KiB of certificates.
 */
export const MAX_HANDSHAKE_BYTES = 16 * 1024

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
   * handshake may have: a client can send its first request in the same breath, which is decrypted only after the
   * handshake, so the rest of the breath is then waited for and what was decrypted of it does not count.
   */
  judge(socket: TLSSocket, done: (refusal?: StintError) => void): void {
    const tcp = this.#sockets.get(peerKey(socket))
    if (!tcp || tcp.bytesRead <= MAX_HANDSHAKE_BYTES) {
      done()
      return
    }
    setImmediate(() => {
      if (socket.destroyed) return
      if (tcp.bytesRead - socket.bytesRead <= MAX_HANDSHAKE_BYTES) done()
      else done(tooLarge())
    })
  }
}

function tooLarge(): StintError {
  return new StintError('SVID_INVALID', {
    check: 'handshake-size',
    explanation: `The client sent more than ${MAX_HANDSHAKE_BYTES} bytes in the handshake; send the X.509-SVID and its intermediates only.`,
  })
}
