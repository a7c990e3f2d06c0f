import type { Clock } from '../../src/core/clock.ts'
import type { Scheduler } from './scheduler.ts'

/** When the simulated world begins. */
const BEGIN_MS = Date.parse('2026-11-21T12:00:00.000Z')

/** The longest pause of a loop that mostly finds nothing to do. */
const IDLE_MS = 3_000

/** The instant of virtual time by a clock that is right. */
export function trueDate(nowMs: number): Date {
  return new Date(BEGIN_MS + nowMs)
}

/** The machine under the broker: its clocks outlive a process. */
export interface Machine {
  /** By how much its wall clock is ahead of the truth. */
  wallOffsetMs: number
  /** For how long it was suspended: the monotonic clock stood still. */
  suspendedMs: number
}

/** One process of the broker: it may be paused, and it may die in the middle of anything. */
export class Process {
  readonly #scheduler: Scheduler
  isDead = false
  #pausedUntilMs = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** From here on none of its waits ends, so that no line of it runs any more. */
  die(): void {
    this.isDead = true
  }

  /** As SIGSTOP does, or a suspended machine: nothing of it runs for so long. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#scheduler.nowMs + ms)
  }

  /** Goes on after so long, later if the process is paused by then, never if it is dead. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** As `wait`, for a callback. @returns takes it back */
  after(ms: number, run: () => void): () => void {
    return this.#scheduler.after(ms, () => {
      if (this.isDead) return
      const pauseMs = this.#pausedUntilMs - this.#scheduler.nowMs
      if (pauseMs > 0) this.after(pauseMs, run)
      else run()
    })
  }
}

/** The clocks of the machine, as a process on it sees them. */
export class ProcessClock implements Clock {
  readonly #scheduler: Scheduler
  readonly #machine: Machine
  readonly #process: Process
  readonly #slowness: () => number

  /** @param slowness pauses of idle loops take so many times longer, since each costs real time */
  constructor(deps: { scheduler: Scheduler; machine: Machine; process: Process; slowness?: () => number }) {
    this.#scheduler = deps.scheduler
    this.#machine = deps.machine
    this.#process = deps.process
    this.#slowness = deps.slowness ?? (() => 1)
  }

  now(): Date {
    return new Date(BEGIN_MS + this.#scheduler.nowMs + this.#machine.wallOffsetMs)
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs - this.#machine.suspendedMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const forget = this.#process.after(ms <= IDLE_MS ? ms * this.#slowness() : ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      const onAbort = () => {
        forget()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
