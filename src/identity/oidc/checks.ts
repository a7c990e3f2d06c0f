import type { StrictJson } from '../../core/documents/strict-json.ts'
import { type TokenParts, tokenInvalid } from '../jwt/jwt-token.ts'
import { checkAudience } from '../jwt/token-audience.ts'
import { readConfirmation } from '../jwt/token-binding.ts'
import { type ClaimReference, readClaim } from './claim-path.ts'
import type { Condition, OidcIssuer } from './issuer.ts'
import { checkAge, checkExpiry, checkIssuedAt, checkLifetime, checkNotBefore } from './token-times.ts'

/** One thing that a token has to fulfil before its signature is looked at. */
export interface TokenCheck {
  /** e.g. `audience`, `condition repository_owner_id`. */
  readonly name: string
  /**
   * @returns what was found, for an operator; it may hold claims.
   * @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED; `details.check` says which.
   */
  run(token: TokenParts, now: Date): string
}

const MAX_KID_BYTES = 256
const MAX_VALUE_BYTES = 512
const MAX_JTI_BYTES = 256

/**
 * All checks of one issuer, in the order in which they are made. Verification runs them to the first failure,
 * `stint whoami --token-file` runs them all: there is no second set of rules.
 *
 * @see OpenID Connect Core, section 3.1.3.7; RFC 7519, section 4.1; RFC 8725, section 3
 */
export function listChecks(issuer: OidcIssuer): readonly TokenCheck[] {
  const { presetChecks, subject, conditions } = issuer
  return [
    { name: 'header', run: checkCritical },
    { name: 'type', run: checkType },
    { name: 'algorithm', run: (token) => checkAlgorithm(token, issuer) },
    { name: 'kid', run: (token) => `kid ${keyId(token)}` },
    { name: 'audience', run: (token) => audienceFinding(token, issuer) },
    { name: 'authorized party', run: (token) => checkParty(token, issuer) },
    { name: 'expiry', run: (token, now) => checkExpiry(token, issuer, now) },
    { name: 'not before', run: (token, now) => checkNotBefore(token, issuer, now) },
    { name: 'issued at', run: (token, now) => checkIssuedAt(token, issuer, now) },
    { name: 'lifetime', run: (token) => checkLifetime(token, issuer) },
    { name: 'age', run: (token, now) => checkAge(token, issuer, now) },
    { name: 'token id', run: ({ claims }) => tokenId(claims) ?? "no jti; the token's hash is used instead" },
    { name: 'binding', run: ({ claims }) => bindingFinding(claims) },
    ...presetChecks.map(({ name, problem }) => ({
      name: `trap ${name}`,
      run({ claims }: TokenParts) {
        const decides = (pointer: string) => conditions.some((condition) => condition.pointer === pointer)
        const found = problem(claims, { issuer: issuer.issuer, decides })
        if (found !== undefined) throw tokenInvalid(name.replaceAll(' ', '-'), found)
        return 'not caught'
      },
    })),
    ...subject.map((reference) => ({
      name: `subject ${reference.name}`,
      run: ({ claims }: TokenParts) => subjectValue(claims, reference),
    })),
    ...conditions.map((condition) => ({
      name: `condition ${condition.name}`,
      run: ({ claims }: TokenParts) => checkCondition(claims, condition),
    })),
  ]
}

/** The kid of a token. @throws {StintError} TOKEN_INVALID */
export function keyId({ header: { kid } }: TokenParts): string {
  if (typeof kid === 'string' && kid.trim() !== '' && Buffer.byteLength(kid) <= MAX_KID_BYTES) return kid
  throw tokenInvalid('kid', "A token must name its issuer's key by kid.")
}

/** `jti`, if there is one. @throws {StintError} TOKEN_INVALID */
export function tokenId({ jti }: TokenParts['claims']): string | undefined {
  if (jti === undefined) return undefined
  if (typeof jti === 'string' && jti !== '' && jti.isWellFormed() && Buffer.byteLength(jti) <= MAX_JTI_BYTES) return jti
  throw tokenInvalid(
    'token-id',
    `A token's jti must be a string of whole Unicode characters, 1 to ${MAX_JTI_BYTES} bytes.`,
  )
}

/** A claim that names the agent. @throws {StintError} TOKEN_INVALID */
export function subjectValue(claims: TokenParts['claims'], { name, pointer }: ClaimReference): string {
  const value = readClaim(claims, pointer)
  if (typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_VALUE_BYTES) return value
  const explanation = `The claim ${name} identifies the agent; it must be a string of 1 to ${MAX_VALUE_BYTES} bytes.`
  throw tokenInvalid('subject', explanation)
}

function checkCritical({ header }: TokenParts): string {
  if (!Object.hasOwn(header, 'crit') && !Object.hasOwn(header, 'b64')) return 'nothing critical'
  throw tokenInvalid('header', 'A token must not have critical headers (crit, b64).')
}

function checkType({ header: { typ } }: TokenParts): string {
  if (typ === undefined || typ === 'JWT') return typ === undefined ? 'no typ' : 'typ JWT'
  throw tokenInvalid('type', "An identity token's typ, if present, must be exactly JWT.")
}

function checkAlgorithm({ header: { alg } }: TokenParts, { algorithms }: OidcIssuer): string {
  if (typeof alg === 'string' && algorithms.includes(alg)) return `alg ${alg}`
  throw tokenInvalid('algorithm', `Tokens from this issuer must be signed with ${algorithms.join(' or ')}.`)
}

function audienceFinding({ claims: { aud } }: TokenParts, { audiences }: OidcIssuer): string {
  return `aud ${checkAudience(aud, { accepted: audiences, sole: true }).join(', ')}`
}

function checkParty({ claims }: TokenParts, { partyClaims, authorizedParties, subject }: OidcIssuer): string {
  const present = partyClaims.filter((name) => Object.hasOwn(claims, name))
  if (present.length === 0 && authorizedParties.length > 0) {
    throw tokenInvalid(
      'authorized-party',
      `The token does not name the client it was issued for (${partyClaims.join(', ')}).`,
    )
  }
  for (const name of present) {
    const party = claims[name]
    if (typeof party === 'string' && authorizedParties.includes(party)) continue
    const byRegistration = authorizedParties.length === 0 && subject.some(({ pointer }) => pointer === `/${name}`)
    if (typeof party === 'string' && byRegistration) continue
    throw tokenInvalid('authorized-party', `The token was issued for the client ${name}, which is not allowed.`)
  }
  return present.length === 0 ? 'none named' : present.map((name) => `${name} ${text(claims[name])}`).join(', ')
}

function bindingFinding(claims: TokenParts['claims']): string {
  const boundTo = readConfirmation(claims)
  return boundTo === undefined ? 'a bearer token' : `bound to the certificate ${boundTo}`
}

function checkCondition(claims: TokenParts['claims'], { name, pointer, values }: Condition): string {
  const value = readClaim(claims, pointer)
  if (values.some((allowed) => allowed === value)) return text(value)
  throw tokenInvalid('condition', `The claim ${name} does not have an allowed value.`)
}

function text(value: StrictJson | undefined): string {
  return typeof value === 'string'
    ? value
    : String(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)))
}
