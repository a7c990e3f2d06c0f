import { fillTemplate } from '../../../aws/roles/role-template.ts'
import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import { cancelled } from '../calls/call.ts'
import { CircuitBreaker } from '../calls/circuit-breaker.ts'
import type { IamClients } from '../calls/clients.ts'
import type { DenyLists } from '../deny/deny-lists.ts'
import { BrokerCredentials, CredentialSourceError } from '../own-credentials/broker-credentials.ts'
import type { IamAccess } from './iam-access.ts'
import { assumeRevoker, documentPolicy, type RevokerSessionDeps } from './revoker-session.ts'

/** Dependencies of `IamAccounts`. */
export interface IamAccountsDeps {
  readonly denyLists: DenyLists
  /** For deny lists without a revoker: the broker's own credentials, or those of `revokerCredentials`. */
  readonly own: Pick<IamAccess, 'client' | 'credentials'>
  readonly revokers: RevokerSessionDeps
  /** Makes the sockets of one account. An account whose IAM hangs takes none from another. */
  readonly createClients: () => IamClients
  readonly clock: Clock
}

interface Account {
  readonly clients: IamClients
  readonly breaker: CircuitBreaker
  /** Access by the key of the list: each document has a session of its own, which may touch nothing else. */
  readonly documents: Map<string, IamAccess>
  usedAtMs: number
}

/** Sockets and credentials of an account are dropped after so long without a write. No write takes a tenth of it. */
const IDLE_MS = 600_000

/** Access to the IAM of each account, made when first needed. */
export class IamAccounts {
  readonly #deps: IamAccountsDeps
  readonly #accounts = new Map<string, Account>()
  readonly #stop = new AbortController()

  constructor(deps: IamAccountsDeps) {
    this.#deps = deps
  }

  /** @throws {StintError} PROVIDER_REFUSED for a deny list that no configured role has. */
  accessTo(target: string): IamAccess {
    const { document, place, revoker } = this.#deps.denyLists.require(target)
    this.#dropIdle()
    // Without revokers there is one account, so no other has to be kept from its failures.
    if (!revoker) return this.#deps.own
    const roleArn = fillTemplate(revoker.roleArn, place)
    const account = this.#account(roleArn)
    const known = account.documents.get(target)
    if (known) return known
    const request = {
      roleArn,
      externalId: revoker.externalId && { source: revoker.externalId, place, isListed: true },
      target,
      sessionPolicy: documentPolicy(document, target),
    }
    const credentials = new BrokerCredentials({
      clock: this.#deps.clock,
      read: () => assumeRevoker(this.#deps.revokers, request, this.#stop.signal),
    })
    const access: IamAccess = {
      client: account.clients.clientFor(credentials.source),
      credentials,
      breaker: account.breaker,
      revoker: { roleArn, accountId: place.accountId },
      ready: (signal) => obtain(credentials, signal),
    }
    account.documents.set(target, access)
    return access
  }

  /** Access is made anew when next needed: revokers and external ids may be others from now on. Calls under way go on. */
  forget(): void {
    for (const { documents } of this.#accounts.values()) documents.clear()
  }

  close(): void {
    this.#stop.abort()
    for (const { clients } of this.#accounts.values()) clients.close()
    this.#accounts.clear()
  }

  #account(revokerArn: string): Account {
    const usedAtMs = this.#deps.clock.monotonicMs()
    const known = this.#accounts.get(revokerArn)
    if (known) {
      known.usedAtMs = usedAtMs
      return known
    }
    const { createClients, clock } = this.#deps
    const made = { clients: createClients(), breaker: new CircuitBreaker({ clock }), documents: new Map(), usedAtMs }
    this.#accounts.set(revokerArn, made)
    return made
  }

  #dropIdle(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const [revokerArn, { clients, usedAtMs }] of this.#accounts) {
      if (nowMs - usedAtMs < IDLE_MS) continue
      clients.close()
      this.#accounts.delete(revokerArn)
    }
  }
}

/**
 * Obtains credentials before a call uses them, so that a refusal of the revoker is reported as such. When this caller gives
 * up, the reading goes on for others.
 */
export async function obtain(credentials: BrokerCredentials, signal: AbortSignal): Promise<void> {
  const { source } = credentials
  if (typeof source !== 'function') return
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(cancelled())
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    await Promise.race([source(), stopped])
  } catch (thrown) {
    if (thrown instanceof CredentialSourceError && thrown.cause instanceof StintError) throw thrown.cause
    throw thrown
  } finally {
    signal.removeEventListener('abort', onAbort)
    stopped.catch(() => undefined) // read through the race only
  }
}
