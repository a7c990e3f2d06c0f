import type { StrictJson } from '../../core/documents/strict-json.ts'
import { StintError } from '../../core/errors.ts'
import { tokenInvalid } from './jwt-token.ts'

type Claims = { readonly [key: string]: StrictJson }

interface TimeRules {
  readonly now: Date
  /** For clocks that differ. */
  readonly leewaySeconds: number
}

const LAST_SECOND = 253_402_300_799 // end of the year 9999
/** The `details.check` of each claim. */
const CHECKS = { exp: 'expiry', nbf: 'not-before', iat: 'issued-at' } as const

/**
 * Reads `exp`, `nbf` or `iat` of any kind of token: seconds since 1970, with or without a fraction.
 *
 * @returns whole milliseconds since 1970; undefined when the claim is absent.
 * @throws {StintError} TOKEN_INVALID for anything but a number from 0 to the end of the year 9999.
 * @see RFC 7519, section 2 (NumericDate) and sections 4.1.4 to 4.1.6
 */
export function readInstant(claims: Claims, name: keyof typeof CHECKS): number | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= 0 && value <= LAST_SECOND) return Math.round(value * 1000)
  throw tokenInvalid(CHECKS[name], `The claim ${name} must be a number of seconds from 0 to ${LAST_SECOND}.`)
}

/** As `readInstant`, of a claim that must be there. @throws {StintError} TOKEN_INVALID */
export function requireInstant(claims: Claims, name: keyof typeof CHECKS): number {
  const instant = readInstant(claims, name)
  if (instant !== undefined) return instant
  throw tokenInvalid(CHECKS[name], `The token has no ${name}.`)
}

/** @returns `exp`. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkExpiry(claims: Claims, { now, leewaySeconds }: TimeRules): number {
  const exp = requireInstant(claims, 'exp')
  if (now.getTime() < exp + leewaySeconds * 1000) return exp
  throw expired('exp', 'The token has expired; fetch a new one.')
}

/** @returns `nbf`, if there is one. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkNotBefore(claims: Claims, rules: TimeRules): number | undefined {
  return notInFuture(claims, 'nbf', rules, 'The token is not valid yet.')
}

/** @returns `iat`, if there is one. @throws {StintError} TOKEN_INVALID, TOKEN_EXPIRED */
export function checkIssuedAt(claims: Claims, rules: TimeRules): number | undefined {
  return notInFuture(claims, 'iat', rules, "The token's iat is in the future; check the clocks.")
}

function notInFuture(
  claims: Claims,
  name: 'nbf' | 'iat',
  { now, leewaySeconds }: TimeRules,
  explanation: string,
): number | undefined {
  const instant = readInstant(claims, name)
  if (instant === undefined || instant <= now.getTime() + leewaySeconds * 1000) return instant
  throw expired(name, explanation)
}

function expired(name: keyof typeof CHECKS, explanation: string): StintError {
  return new StintError('TOKEN_EXPIRED', { check: CHECKS[name], explanation })
}
