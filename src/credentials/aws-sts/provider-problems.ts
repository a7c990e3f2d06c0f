import type { StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import type { ObservedCall } from './calls/observer.ts'
import { LOOK_OPERATION } from './own-credentials/caller-identity.ts'

/** Callbacks for a part that fails or works again. */
export type PartReports = Pick<PartHealth, 'failed' | 'well'>

/** Refusals that say that the role itself is set up wrongly, or not at all; others are about one request. */
const ROLE_CODES = ['AccessDenied', 'UnauthorizedAccess', 'NoSuchEntity', 'RegionDisabledException', 'RegionDisabled']

/**
 * Turns the ends of AWS calls into problems of parts, each until that very thing works again:
 * - `aws:sts`, `aws:iam`: the broker's credentials for the service are refused, or the service cannot be used
 * - `aws:sts:throttled`, `aws:iam:throttled`: AWS wants fewer calls
 * - `aws:role:<ARN>`: this role does not take the broker
 *
 * A deny list that cannot be written is `deny:<list>`, which its writer reports.
 */
export class ProviderProblems {
  readonly #reports: PartReports
  /** Components that a look at the credentials can clear: those it reported itself, and those with refused credentials. */
  readonly #clearedByLook = new Set<string>()

  constructor(reports: PartReports) {
    this.#reports = reports
  }

  callEnded(call: ObservedCall & { readonly error: StintError | undefined }): void {
    const component = `aws:${call.service}`
    if (call.error) this.#failed(component, call, call.error)
    else this.#succeeded(component, call)
  }

  #succeeded(component: string, call: ObservedCall): void {
    this.#answered(component, call)
    if (call.operation === LOOK_OPERATION) return
    this.#reports.well(`${component}:throttled`)
    if (call.roleArn) this.#reports.well(`aws:role:${call.roleArn}`)
  }

  #failed(component: string, call: ObservedCall, error: StintError): void {
    const { fault, awsCode } = error.details
    if (fault === 'throttled') {
      this.#reports.failed(`${component}:throttled`, error)
    } else if (stopsAll(error)) {
      const byLook = call.operation === LOOK_OPERATION || fault === 'broker_credentials'
      if (byLook) this.#clearedByLook.add(component)
      else this.#clearedByLook.delete(component)
      this.#reports.failed(component, error)
    } else {
      // Whoever refuses the role or the request has taken the credentials.
      if (fault === 'refused') this.#answered(component, call)
      const ofRole = fault === 'refused' && ROLE_CODES.includes(String(awsCode))
      if (call.roleArn && (ofRole || error.code === 'PROVIDER_ANSWER_INVALID'))
        this.#reports.failed(`aws:role:${call.roleArn}`, error)
    }
  }

  #answered(component: string, { operation }: ObservedCall): void {
    if (operation === LOOK_OPERATION && !this.#clearedByLook.has(component)) return
    this.#clearedByLook.delete(component)
    this.#reports.well(component)
  }
}

function stopsAll({ code, details }: StintError): boolean {
  return ['broker_credentials', 'clock', 'down'].includes(String(details.fault)) || code === 'CLOCK_UNSTABLE'
}
