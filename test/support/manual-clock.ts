import type { Clock } from '../../src/core/clock.ts'

interface Sleeper {
  readonly at: number
  wake(): void
}

/** A clock that moves only when told to; sleepers wake, in order, as `advance` passes them. */
export class ManualClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #sleepers: Sleeper[] = []

  constructor(start = '2026-11-21T12:00:00.000Z') {
    this.#wallMs = Date.parse(start)
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.length
  }

  now(): Date {
    return new Date(this.#wallMs)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { at: this.#monotonicMs + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal.reason)
      })
    })
  }

  /** Moves wall and monotonic time together, and lets what slept go on. */
  async advance(ms: number): Promise<void> {
    this.#wallMs += ms
    this.#monotonicMs += ms
    const due = this.#sleepers.filter((sleeper) => sleeper.at <= this.#monotonicMs).sort((a, b) => a.at - b.at)
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.at > this.#monotonicMs)
    for (const sleeper of due) sleeper.wake()
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Moves the wall clock alone, as an NTP step or a suspended machine does. */
  jump(ms: number): void {
    this.#wallMs += ms
  }
}
