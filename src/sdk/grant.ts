import type { Clock } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import { asStintError } from '../core/errors.ts'
import { completedHere, isTerminal } from './grant-end.ts'
import { LeaseCache, type LeaseWait } from './lease-cache.ts'
import type { ActivityReport, AwsCredentials, CredentialProvider, GrantAnswer, GrantInfo, LeaseInfo } from './types.ts'

/** Dependencies of a grant handle. */
export interface GrantDependencies {
  readonly clock: Clock
  renew(grantId: string): Promise<GrantAnswer>
  complete(grantId: string, note: string): Promise<GrantInfo>
  report(grantId: string, activities: readonly ActivityReport[]): Promise<void>
  follow(grantId: string, signal: AbortSignal): AsyncIterable<GrantInfo>
}

/** An active grant in the hands of its agent. Complete it when the task is done; `close` only stops watching it. */
export class Grant {
  readonly id: string
  readonly #deps: GrantDependencies
  readonly #leases: LeaseCache
  readonly #stop = new AbortController()
  readonly #watching: Promise<void>
  #completing: Promise<GrantInfo> | undefined

  /** @param answer an active grant with its lease. */
  constructor(answer: GrantAnswer, deps: GrantDependencies) {
    this.id = answer.grant.id
    this.#deps = deps
    this.#leases = new LeaseCache({ clock: deps.clock, initial: answer, renew: () => deps.renew(this.id) })
    this.#watching = this.#watch()
  }

  /** As the broker last said. */
  get info(): GrantInfo {
    return this.#leases.info
  }

  /** Aborts when the grant is ending or ended, whoever ended it; the reason is the StintError. */
  get signal(): AbortSignal {
    return this.#leases.ended
  }

  /**
   * A provider for any AWS SDK v3 client: from memory, renewed ahead; throws the StintError once the grant is over.
   *
   * @param wait how long a call waits for a broker that is away before it gets what still works, or BROKER_UNAVAILABLE; the
   *   client's deadline if left out.
   */
  credentials(wait?: LeaseWait): CredentialProvider {
    return async () => toAwsCredentials(await this.#leases.lease(wait))
  }

  /** The lease that can be used now; a new one if need be. `wait` as in `credentials`. */
  lease(wait?: LeaseWait): Promise<LeaseInfo> {
    return this.#leases.lease(wait)
  }

  /** A new lease now. */
  renew(): Promise<LeaseInfo> {
    return this.#leases.renew()
  }

  /** Adds the agent's own account to the trail. Not retried, since a repeat would stand there twice. */
  report(activities: readonly ActivityReport[]): Promise<void> {
    return this.#deps.report(this.id, activities)
  }

  /**
   * Says that the task is over. From here on the providers throw, whether or not the broker could be told.
   *
   * @param note the agent's own word on how it went.
   */
  complete(note = ''): Promise<GrantInfo> {
    this.#completing ??= this.#complete(note).catch((error: StintError) => {
      this.#completing = undefined
      throw error
    })
    return this.#completing
  }

  /** Stops watching; the grant runs on. Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#watching
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.complete()
  }

  async #complete(note: string): Promise<GrantInfo> {
    this.#leases.end(completedHere(this.id))
    await this.close()
    const info = await this.#deps.complete(this.id, note)
    this.#leases.observe(info)
    return info
  }

  async #watch(): Promise<void> {
    try {
      for await (const grant of this.#deps.follow(this.id, this.#stop.signal)) this.#leases.observe(grant)
    } catch (error) {
      const known = asStintError(error)
      // Without the watch a grant still ends by its renewals; only an answer that is final ends it here.
      if (!this.#stop.signal.aborted && isTerminal(known)) this.#leases.end(known)
    }
  }
}

/** The lease as AWS SDKs take it: the one place where its secrets are revealed. */
export function toAwsCredentials(lease: LeaseInfo): AwsCredentials {
  return {
    accessKeyId: lease.accessKeyId,
    secretAccessKey: lease.secretAccessKey.reveal(),
    sessionToken: lease.sessionToken.reveal(),
    expiration: lease.usableUntil,
  }
}
