import type { Clock } from './clock.ts'
import { StintError } from './errors.ts'

/**
 * Judges the wall clock by two others: the monotonic one, which shows that it jumped or runs at another speed, and the
 * cloud's, of which each answer tells. A grant made while the clock is astray would last for a time that nobody chose, and
 * one that is ended by such a clock may have credentials that still work.
 */
export interface ClockGuard {
  /**
   * @returns the wall clock's reading, which was found to be right.
   * @throws {StintError} CLOCK_UNSTABLE while the clock is not trusted.
   */
  check(): Date
  /**
   * An instant that has certainly come, however the wall clock stands. For whatever must not happen too early: that a lease
   * is over, that a deny is enforced. Never throws.
   */
  earliestNow(): Date
  /** The cloud's time, as an answer that has just come in says it (HTTP's Date, in whole seconds). */
  heard(cloudNow: Date): void
}

/** Settings of a guard; all times in milliseconds. */
export interface ClockGuardOptions {
  readonly clock: Clock
  /** A difference up to this is drift, above it a jump; default 2,000. */
  readonly toleranceMs?: number
  /** How long the clock must run steadily after a jump; default 10,000. */
  readonly steadyMs?: number
  /**
   * Makes the cloud tell its time soon. With it, a clock that jumped is trusted again only when the cloud agrees; without
   * it, once it is steady.
   */
  readonly askCloud?: () => void
}

/** The most by which a clock is slewed, with room: NTP's limit is 500 µs a second. */
const SLEW = 0.001
/** A whole second in the Date, and what an answer takes. */
const CLOUD_READING_MS = 5_000
/** The cloud takes a clock that differs by minutes, but answers that differ by one are refused as not ours. */
const CLOUD_LIMIT_MS = 60_000
const ASK_EVERY_MS = 5_000

/** A guard that takes the clock to be right at its creation, until the cloud says otherwise. */
export function createClockGuard(options: ClockGuardOptions): ClockGuard {
  const { clock, toleranceMs = 2_000, steadyMs = 10_000, askCloud } = options
  /** Wall minus monotonic, as last trusted, and when it was. */
  let trusted = { offsetMs: clock.now().getTime() - clock.monotonicMs(), atMs: clock.monotonicMs() }
  /** Set while the clock is not trusted: where it is since it last jumped, and until when it must stay there. */
  let doubt: { offsetMs: number; untilMs: number } | undefined
  /** The cloud's time minus monotonic, rounded down, and by how much the trusted clock differed from it. */
  let cloud: { offsetMs: number; skewMs: number } | undefined
  let askedMs = Number.NEGATIVE_INFINITY

  /** Reads the clocks once and brings `trusted` and `doubt` up to date. */
  function look(): { wallMs: number; monotonicMs: number } {
    const monotonicMs = clock.monotonicMs()
    const wallMs = clock.now().getTime()
    const offsetMs = wallMs - monotonicMs
    if (doubt) settle(offsetMs, monotonicMs)
    else if (isAstray(offsetMs)) doubt = { offsetMs, untilMs: monotonicMs + steadyMs }
    else follow(offsetMs, monotonicMs)
    return { wallMs, monotonicMs }
  }

  function isAstray(offsetMs: number): boolean {
    if (Math.abs(offsetMs - trusted.offsetMs) > toleranceMs) return true
    return cloud !== undefined && Math.abs(offsetMs - cloud.offsetMs) > CLOUD_LIMIT_MS
  }

  /** No faster than a clock can be slewed: many small steps are no drift. */
  function follow(offsetMs: number, atMs: number): void {
    const mostMs = SLEW * (atMs - trusted.atMs)
    const byMs = Math.min(mostMs, Math.max(-mostMs, offsetMs - trusted.offsetMs))
    trusted = { offsetMs: trusted.offsetMs + byMs, atMs }
  }

  function settle(offsetMs: number, atMs: number): void {
    if (!doubt || Math.abs(offsetMs - doubt.offsetMs) > toleranceMs) {
      doubt = { offsetMs, untilMs: atMs + steadyMs }
      return
    }
    if (atMs < doubt.untilMs || !agrees(offsetMs)) return
    trusted = { offsetMs, atMs }
    doubt = undefined
  }

  /** After a jump the clock may be nearer to the cloud's than before, but not farther away. */
  function agrees(offsetMs: number): boolean {
    if (!cloud) return true
    const limitMs = Math.min(CLOUD_LIMIT_MS, Math.max(CLOUD_READING_MS, Math.abs(cloud.skewMs) + 1_000))
    if (Math.abs(offsetMs - cloud.offsetMs) <= limitMs) return true
    // Nobody could say that the machine was suspended, when the monotonic clock may have stood still.
    if (!askCloud) cloud = undefined
    return askCloud === undefined
  }

  function ask(monotonicMs: number): void {
    if (!askCloud || monotonicMs - askedMs < ASK_EVERY_MS) return
    askedMs = monotonicMs
    askCloud()
  }

  return {
    check() {
      const { wallMs, monotonicMs } = look()
      if (!doubt) return new Date(wallMs)
      ask(monotonicMs)
      throw new StintError('CLOCK_UNSTABLE', {
        explanation:
          'The wall clock jumped, or differs from that of the cloud; the broker serves calls again once it has been right and steady for some seconds.',
      })
    },
    earliestNow() {
      const { wallMs, monotonicMs } = look()
      if (doubt) ask(monotonicMs)
      const cloudMs = cloud ? cloud.offsetMs + monotonicMs : Number.POSITIVE_INFINITY
      if (!doubt) return new Date(Math.min(wallMs, cloudMs))
      return new Date(cloud ? cloudMs : Math.min(wallMs, trusted.offsetMs + monotonicMs))
    },
    heard(cloudNow) {
      const { monotonicMs } = look()
      const offsetMs = cloudNow.getTime() - monotonicMs
      const skewMs = doubt ? (cloud?.skewMs ?? 0) : trusted.offsetMs - offsetMs
      if (Number.isFinite(offsetMs)) cloud = { offsetMs, skewMs }
    },
  }
}
