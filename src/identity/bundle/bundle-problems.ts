import { StintError } from '../../core/errors.ts'

/** Something in a bundle that was left out of trust. An alarm wants a person; a warning is for the record. */
export interface BundleNote {
  readonly level: 'alarm' | 'warning'
  /** e.g. `key-secret`, `x5c-unusable`, `kid-missing`, `nothing-trusted`. */
  readonly code: string
  readonly explanation: string
}

/** How a part that gets bundles says where it stands, e.g. `bundle:example.org`. Neither may throw. */
export interface BundleReports {
  /** The component's problem now; undefined: it works. */
  readonly onState: (component: string, problem: StintError | undefined) => void
  /** All that a person should see in what the component has loaded, in the place of what was said of it before. */
  readonly onNotes: (component: string, notes: readonly BundleNote[]) => void
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
