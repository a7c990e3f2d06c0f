import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { GuardedFetch } from '../../src/core/net/guarded-fetch.ts'

/** Keys of an issuer in tests: RSA 2048 as `rsa`, EC P-384 as `ec`; `other` is nobody's. */
export const OIDC_KEYS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  other: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

/** The JWK of a key as issuers publish it. */
export function publicJwk(kid: string, key: KeyObject, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...key.export({ format: 'jwk' }), kid, use: 'sig', ...more }
}

/** The key set of an issuer in tests. */
export function keySet(): string {
  return JSON.stringify({
    keys: [publicJwk('rsa', OIDC_KEYS.rsa.publicKey), publicJwk('ec', OIDC_KEYS.ec.publicKey)],
  })
}

/** Any JWS in compact form; the signature is made as `alg` says, by an RSA or an EC key. */
export function signedToken(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>> | string,
  key: KeyObject,
): string {
  const part = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
  const input = `${part(header)}.${part(claims)}`
  // A fuzzer gives any JSON for alg, also an object that has no text.
  const hash = typeof header.alg === 'string' && header.alg.includes('384') ? 'sha384' : 'sha256'
  const signature = sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** A fetch that answers with the documents of one issuer, without a network. */
export function documentsOf(issuer: string, keys: () => string = keySet): GuardedFetch {
  const jwksUri = new URL('/keys', issuer).href
  return async (url) => ({
    status: 200,
    headers: {},
    body: url === jwksUri ? keys() : JSON.stringify({ issuer, jwks_uri: jwksUri }),
  })
}
