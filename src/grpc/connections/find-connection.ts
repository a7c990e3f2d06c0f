import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { ServerUnaryCall } from '@grpc/grpc-js'
import type { VerifiedConnection } from '../../identity/verified-connection.ts'

/** By the very object that a socket answers for its peer's certificate: no other socket can show the same one. */
const CONNECTIONS = new WeakMap<PeerCertificate, VerifiedConnection>()

/**
 * The connection that a call came over; undefined when its peer has shown no certificate or the connection is gone.
 * Costs a map lookup. Addresses play no part: they can be shared or reused.
 */
export function findConnection(
  call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>,
): VerifiedConnection | undefined {
  const certificate = call.getAuthContext().sslPeerCertificate
  return certificate && CONNECTIONS.get(certificate)
}

/**
 * Ties a socket to its verified connection. From here on the socket answers one fixed object for its peer's
 * certificate, which grpc-js hands to each call: reading it anew per call would halve the throughput.
 */
export function bindConnection(socket: TLSSocket, connection: VerifiedConnection): void {
  const certificate = socket.getPeerCertificate()
  CONNECTIONS.set(certificate, connection)
  socket.getPeerCertificate = (() => certificate) as unknown as TLSSocket['getPeerCertificate']
}
