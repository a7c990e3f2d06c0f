import type { Clock } from '../clock.ts'

/** Gives a slot back; a second call does nothing. */
export type ReleaseSlot = () => void

/** A number of slots for concurrent work. A caller that finds none free waits, in order of arrival. */
export class Slots {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(options: { readonly clock: Clock; readonly slots: number }) {
    this.#clock = options.clock
    this.#free = options.slots
  }

  /**
   * Takes a slot, waiting for one if none is free.
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

  /** @returns true once a holder has handed its slot on */
  async #waitForOne({ maxWaitMs, signal }: { maxWaitMs: number; signal: AbortSignal }): Promise<boolean> {
    const { promise: handedOn, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const end = new AbortController()
    const timeUp = this.#clock.sleep(maxWaitMs, AbortSignal.any([signal, end.signal]))
    try {
      await Promise.race([handedOn, timeUp])
      // A slot that was handed on just as the time ran out counts.
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
