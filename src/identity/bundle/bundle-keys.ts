import type { JsonWebKey, KeyObject } from 'node:crypto'
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { StrictJson } from '../../core/documents/strict-json.ts'
import { isJsonObject } from '../../core/documents/strict-json.ts'
import type { StintError } from '../../core/errors.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { BundleNote } from './bundle-problems.ts'
import { alarm, bundleInvalid, warning } from './bundle-problems.ts'
import { rootFromDer } from './bundle-root.ts'

/** A key that signs JWT-SVIDs. */
export interface JwtAuthority {
  readonly key: KeyObject
  /** The JWS algorithms that this key may be used with, e.g. `['ES256']`. */
  readonly algorithms: readonly string[]
}

/** The keys that the entries of a bundle give. */
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
const SPIFFE_USES = new Set(['x509-svid', 'jwt-svid', 'wit-svid'])

/**
 * Sorts the entries of a bundle's `keys` into roots and JWT keys. An entry that does not count is left out and noted.
 *
 * @throws {StintError} BUNDLE_INVALID; `details.check` is size (more than 256 entries) or kid-repeated.
 */
export function readBundleKeys(entries: readonly StrictJson[]): BundleKeys {
  if (entries.length > MAX_KEYS) throw bundleInvalid('size', `A bundle has at most ${MAX_KEYS} keys.`)
  checkKids(entries)
  const roots = new Map<string, Certificate>()
  const jwtAuthorities = new Map<string, JwtAuthority>()
  const notes: BundleNote[] = []
  for (const entry of entries) {
    const read = readKey(entry)
    if ('root' in read) roots.set(read.root.fingerprint, read.root)
    if ('authority' in read) jwtAuthorities.set(read.kid, read.authority)
    if (read.note) notes.push(read.note)
  }
  return { x509Authorities: [...roots.values()], jwtAuthorities, notes }
}

type ReadKey =
  | { readonly root: Certificate; readonly note?: BundleNote | undefined }
  | { readonly kid: string; readonly authority: JwtAuthority; readonly note?: undefined }
  | { readonly note: BundleNote | undefined }

function readKey(jwk: StrictJson): ReadKey {
  if (!isJsonObject(jwk)) return { note: warning('key-shape', 'A key is not a JSON object.') }
  if (jwk.kty === 'oct' || SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    return { note: alarm('key-secret', 'A key has private or symmetric material: it has leaked and is not trusted.') }
  }
  if (jwk.kty !== 'EC' && jwk.kty !== 'RSA') return { note: warning('key-type', 'A key has an unknown kty.') }
  if (jwk.use === 'x509-svid') return readRoot(jwk)
  if (jwk.use === 'jwt-svid') return readJwtAuthority(jwk)
  // WIT-SVIDs are not accepted here, so their keys are nothing to look at.
  if (jwk.use === 'wit-svid') return { note: undefined }
  return { note: warning('key-use', 'A key has no use, or an unknown one.') }
}

function readRoot(jwk: Jwk): ReadKey {
  const { x5c } = jwk
  const [first, ...more] = Array.isArray(x5c) ? (x5c as readonly StrictJson[]) : []
  if (first === undefined) return { note: warning('x5c-missing', 'An x509-svid key has no x5c.') }
  if (typeof first !== 'string' || !STANDARD_BASE64.test(first)) {
    return { note: alarm('x5c-encoding', "A key's x5c is not standard base64.") }
  }
  const note =
    more.length > 0 ? warning('x5c-many', 'A key has several certificates; only the first counts.') : undefined
  let root: Certificate
  try {
    root = rootFromDer(Buffer.from(first, 'base64'))
  } catch {
    return { note: alarm('x5c-unusable', "A key's x5c is not a usable signing certificate in DER.") }
  }
  if (importPublicKey(jwk)?.equals(root.x509.publicKey)) return { root, note }
  return { note: mismatch(jwk) }
}

/** If a JWK states its key twice, both must be the same key (RFC 7517, section 4.7). */
function mismatch({ kty }: Jwk): BundleNote {
  const members = kty === 'RSA' ? 'n, e' : 'crv, x, y'
  return alarm('x5c-mismatch', `The certificate in a key's x5c does not match the key in kty, ${members}.`)
}

function agreesWithX5c(key: KeyObject, { x5c }: Jwk): boolean {
  if (x5c === undefined) return true
  const [first] = Array.isArray(x5c) ? (x5c as readonly StrictJson[]) : []
  if (typeof first !== 'string') return false
  try {
    return key.equals(new X509Certificate(Buffer.from(first, 'base64')).publicKey)
  } catch {
    return false
  }
}

function readJwtAuthority(jwk: Jwk): ReadKey {
  const { kid } = jwk
  if (typeof kid !== 'string' || kid.trim() === '' || Buffer.byteLength(kid) > MAX_KID_BYTES) {
    return { note: alarm('kid-missing', 'A jwt-svid key has no usable kid.') }
  }
  const authority = jwtAuthority(jwk)
  if (authority && !agreesWithX5c(authority.key, jwk)) return { note: mismatch(jwk) }
  if (authority) return { kid, authority }
  return { note: alarm('key-unusable', 'A jwt-svid key is not EC P-256, P-384 or P-521 nor RSA of 2048 to 8192 bits.') }
}

/** The public key of an EC or RSA JWK; undefined for any other, a weak or a broken one. */
export function jwtAuthority(jwk: Jwk): JwtAuthority | undefined {
  const { kty, crv, alg } = jwk
  const candidates =
    kty === 'RSA' ? RSA_ALGORITHMS : [...EC_ALGORITHMS].filter(([name]) => name === crv).map(([, a]) => a)
  const algorithms = alg === undefined ? candidates : candidates.filter((candidate) => candidate === alg)
  const key = importPublicKey(jwk)
  if (!key || algorithms.length === 0) return undefined
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (kty === 'RSA' && (bits === undefined || bits < 2048 || bits > 8192)) return undefined
  return { key, algorithms }
}

/** The key that the members of a JWK say; undefined when they are no key. */
function importPublicKey({ kty, crv, x, y, n, e }: Jwk): KeyObject | undefined {
  const members = (kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }) as JsonWebKey
  try {
    return createPublicKey({ key: members, format: 'jwk' })
  } catch {
    return undefined
  }
}

/**
 * A token names its key by `kid` alone, so two keys of one name make the whole document doubtful: leaving both out would
 * lock out every token of the trust domain. Keys that the standard says to ignore may repeat what they like.
 *
 * @see RFC 7517, section 4.5; WIT-SVID, section 6.1
 */
function checkKids(entries: readonly StrictJson[]): void {
  const uses = new Map<string, string>()
  for (const entry of entries) {
    if (!isJsonObject(entry) || typeof entry.kid !== 'string') continue
    const { kid, kty, use } = entry
    if ((kty !== 'EC' && kty !== 'RSA') || typeof use !== 'string' || !SPIFFE_USES.has(use)) continue
    const before = uses.get(kid)
    // Nothing looks a root up by its kid, which the standard forbids anyway (X509-SVID, section 6.1).
    if (before !== undefined && (before !== 'x509-svid' || use !== 'x509-svid')) throw repeatedKid(kid)
    uses.set(kid, use)
  }
}

function repeatedKid(kid: string): StintError {
  const name = Buffer.byteLength(kid) > MAX_KID_BYTES ? 'one kid' : `the kid ${JSON.stringify(kid)}`
  return bundleInvalid('kid-repeated', `Several keys of the bundle have ${name}; a kid must be unique in a bundle.`)
}
