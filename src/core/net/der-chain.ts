import type { DetailedPeerCertificate } from 'node:tls'

const MAX_CERTIFICATES = 10

/**
 * The chain of a TLS peer in DER, leaf first: what it sent, as far as one certificate leads to the next, perhaps with the root
 * that OpenSSL found. At most 10 certificates.
 *
 * @param leaf as `getPeerCertificate(true)` gives it; empty or undefined if the peer has shown none.
 */
export function derChain(leaf: DetailedPeerCertificate | undefined): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  const seen = new Set<string>()
  let certificate = leaf
  while (certificate?.raw && chain.length < MAX_CERTIFICATES && !seen.has(certificate.fingerprint512)) {
    seen.add(certificate.fingerprint512)
    chain.push(new Uint8Array(certificate.raw))
    certificate = certificate.issuerCertificate
  }
  return chain
}
