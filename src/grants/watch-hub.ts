/** Wakes those who watch a grant when it may have changed. It carries no state: who wakes looks into the ledger. */
export class WatchHub {
  readonly #waiting = new Map<string, Set<() => void>>()

  /** Wakes everybody who watches this grant. */
  changed(grantId: string): void {
    const wakers = this.#waiting.get(grantId)
    if (!wakers) return
    this.#waiting.delete(grantId)
    for (const wake of wakers) wake()
  }

  /** Wakes every watcher, e.g. when a watermark cuts leases of many grants. */
  allChanged(): void {
    for (const grantId of [...this.#waiting.keys()]) this.changed(grantId)
  }

  /**
   * Begins to listen. Call it before reading the grant, so that a change between the reading and the waiting is not lost.
   *
   * @returns `woken`, which resolves at the next change, and `stop`, which lets go of the place.
   */
  listen(grantId: string): { woken: Promise<void>; stop(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wakers = this.#waiting.get(grantId) ?? new Set()
    wakers.add(resolve)
    this.#waiting.set(grantId, wakers)
    return {
      woken: promise,
      stop: () => {
        wakers.delete(resolve)
        if (wakers.size === 0 && this.#waiting.get(grantId) === wakers) this.#waiting.delete(grantId)
        resolve()
      },
    }
  }
}
