import { isOidcSubject, parseOidcSubject } from '../identity/oidc/subject.ts'
import { parseSpiffeId } from '../identity/spiffe-id.ts'

/**
 * True if a match covers an agent: it is the agent's name, or a prefix that ends in `/*` (SPIFFE ID) or `;*` (OIDC subject),
 * which stands for whole parts only: `…/ci/*` covers `…/ci/a` and neither `…/ci` nor `…/cix`.
 *
 * @param match one that `matchProblem` finds nothing wrong with.
 */
export function matchCovers(match: string, subject: string): boolean {
  if (match.endsWith('/*') || match.endsWith(';*')) return subject.startsWith(match.slice(0, -1))
  return match === subject
}

/** Says what is wrong with a text as a match of agents: an exact name, or a prefix of whole parts; undefined if nothing is. */
export function matchProblem(value: string): string | undefined {
  if (isOidcSubject(value)) return oidcMatchProblem(value)
  const isPrefix = value.endsWith('/*')
  try {
    const { path } = parseSpiffeId(isPrefix ? value.slice(0, -2) : value)
    if (!isPrefix && path === '') return 'must name a workload: a SPIFFE ID with a path, or a prefix that ends in /*'
    return undefined
  } catch {
    return 'must be a SPIFFE ID such as spiffe://example.org/ci/deploy, or a prefix such as spiffe://example.org/ci/*'
  }
}

function oidcMatchProblem(value: string): string | undefined {
  try {
    parseOidcSubject(value.endsWith(';*') ? value.slice(0, -2) : value)
    return undefined
  } catch {
    return 'must be the subject of an OIDC issuer as stint whoami prints it, or its first fields with ;* for any others'
  }
}
