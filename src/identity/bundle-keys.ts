import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import type { StrictJson } from '../core/strict-json.ts'
import { isJsonObject } from '../core/strict-json.ts'
import type { BundleNote } from './bundle-problems.ts'
import { alarm, bundleInvalid, warning } from './bundle-problems.ts'
import { rootFromDer } from './bundle-root.ts'
import type { Certificate } from './certificate.ts'

/** A key that signs JWT-SVIDs. */
export interface JwtAuthority {
  readonly key: KeyObject
  /** The JWS algorithms that this key may be used with, e.g. `['ES256']`. */
  readonly algorithms: readonly string[]
}

/** What the entries of a bundle come to. */
export interface BundleKeys {
  readonly x509Authorities: readonly Certificate[]
  /** By `kid`. */
  readonly jwtAuthorities: ReadonlyMap<string, JwtAuthority>
  readonly notes: readonly BundleNote[]
}

type Jwk = { readonly [key: string]: StrictJson }

/** Members of a JWK that hold private or symmetric material (RFC 7518, section 6). */
export const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const EC_ALGORITHMS = new Map([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
])
const STANDARD_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const MAX_KEYS = 256
const MAX_KID_BYTES = 256

/**
 * Sorts the entries of a bundle's `keys` into roots and JWT keys. An entry that does not count is left out and noted.
 *
 * @throws {StintError} BUNDLE_INVALID for more than 256 entries.
 */
export function readBundleKeys(entries: readonly StrictJson[]): BundleKeys {
  if (entries.length > MAX_KEYS) throw bundleInvalid('size', `A bundle has at most ${MAX_KEYS} keys.`)
  const roots = new Map<string, Certificate>()
  const jwtAuthorities = new Map<string, JwtAuthority>()
  const notes: BundleNote[] = []
  const repeated = repeatedKids(entries)
  for (const entry of entries) {
    const read = readKey(entry, repeated)
    if ('root' in read) roots.set(read.root.fingerprint, read.root)
    if ('authority' in read) jwtAuthorities.set(read.kid, read.authority)
    if (read.note) notes.push(read.note)
  }
  return { x509Authorities: [...roots.values()], jwtAuthorities, notes }
}

type ReadKey =
  | { readonly root: Certificate; readonly note?: BundleNote | undefined }
  | { readonly kid: string; readonly authority: JwtAuthority; readonly note?: undefined }
  | { readonly note: BundleNote }

function readKey(jwk: StrictJson, repeated: ReadonlySet<string>): ReadKey {
  if (!isJsonObject(jwk)) return { note: warning('key-shape', 'A key is not a JSON object.') }
  if (jwk.kty === 'oct' || SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    return { note: alarm('key-secret', 'A key has private or symmetric material: it has leaked and is not trusted.') }
  }
  if (jwk.kty !== 'EC' && jwk.kty !== 'RSA') return { note: warning('key-type', 'A key has an unknown kty.') }
  if (jwk.use === 'x509-svid') return readRoot(jwk)
  if (jwk.use === 'jwt-svid') return readJwtAuthority(jwk, repeated)
  return { note: warning('key-use', 'A key has no use, or one unknown here.') }
}

function readRoot({ x5c }: Jwk): ReadKey {
  const [first, ...more] = Array.isArray(x5c) ? (x5c as readonly StrictJson[]) : []
  if (first === undefined) return { note: warning('x5c-missing', 'An x509-svid key has no x5c.') }
  if (typeof first !== 'string' || !STANDARD_BASE64.test(first)) {
    return { note: alarm('x5c-encoding', 'The x5c of a key is not standard base64.') }
  }
  const note =
    more.length > 0 ? warning('x5c-many', 'A key has several certificates; only the first counts.') : undefined
  try {
    return { root: rootFromDer(Buffer.from(first, 'base64')), note }
  } catch {
    return { note: alarm('x5c-unusable', 'The x5c of a key is not a usable signing certificate in DER.') }
  }
}

function readJwtAuthority(jwk: Jwk, repeated: ReadonlySet<string>): ReadKey {
  const { kid } = jwk
  if (typeof kid !== 'string' || kid.trim() === '' || Buffer.byteLength(kid) > MAX_KID_BYTES) {
    return { note: alarm('kid-missing', 'A jwt-svid key has no usable kid.') }
  }
  if (repeated.has(kid)) return { note: alarm('kid-repeated', 'Several jwt-svid keys share one kid; none counts.') }
  const authority = jwtAuthority(jwk)
  if (authority) return { kid, authority }
  return { note: alarm('key-unusable', 'A jwt-svid key is not EC P-256, P-384 or P-521 nor RSA of 2048 to 8192 bits.') }
}

/** The public key of an EC or RSA JWK; undefined for any other, a weak or a broken one. */
export function jwtAuthority({ kty, crv, x, y, n, e, alg }: Jwk): JwtAuthority | undefined {
  const candidates =
    kty === 'RSA' ? RSA_ALGORITHMS : [...EC_ALGORITHMS].filter(([name]) => name === crv).map(([, a]) => a)
  const algorithms = alg === undefined ? candidates : candidates.filter((candidate) => candidate === alg)
  const key = importKey((kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }) as JsonWebKey)
  if (!key || algorithms.length === 0) return undefined
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (kty === 'RSA' && (bits === undefined || bits < 2048 || bits > 8192)) return undefined
  return { key, algorithms }
}

function importKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

function repeatedKids(entries: readonly StrictJson[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const entry of entries) {
    if (!isJsonObject(entry) || entry.use !== 'jwt-svid' || typeof entry.kid !== 'string') continue
    if (seen.has(entry.kid)) repeated.add(entry.kid)
    seen.add(entry.kid)
  }
  return repeated
}
