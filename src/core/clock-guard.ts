import type { Clock } from './clock.ts'
import { StintError } from './errors.ts'

/**
 * Notices when the wall clock jumps against the monotonic one, as after an NTP step or a suspended machine, and refuses
 * until it has run steadily again: a grant made while the clock is astray would last for a time that nobody chose.
 */
export interface ClockGuard {
  /** @throws {StintError} CLOCK_UNSTABLE while the clock is not trusted. */
  check(): void
}

/**
 * @param options.toleranceMs a difference up to this is drift, above it a jump; default 2,000.
 * @param options.steadyMs how long the clock must run steadily after a jump; default 10,000.
 */
export function createClockGuard(options: { clock: Clock; toleranceMs?: number; steadyMs?: number }): ClockGuard {
  const { clock, toleranceMs = 2_000, steadyMs = 10_000 } = options
  let offsetMs = clock.now().getTime() - clock.monotonicMs()
  let steadyFromMs = Number.NEGATIVE_INFINITY

  return {
    check() {
      const monotonicMs = clock.monotonicMs()
      const seenOffsetMs = clock.now().getTime() - monotonicMs
      if (Math.abs(seenOffsetMs - offsetMs) > toleranceMs) steadyFromMs = monotonicMs + steadyMs
      // The offset is followed also when it only drifts, so that slewing over hours is not taken for a jump.
      offsetMs = seenOffsetMs
      if (monotonicMs >= steadyFromMs) return
      throw new StintError('CLOCK_UNSTABLE', {
        explanation:
          'The wall clock jumped; the broker serves calls again once the clock has been steady for some seconds.',
      })
    },
  }
}
