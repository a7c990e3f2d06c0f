import type { TLSSocket, Server as TlsServer } from 'node:tls'
import { sha256Hex } from '../../core/canonical-json.ts'
import { derChain } from '../../core/net/der-chain.ts'
import { parseCertificate } from '../../identity/x509/certificate.ts'
import { checkLeaf } from '../../identity/x509/x509-leaf.ts'

const CHAINS = new WeakMap<TLSSocket, readonly Uint8Array[]>()

/**
 * Makes `peerChain` work for a server's sockets on every Node. Some releases (24.21, 26.8 and later) drop the
 * intermediates of a client just before they announce the connection, so the chain is read one event earlier. `keylog`
 * is the one public event that shows a socket that early; the key material that it brings is not looked at.
 *
 * @see https://github.com/nodejs/node/issues/65579
 */
export function keepPeerChains(server: TlsServer): void {
  server.on('keylog', (_line, socket) => {
    if (CHAINS.has(socket)) return
    CHAINS.set(socket, [])
    socket.prependOnceListener('secure', () => CHAINS.set(socket, derChain(socket.getPeerCertificate(true))))
  })
}

/** The chain that the peer of a connection has shown: see `derChain`. */
export function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  const kept = CHAINS.get(socket)
  return kept?.length ? kept : derChain(socket.getPeerCertificate(true))
}

/** The certificates that the peer of a connection has shown. None of them is verified. */
export interface ShownIdentity {
  /** Absent when the certificate does not name one SPIFFE ID. */
  readonly shownTrustDomain?: string
  /** Lower-case hex SHA-256 of the leaf. */
  readonly shownFingerprint?: string
}

/** The certificate that the peer has shown, believed or not; for the record. Never throws. */
export function shownIdentity(socket: TLSSocket): ShownIdentity {
  const [leaf] = CHAINS.get(socket) ?? []
  if (!leaf) return {}
  const shownFingerprint = sha256Hex(leaf)
  try {
    return { shownTrustDomain: checkLeaf(parseCertificate(leaf)).trustDomain, shownFingerprint }
  } catch {
    return { shownFingerprint }
  }
}
