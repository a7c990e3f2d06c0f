import { splitArn } from '../../aws/arn.ts'
import type { StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { ObservedCall } from './calls/observer.ts'
import { LOOK_OPERATION } from './own-credentials/caller-identity.ts'

/** Callbacks for a part that fails or works again. */
export type PartReports = Pick<PartHealth, 'failed' | 'well'>

/** Refusals that say that the role itself is set up wrongly, or not at all; others are about one request. */
const ROLE_CODES = ['AccessDenied', 'UnauthorizedAccess', 'NoSuchEntity', 'RegionDisabledException', 'RegionDisabled']

/**
 * The roles and accounts that the operator has named. An agent may make up any that a pattern allows, so what fails there is a
 * problem only if it has ever worked.
 */
export interface NamedRoles {
  readonly roleArns: ReadonlySet<string>
  readonly accounts: ReadonlySet<string>
  /** All roles are in one account: that one gets no answer when STS gives none. */
  readonly oneAccount: boolean
}

/** Roles and accounts of patterns that are remembered to have worked. */
const MAX_WORKED = 20_000

/**
 * Turns the ends of AWS calls into problems of parts, each until that very thing works again:
 * - `aws:sts`, `aws:iam`: the broker's credentials for the service are refused, or the service cannot be used
 * - `aws:sts:<account>`: calls for the roles of one account get no answer; several at once are `aws:sts`
 * - `aws:iam:<account>`: IAM cannot be used through the revoker of an account
 * - `aws:sts:throttled`, `aws:iam:throttled`, `aws:iam:<account>:throttled`: AWS wants fewer calls
 * - `aws:role:<ARN>`: this role does not take the broker
 *
 * A deny list that cannot be written is `deny:<key>`, which its writer reports.
 */
export class ProviderProblems {
  readonly #reports: PartReports
  readonly #named: NamedRoles
  /** Components that a look at the credentials can clear: those it reported itself, and those with refused credentials. */
  readonly #clearedByLook = new Set<string>()
  /** Accounts whose calls get no answer, since the last answer of any other. */
  readonly #silent = new Set<string>()
  /** Roles, and accounts, that have worked. */
  readonly #worked = new BoundedMap<true>({ limit: MAX_WORKED })

  constructor(reports: PartReports, named: NamedRoles) {
    this.#reports = reports
    this.#named = named
  }

  callEnded(call: ObservedCall & { readonly error: StintError | undefined }): void {
    if (call.error) this.#failed(call, call.error)
    else this.#succeeded(call)
  }

  #succeeded(call: ObservedCall): void {
    this.#answered(call)
    if (call.operation === LOOK_OPERATION) return
    this.#reports.well(`${componentOf(call)}:throttled`)
    if (!call.roleArn) return
    this.#worked.set(call.roleArn, true)
    this.#worked.set(accountOf(call.roleArn), true)
    this.#reports.well(`aws:role:${call.roleArn}`)
  }

  #failed(call: ObservedCall, error: StintError): void {
    const component = componentOf(call)
    const { fault, awsCode } = error.details
    if (fault === 'throttled') {
      this.#reports.failed(`${component}:throttled`, error)
    } else if (fault === 'down' && call.roleArn) {
      this.#gotNoAnswer(component, accountOf(call.roleArn), error)
    } else if (stopsAll(error)) {
      const byLook = call.operation === LOOK_OPERATION || fault === 'broker_credentials'
      if (byLook) this.#clearedByLook.add(component)
      else this.#clearedByLook.delete(component)
      this.#reports.failed(component, error)
    } else {
      // Whoever refuses the role or the request has taken the credentials.
      if (fault === 'refused') this.#answered(call)
      const ofRole = fault === 'refused' && ROLE_CODES.includes(String(awsCode))
      if (call.roleArn && (ofRole || error.code === 'PROVIDER_ANSWER_INVALID')) this.#roleFailed(call, error)
    }
  }

  /** One account that gets no answer is its own problem; with a second one, the way to STS is. */
  #gotNoAnswer(component: string, accountId: string, error: StintError): void {
    const { accounts, oneAccount } = this.#named
    const isKnown = accounts.has(accountId) || this.#worked.get(accountId) === true
    this.#silent.add(isKnown ? accountId : 'made up')
    if (!oneAccount && isKnown) this.#reports.failed(`${component}:${accountId}`, error)
    if (!oneAccount && this.#silent.size < 2) return
    this.#clearedByLook.delete(component)
    this.#reports.failed(component, error)
  }

  #roleFailed({ roleArn = '', target }: ObservedCall, error: StintError): void {
    const isKnown = target !== undefined || this.#named.roleArns.has(roleArn) || this.#worked.get(roleArn)
    if (isKnown) this.#reports.failed(`aws:role:${roleArn}`, error)
  }

  #answered(call: ObservedCall): void {
    const component = componentOf(call)
    if (call.operation === LOOK_OPERATION && !this.#clearedByLook.has(component)) return
    this.#clearedByLook.delete(component)
    this.#reports.well(component)
    if (!call.roleArn) return
    this.#silent.clear()
    if (!this.#named.oneAccount) this.#reports.well(`${component}:${accountOf(call.roleArn)}`)
  }
}

/** The cause of a failure that stops more than one role: the broker's own credentials, or the revoker of an account. */
function componentOf({ service, accountId }: ObservedCall): string {
  return accountId === undefined ? `aws:${service}` : `aws:${service}:${accountId}`
}

function accountOf(roleArn: string): string {
  return splitArn(roleArn).account ?? ''
}

function stopsAll({ code, details }: StintError): boolean {
  return ['broker_credentials', 'clock', 'down'].includes(String(details.fault)) || code === 'CLOCK_UNSTABLE'
}
