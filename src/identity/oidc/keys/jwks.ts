import type { StrictJson } from '../../../core/documents/strict-json.ts'
import { isJsonObject } from '../../../core/documents/strict-json.ts'
import { type JwtAuthority, jwtAuthority, SECRET_MEMBERS } from '../../bundle/bundle-keys.ts'
import { issuerInvalid } from '../issuer-invalid.ts'

/** A key by which an issuer signs. */
export type IssuerKey = JwtAuthority

type Jwk = { readonly [name: string]: StrictJson }

const MAX_KEYS = 256
const MAX_KID_BYTES = 256

/**
 * Reads the keys of an issuer: EC and RSA (2048 bits and more) that are for signatures and have a `kid` of their own. A key
 * that does not count is left out and noted; of several keys with one `kid` none counts.
 *
 * @param issuer a key that names another issuer is not for this one (Entra shares its key set between tenants).
 * @throws {StintError} ISSUER_INVALID with `details.check` keys: no list of at most 256, or none of them is usable.
 * @see RFC 7517, sections 4 and 5
 */
export function readJwks(
  document: { readonly [name: string]: StrictJson },
  issuer: string,
): { keys: ReadonlyMap<string, IssuerKey>; notes: readonly string[] } {
  const entries = Array.isArray(document.keys) ? (document.keys as readonly StrictJson[]) : undefined
  if (!entries || entries.length > MAX_KEYS) {
    throw issuerInvalid('keys', `A key set is a JSON object with a list keys of at most ${MAX_KEYS}.`)
  }
  const seen = new Map<string, IssuerKey | undefined>()
  const notes: string[] = []
  for (const entry of entries) {
    const read = readKey(entry, issuer)
    if (typeof read === 'string') notes.push(read)
    else if (seen.has(read.kid)) notes.push('Several keys share one kid; all of them are ignored.')
    if (typeof read !== 'string') seen.set(read.kid, seen.has(read.kid) ? undefined : read.key)
  }
  const keys = new Map([...seen].flatMap(([kid, key]) => (key ? [[kid, key] as const] : [])))
  if (keys.size === 0)
    throw issuerInvalid('keys', 'The issuer publishes no usable key, so none of its tokens can be verified.')
  return { keys, notes }
}

function readKey(jwk: StrictJson, issuer: string): { kid: string; key: IssuerKey } | string {
  if (!isJsonObject(jwk)) return 'A key is not a JSON object.'
  if (jwk.kty === 'oct' || SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    return 'A key has private or symmetric material: it has leaked and is not trusted.'
  }
  if (jwk.kty !== 'EC' && jwk.kty !== 'RSA') return 'A key is neither EC nor RSA.'
  if (!isForSignatures(jwk)) return 'A key is not for signatures (use, key_ops).'
  if (!belongsToIssuer(jwk, issuer)) return 'A key belongs to another issuer.'
  const { kid } = jwk
  if (typeof kid !== 'string' || kid.trim() === '' || Buffer.byteLength(kid) > MAX_KID_BYTES) {
    return 'A key has no usable kid.'
  }
  const key = jwtAuthority(jwk)
  return key ? { kid, key } : 'A key is not EC P-256, P-384 or P-521 nor RSA of 2048 to 8192 bits.'
}

function isForSignatures({ use, key_ops: operations }: Jwk): boolean {
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

/** Entra's own member; a template with `{tenantid}` is for all tenants. */
function belongsToIssuer({ issuer: named }: Jwk, issuer: string): boolean {
  if (named === undefined) return true
  return typeof named === 'string' && (named === issuer || named.includes('{tenantid}'))
}
