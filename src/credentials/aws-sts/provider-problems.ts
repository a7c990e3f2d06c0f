import { arnAccount } from '../../aws/arn.ts'
import type { StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { ObservedCall } from './calls/observer.ts'
import { LOOK_OPERATION } from './own-credentials/caller-identity.ts'

/** Callbacks for a part that fails or works again. */
export type PartReports = Pick<PartHealth, 'failed' | 'well'>

/** Refusals that mean that the role is set up wrongly, or missing. Other refusals are about one request. */
const ROLE_CODES = ['AccessDenied', 'UnauthorizedAccess', 'NoSuchEntity', 'RegionDisabledException', 'RegionDisabled']

/**
 * The roles and accounts that the configuration spells. An agent can make up any other that a pattern allows, so a failure there
 * is a problem only if the role or account has worked before.
 */
export interface NamedRoles {
  readonly roleArns: ReadonlySet<string>
  readonly accounts: ReadonlySet<string>
  /** True if all roles are in one account. Then missing answers are a problem of STS, not of the account. */
  readonly oneAccount: boolean
}

/** Most roles and accounts that are remembered to have worked. */
const MAX_WORKED = 20_000

/**
 * Turns the ends of AWS calls into problems of parts, each until that very thing works again:
 * - `aws:sts`, `aws:iam`: the broker's credentials for the service are refused, or the service cannot be used
 * - `aws:sts:<account>`: calls for the roles of one account get no answer; several at once are `aws:sts`
 * - `aws:iam:<account>`: IAM cannot be used through the revoker of an account
 * - `aws:sts:throttled`, `aws:iam:throttled`, `aws:iam:<account>:throttled`: AWS throttles the calls
 * - `aws:role:<ARN>`: AWS refuses the broker this role
 *
 * A deny list that cannot be written is `deny:<key>`, which its writer reports.
 */
export class ProviderProblems {
  readonly #reports: PartReports
  #named: NamedRoles
  /** Roles that the status has a problem of. */
  readonly #failedRoles = new Set<string>()
  /** Components of accounts whose calls get no answer, with the role that was called last. */
  readonly #failedAccounts = new Map<string, string>()
  #isServed: (roleArn: string) => boolean = () => true
  /** Components that a check of the credentials can clear: those that it reported, and those with refused credentials. */
  readonly #clearedByLook = new Set<string>()
  /** Accounts whose calls get no answer, since the last answer of any other. */
  readonly #silent = new Set<string>()
  /** Roles, and accounts, that have worked. */
  readonly #worked = new BoundedMap<true>({ limit: MAX_WORKED })

  constructor(reports: PartReports, named: NamedRoles) {
    this.#reports = reports
    this.#named = named
  }

  /**
   * The configuration names other roles from now on. What was wrong with a role that it no longer serves is no problem any more, and
   * nobody would call the role again to show that it works: so a call that ends later shows none either.
   */
  setNamed(named: NamedRoles, isServed: (roleArn: string) => boolean): void {
    this.#named = named
    this.#isServed = isServed
    for (const roleArn of this.#failedRoles) if (!isServed(roleArn)) this.#roleWorks(roleArn)
    for (const [component, roleArn] of this.#failedAccounts) if (!isServed(roleArn)) this.#accountAnswers(component)
  }

  /** True if a look at the credentials can show that the component works again; else only the call that failed can. */
  isClearedByLook(component: string): boolean {
    return this.#clearedByLook.has(component)
  }

  callEnded(call: ObservedCall & { readonly error: StintError | undefined }): void {
    if (call.error) this.#failed(call, call.error)
    else this.#succeeded(call)
  }

  #succeeded(call: ObservedCall): void {
    this.#answered(call)
    if (call.operation === LOOK_OPERATION) return
    this.#reports.well(`${callComponent(call)}:throttled`)
    if (!call.roleArn) return
    this.#worked.set(call.roleArn, true)
    this.#worked.set(arnAccount(call.roleArn), true)
    this.#roleWorks(call.roleArn)
  }

  #roleWorks(roleArn: string): void {
    this.#failedRoles.delete(roleArn)
    this.#reports.well(`aws:role:${roleArn}`)
  }

  #failed(call: ObservedCall, error: StintError): void {
    const component = callComponent(call)
    const { fault, awsCode } = error.details
    if (fault === 'throttled') {
      this.#reports.failed(`${component}:throttled`, error)
    } else if (fault === 'down' && call.roleArn) {
      if (this.#isServed(call.roleArn)) this.#gotNoAnswer(component, call.roleArn, error)
    } else if (stopsAll(error)) {
      const byLook = call.operation === LOOK_OPERATION || fault === 'broker_credentials'
      if (byLook) this.#clearedByLook.add(component)
      else this.#clearedByLook.delete(component)
      this.#reports.failed(component, error)
    } else {
      // A refusal of the role or the request means that the credentials were accepted.
      if (fault === 'refused') this.#answered(call)
      const ofRole = fault === 'refused' && ROLE_CODES.includes(String(awsCode))
      if (call.roleArn && (ofRole || error.code === 'PROVIDER_ANSWER_INVALID')) this.#roleFailed(call, error)
    }
  }

  /** Missing answers for one account are a problem of that account; for a second one as well, a problem of STS. */
  #gotNoAnswer(component: string, roleArn: string, error: StintError): void {
    const { oneAccount } = this.#named
    const accountId = arnAccount(roleArn)
    const isKnown = this.#isKnownAccount(accountId)
    this.#silent.add(isKnown ? accountId : 'made up')
    if (!oneAccount && isKnown) {
      this.#failedAccounts.set(`${component}:${accountId}`, roleArn)
      this.#reports.failed(`${component}:${accountId}`, error)
    }
    if (!oneAccount && this.#silent.size < 2) return
    this.#clearedByLook.delete(component)
    this.#reports.failed(component, error)
  }

  #accountAnswers(component: string): void {
    this.#failedAccounts.delete(component)
    this.#reports.well(component)
  }

  #roleFailed({ roleArn = '', target }: ObservedCall, error: StintError): void {
    if (!this.#isServed(roleArn)) return
    // A revoker is the operator's own, but its account may be made up.
    const isOwn = target !== undefined && this.#isKnownAccount(arnAccount(roleArn))
    if (!isOwn && !this.#named.roleArns.has(roleArn) && !this.#worked.get(roleArn)) return
    this.#failedRoles.add(roleArn)
    this.#reports.failed(`aws:role:${roleArn}`, error)
  }

  #isKnownAccount(accountId: string): boolean {
    return this.#named.accounts.has(accountId) || this.#worked.get(accountId) === true
  }

  #answered(call: ObservedCall): void {
    const component = callComponent(call)
    if (call.operation === LOOK_OPERATION && !this.#clearedByLook.has(component)) return
    this.#clearedByLook.delete(component)
    this.#reports.well(component)
    if (!call.roleArn) return
    this.#silent.clear()
    if (!this.#named.oneAccount) this.#accountAnswers(`${component}:${arnAccount(call.roleArn)}`)
  }
}

/** The component of the status that a call belongs to: `aws:<service>`, or one account's part of it. */
function callComponent({ service, accountId }: ObservedCall): string {
  return accountId === undefined ? `aws:${service}` : `aws:${service}:${accountId}`
}

function stopsAll({ code, details }: StintError): boolean {
  return ['broker_credentials', 'clock', 'down'].includes(String(details.fault)) || code === 'CLOCK_UNSTABLE'
}
