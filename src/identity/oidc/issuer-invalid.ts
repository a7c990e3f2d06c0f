import { StintError } from '../../core/errors.ts'

/** An ISSUER_INVALID whose `details.check` names what of an issuer's documents cannot be used. */
export function issuerInvalid(check: string, explanation: string, cause?: unknown): StintError {
  return new StintError('ISSUER_INVALID', { check, explanation }, cause)
}
