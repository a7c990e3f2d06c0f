import {
  GetPolicyCommand,
  ListEntitiesForPolicyCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam'
import { splitArn } from '../../aws/arn.ts'
import type { LeaseEndForm } from '../../aws/store-profile.ts'
import { asStintError, type ErrorDetails, StintError } from '../../core/errors.ts'
import { planWithoutAccess } from '../../plan/plan-without-access.ts'
import type { StartOwnSession } from '../own-session.ts'
import type { CredentialProvider } from '../provider.ts'
import type { FindIamAccess, IamAccess } from './accounts/iam-access.ts'
import { type Exchange, sendOnce } from './calls/call.ts'
import { toProviderFault } from './calls/errors.ts'
import { readAccount } from './deny/deny-list-locations.ts'
import type { DenyLists } from './deny/deny-lists.ts'
import { type AssumeRoleDeps, AssumeRoleMinter } from './mint/assume-role.ts'
import { toLeaseSession } from './mint/lease-session.ts'
import { type CallerIdentity, type CallerIdentityDeps, lookUpCaller } from './own-credentials/caller-identity.ts'

const PROBE_LEASE_MS = 60_000
/** The subject of sessions that show whether a role can be assumed. No agent can have it. */
const DOCTOR_SUBJECT = 'stint:doctor'

/** The result of one probe; `details` are ids, codes and a sentence. */
export type ProbeResult =
  | { readonly ok: true; readonly details: ErrorDetails }
  | { readonly ok: false; readonly code: StintError['code']; readonly details: ErrorDetails }

/** Dependencies of the probes, beside those of minting. */
export interface ProbeDeps extends AssumeRoleDeps {
  readonly accessTo: FindIamAccess
  /** The broker's credentials, and those that write deny lists if they are others. */
  readonly callers: readonly CallerIdentityDeps[]
  readonly denyLists: DenyLists
}

/** The checks that `stint doctor` makes in AWS. They change nothing. */
export class AwsProbes {
  readonly #deps: ProbeDeps

  constructor(deps: ProbeDeps) {
    this.#deps = deps
  }

  /** Checks that STS answers. `details` has our identity there, and the skew of its clock (`skewMs`, to the second). */
  identity(signal: AbortSignal): Promise<ProbeResult> {
    return outcome(async () => ({ ...(await this.#lookUp('sts', signal)) }))
  }

  /** Checks the credentials that write deny lists. Undefined if they are the broker's own. */
  async revoker(signal: AbortSignal): Promise<ProbeResult | undefined> {
    if (!this.#deps.callers.some(({ service }) => service === 'iam')) return undefined
    return outcome(async () => ({ ...(await this.#lookUp('iam', signal)) }))
  }

  /**
   * Checks all credentials of the broker. Faults go to the observer.
   *
   * @returns the identity that writes deny lists without a revoker.
   * @throws {StintError} the first fault
   */
  async credentials(signal: AbortSignal): Promise<CallerIdentity | undefined> {
    const looks = await Promise.allSettled(this.#deps.callers.map((deps) => lookUpCaller(deps, signal)))
    const identities = looks.map((look) => {
      if (look.status === 'rejected') throw look.reason
      return look.value
    })
    return identities.at(-1)
  }

  /**
   * Checks that the broker can assume the role with everything that a lease sends: source identity, tags, external id. It mints
   * one session whose policy denies everything, and discards the credentials. For a role that has an external id it tries another
   * without: a trust policy that takes it does not ask for the id, so whoever knows the role's ARN can have the broker act there.
   *
   * @returns `details.idNotRequired` is true if the role took the session without its external id.
   * @param start puts the session on record before it is started.
   */
  trust(roleArn: string, start: StartOwnSession, signal: AbortSignal): Promise<ProbeResult> {
    return outcome(async () => {
      const purpose = 'Show whether the broker can assume this role'
      const grantId = await this.#assume(roleArn, purpose, this.#deps, start, signal)
      const idNotRequired = await this.#takesNoExternalId(roleArn, start, signal)
      return { roleArn, grantId, ...(idNotRequired && { idNotRequired }) }
    })
  }

  async #takesNoExternalId(roleArn: string, start: StartOwnSession, signal: AbortSignal): Promise<boolean> {
    if (!(await this.#deps.externalIds.read(roleArn))) return false
    const purpose = 'Show whether this role asks for its external id'
    const without: AssumeRoleDeps = { ...this.#deps, externalIds: { read: async () => undefined }, observer: {} }
    return this.#assume(roleArn, purpose, without, start, signal).then(
      () => true,
      // It was refused, as it should be; or AWS gave no verdict, which is not the role's fault.
      () => false,
    )
  }

  async #assume(
    roleArn: string,
    purpose: string,
    deps: AssumeRoleDeps,
    start: StartOwnSession,
    signal: AbortSignal,
  ): Promise<string> {
    const { leaseEnd } = deps
    const task = { purpose, roleArn, ttlSeconds: PROBE_LEASE_MS / 1_000 }
    const plan = planWithoutAccess(DOCTOR_SUBJECT, task, denyEverything(leaseEnd))
    const minter = new AssumeRoleMinter(deps)
    const mint: CredentialProvider['mint'] = (request, stop) => minter.mint(toLeaseSession(request, leaseEnd), stop)
    const { lease } = await start({ plan, leaseMs: PROBE_LEASE_MS, mint }, signal)
    return lease.grantId
  }

  /**
   * Checks that the policy document of the role's deny list can be read, and that a boundary is used as one.
   *
   * @param writer the identity that writes deny lists, if known. Without a revoker it must be in the role's account.
   */
  revocation(roleArn: string, signal: AbortSignal, writer?: string): Promise<ProbeResult> {
    return outcome(async () => {
      const location = this.#deps.denyLists.findList(roleArn)
      if (!location)
        return {
          roleArn,
          placement: 'none',
          explanation: 'Sessions of this role cannot be revoked; they work until they expire.',
        }
      const { document } = this.#deps.denyLists.require(location.key)
      const access = this.#deps.accessTo(location.key)
      const revoker = access.revoker && { revokerArn: access.revoker.roleArn }
      if (!revoker && writer !== undefined) requireAccount(readAccount(location.key), writer)
      await access.ready?.(signal)
      const found =
        document.kind === 'inline'
          ? await this.#inline(document.roleName, access, signal)
          : await this.#boundary(document.policyArn, access, signal)
      const further = await this.#furtherDocuments(location.key, signal)
      return { location: location.key, ...revoker, ...found, ...further }
    })
  }

  /** A deny in a policy that a role of the list has not got does not reach that role. */
  async #furtherDocuments(listKey: string, signal: AbortSignal): Promise<ErrorDetails> {
    const { denyLists } = this.#deps
    const [, ...keys] = denyLists.listDocuments(listKey)
    for (const key of keys) {
      const { document } = denyLists.require(key)
      if (document.kind !== 'attached') continue
      const access = this.#deps.accessTo(key)
      await access.ready?.(signal)
      const names = await this.#rolesWith(document.policyArn, access, signal)
      const missing = denyLists.listedRoles(listKey).filter((arn) => !names.has(arn.slice(arn.lastIndexOf('/') + 1)))
      if (missing.length > 0 || names.size === 0)
        throw new StintError('PROVIDER_REFUSED', {
          explanation: `${document.policyArn} is not attached to ${missing.join(', ') || 'any role'}, so a deny in it does not reach ${missing.length > 1 ? 'them' : 'it'}; attach it, as a permissions policy.`,
          document: key,
        })
    }
    return keys.length > 0 ? { furtherDocuments: keys.length } : {}
  }

  /** The names of the roles that have a policy attached. */
  async #rolesWith(PolicyArn: string, access: IamAccess, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const names = new Set<string>()
    let Marker: string | undefined
    do {
      const command = new ListEntitiesForPolicyCommand({
        ...{ PolicyArn, EntityFilter: 'Role', PolicyUsageFilter: 'PermissionsPolicy', MaxItems: 1_000 },
        ...(Marker === undefined ? {} : { Marker }),
      })
      const answer = await this.#send('ListEntitiesForPolicy', access, command, signal, (stop) =>
        access.client.send(command, { abortSignal: stop }),
      )
      for (const { RoleName } of answer.PolicyRoles ?? []) if (RoleName !== undefined) names.add(RoleName)
      Marker = answer.IsTruncated ? answer.Marker : undefined
    } while (Marker !== undefined)
    return names
  }

  #lookUp(service: CallerIdentityDeps['service'], signal: AbortSignal): Promise<CallerIdentity> {
    const deps = this.#deps.callers.find((caller) => caller.service === service)
    if (!deps) throw new StintError('INTERNAL')
    return lookUpCaller(deps, signal)
  }

  async #inline(RoleName: string, access: IamAccess, signal: AbortSignal): Promise<ErrorDetails> {
    const command = new ListRolePoliciesCommand({ RoleName })
    const { PolicyNames = [] } = await this.#send('ListRolePolicies', access, command, signal, (stop) =>
      access.client.send(command, { abortSignal: stop }),
    )
    return { placement: 'inline', inlinePolicies: PolicyNames.length }
  }

  async #boundary(PolicyArn: string, access: IamAccess, signal: AbortSignal): Promise<ErrorDetails> {
    const versions = new ListPolicyVersionsCommand({ PolicyArn })
    const { Versions = [] } = await this.#send('ListPolicyVersions', access, versions, signal, (stop) =>
      access.client.send(versions, { abortSignal: stop }),
    )
    const policy = new GetPolicyCommand({ PolicyArn })
    const { Policy } = await this.#send('GetPolicy', access, policy, signal, (stop) =>
      access.client.send(policy, { abortSignal: stop }),
    )
    const boundaryOf = Policy?.PermissionsBoundaryUsageCount ?? 0
    const attachedTo = Policy?.AttachmentCount ?? 0
    if (boundaryOf === 0 || attachedTo > 0)
      throw new StintError('PROVIDER_REFUSED', {
        explanation:
          boundaryOf === 0
            ? 'No role has this policy as its permissions boundary, so a deny in it stops nobody; set it on the task roles.'
            : 'This policy is also attached as a permissions policy, where its Allow grants everything; detach it.',
        boundaryOf,
        attachedTo,
      })
    return { placement: 'boundary', versions: Versions.length, boundaryOf }
  }

  async #send<R>(
    operation: string,
    { revoker }: IamAccess,
    command: { readonly input: object },
    signal: AbortSignal,
    send: (stop: AbortSignal) => Promise<R>,
  ): Promise<R> {
    const exchange: Exchange = { sent: false }
    const revokerArn = revoker && { revokerArn: revoker.roleArn }
    try {
      return await sendOnce(send, command, { timeoutMs: this.#deps.attemptTimeoutMs, signal, exchange })
    } catch (thrown) {
      if (thrown instanceof StintError) throw thrown
      throw toProviderFault(thrown, { operation, ...revokerArn, sent: exchange.sent }).error
    }
  }
}

/** @throws {StintError} PROVIDER_REFUSED */
function requireAccount(accountId: string, writer: string): void {
  const { account } = splitArn(writer)
  if (accountId === '' || account === accountId) return
  throw new StintError('PROVIDER_REFUSED', {
    explanation: `Credentials write policies in their own account only, so this deny list can never be written; name a role of account ${accountId} that the broker may assume (revocation.revoker).`,
  })
}

function denyEverything({ action: Action, resource: Resource }: LeaseEndForm): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action, Resource }] })
}

async function outcome(probe: () => Promise<ErrorDetails>): Promise<ProbeResult> {
  try {
    return { ok: true, details: await probe() }
  } catch (error) {
    const { code, details } = asStintError(error)
    return { ok: false, code, details }
  }
}
