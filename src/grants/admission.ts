import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'

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

interface Account {
  tokens: number
  refilledMs: number
  inWork: number
}

const MAX_ACCOUNTS = 50_000

/** Admits a call before it costs anything, or refuses it with RATE_LIMITED. Cancelled calls count like others. */
export class Admission {
  readonly #accounts = new Map<string, Account>()
  readonly #limits: AdmissionLimits
  readonly #clock: Clock

  constructor({ limits, clock }: { limits: AdmissionLimits; clock: Clock }) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Runs `work` if the agent is within its limits. @throws {StintError} RATE_LIMITED with `details.retryAfterMs`. */
  async admit<T>(subject: string, work: () => Promise<T>): Promise<T> {
    const account = this.#account(subject)
    const { concurrent, callsPerSecond, of = 'calls' } = this.#limits
    if (account.inWork >= concurrent) throw limited(`${of} at the same time`, concurrent, 100)
    if (account.tokens < 1) throw limited(`${of} per second`, callsPerSecond, Math.ceil(1_000 / callsPerSecond))
    account.tokens -= 1
    account.inWork += 1
    try {
      return await work()
    } finally {
      account.inWork -= 1
    }
  }

  #account(subject: string): Account {
    const nowMs = this.#clock.monotonicMs()
    const { burst, callsPerSecond } = this.#limits
    const known = this.#accounts.get(subject)
    if (known) {
      known.tokens = Math.min(burst, known.tokens + ((nowMs - known.refilledMs) / 1_000) * callsPerSecond)
      known.refilledMs = nowMs
      return known
    }
    if (this.#accounts.size >= MAX_ACCOUNTS) this.#forgetIdle()
    const account = { tokens: burst, refilledMs: nowMs, inWork: 0 }
    this.#accounts.set(subject, account)
    return account
  }

  /** An account that has had time to fill up again says nothing that a new one would not. */
  #forgetIdle(): void {
    const fullAfterMs = (this.#limits.burst / this.#limits.callsPerSecond) * 1_000
    const nowMs = this.#clock.monotonicMs()
    for (const [subject, account] of this.#accounts) {
      if (account.inWork === 0 && nowMs - account.refilledMs >= fullAfterMs) this.#accounts.delete(subject)
    }
  }
}

function limited(what: string, limit: number, retryAfterMs: number): StintError {
  const explanation = `This agent is over its limit of ${limit} ${what}; wait and try again.`
  return new StintError('RATE_LIMITED', { check: 'agent-rate', explanation, retryAfterMs })
}
