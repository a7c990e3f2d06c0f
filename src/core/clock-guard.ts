import type { Clock } from './clock.ts'
import { StintError } from './errors.ts'

/**
 * Judges the wall clock by two others: the monotonic clock, which shows that it jumped or runs at another speed, and a
 * reference clock elsewhere, which the provider's answers tell. What begins or ends by a wrong clock lasts for a time that
 * nobody chose.
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
   * taking an access for over. Never throws.
   */
  earliestNow(): Date
  /**
   * False until the reference clock has told its time once, where there is one: a process that was started with a clock which is
   * ahead cannot know it before. Never throws.
   */
  isTold(): boolean
  /** Tells the guard the reference clock's time, from an answer that has just come in (in whole seconds, as an HTTP Date). */
  heard(referenceNow: Date): void
  /**
   * Tells the guard the time of a clock that several brokers compare theirs with, so that they differ little from each other. The
   * reference clock outweighs it: where that confirms our clock, the shared one is taken to be wrong.
   */
  heardShared(reading: ClockReading): void
}

/** A clock of another machine, read once. */
export interface ClockReading {
  /** When it was read, by our monotonic clock. */
  readonly atMs: number
  /** That clock minus our monotonic one. */
  readonly offsetMs: number
  /** By how much the offset may be wrong, either way: half the time that the reading took. */
  readonly errorMs: number
}

/** Settings of a guard; all times in milliseconds. */
export interface ClockGuardOptions {
  readonly clock: Clock
  /** A difference up to this is drift, above it a jump; default 2,000. */
  readonly toleranceMs?: number
  /** How long the clock must run steadily after a jump; default 10,000. */
  readonly steadyMs?: number
  /**
   * Makes the reference clock tell its time soon. With it, a wall clock that jumped is trusted again only when the reference
   * agrees; without it, once it is steady.
   */
  readonly askReference?: () => void
}

/** The most by which a clock is slewed, with room: NTP's limit is 500 µs a second. */
const SLEW = 0.001
/** Error of a reading: the Date has whole seconds, and the answer takes time. */
const REFERENCE_READING_MS = 5_000
/** How far the wall clock may differ from the reference. Providers refuse answers that differ by more. */
const REFERENCE_LIMIT_MS = 60_000
/** How far the wall clock may differ from the shared clock: two brokers differ by at most twice as much. */
export const SHARED_LIMIT_MS = 5_000
/** An older reading of the shared clock says nothing: the ledger is read every second while there is anything to grant. */
const SHARED_SILENCE_MS = 10_000
const ASK_EVERY_MS = 5_000
/** How long a reference clock that is in use may say nothing: longer than the pause between two of the broker's regular reads. */
const SILENCE_MS = 75_000

