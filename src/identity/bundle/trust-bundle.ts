import { sha256Hex } from '../../core/canonical-json.ts'
import type { StrictJson } from '../../core/documents/strict-json.ts'
import { isJsonObject, parseStrictJson } from '../../core/documents/strict-json.ts'
import { parseTrustDomain } from '../spiffe-id.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { BundleKeys, JwtAuthority } from './bundle-keys.ts'
import { readBundleKeys } from './bundle-keys.ts'
import type { BundleNote } from './bundle-problems.ts'
import { alarm, bundleInvalid, warning } from './bundle-problems.ts'
import { checkNames, rootFromDer } from './bundle-root.ts'

/** The authorities of one trust domain. Immutable. Without authorities, nothing of the trust domain is valid. */
export interface TrustBundle {
  readonly trustDomain: string
  readonly x509Authorities: readonly Certificate[]
  /** By `kid`. */
  readonly jwtAuthorities: ReadonlyMap<string, JwtAuthority>
  readonly sequence?: bigint
  /** Between 60 s and 24 h. */
  readonly refreshHintSeconds?: number
  /** Lower-case hex; two bundles with one digest trust the same. */
  readonly digest: string
}

/** A bundle, and what was left out of it. */
export interface ParsedBundle {
  readonly bundle: TrustBundle
  readonly notes: readonly BundleNote[]
}

const MAX_BUNDLE_BYTES = 1024 * 1024
const MIN_HINT_SECONDS = 60
const MAX_HINT_SECONDS = 24 * 3600
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

/**
 * Reads a SPIFFE bundle: a JWKS with `x509-svid` and `jwt-svid` keys. Entries that the standard says to ignore are
 * ignored and noted; a document that cannot be trusted as a whole is refused.
 *
 * @param trustDomain whose bundle this is; the document itself does not say.
 * @throws {StintError} BUNDLE_INVALID; `details.check` names the failed check.
 * @see SPIFFE Trust Domain and Bundle, section 4; X509-SVID, section 6; JWT-SVID, section 6
 */
export function parseSpiffeBundle(trustDomain: string, text: string): ParsedBundle {
  return bundleFromDocument(trustDomain, readBundleDocument(text))
}

/**
 * Reads X.509 roots from PEM. Such a bundle has no JWT keys, so JWT-SVIDs of its trust domain are refused.
 *
 * @throws {StintError} BUNDLE_INVALID: no certificate, one that is not a usable root, or a private key in the file.
 */
export function parsePemBundle(trustDomain: string, text: string): ParsedBundle {
  checkSize(text)
  const roots = new Map<string, Certificate>()
  for (const [, label, body = ''] of text.matchAll(PEM_BLOCK)) {
    if (label !== 'CERTIFICATE') {
      throw bundleInvalid('pem-block', 'A PEM bundle holds certificates only; keep private keys out of it.')
    }
    const root = rootFromDer(Buffer.from(body, 'base64'))
    roots.set(root.fingerprint, root)
  }
  const blocks = text.split('-----BEGIN').length - 1
  if (blocks === 0) throw bundleInvalid('pem-empty', 'The PEM bundle holds no certificate.')
  if (blocks !== [...text.matchAll(PEM_BLOCK)].length) throw bundleInvalid('pem-block', 'A PEM block is cut off.')
  const keys = { x509Authorities: [...roots.values()], jwtAuthorities: new Map(), notes: [] }
  return { bundle: trustBundle(trustDomain, keys), notes: rootNotes(keys) }
}

/**
 * Reads the JSON object of a bundle: at most 1 MiB, no key twice.
 *
 * @throws {StintError} BUNDLE_INVALID
 */
export function readBundleDocument(text: string): { readonly [key: string]: StrictJson } {
  checkSize(text)
  let document: StrictJson
  try {
    document = parseStrictJson(text)
  } catch (error) {
    const problem = error instanceof SyntaxError ? error.message : 'not JSON'
    throw bundleInvalid('json', `The bundle cannot be read: ${problem}.`, error)
  }
  if (!isJsonObject(document)) throw bundleInvalid('shape', 'A bundle must be a JSON object.')
  return document
}

function bundleFromDocument(trustDomain: string, document: { readonly [key: string]: StrictJson }): ParsedBundle {
  if (!Array.isArray(document.keys)) {
    throw bundleInvalid('keys', 'A SPIFFE bundle must have the array keys; it may be empty.')
  }
  const keys = readBundleKeys(document.keys as readonly StrictJson[])
  const sequence = readSequence(document.spiffe_sequence)
  const hint = readHint(document.spiffe_refresh_hint)
  const notes: BundleNote[] = [...keys.notes, ...rootNotes(keys)]
  if (keys.x509Authorities.length + keys.jwtAuthorities.size === 0) {
    notes.push(alarm('nothing-trusted', 'The bundle has no usable key, so every SVID of the trust domain is refused.'))
  }
  if (hint === 'unusable') notes.push(warning('refresh-hint', 'spiffe_refresh_hint is not a number of seconds.'))
  const bundle: TrustBundle = {
    ...trustBundle(trustDomain, keys),
    ...(sequence === undefined ? {} : { sequence }),
    ...(typeof hint === 'number' ? { refreshHintSeconds: hint } : {}),
  }
  return { bundle, notes }
}

/**
 * Makes a bundle of keys that were read before.
 *
 * @param name the trust domain.
 * @throws {StintError} BUNDLE_INVALID for a malformed name, or roots whose own names are too long.
 */
export function trustBundle(name: string, { x509Authorities, jwtAuthorities }: Omit<BundleKeys, 'notes'>): TrustBundle {
  const trustDomain = requireTrustDomain(name)
  checkNames(x509Authorities)
  const parts = x509Authorities.map((root) => root.fingerprint)
  for (const [kid, { key, algorithms }] of jwtAuthorities) {
    const der = key.export({ type: 'spki', format: 'der' })
    parts.push(JSON.stringify([kid, sha256Hex(der), algorithms]))
  }
  return { trustDomain, x509Authorities, jwtAuthorities, digest: sha256Hex(parts.sort().join('\n')) }
}

function requireTrustDomain(name: string): string {
  try {
    return parseTrustDomain(name)
  } catch (error) {
    throw bundleInvalid('trust-domain', 'A trust domain name is malformed; write it like example.org.', error)
  }
}

function rootNotes({ x509Authorities }: BundleKeys): BundleNote[] {
  if (x509Authorities.every((root) => root.selfIssued)) return []
  return [warning('root-not-self-signed', 'A root is not self-signed: TLS will refuse the clients under it.')]
}

function readSequence(value: StrictJson | undefined): bigint | undefined {
  if (value === undefined) return undefined
  const sequence = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof sequence === 'bigint' && sequence >= 0n && sequence < 2n ** 64n) return sequence
  throw bundleInvalid('sequence', 'spiffe_sequence must be an integer from 0 to 2^64 - 1.')
}

function readHint(value: StrictJson | undefined): number | 'unusable' | undefined {
  if (value === undefined) return undefined
  const seconds = typeof value === 'bigint' ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) return 'unusable'
  return Math.min(Math.max(seconds, MIN_HINT_SECONDS), MAX_HINT_SECONDS)
}

function checkSize(text: string): void {
  if (Buffer.byteLength(text) > MAX_BUNDLE_BYTES) throw bundleInvalid('size', 'A bundle is at most 1 MiB.')
}
