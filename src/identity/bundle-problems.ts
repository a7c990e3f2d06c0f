import { StintError } from '../core/errors.ts'

/** Something in a bundle that was left out of trust. An alarm wants a person; a warning is for the record. */
export interface BundleNote {
  readonly level: 'alarm' | 'warning'
  /** e.g. `key-secret`, `x5c-unusable`, `kid-missing`, `nothing-trusted`. */
  readonly code: string
  readonly explanation: string
}

/** A note that wants a person. */
export function alarm(code: string, explanation: string): BundleNote {
  return { level: 'alarm', code, explanation }
}

/** A note for the record. */
export function warning(code: string, explanation: string): BundleNote {
  return { level: 'warning', code, explanation }
}

/** A BUNDLE_INVALID whose `details.check` names the failed check in general terms. */
export function bundleInvalid(check: string, explanation: string, cause?: unknown): StintError {
  return new StintError('BUNDLE_INVALID', { check, explanation }, cause)
}
