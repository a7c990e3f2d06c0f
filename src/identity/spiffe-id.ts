import { StintError } from '../core/errors.ts'

/** A workload or trust domain name of SPIFFE, in the one spelling there is: nothing is ever normalised. */
export interface SpiffeId {
  /** e.g. `example.org`; any of `[a-z0-9._-]`, with no meaning as an IP address or DNS name. */
  readonly trustDomain: string
  /** '' for the trust domain itself, else starts with '/'. Case matters. */
  readonly path: string
}

const SCHEME = 'spiffe://'
const MAX_ID_BYTES = 2048
const MAX_TRUST_DOMAIN_BYTES = 255
const TRUST_DOMAIN_BYTES = byteTable('abcdefghijklmnopqrstuvwxyz0123456789.-_')
const SEGMENT_BYTES = byteTable('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_')

/**
 * Splits a SPIFFE ID into trust domain and path, reading it character by character. Upper case in scheme or trust
 * domain is refused rather than lowered.
 *
 * @param text e.g. `spiffe://example.org/billing/api`; at most 2048 bytes, ASCII.
 * @throws {StintError} SPIFFE_ID_INVALID; `details.rule` names the broken rule.
 * @see SPIFFE-ID, sections 2 to 2.4
 */
export function parseSpiffeId(text: unknown): SpiffeId {
  if (typeof text !== 'string') throw invalid('type', 'A SPIFFE ID must be a text such as spiffe://example.org/api.')
  if (text.length > MAX_ID_BYTES) throw invalid('length', `A SPIFFE ID has at most ${MAX_ID_BYTES} bytes.`)
  if (!text.startsWith(SCHEME)) throw invalid('scheme', 'A SPIFFE ID must begin with spiffe:// in lower case.')
  const slash = text.indexOf('/', SCHEME.length)
  const trustDomain = parseTrustDomain(text.slice(SCHEME.length, slash === -1 ? text.length : slash))
  const path = slash === -1 ? '' : text.slice(slash)
  if (path !== '') checkPath(path)
  return { trustDomain, path }
}

/**
 * Checks the bare name of a trust domain, such as `example.org`, and gives it back.
 *
 * @throws {StintError} SPIFFE_ID_INVALID; `details.rule` names the broken rule.
 * @see SPIFFE-ID, sections 2.1 and 2.3
 */
export function parseTrustDomain(name: unknown): string {
  if (typeof name !== 'string') throw invalid('type', 'A trust domain name must be a text such as example.org.')
  if (name === '') throw invalid('trust-domain-empty', 'The trust domain must not be empty.')
  if (name.length > MAX_TRUST_DOMAIN_BYTES) {
    throw invalid('trust-domain-length', `A trust domain name has at most ${MAX_TRUST_DOMAIN_BYTES} bytes.`)
  }
  if (!hasOnly(name, 0, name.length, TRUST_DOMAIN_BYTES)) {
    throw invalid('trust-domain-charset', 'A trust domain name is made of a-z, 0-9, dot, dash and underscore only.')
  }
  return name
}

/** The text of an id, e.g. `spiffe://example.org/billing/api`; the inverse of `parseSpiffeId`. */
export function spiffeIdText(id: SpiffeId): string {
  return `${SCHEME}${id.trustDomain}${id.path}`
}

function checkPath(path: string): void {
  let start = 1
  while (start <= path.length) {
    const slash = path.indexOf('/', start)
    const end = slash === -1 ? path.length : slash
    const segment = path.slice(start, end)
    if (segment === '') throw invalid('path-empty-segment', 'The path has an empty segment or ends in a slash.')
    if (segment === '.' || segment === '..') throw invalid('path-dot-segment', 'The path has a dot segment.')
    if (!hasOnly(path, start, end, SEGMENT_BYTES)) {
      throw invalid('path-charset', 'Path segments are made of letters, digits, dot, dash and underscore only.')
    }
    start = end + 1
  }
}

function hasOnly(text: string, start: number, end: number, allowed: Uint8Array): boolean {
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code > 127 || allowed[code] !== 1) return false
  }
  return true
}

function byteTable(characters: string): Uint8Array {
  const table = new Uint8Array(128)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

function invalid(rule: string, explanation: string): StintError {
  return new StintError('SPIFFE_ID_INVALID', { rule, explanation })
}
