import { StintError } from '../../core/errors.ts'
import { type TokenParts, tokenInvalid } from '../jwt/jwt-token.ts'
import * as times from '../jwt/token-times.ts'
import type { OidcIssuer } from './issuer.ts'

/** `exp`. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkExpiry({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  return `until ${iso(times.checkExpiry(claims, { now, leewaySeconds }))}`
}

/** `nbf`, if there is one. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkNotBefore({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  const nbf = times.checkNotBefore(claims, { now, leewaySeconds })
  return nbf === undefined ? 'no nbf' : `from ${iso(nbf)}`
}

/** `iat` is there and not in the future. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkIssuedAt({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  times.checkIssuedAt(claims, { now, leewaySeconds })
  return iso(times.requireInstant(claims, 'iat'))
}

/** How long the token was made to live. @throws {StintError} TOKEN_INVALID */
export function checkLifetime({ claims }: TokenParts, { maxLifetimeSeconds }: OidcIssuer): string {
  const life = (times.requireInstant(claims, 'exp') - times.requireInstant(claims, 'iat')) / 1000
  if (life > 0 && life <= maxLifetimeSeconds) return `${life} s of at most ${maxLifetimeSeconds} s`
  throw tokenInvalid('lifetime', `A token from this issuer must have a lifetime of 1 to ${maxLifetimeSeconds} s.`)
}

/** How long ago the token was made. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkAge({ claims }: TokenParts, { maxTokenAgeSeconds, leewaySeconds }: OidcIssuer, now: Date): string {
  const age = (now.getTime() - times.requireInstant(claims, 'iat')) / 1000
  if (age < maxTokenAgeSeconds + leewaySeconds) return `${Math.round(age)} s of at most ${maxTokenAgeSeconds} s`
  const explanation = `The token is older than the ${maxTokenAgeSeconds} s allowed for this issuer; fetch a new one.`
  throw new StintError('TOKEN_EXPIRED', { check: 'age', explanation })
}

function iso(instant: number): string {
  return new Date(instant).toISOString()
}
