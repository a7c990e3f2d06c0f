import type { StrictJson } from '../../core/documents/strict-json.ts'
import { isJsonObject } from '../../core/documents/strict-json.ts'
import { StintError } from '../../core/errors.ts'
import { tokenInvalid } from './jwt-token.ts'

/**
 * The key that a token is bound to. Only a certificate can be proved here, by the connection itself; a token that asks for another
 * proof (`jwk`, `jkt`, `kid`) is refused, since to take it as a plain bearer token would be to lose its protection.
 *
 * @returns the certificate's fingerprint, lower-case hex SHA-256 of its DER; undefined for a bearer token.
 * @throws {StintError} TOKEN_INVALID with `details.check` confirmation.
 * @see RFC 7800, section 3.1; RFC 8705, section 3.1; RFC 9449, section 6
 */
export function readConfirmation(claims: { readonly [name: string]: StrictJson }): string | undefined {
  if (!Object.hasOwn(claims, 'cnf')) return undefined
  const { cnf } = claims
  const [member, ...more] = isJsonObject(cnf) ? Object.entries(cnf) : []
  const [name, value] = member ?? []
  if (name !== 'x5t#S256' || more.length > 0 || typeof value !== 'string') {
    throw tokenInvalid('confirmation', "A token's cnf may have only x5t#S256, which binds it to a certificate.")
  }
  const digest = Buffer.from(value, 'base64url')
  if (digest.length === 32 && digest.toString('base64url') === value) return digest.toString('hex')
  throw tokenInvalid('confirmation', "A token's x5t#S256 must be the SHA-256 of a certificate in base64url.")
}

/**
 * Holds a bound token to its connection.
 *
 * @param boundTo what `readConfirmation` says of the token.
 * @param fingerprint of the leaf that the peer of this very connection has shown, if any.
 * @throws {StintError} TOKEN_BINDING_MISMATCH
 */
export function checkBinding(boundTo: string | undefined, fingerprint: string | undefined): void {
  if (boundTo === undefined || boundTo === fingerprint) return
  const explanation =
    fingerprint === undefined
      ? 'The token is bound to a certificate; call over mTLS with that certificate.'
      : 'The token is bound to a different certificate than this connection uses; fetch a new token for this certificate.'
  throw new StintError('TOKEN_BINDING_MISMATCH', { explanation })
}
