import { isUtf8 } from 'node:buffer'
import type { StrictJson } from '../../core/documents/strict-json.ts'
import { isJsonObject, parseStrictJson } from '../../core/documents/strict-json.ts'
import { StintError } from '../../core/errors.ts'

/** A token taken apart, its header checked, nothing of it trusted yet. */
export interface CompactToken {
  readonly text: string
  /** `header.payload` as it was signed. */
  readonly signingInput: string
  readonly header: { readonly alg: string; readonly kid: string }
  readonly claims: { readonly [key: string]: StrictJson }
}

const MAX_TOKEN_BYTES = 8 * 1024
const ALGORITHMS = new Set(['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'])
const HEADERS = new Set(['alg', 'kid', 'typ'])
const TYPES = new Set<unknown>([undefined, 'JWT', 'JOSE'])
const MAX_KID_BYTES = 256
/** Base64url without padding, the bits that the last character leaves over all zero (RFC 4648, section 3.5). */
const CANONICAL_BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/

/** A JWS in compact form, decoded; nothing of it is checked or trusted. */
export interface TokenParts {
  readonly text: string
  /** `header.payload` as it was signed. */
  readonly signingInput: string
  readonly header: { readonly [key: string]: StrictJson }
  readonly claims: { readonly [key: string]: StrictJson }
}

/**
 * Takes a JWS in compact form apart. Only the one canonical spelling of a token is read; an object with a key twice is not.
 *
 * @throws {StintError} TOKEN_INVALID; `details.check` is size, form, encoding or json.
 */
export function takeTokenApart(text: string): TokenParts {
  if (typeof text !== 'string' || text.length > MAX_TOKEN_BYTES) {
    throw tokenInvalid('size', 'A bearer token may have at most 8 KiB.')
  }
  const [header, payload, signature, ...more] = text.split('.')
  if (!header || !payload || !signature || more.length > 0) {
    throw tokenInvalid('form', 'A bearer token must have three parts separated by dots (JWS compact form).')
  }
  checkEncoding(signature)
  return { text, signingInput: `${header}.${payload}`, header: readObject(header), claims: readObject(payload) }
}

/**
 * Checks that a token taken apart may be a JWT-SVID: its header is a closed set, alg, kid and typ. So tokens of other kinds
 * (WIT-SVIDs among them) and keys carried in a header go no further.
 *
 * @throws {StintError} TOKEN_INVALID; `details.check` is header, algorithm, type or kid.
 * @see JWT-SVID, sections 2 and 5.1; WIT-SVID, section 7.1
 */
function asJwtSvidToken(parts: TokenParts): CompactToken {
  return { ...parts, header: checkHeader(parts.header) }
}

/**
 * Reads a JWT-SVID from its text, or from what `takeTokenApart` made of that text.
 *
 * @throws {StintError} TOKEN_INVALID, as `takeTokenApart` and `asJwtSvidToken`.
 */
export function readCompactToken(token: string | TokenParts): CompactToken {
  return asJwtSvidToken(typeof token === 'object' ? token : takeTokenApart(token))
}

/** A TOKEN_INVALID whose `details.check` names the failed check. Nothing of the token may go into it. */
export function tokenInvalid(check: string, explanation: string, cause?: unknown): StintError {
  return new StintError('TOKEN_INVALID', { check, explanation }, cause)
}

function checkHeader(header: { readonly [key: string]: StrictJson }): { alg: string; kid: string } {
  const { alg, kid, typ } = header
  if (Object.keys(header).some((name) => !HEADERS.has(name))) {
    throw tokenInvalid('header', "A JWT-SVID's header may have only alg, kid and typ.")
  }
  if (typeof alg !== 'string' || !ALGORITHMS.has(alg)) {
    throw tokenInvalid('algorithm', "A JWT-SVID's alg must be RS, ES or PS with 256, 384 or 512.")
  }
  if (!TYPES.has(typ)) throw tokenInvalid('type', "A JWT-SVID's typ, if present, must be exactly JWT or JOSE.")
  if (typeof kid !== 'string' || kid.trim() === '' || Buffer.byteLength(kid) > MAX_KID_BYTES) {
    throw tokenInvalid('kid', 'A JWT-SVID must have a kid.')
  }
  return { alg, kid }
}

function readObject(part: string): { readonly [key: string]: StrictJson } {
  checkEncoding(part)
  const bytes = Buffer.from(part, 'base64url')
  let value: StrictJson | undefined
  try {
    value = isUtf8(bytes) ? parseStrictJson(bytes.toString('utf8')) : undefined
  } catch {
    value = undefined
  }
  if (value === undefined) throw tokenInvalid('json', 'A part of the token is not JSON in UTF-8, or has a key twice.')
  if (!isJsonObject(value)) throw tokenInvalid('json', 'A part of the token is not a JSON object.')
  return value
}

function checkEncoding(part: string): void {
  if (!CANONICAL_BASE64URL.test(part)) throw tokenInvalid('encoding', 'The token is not in canonical base64url.')
}
