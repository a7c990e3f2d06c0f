import type { Clock } from '../clock.ts'

/** Gives a slot back; a second call does nothing. */
export type ReleaseSlot = () => void

/** A number of places for work at the same time; who finds none waits, in order of arrival. */
export class Slots {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(options: { readonly clock: Clock; readonly slots: number }) {
    this.#clock = options.clock
    this.#free = options.slots
  }

  /**
   * Takes a place, waiting for it if need be.
   *
   * @returns undefined if none was free in time.
   * @throws the signal's reason when aborted.
   */
  async acquire(options: {
    readonly maxWaitMs: number
    readonly signal: AbortSignal
  }): Promise<ReleaseSlot | undefined> {
    options.signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else if (!(await this.#waitForOne(options))) return undefined
    let held = true
    return () => {
      if (held) this.#release()
      held = false
    }
  }

  /** @returns true with a place that its holder has handed on */
  async #waitForOne({ maxWaitMs, signal }: { maxWaitMs: number; signal: AbortSignal }): Promise<boolean> {
    const { promise: handedOn, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const end = new AbortController()
    const timeUp = this.#clock.sleep(maxWaitMs, AbortSignal.any([signal, end.signal]))
    try {
      await Promise.race([handedOn, timeUp])
      // Handed on in the very moment in which the time was up is handed on.
      return !this.#waiting.has(resolve)
    } catch (error) {
      if (!this.#waiting.has(resolve)) this.#release()
      throw error
    } finally {
      this.#waiting.delete(resolve)
      timeUp.catch(() => undefined) // ends with the line below
      end.abort()
    }
  }

  #release(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
