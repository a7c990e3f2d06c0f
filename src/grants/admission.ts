import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { KeyedLimiter } from '../core/limits/keyed-limiter.ts'

/** Limits of one agent, so that none can starve another. */
export interface AdmissionLimits {
  /** Calls that may lead to a mint, per second and agent. */
  readonly callsPerSecond: number
  /** How many of them at once after a pause. */
  readonly burst: number
  /** Calls of one agent in work at the same time. */
  readonly concurrent: number
  /** What is counted, for the sentence of a refusal; default `calls`. */
  readonly of?: string
}

const MAX_AGENTS = 50_000

/** Admits a call before it costs anything, or refuses it with RATE_LIMITED. Cancelled calls count like others. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #rates: KeyedLimiter
  /** Only agents that have a call in work. */
  readonly #inWork = new Map<string, number>()

  constructor({ limits, clock }: { limits: AdmissionLimits; clock: Clock }) {
    this.#limits = limits
    const { callsPerSecond: ratePerSecond, burst } = limits
    this.#rates = new KeyedLimiter({ clock, ratePerSecond, burst, maxKeys: MAX_AGENTS })
  }

  /** Runs `work` if the agent is within its limits. @throws {StintError} RATE_LIMITED with `details.retryAfterMs`. */
  async admit<T>(subject: string, work: () => Promise<T>): Promise<T> {
    const { concurrent, callsPerSecond, of = 'calls' } = this.#limits
    if (this.#callsInWork(subject) >= concurrent) throw limited(`${of} at the same time`, concurrent, 100)
    if (!this.#rates.tryTake(subject))
      throw limited(`${of} per second`, callsPerSecond, Math.ceil(1_000 / callsPerSecond))
    this.#inWork.set(subject, this.#callsInWork(subject) + 1)
    try {
      return await work()
    } finally {
      const left = this.#callsInWork(subject) - 1
      if (left > 0) this.#inWork.set(subject, left)
      else this.#inWork.delete(subject)
    }
  }

  #callsInWork(subject: string): number {
    return this.#inWork.get(subject) ?? 0
  }
}

function limited(what: string, limit: number, retryAfterMs: number): StintError {
  const explanation = `This agent exceeded its limit of ${limit} ${what}; wait and try again.`
  return new StintError('RATE_LIMITED', { check: 'agent-rate', explanation, retryAfterMs })
}