/** Makes a guard that takes the clock to be right now, until the reference clock says otherwise. */
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
  readonly #askReference: (() => void) | undefined
  /** Wall minus monotonic, as last trusted, and when it was. */
  #trusted: { readonly offsetMs: number; readonly atMs: number }
  /** Set while the clock is not trusted. */
  #doubt: Doubt | undefined
  /** Reference minus monotonic, rounded down; when it was told; and by how much the trusted clock differed from it. */
  #reference: { readonly offsetMs: number; readonly atMs: number; readonly skewMs: number } | undefined
  #shared: ClockReading | undefined
  /** Set while answers tell another time than those before: one of them may come from a proxy whose clock is wrong. */
  #dissent: { readonly offsetMs: number; readonly sinceMs: number } | undefined
  #askedMs = Number.NEGATIVE_INFINITY

  constructor({ clock, toleranceMs = 2_000, steadyMs = 10_000, askReference }: ClockGuardOptions) {
    this.#clock = clock
    this.#toleranceMs = toleranceMs
    this.#steadyMs = steadyMs
    this.#askReference = askReference
    const atMs = clock.monotonicMs()
    this.#trusted = { offsetMs: clock.now().getTime() - atMs, atMs }
  }

  check(read?: Date): Date {
    const { wallMs, monotonicMs } = this.#look()
    const agoMs = read ? wallMs - read.getTime() : 0
    const isSteady = !this.#doubt && agoMs >= -this.#toleranceMs && agoMs <= REFERENCE_LIMIT_MS
    const isShared = this.#agreesWithShared(wallMs - monotonicMs, monotonicMs)
    const isTold = this.isTold()
    if (isSteady && isShared && isTold) return new Date(wallMs)
    this.#ask(monotonicMs)
    if (isSteady && !isTold) throw notTold()
    if (isSteady) throw differsFromShared()
    throw new StintError('CLOCK_UNSTABLE', {
      explanation:
        "The wall clock jumped, or differs from the time in the provider's answers; the broker serves calls again once it has been right and steady for some seconds.",
    })
  }

  earliestNow(): Date {
    const { wallMs, monotonicMs } = this.#look()
    if (this.#doubt || this.#dissent) this.#ask(monotonicMs)
    const told = [this.#reference, this.#dissent].flatMap((one) => (one ? [one.offsetMs + monotonicMs] : []))
    // A wall clock in doubt may be behind for hours, but until the reference clock has told its time there is no other.
    const own = this.#doubt ? [this.#trusted.offsetMs + monotonicMs, ...(this.#reference ? [] : [wallMs])] : [wallMs]
    return new Date(Math.min(...own, ...told, ...this.#sharedNow(wallMs - monotonicMs, monotonicMs)))
  }

  isTold(): boolean {
    if (!this.#askReference || this.#reference) return true
    this.#ask(this.#clock.monotonicMs())
    return false
  }

  heard(referenceNow: Date): void {
    const { monotonicMs } = this.#look()
    const offsetMs = referenceNow.getTime() - monotonicMs
    if (!Number.isFinite(offsetMs) || !this.#isBelieved(offsetMs, monotonicMs)) return
    const skewMs = this.#doubt ? (this.#reference?.skewMs ?? 0) : this.#trusted.offsetMs - offsetMs
    this.#reference = { offsetMs, atMs: monotonicMs, skewMs }
    this.#dissent = undefined
  }

  heardShared(reading: ClockReading): void {
    this.#shared = reading
  }

  #agreesWithShared(offsetMs: number, monotonicMs: number): boolean {
    const shared = this.#findShared(offsetMs, monotonicMs)
    return !shared || Math.abs(offsetMs - shared.offsetMs) - shared.errorMs <= SHARED_LIMIT_MS
  }

  #sharedNow(offsetMs: number, monotonicMs: number): number[] {
    const shared = this.#findShared(offsetMs, monotonicMs)
    return shared ? [monotonicMs + shared.offsetMs - shared.errorMs] : []
  }

  /** The reading of the shared clock that counts: of now, and not contradicted by the reference clock. */
  #findShared(offsetMs: number, monotonicMs: number): ClockReading | undefined {
    const [shared, reference] = [this.#shared, this.#reference]
    if (!shared || monotonicMs - shared.atMs > SHARED_SILENCE_MS) return undefined
    const isTold = reference !== undefined && monotonicMs - reference.atMs <= SILENCE_MS
    const isOursConfirmed = isTold && isNear(offsetMs, reference.offsetMs)
    return isOursConfirmed && !isNear(shared.offsetMs, reference.offsetMs) ? undefined : shared
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
    return this.#reference !== undefined && Math.abs(offsetMs - this.#reference.offsetMs) > REFERENCE_LIMIT_MS
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

  /** After a jump the clock may be nearer to the reference than before, but not farther away. */
  #agrees(offsetMs: number, sinceMs: number, atMs: number): boolean {
    const reference = this.#reference
    if (!reference) return true
    const limitMs = Math.min(REFERENCE_LIMIT_MS, Math.max(REFERENCE_READING_MS, Math.abs(reference.skewMs) + 1_000))
    if (Math.abs(offsetMs - reference.offsetMs) <= limitMs) return true
    // If the machine was suspended, the monotonic clock may have stood still, and without `askReference` no answer would ever say so.
    if (this.#askReference || reference.atMs > sinceMs || atMs < sinceMs + SILENCE_MS) return false
    this.#reference = undefined
    return true
  }

  /** Another reference time is believed if the wall clock agrees with it, or once it has lasted as long as a jump must. */
  #isBelieved(offsetMs: number, atMs: number): boolean {
    if (!this.#reference || isNear(offsetMs, this.#reference.offsetMs)) return true
    if (this.#doubt && isNear(offsetMs, this.#doubt.offsetMs)) return true
    if (this.#dissent && isNear(offsetMs, this.#dissent.offsetMs)) return atMs >= this.#dissent.sinceMs + this.#steadyMs
    this.#dissent = { offsetMs, sinceMs: atMs }
    return false
  }

  #ask(monotonicMs: number): void {
    if (!this.#askReference || monotonicMs - this.#askedMs < ASK_EVERY_MS) return
    this.#askedMs = monotonicMs
    this.#askReference()
  }
}

/** P7: by a clock that is hours ahead at the start, a grant would last for hours longer than it may. */
function notTold(): StintError {
  return new StintError('CLOCK_UNSTABLE', {
    explanation:
      'The provider has not told the time since the broker started, so nothing confirms the wall clock yet; the broker serves calls as soon as it has.',
  })
}

function differsFromShared(): StintError {
  const explanation = `The clock of this machine differs by more than ${SHARED_LIMIT_MS / 1_000} s from that of the ledger's database, with which all brokers compare theirs; the broker serves calls again once they agree.`
  return new StintError('CLOCK_UNSTABLE', { explanation })
}

/** True if two answers of the reference clock may tell the same time. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= REFERENCE_READING_MS
}
