import { type BundleSnapshot, requireBundle } from '../bundle/bundle-store.ts'
import type { TrustBundle } from '../bundle/trust-bundle.ts'
import type { SpiffeId } from '../spiffe-id.ts'
import { parseCertificate, svidInvalid } from './certificate.ts'
import { checkLeaf } from './x509-leaf.ts'
import { findPath, MAX_PATH_LENGTH } from './x509-path.ts'

/** An X.509-SVID whose leaf rules and path were checked against the bundle of its own trust domain. */
export interface VerifiedX509Svid {
  readonly id: SpiffeId
  /** The latest begin and the earliest end of the validities on the path. */
  readonly notBefore: Date
  readonly notAfter: Date
  /** Lower-case hex SHA-256 of the leaf's DER. */
  readonly fingerprint: string
  /** The generation of the bundles that it was checked against. */
  readonly generation: number
  /** The very bundle; when the store holds another one for this trust domain, the SVID must be checked again. */
  readonly bundle: TrustBundle
}

/**
 * Checks an X.509-SVID: the leaf's profile first, then a path to a root of the trust domain that its id names, never to
 * any other root. Proof that the peer holds the private key is the TLS handshake's part.
 *
 * @param chain DER, leaf first; the order of the others does not matter, at most 6 in all.
 * @throws {StintError} SVID_INVALID or SVID_EXPIRED with `details.check`; as `requireBundle`.
 * @see X509-SVID, section 5; RFC 5280, section 6.1
 */
export function verifyX509Svid(
  chain: readonly Uint8Array[],
  { bundles, now }: { bundles: BundleSnapshot; now: Date },
): VerifiedX509Svid {
  const [leafDer, ...rest] = chain
  if (leafDer === undefined) throw svidInvalid('chain-empty', 'The chain has no certificate.')
  if (chain.length > MAX_PATH_LENGTH) throw svidInvalid('chain-length', 'The chain has more than 6 certificates.')
  const leaf = parseCertificate(leafDer)
  const id = checkLeaf(leaf)
  const bundle = requireBundle(bundles, id.trustDomain)
  const intermediates = rest.map((der) => parseCertificate(der))
  const path = findPath(leaf, { id, intermediates, roots: bundle.x509Authorities, now })
  return {
    id,
    notBefore: latest(path.map((certificate) => certificate.notBefore)),
    notAfter: earliest(path.map((certificate) => certificate.notAfter)),
    fingerprint: leaf.fingerprint,
    generation: bundles.generation,
    bundle,
  }
}

function latest(dates: readonly Date[]): Date {
  return new Date(Math.max(...dates.map((date) => date.getTime())))
}

function earliest(dates: readonly Date[]): Date {
  return new Date(Math.min(...dates.map((date) => date.getTime())))
}
