import type { STSClient } from '@aws-sdk/client-sts'
import type { Clock } from '../../../core/clock.ts'
import type { DenyListContent, IssuedCredentials } from '../../provider.ts'

/** The one session of a grant that its leases are made from. Its credentials never leave this process. */
export interface ParentSession {
  readonly grantId: string
  /** The subject that the grant is for. */
  readonly agent: string
  readonly roleArn: string
  readonly credentials: IssuedCredentials
  /** Signs with the session's credentials. */
  readonly client: STSClient
  /** From here on the session may do nothing: no lease of it can end later. */
  readonly notAfter: Date
}

interface Held {
  readonly parent: ParentSession
  /** The end of the last lease that was made from it. */
  neededUntil: Date
}

const SWEEP_EVERY_MS = 30_000

/**
 * Sessions of grants, in memory only. One is dropped when the last lease made from it is over, which is when an ended grant is
 * `ended` at the latest, and when its grant is denied. A grant that goes on after that gets another one.
 */
export class ParentSessions {
  readonly #clock: Clock
  readonly #held = new Map<string, Held>()
  readonly #timer: NodeJS.Timeout

  constructor(clock: Clock) {
    this.#clock = clock
    this.#timer = setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref()
  }

  /** A session from which a lease of this grant with this end can be made. */
  find(grantId: string, notAfter: Date): ParentSession | undefined {
    this.sweep()
    const parent = this.#held.get(grantId)?.parent
    return parent && parent.notAfter >= notAfter ? parent : undefined
  }

  /** Keeps a session for a lease that ends then. Of two sessions of a grant the one that works longer is kept. */
  keep(parent: ParentSession, leaseEnd: Date): void {
    const held = this.#held.get(parent.grantId)
    const longer = held && held.parent.notAfter > parent.notAfter ? held.parent : parent
    const neededUntil = held && held.neededUntil > leaseEnd ? held.neededUntil : leaseEnd
    this.#held.set(parent.grantId, { parent: longer, neededUntil })
  }

  /** Forgets a session; one that has taken its place stays. */
  drop(parent: ParentSession): void {
    if (this.#held.get(parent.grantId)?.parent === parent) this.#held.delete(parent.grantId)
  }

  /**
   * Forgets the sessions that a deny list is about to deny. Sessions from before a watermark go too: AWS may take the issue time
   * of credentials made from one to be that of the session.
   *
   * @param inTarget true for a role whose sessions the list denies.
   */
  dropDenied({ grants, agents = [], watermark }: DenyListContent, inTarget: (roleArn: string) => boolean): void {
    for (const grantId of grants) this.#held.delete(grantId)
    const ofAgent = new Map(agents.map(({ agent, before }) => [agent, before]))
    for (const { parent } of this.#held.values()) {
      const isDenied = [watermark, ofAgent.get(parent.agent)].some((at) => at && parent.credentials.issuedAt < at)
      if (isDenied && inTarget(parent.roleArn)) this.drop(parent)
    }
  }

  /** Forgets the sessions whose last lease is over. */
  sweep(): void {
    const now = this.#clock.now()
    for (const { parent, neededUntil } of this.#held.values()) if (neededUntil <= now) this.drop(parent)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#held.clear()
  }
}
