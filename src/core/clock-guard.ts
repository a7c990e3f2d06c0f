import type { Clock } from './clock.ts'
import { StintError } from './errors.ts'

/**
 * Judges the wall clock by two others: the monotonic clock, which shows that it jumped or runs at another speed, and the cloud's
 * clock, which each answer tells. A grant made while the clock is astray would last for a time that nobody chose, and a grant
 * that such a clock ends may have credentials that still work.
 */
export interface ClockGuard {
  /**
   * @param read the caller's own reading of the wall clock; it is checked too, since the clock may have stepped in between.
   * @returns the wall clock's reading, if it is right.
   * @throws {StintError} CLOCK_UNSTABLE while the clock is not trusted.
   */
  check(read?: Date): Date
  /**
   * An instant that has certainly come, whatever the wall clock says. For everything that must not happen too early, such as
   * taking a lease for over or a deny for enforced. Never throws.
   */
  earliestNow(): Date
  /** Tells the guard the cloud's time, from an answer that has just come in (its HTTP Date, in whole seconds). */
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
/** Error of a reading: the Date has whole seconds, and the answer takes time. */
const CLOUD_READING_MS = 5_000
/** The cloud accepts calls by a clock that is minutes off, but the provider refuses answers that differ by more than a minute. */
const CLOUD_LIMIT_MS = 60_000
const ASK_EVERY_MS = 5_000
/** Longer than the time between two reads of a deny document, each of which tells the cloud's time. */
const SILENCE_MS = 75_000

/** Makes a guard that takes the clock to be right now, until the cloud says otherwise. */
export function createClockGuard(options: ClockGuardOptions): ClockGuard {
  return new TwoClockGuard(options)
}

/** Where the wall clock is since it last jumped, since when, and until when it must stay there. */
interface Doubt {
  readonly offsetMs: number
  readonly sinceMs: number
  readonly untilMs: number
}

class TwoClockGuard implements ClockGuard {
  readonly #clock: Clock
  readonly #toleranceMs: number
  readonly #steadyMs: number
  readonly #askCloud: (() => void) | undefined
  /** Wall minus monotonic, as last trusted, and when it was. */
  #trusted: { readonly offsetMs: number; readonly atMs: number }
  /** Set while the clock is not trusted. */
  #doubt: Doubt | undefined
  /** The cloud's time minus monotonic, rounded down; when it was told; and by how much the trusted clock differed from it. */
  #cloud: { readonly offsetMs: number; readonly atMs: number; readonly skewMs: number } | undefined
  /** Set while answers tell another time than those before: one of them may come from a proxy whose clock is wrong. */
  #dissent: { readonly offsetMs: number; readonly sinceMs: number } | undefined
  #askedMs = Number.NEGATIVE_INFINITY

  constructor({ clock, toleranceMs = 2_000, steadyMs = 10_000, askCloud }: ClockGuardOptions) {
    this.#clock = clock
    this.#toleranceMs = toleranceMs
    this.#steadyMs = steadyMs
    this.#askCloud = askCloud
    const atMs = clock.monotonicMs()
    this.#trusted = { offsetMs: clock.now().getTime() - atMs, atMs }
  }

