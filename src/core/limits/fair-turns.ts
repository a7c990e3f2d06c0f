/** Work of one key that is begun in one turn of the event loop. */
const PER_TURN = 8

/**
 * Begins work in later turns of the event loop, a few pieces of each key at a time: whoever brings much at once waits for
 * its own, while what others have sent is read and begun in between.
 */
export class FairTurns {
  readonly #waiting = new Map<string, (() => void)[]>()

  /** Calls `begin`, which must not throw, in the next turn in which the key has room; in the order of arrival. */
  await(key: string, begin: () => void): void {
    if (this.#waiting.size === 0) setImmediate(() => this.#turn())
    const waiting = this.#waiting.get(key)
    if (waiting) waiting.push(begin)
    else this.#waiting.set(key, [begin])
  }

  #turn(): void {
    const begun: (() => void)[] = []
    for (const [key, waiting] of this.#waiting) {
      begun.push(...waiting.splice(0, PER_TURN))
      if (waiting.length === 0) this.#waiting.delete(key)
    }
    if (this.#waiting.size > 0) setImmediate(() => this.#turn())
    for (const begin of begun) begin()
  }
}
