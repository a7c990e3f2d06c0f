import { type ErrorDetails, StintError } from '../../core/errors.ts'

/** The record is not as the caller saw it, or may not change so. */
export function conflict(explanation: string, details: ErrorDetails): StintError {
  return new StintError('LEDGER_CONFLICT', { explanation, ...details })
}

/** A mistake of our own code, refused before it can be recorded. */
export function misuse(explanation: string, grantId: string): StintError {
  return new StintError('INTERNAL', { explanation, grantId })
}
