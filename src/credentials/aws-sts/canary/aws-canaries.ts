import { GetRoleCommand, type IAMClient } from '@aws-sdk/client-iam'
import { fillTemplate } from '../../../aws/roles/role-template.ts'
import { StintError } from '../../../core/errors.ts'
import { BoundedMap } from '../../../core/limits/bounded-map.ts'
import { TokenBucket } from '../../../core/limits/token-bucket.ts'
import type { Canaries, CanaryAnswer, CanaryRole } from '../../canary.ts'
import type { IssuedCredentials, MintRequest } from '../../provider.ts'
import { MintLanes } from '../accounts/mint-lanes.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import type { IamClients } from '../calls/clients.ts'
import { toProviderFault } from '../calls/errors.ts'
import type { DenyLists } from '../deny/deny-lists.ts'
import { type AssumeRoleDeps, AssumeRoleMinter } from '../mint/assume-role.ts'
import { ExternalIds, type RoleExternalId } from '../mint/external-ids.ts'
import { toLeaseSession } from '../mint/lease-session.ts'
import { requireRoleArn } from '../role-arn.ts'

/** Canaries whose external ids are known; there is one for each deny list. */
const MAX_CANARIES = 20_000
/** Two mints for each deny list that changes; apart from the pace of leases and revokers, so that none waits for another. */
const CALLS_PER_SECOND = 100
/** AWS's words for "policies do not allow this"; an expired or unknown session has others. */
const REFUSALS: readonly string[] = ['AccessDenied', 'AccessDeniedException']

/** Dependencies of the canaries, beside those of minting. */
export interface AwsCanariesDeps extends AssumeRoleDeps {
  readonly denyLists: DenyLists
  /** Sockets of their own: a canary that hangs takes none from a write of a deny list. */
  readonly clients: IamClients
}

/** Canaries that read their own role: `iam:GetRole` costs nothing, and works in every account. */
export class AwsCanaries implements Canaries {
  readonly #deps: AwsCanariesDeps
  readonly #minter: AssumeRoleMinter
  readonly #externalIds = new BoundedMap<RoleExternalId>({ limit: MAX_CANARIES })
  readonly #readIds: ExternalIds
  readonly #signed = new WeakMap<IssuedCredentials, IAMClient>()

  constructor(deps: AwsCanariesDeps) {
    const { clock, observer } = deps
    this.#deps = deps
    this.#readIds = new ExternalIds({
      clock,
      find: (roleArn) => this.#externalIds.get(roleArn),
      onProblem: (roleArn, error) => observer.externalIdRead?.(roleArn, error),
    })
    this.#minter = new AssumeRoleMinter({
      ...deps,
      bucket: new TokenBucket({ clock, ratePerSecond: CALLS_PER_SECOND }),
      // A breaker for each role: a canary that cannot be assumed must not hold back the task roles of its account.
      lanes: new MintLanes({ clock, isListed: () => true }),
      externalIds: this.#readIds,
    })
  }

  find(listKey: string): CanaryRole | undefined {
    const { canary, place } = this.#deps.denyLists.find(listKey) ?? {}
    if (!canary || !place) return undefined
    const roleArn = fillTemplate(canary.roleArn, place)
    return { roleArn, access: { actions: ['iam:GetRole'], resources: [roleArn] } }
  }

  async mint(listKey: string, request: MintRequest, signal: AbortSignal): Promise<IssuedCredentials> {
    const { denyLists, leaseEnd } = this.#deps
    const { canary, place } = denyLists.require(listKey)
    if (canary?.externalId)
      this.#externalIds.set(request.lease.roleArn, { source: canary.externalId, place, isListed: true })
    return this.#minter.mint(toLeaseSession(request, leaseEnd), signal)
  }

  async look({ roleArn }: CanaryRole, credentials: IssuedCredentials, signal: AbortSignal): Promise<CanaryAnswer> {
    const client = this.#clientFor(credentials)
    const command = new GetRoleCommand({ RoleName: requireRoleArn(roleArn).name })
    const exchange: Exchange = { sent: false }
    const answer = (allowed: boolean) => ({ allowed, ...(exchange.serverDate && { at: exchange.serverDate }) })
    try {
      await sendOnce((abortSignal) => client.send(command, { abortSignal }), command, {
        timeoutMs: this.#deps.attemptTimeoutMs,
        signal,
        exchange,
      })
      return answer(true)
    } catch (thrown) {
      if (thrown instanceof StintError) throw thrown
      const secrets = [credentials.secretAccessKey.reveal(), credentials.sessionToken.reveal()]
      const fault = toProviderFault(thrown, { operation: 'GetRole', roleArn, secrets, sent: exchange.sent })
      if (REFUSALS.includes(fault.awsCode)) return answer(false)
      throw fault.error
    }
  }

  /** Canaries and their external ids may be others from now on. */
  forget(): void {
    this.#externalIds.clear()
    this.#readIds.forget()
  }

  close(): void {
    this.#deps.clients.close()
  }

  #clientFor(credentials: IssuedCredentials): IAMClient {
    const known = this.#signed.get(credentials)
    if (known) return known
    const client = this.#deps.clients.clientFor({
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    })
    this.#signed.set(credentials, client)
    return client
  }
}
