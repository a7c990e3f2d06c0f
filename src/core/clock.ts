import { setTimeout as delay } from 'node:timers/promises'

/**
 * The one source of time. Wall-clock instants decide what has expired; the monotonic reading measures
 * elapsed time and shows when the wall clock has jumped.
 */
export interface Clock {
  /** Wall-clock time, UTC. Read it once per operation. */
  now(): Date
  /** Milliseconds from an arbitrary origin; never goes back. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
