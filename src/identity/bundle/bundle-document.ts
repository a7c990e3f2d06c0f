import type { KeyObject } from 'node:crypto'
import type { TrustBundle } from './trust-bundle.ts'

/**
 * Writes a bundle as others fetch it: a JWKS with one `x509-svid` entry per root and one `jwt-svid` entry per key.
 *
 * @see SPIFFE Trust Domain and Bundle, section 4; X509-SVID, section 6.1; JWT-SVID, section 6.1
 */
export function bundleDocument(bundle: TrustBundle, { refreshHintSeconds }: { refreshHintSeconds: number }): string {
  const roots = bundle.x509Authorities.map(({ x509 }) => ({
    use: 'x509-svid',
    ...publicJwk(x509.publicKey),
    x5c: [x509.raw.toString('base64')],
  }))
  const jwtKeys = [...bundle.jwtAuthorities].map(([kid, { key }]) => ({ use: 'jwt-svid', kid, ...publicJwk(key) }))
  // A sequence may be larger than a number can say, so it is written by hand.
  const sequence = bundle.sequence === undefined ? '' : `"spiffe_sequence":${bundle.sequence},`
  return `{${sequence}"spiffe_refresh_hint":${refreshHintSeconds},"keys":${JSON.stringify([...roots, ...jwtKeys])}}\n`
}

/** Public members only, whatever the key is. */
function publicJwk(key: KeyObject): object {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' })
  return { kty, ...(kty === 'RSA' ? { n, e } : { crv, x, y }) }
}
