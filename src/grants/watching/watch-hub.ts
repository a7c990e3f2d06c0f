/** A grant that somebody here waits for. */
export interface WatchedGrant {
  readonly grantId: string
  /** The subject of the grant. */
  readonly agent: string
  /** Undefined while somebody who waits has not seen the grant yet. */
  readonly version: number | undefined
}

/** One who waits; `version` is that of the grant as it was seen last. */
interface Waiter {
  version: number | undefined
  wake(): void
}

interface Place {
  readonly agent: string
  readonly waiters: Set<Waiter>
}

/** Passes on that a grant may have changed, and with `undefined` that any may have. */
export type TellOthers = (grantId: string | undefined) => void

/**
 * Wakes those who watch a grant when it may have changed. It carries no state: who wakes looks into the ledger. `changed` and its
 * like are for changes that this process made, so other replicas are told too; `wake` and its like are for changes of theirs.
 */
export class WatchHub {
  readonly #places = new Map<string, Place>()
  readonly #tellOthers: TellOthers

  /** @param tellOthers must neither wait nor throw; not needed where this is the only process on the ledger */
  constructor(tellOthers: TellOthers = () => undefined) {
    this.#tellOthers = tellOthers
  }

  /** This process has changed a grant. */
  changed(grantId: string): void {
    this.wake(grantId)
    this.#tellOthers(grantId)
  }

  /** This process has changed something about every grant, e.g. by a watermark that cuts leases of many. */
  allChanged(): void {
    for (const grantId of [...this.#places.keys()]) this.wake(grantId)
    this.#tellOthers(undefined)
  }

  /** This process has changed something about all grants of an agent. */
  agentChanged(agent: string): void {
    this.wakeAgent(agent)
    this.#tellOthers(undefined)
  }

  /** Wakes everybody who watches this grant. */
  wake(grantId: string): void {
    const place = this.#places.get(grantId)
    if (!place) return
    this.#places.delete(grantId)
    for (const { wake } of place.waiters) wake()
  }

  /** Wakes whoever watches grants of this agent. */
  wakeAgent(agent: string): void {
    for (const [grantId, place] of [...this.#places]) if (place.agent === agent) this.wake(grantId)
  }

  /** Every grant that somebody waits for. */
  *watched(): Generator<WatchedGrant> {
    for (const grantId of this.#places.keys()) {
      const watched = this.findWatched(grantId)
      if (watched) yield watched
    }
  }

  findWatched(grantId: string): WatchedGrant | undefined {
    const place = this.#places.get(grantId)
    if (!place) return undefined
    // The oldest version that any of them has seen, so that a watcher that is behind is woken.
    let version: number | undefined = Number.POSITIVE_INFINITY
    for (const waiter of place.waiters) {
      version = version === undefined || waiter.version === undefined ? undefined : Math.min(version, waiter.version)
    }
    return { grantId, agent: place.agent, version }
  }

  /**
   * Begins to listen. Call it before reading the grant, so that a change between the reading and the waiting is not lost.
   *
   * @param agent the subject of the grant.
   * @returns `woken`, which resolves at the next change; `saw`, to be told the version that was read; and `stop`, which lets go of
   *   the place.
   */
  listen(grantId: string, agent: string): { woken: Promise<void>; saw(version: number): void; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const place = this.#places.get(grantId) ?? { agent, waiters: new Set() }
    const waiter: Waiter = { version: undefined, wake: resolve }
    place.waiters.add(waiter)
    this.#places.set(grantId, place)
    return {
      woken: promise,
      saw: (version) => {
        waiter.version = version
      },
      stop: () => {
        place.waiters.delete(waiter)
        if (place.waiters.size === 0 && this.#places.get(grantId) === place) this.#places.delete(grantId)
        resolve()
      },
    }
  }
}
