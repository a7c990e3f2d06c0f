import { StintError } from '../../core/errors.ts'
import type { SpiffeId } from '../spiffe-id.ts'
import { parseSpiffeId, spiffeIdText } from '../spiffe-id.ts'
import type { Certificate } from './certificate.ts'
import { svidInvalid } from './certificate.ts'
import { allowsNames } from './name-constraints.ts'

/** Leaf, intermediates and root of one path may come to no more than this. */
export const MAX_PATH_LENGTH = 6

const MAX_SIGNATURE_CHECKS = 32
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ANY_USAGE = '2.5.29.37.0'

interface Search {
  readonly id: SpiffeId
  readonly intermediates: readonly Certificate[]
  readonly roots: readonly Certificate[]
  readonly now: Date
  /** How many signatures may still be checked, so that a crafted chain cannot buy unbounded work. */
  budget: number
  /** The most telling reason why a candidate was turned down. */
  refusal?: StintError
}

/**
 * Finds a path from the leaf over the intermediates that the peer sent (in any order) to one of the roots, and checks
 * every certificate on it. Only roots of the leaf's own trust domain may be given.
 *
 * @returns leaf first, root last.
 * @throws {StintError} SVID_EXPIRED, or SVID_INVALID with the check that failed; `path` when no issuer is known.
 * @see RFC 5280, section 6.1; X509-SVID, section 5.1
 */
export function findPath(
  leaf: Certificate,
  { id, intermediates, roots, now }: Pick<Search, 'id' | 'intermediates' | 'roots' | 'now'>,
): readonly Certificate[] {
  checkValidity(leaf, now)
  const search: Search = { id, intermediates, roots, now, budget: MAX_SIGNATURE_CHECKS }
  const path = extend([leaf], search)
  if (path) return path
  throw search.refusal ?? svidInvalid('path', 'No path leads from the certificate to a root of its trust domain.')
}

/** @throws {StintError} SVID_EXPIRED outside notBefore to notAfter; no leeway at either end. */
function checkValidity({ notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>, now: Date): void {
  if (now >= notBefore && now <= notAfter) return
  throw new StintError('SVID_EXPIRED', {
    check: now < notBefore ? 'not-before' : 'not-after',
    explanation: 'A certificate on the path is outside its validity; present a current X.509-SVID.',
  })
}

function extend(path: readonly Certificate[], search: Search): readonly Certificate[] | undefined {
  if (path.length >= MAX_PATH_LENGTH) return undefined
  for (const root of search.roots) {
    if (isIssuer(root, path, search)) return [...path, root]
  }
  for (const next of search.intermediates) {
    if (path.includes(next) || !isIssuer(next, path, search)) continue
    const found = extend([...path, next], search)
    if (found) return found
  }
  return undefined
}

function isIssuer(candidate: Certificate, path: readonly Certificate[], search: Search): boolean {
  const subject = path.at(-1)
  if (!subject?.x509.checkIssued(candidate.x509)) return false
  try {
    checkSigner(candidate, path, search)
    if (search.budget-- <= 0) throw svidInvalid('path', 'The chain has too many possible paths.')
    if (subject.x509.verify(candidate.x509.publicKey)) return true
    throw svidInvalid('signature', 'A certificate on the path is not signed by its issuer.')
  } catch (error) {
    search.refusal ??= error instanceof StintError ? error : svidInvalid('signature', 'A signature is broken.', error)
    return false
  }
}

function checkSigner(signer: Certificate, path: readonly Certificate[], search: Search): void {
  const isRoot = search.roots.includes(signer)
  if (!signer.basicConstraints?.ca)
    throw svidInvalid('issuer-ca', 'An issuer on the path is not a signing certificate.')
  checkSignerUsage(signer, isRoot)
  checkValidity(signer, search.now)
  const between = path.slice(1).filter((certificate) => !certificate.selfIssued).length
  if (between > (signer.basicConstraints.pathLength ?? Number.POSITIVE_INFINITY)) {
    throw svidInvalid('path-length', "The path is longer than a signing certificate's path length allows.")
  }
  if (!isRoot) checkSignerId(signer, search.id.trustDomain)
  checkNames(signer, path, search.id)
}

function checkSignerUsage({ keyUsage, extendedKeyUsage }: Certificate, isRoot: boolean): void {
  const usable = keyUsage ? keyUsage.keyCertSign && (isRoot || keyUsage.critical) : isRoot
  if (!usable) throw svidInvalid('issuer-key-usage', 'A signing certificate has a critical key usage keyCertSign.')
  if (extendedKeyUsage && !extendedKeyUsage.includes(CLIENT_AUTH) && !extendedKeyUsage.includes(ANY_USAGE)) {
    throw svidInvalid('issuer-extended-key-usage', 'A signing certificate excludes client authentication.')
  }
}

/** X509-SVID 3.2: the id of a signing certificate has no path and names the trust domain that it signs for. */
function checkSignerId({ subjectAltName }: Certificate, trustDomain: string): void {
  for (const uri of subjectAltName?.uris ?? []) {
    if (uri === spiffeIdText({ trustDomain, path: '' })) continue
    throw svidInvalid('issuer-id', "A signing certificate's URI must be the SPIFFE ID of its trust domain.")
  }
}

function checkNames(signer: Certificate, path: readonly Certificate[], id: SpiffeId): void {
  const constraints = signer.nameConstraints
  if (!constraints) return
  const allowed = path.every(({ subjectAltName }, index) => {
    const hosts =
      index === 0 ? [id.trustDomain] : (subjectAltName?.uris ?? []).map((uri) => parseSpiffeId(uri).trustDomain)
    return allowsNames(constraints, { hosts, dnsNames: subjectAltName?.dnsNames ?? [] })
  })
  if (!allowed) throw svidInvalid('name-constraints', 'A signing certificate does not allow the names below it.')
}
