import { isOidcSubject, issuerTrustDomain, parseOidcSubject } from './oidc/subject.ts'
import { parseSpiffeId } from './spiffe-id.ts'

/**
 * Reads the name of an agent: a SPIFFE ID with a path, or a subject of an OIDC issuer.
 *
 * @returns the trust domain, which for an OIDC issuer is `oidc:` and its alias.
 * @throws {StintError} SPIFFE_ID_INVALID, SUBJECT_INVALID
 */
export function parseAgentSubject(text: string): { readonly subject: string; readonly trustDomain: string } {
  if (isOidcSubject(text)) return { subject: text, trustDomain: issuerTrustDomain(parseOidcSubject(text).alias) }
  return { subject: text, trustDomain: parseSpiffeId(text).trustDomain }
}
