import { StintError } from '../../core/errors.ts'
import { type TokenParts, tokenInvalid } from '../jwt-token.ts'
import type { OidcIssuer } from './issuer.ts'

const LAST_SECOND = 253_402_300_799 // end of the year 9999

/** `exp` or `iat` in seconds. @throws {StintError} TOKEN_INVALID */
export function requiredSeconds(claims: TokenParts['claims'], name: 'exp' | 'iat'): number {
  const value = optionalSeconds(claims, name)
  if (value !== undefined) return value
  throw tokenInvalid(name === 'exp' ? 'expiry' : 'issued-at', `The token has no ${name}.`)
}

function optionalSeconds(claims: TokenParts['claims'], name: string): number | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LAST_SECOND) return value
  const check = { exp: 'expiry', iat: 'issued-at', nbf: 'not-before' }[name] ?? name
  throw tokenInvalid(check, `The claim ${name} is not a plausible whole number of seconds.`)
}

/** `exp`. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkExpiry({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  const exp = requiredSeconds(claims, 'exp')
  if (seconds(now) < exp + leewaySeconds) return `until ${instant(exp)}`
  throw expired('expiry', 'The token has expired; fetch a new one.')
}

/** `nbf`, if there is one. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkNotBefore({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  const nbf = optionalSeconds(claims, 'nbf')
  if (nbf === undefined) return 'no nbf'
  if (nbf <= seconds(now) + leewaySeconds) return `from ${instant(nbf)}`
  throw expired('not-before', 'The token is not valid yet.')
}

/** `iat` is not in the future. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkIssuedAt({ claims }: TokenParts, { leewaySeconds }: OidcIssuer, now: Date): string {
  const iat = requiredSeconds(claims, 'iat')
  if (iat <= seconds(now) + leewaySeconds) return instant(iat)
  throw expired('issued-at', 'The token is from the future.')
}

/** How long the token was made to live. @throws {StintError} TOKEN_INVALID */
export function checkLifetime({ claims }: TokenParts, { maxLifetimeSeconds }: OidcIssuer): string {
  const life = requiredSeconds(claims, 'exp') - requiredSeconds(claims, 'iat')
  if (life > 0 && life <= maxLifetimeSeconds) return `${life} s of at most ${maxLifetimeSeconds} s`
  throw tokenInvalid('lifetime', `A token of this issuer may live ${maxLifetimeSeconds} s at most, and must live.`)
}

/** How long ago the token was made. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkAge({ claims }: TokenParts, { maxTokenAgeSeconds, leewaySeconds }: OidcIssuer, now: Date): string {
  const age = seconds(now) - requiredSeconds(claims, 'iat')
  if (age < maxTokenAgeSeconds + leewaySeconds) return `${Math.round(age)} s of at most ${maxTokenAgeSeconds} s`
  throw expired('age', `The token is older than the ${maxTokenAgeSeconds} s allowed for this issuer; fetch a new one.`)
}

function seconds(now: Date): number {
  return now.getTime() / 1000
}

function instant(value: number): string {
  return new Date(value * 1000).toISOString()
}

function expired(check: string, explanation: string): StintError {
  return new StintError('TOKEN_EXPIRED', { check, explanation })
}
