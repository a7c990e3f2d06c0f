import type { Clock } from '../core/clock.ts'

/** Clocks and randomness for everything in this SDK that waits. */
export interface Timing {
  readonly clock: Clock
  /** For waits that must not keep the process alive. */
  readonly backgroundClock: Clock
  /** 0 to 1. */
  readonly random: () => number
}
