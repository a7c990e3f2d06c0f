import { StintError } from '../../core/errors.ts'

/** An agent that an OIDC issuer vouches for. */
export interface OidcSubject {
  /** Our name of the issuer. */
  readonly alias: string
  /** In the order of the issuer's configuration; at least one. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

const SCHEME = 'oidc:'
const ALIAS = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/
const MAX_SUBJECT_LENGTH = 2_048
const PLAIN = /[^A-Za-z0-9._~@/+:-]/gu

/** True if a text can be the alias of an issuer: 1 to 32 of a-z, 0-9 and inner dashes. */
export function isIssuerAlias(text: string): boolean {
  return ALIAS.test(text)
}

/** True if a subject claims to be of an OIDC issuer, well-formed or not. */
export function isOidcSubject(subject: string): boolean {
  return subject.startsWith(SCHEME)
}

/** The name that stands in the place of a trust domain for the agents of an issuer; no SPIFFE trust domain can hold a colon. */
export function issuerTrustDomain(alias: string): string {
  return `${SCHEME}${alias}`
}

/**
 * The one text of an agent, e.g. `oidc:github:repository_id=42;ref=refs/heads/main`. Two agents never share one: every
 * character that separates, and all that is not plain ASCII, is percent-encoded (UTF-8, upper-case hex).
 *
 * @throws {StintError} TOKEN_INVALID if a value is not whole Unicode text, or the subject is over 2,048 characters.
 */
export function oidcSubjectText({ alias, fields }: OidcSubject): string {
  const text = `${issuerTrustDomain(alias)}:${fields.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join(';')}`
  if (text.length <= MAX_SUBJECT_LENGTH) return text
  throw unfit(`The claims that identify the agent exceed ${MAX_SUBJECT_LENGTH} characters.`)
}

/**
 * Takes the text of a subject apart; the inverse of `oidcSubjectText`.
 *
 * @throws {StintError} SUBJECT_INVALID for anything that `oidcSubjectText` would not have written.
 */
export function parseOidcSubject(text: string): OidcSubject {
  const match = /^oidc:([a-z0-9-]+):(.+)$/.exec(text)
  if (!match?.[1] || !match[2] || !isIssuerAlias(match[1]) || text.length > MAX_SUBJECT_LENGTH) throw malformed()
  const fields = match[2].split(';').map((pair): [string, string] => {
    const [name, value, ...more] = pair.split('=')
    if (!name || !value || more.length > 0) throw malformed()
    return [decoded(name), decoded(value)]
  })
  const subject = { alias: match[1], fields }
  if (oidcSubjectText(subject) !== text) throw malformed()
  return subject
}

function encoded(text: string): string {
  if (!text.isWellFormed()) throw unfit('A claim that names the agent is not whole Unicode text.')
  return text.replace(PLAIN, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformed()
  }
}

function unfit(explanation: string): StintError {
  return new StintError('TOKEN_INVALID', { check: 'subject', explanation })
}

function malformed(): StintError {
  return new StintError('SUBJECT_INVALID', {
    explanation: 'A subject of an OIDC issuer is oidc:ALIAS:CLAIM=VALUE;… in the spelling that stint whoami prints.',
  })
}
