import type { Clock } from './clock.ts'
import { StintError } from './errors.ts'

/**
 * Judges the wall clock by two others: the monotonic one, which shows that it jumped or runs at another speed, and the
 * cloud's, of which each answer tells. A grant made while the clock is astray would last for a time that nobody chose, and
 * one that is ended by such a clock may have credentials that still work.
 */
export interface ClockGuard {
  /**
   * @param read what the caller has read from the wall clock for what it does now; it must be right too, since the clock may
   *   have stepped in between.
   * @returns the wall clock's reading, which was found to be right.
   * @throws {StintError} CLOCK_UNSTABLE while the clock is not trusted.
   */
  check(read?: Date): Date
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
/** Longer than between two looks at a deny document, each of which tells the cloud's time. */
const SILENCE_MS = 75_000

/** A guard that takes the clock to be right at its creation, until the cloud says otherwise. */
export function createClockGuard(options: ClockGuardOptions): ClockGuard {
  const { clock, toleranceMs = 2_000, steadyMs = 10_000, askCloud } = options
  /** Wall minus monotonic, as last trusted, and when it was. */
  let trusted = { offsetMs: clock.now().getTime() - clock.monotonicMs(), atMs: clock.monotonicMs() }
  /** Set while the clock is not trusted: where it is since it last jumped, since when, and until when it must stay there. */
  let doubt: { offsetMs: number; sinceMs: number; untilMs: number } | undefined
  /** The cloud's time minus monotonic, rounded down, when it was told, and by how much the trusted clock differed from it. */
  let cloud: { offsetMs: number; atMs: number; skewMs: number } | undefined
  /** Set while answers tell another time than those before: one of them may come from a proxy whose clock is wrong. */
  let dissent: { offsetMs: number; sinceMs: number } | undefined
  let askedMs = Number.NEGATIVE_INFINITY

  /** Reads the clocks once and brings `trusted` and `doubt` up to date. */
  function look(): { wallMs: number; monotonicMs: number } {
    const monotonicMs = clock.monotonicMs()
    const wallMs = clock.now().getTime()
    const offsetMs = wallMs - monotonicMs
    if (doubt) settle(offsetMs, monotonicMs)
    else if (isAstray(offsetMs)) doubt = newDoubt(offsetMs, monotonicMs)
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

  function newDoubt(offsetMs: number, atMs: number) {
    return { offsetMs, sinceMs: atMs, untilMs: atMs + steadyMs }
  }

  function settle(offsetMs: number, atMs: number): void {
    if (!doubt || Math.abs(offsetMs - doubt.offsetMs) > toleranceMs) {
      doubt = newDoubt(offsetMs, atMs)
      return
    }
    if (atMs < doubt.untilMs || !agrees(offsetMs, doubt.sinceMs, atMs)) return
    trusted = { offsetMs, atMs }
    doubt = undefined
  }

  /** After a jump the clock may be nearer to the cloud's than before, but not farther away. */
  function agrees(offsetMs: number, sinceMs: number, atMs: number): boolean {
    if (!cloud) return true
    const limitMs = Math.min(CLOUD_LIMIT_MS, Math.max(CLOUD_READING_MS, Math.abs(cloud.skewMs) + 1_000))
    if (Math.abs(offsetMs - cloud.offsetMs) <= limitMs) return true
    // Where nobody can be asked, nobody may say that the machine was suspended, when the monotonic clock may have stood still.
    if (askCloud || cloud.atMs > sinceMs || atMs < sinceMs + SILENCE_MS) return false
    cloud = undefined
    return true
  }

  /** The cloud's time is another than told before if the wall clock says so too, or for as long as a jump has to last. */
  function isBelieved(offsetMs: number, atMs: number): boolean {
    if (!cloud || isNear(offsetMs, cloud.offsetMs)) return true
    if (doubt && isNear(offsetMs, doubt.offsetMs)) return true
    if (dissent && isNear(offsetMs, dissent.offsetMs)) return atMs >= dissent.sinceMs + steadyMs
    dissent = { offsetMs, sinceMs: atMs }
    return false
  }

  function ask(monotonicMs: number): void {
    if (!askCloud || monotonicMs - askedMs < ASK_EVERY_MS) return
    askedMs = monotonicMs
    askCloud()
  }

  return {
    check(read) {
      const { wallMs, monotonicMs } = look()
      const agoMs = read ? wallMs - read.getTime() : 0
      if (!doubt && agoMs >= -toleranceMs && agoMs <= CLOUD_LIMIT_MS) return new Date(wallMs)
      ask(monotonicMs)
      throw new StintError('CLOCK_UNSTABLE', {
        explanation:
          'The wall clock jumped, or differs from that of the cloud; the broker serves calls again once it has been right and steady for some seconds.',
      })
    },
    earliestNow() {
      const { wallMs, monotonicMs } = look()
      if (doubt || dissent) ask(monotonicMs)
      const told = [cloud, dissent].flatMap((one) => (one ? [one.offsetMs + monotonicMs] : []))
      // A wall clock in doubt may be behind for hours; nobody but it tells the time before the cloud has.
      const own = doubt ? [trusted.offsetMs + monotonicMs, ...(cloud ? [] : [wallMs])] : [wallMs]
      return new Date(Math.min(...own, ...told))
    },
    heard(cloudNow) {
      const { monotonicMs } = look()
      const offsetMs = cloudNow.getTime() - monotonicMs
      if (!Number.isFinite(offsetMs) || !isBelieved(offsetMs, monotonicMs)) return
      const skewMs = doubt ? (cloud?.skewMs ?? 0) : trusted.offsetMs - offsetMs
      cloud = { offsetMs, atMs: monotonicMs, skewMs }
      dissent = undefined
    },
  }
}

/** Whether two answers of the cloud may tell the same time. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= CLOUD_READING_MS
}
