import type { Clock } from '../core/clock.ts'

/** What everything that waits in this SDK needs. */
export interface Timing {
  readonly clock: Clock
  /** For waits that must not keep the process alive. */
  readonly backgroundClock: Clock
  /** 0 to 1. */
  readonly random: () => number
}
