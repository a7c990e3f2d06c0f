import type { StrictJson } from '../../core/documents/strict-json.ts'
import type { SpiffeId } from '../spiffe-id.ts'
import { parseSpiffeId } from '../spiffe-id.ts'
import { tokenInvalid } from './jwt-token.ts'
import { checkAudience } from './token-audience.ts'
import { checkExpiry, checkIssuedAt, checkNotBefore } from './token-times.ts'

/** The claims of a JWT-SVID that this service uses. */
export interface JwtClaims {
  readonly id: SpiffeId
  readonly expiresAt: Date
  readonly issuedAt?: Date
  /** `jti`. */
  readonly tokenId?: string
}

interface Rules {
  /** Our identifiers for the tokens of a trust domain. */
  readonly audiencesFor: (trustDomain: string) => readonly string[]
  readonly maxLifetimeSeconds: number
  readonly leewaySeconds: number
  readonly soleAudience: boolean
  readonly now: Date
}

type Claims = { readonly [key: string]: StrictJson }

const MAX_JTI_BYTES = 256

/**
 * Checks the claims of a JWT-SVID; whether they are signed is another question.
 *
 * @throws {StintError} TOKEN_INVALID or TOKEN_EXPIRED; `details.check` is subject, audience, expiry, not-before,
 *   issued-at, lifetime or token-id.
 * @see JWT-SVID, section 3; RFC 7519, section 4.1
 */
export function checkClaims(claims: Claims, rules: Rules): JwtClaims {
  const id = checkSubject(claims)
  checkAudienceFor(id, claims, rules)
  const times = checkTimes(claims, rules)
  const tokenId = checkTokenId(claims)
  return { id, ...times, ...(tokenId === undefined ? {} : { tokenId }) }
}

function checkSubject({ sub }: Claims): SpiffeId {
  let id: SpiffeId
  try {
    id = parseSpiffeId(sub)
  } catch (error) {
    throw tokenInvalid('subject', "A JWT-SVID's sub must be the workload's SPIFFE ID.", error)
  }
  if (id.path === '') throw tokenInvalid('subject', "A workload's SPIFFE ID must have a path.")
  return id
}

function checkAudienceFor({ trustDomain }: SpiffeId, { aud }: Claims, { audiencesFor, soleAudience }: Rules): void {
  const accepted = audiencesFor(trustDomain)
  if (accepted.length === 0) {
    const explanation = `JWT-SVIDs from ${trustDomain} are refused: no audience is configured for that trust domain.`
    throw tokenInvalid('audience', explanation)
  }
  checkAudience(aud, { accepted, sole: soleAudience })
}

function checkTimes(claims: Claims, rules: Rules): { expiresAt: Date; issuedAt?: Date } {
  const { maxLifetimeSeconds } = rules
  const exp = checkExpiry(claims, rules)
  checkNotBefore(claims, rules)
  const iat = checkIssuedAt(claims, rules)
  if (exp - (iat ?? rules.now.getTime()) > maxLifetimeSeconds * 1000) {
    throw tokenInvalid('lifetime', `The token's lifetime exceeds the maximum of ${maxLifetimeSeconds} s.`)
  }
  return { expiresAt: new Date(exp), ...(iat === undefined ? {} : { issuedAt: new Date(iat) }) }
}

function checkTokenId({ jti }: Claims): string | undefined {
  if (jti === undefined) return undefined
  if (typeof jti === 'string' && jti !== '' && jti.isWellFormed() && Buffer.byteLength(jti) <= MAX_JTI_BYTES) return jti
  throw tokenInvalid(
    'token-id',
    `A token's jti must be a string of whole Unicode characters, 1 to ${MAX_JTI_BYTES} bytes.`,
  )
}
