import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

const MAX_CERTIFICATES = 10

/**
 * The chain of the peer in DER, leaf first: what it sent, as far as one certificate leads to the next, perhaps with the
 * root that OpenSSL found.
 */
export function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  const seen = new Set<string>()
  while (certificate?.raw && chain.length < MAX_CERTIFICATES && !seen.has(certificate.fingerprint512)) {
    seen.add(certificate.fingerprint512)
    chain.push(new Uint8Array(certificate.raw))
    certificate = certificate.issuerCertificate
  }
  return chain
}