  check(read?: Date): Date {
    const { wallMs, monotonicMs } = this.#look()
    const agoMs = read ? wallMs - read.getTime() : 0
    if (!this.#doubt && agoMs >= -this.#toleranceMs && agoMs <= CLOUD_LIMIT_MS) return new Date(wallMs)
    this.#ask(monotonicMs)
    throw new StintError('CLOCK_UNSTABLE', {
      explanation:
        'The wall clock jumped, or differs from that of the cloud; the broker serves calls again once it has been right and steady for some seconds.',
    })
  }

  earliestNow(): Date {
    const { wallMs, monotonicMs } = this.#look()
    if (this.#doubt || this.#dissent) this.#ask(monotonicMs)
    const told = [this.#cloud, this.#dissent].flatMap((one) => (one ? [one.offsetMs + monotonicMs] : []))
    // A wall clock in doubt may be behind for hours, but until the cloud has told its time there is no other.
    const own = this.#doubt ? [this.#trusted.offsetMs + monotonicMs, ...(this.#cloud ? [] : [wallMs])] : [wallMs]
    return new Date(Math.min(...own, ...told))
  }

  heard(cloudNow: Date): void {
    const { monotonicMs } = this.#look()
    const offsetMs = cloudNow.getTime() - monotonicMs
    if (!Number.isFinite(offsetMs) || !this.#isBelieved(offsetMs, monotonicMs)) return
    const skewMs = this.#doubt ? (this.#cloud?.skewMs ?? 0) : this.#trusted.offsetMs - offsetMs
    this.#cloud = { offsetMs, atMs: monotonicMs, skewMs }
    this.#dissent = undefined
  }

  /** Reads the clocks once and brings `#trusted` and `#doubt` up to date. */
  #look(): { wallMs: number; monotonicMs: number } {
    const monotonicMs = this.#clock.monotonicMs()
    const wallMs = this.#clock.now().getTime()
    const offsetMs = wallMs - monotonicMs
    if (this.#doubt) this.#settle(this.#doubt, offsetMs, monotonicMs)
    else if (this.#isAstray(offsetMs)) this.#doubt = this.#newDoubt(offsetMs, monotonicMs)
    else this.#follow(offsetMs, monotonicMs)
    return { wallMs, monotonicMs }
  }

  #isAstray(offsetMs: number): boolean {
    if (Math.abs(offsetMs - this.#trusted.offsetMs) > this.#toleranceMs) return true
    return this.#cloud !== undefined && Math.abs(offsetMs - this.#cloud.offsetMs) > CLOUD_LIMIT_MS
  }

  /** No faster than a clock can be slewed: many small steps are no drift. */
  #follow(offsetMs: number, atMs: number): void {
    const mostMs = SLEW * (atMs - this.#trusted.atMs)
    const byMs = Math.min(mostMs, Math.max(-mostMs, offsetMs - this.#trusted.offsetMs))
    this.#trusted = { offsetMs: this.#trusted.offsetMs + byMs, atMs }
  }

  #newDoubt(offsetMs: number, atMs: number): Doubt {
    return { offsetMs, sinceMs: atMs, untilMs: atMs + this.#steadyMs }
  }

  #settle(doubt: Doubt, offsetMs: number, atMs: number): void {
    if (Math.abs(offsetMs - doubt.offsetMs) > this.#toleranceMs) {
      this.#doubt = this.#newDoubt(offsetMs, atMs)
      return
    }
    if (atMs < doubt.untilMs || !this.#agrees(offsetMs, doubt.sinceMs, atMs)) return
    this.#trusted = { offsetMs, atMs }
    this.#doubt = undefined
  }

  /** After a jump the clock may be nearer to the cloud's than before, but not farther away. */
  #agrees(offsetMs: number, sinceMs: number, atMs: number): boolean {
    const cloud = this.#cloud
    if (!cloud) return true
    const limitMs = Math.min(CLOUD_LIMIT_MS, Math.max(CLOUD_READING_MS, Math.abs(cloud.skewMs) + 1_000))
    if (Math.abs(offsetMs - cloud.offsetMs) <= limitMs) return true
    // If the machine was suspended, the monotonic clock may have stood still, and without `askCloud` no answer would ever say so.
    if (this.#askCloud || cloud.atMs > sinceMs || atMs < sinceMs + SILENCE_MS) return false
    this.#cloud = undefined
    return true
  }

  /** Another time of the cloud is believed if the wall clock agrees with it, or once it has lasted as long as a jump must. */
  #isBelieved(offsetMs: number, atMs: number): boolean {
    if (!this.#cloud || isNear(offsetMs, this.#cloud.offsetMs)) return true
    if (this.#doubt && isNear(offsetMs, this.#doubt.offsetMs)) return true
    if (this.#dissent && isNear(offsetMs, this.#dissent.offsetMs)) return atMs >= this.#dissent.sinceMs + this.#steadyMs
    this.#dissent = { offsetMs, sinceMs: atMs }
    return false
  }

  #ask(monotonicMs: number): void {
    if (!this.#askCloud || monotonicMs - this.#askedMs < ASK_EVERY_MS) return
    this.#askedMs = monotonicMs
    this.#askCloud()
  }
}

/** True if two answers of the cloud may tell the same time. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= CLOUD_READING_MS
}
