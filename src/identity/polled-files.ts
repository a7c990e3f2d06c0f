import type { Clock } from '../core/clock.ts'

/** Calls `check` every `intervalMs` by the clock, one at a time, until stopped. `check` must not throw. */
export class Poll {
  readonly #abort = new AbortController()
  readonly #done: Promise<void>

  constructor({ clock, intervalMs, check }: { clock: Clock; intervalMs: number; check: () => Promise<void> }) {
    this.#done = this.#run(clock, intervalMs, check)
  }

  /** Resolves when no check runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #run(clock: Clock, intervalMs: number, check: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        await clock.sleep(intervalMs, signal)
      } catch {
        return
      }
      await check()
    }
  }
}
