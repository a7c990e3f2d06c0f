import type { Clock } from '../../core/clock.ts'
import { asStintError, type ErrorCode, StintError } from '../../core/errors.ts'
import { KeyedLimiter } from '../../core/limits/keyed-limiter.ts'
import type { CallConnection, CallerIdentity } from '../../identity/caller-identity.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { LedgerWrites } from '../../ledger/ledger.ts'

const MAX_AGENTS = 50_000

/** Limits of one agent, so that none can starve another. */
export interface AdmissionLimits {
  /** Calls that may lead to a mint, per second and agent. */
  readonly callsPerSecond: number
  /** How many of them at once after a pause. */
  readonly burst: number
  /** Calls of one agent in work at the same time. */
  readonly concurrent: number
  /** Name of the counted thing in refusals; default `calls`. */
  readonly of?: string
}

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
    if (this.#callsInWork(subject) >= concurrent) throw toRateLimited(`${of} at the same time`, concurrent, 100)
    if (!this.#rates.tryTake(subject))
      throw toRateLimited(`${of} per second`, callsPerSecond, Math.ceil(1_000 / callsPerSecond))
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

function toRateLimited(what: string, limit: number, retryAfterMs: number): StintError {
  const explanation = `This agent exceeded its limit of ${limit} ${what}; wait and try again.`
  return new StintError('RATE_LIMITED', { check: 'agent-rate', explanation, retryAfterMs })
}

type Caller = Pick<CallerIdentity, 'subject' | 'authMethod' | 'evidence' | 'token'>

/** How much one agent may have put on record besides its grants. */
export interface RecordRates {
  /** Refused requests a minute, and as many at once after a pause. */
  readonly refusalsPerMinute: number
}

/** Entries that an agent reports, per second and at once: the second is one full call. */
const REPORTS_PER_SECOND = 5
const REPORTS_BURST = 100

/**
 * Errors that say nothing of the request: they leave no refusal on record, and the agent is to come again. A replayed token,
 * or one that its cluster has taken back, may be a thief's, whose tries must not make the agent wait; their record has a
 * bound of its own.
 */
const NO_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'RATE_LIMITED',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'SHUTTING_DOWN',
  'TOKEN_REPLAYED',
  'TOKEN_INVALID',
])

/**
 * Bounds what the record grows by through one agent: every refusal is on record, so an agent that is refused over and over
 * has to wait before it is judged again. That it has to is on record too, once a minute.
 */
export class RecordLimits {
  readonly #rates: RecordRates
  readonly #ledger: Pick<LedgerWrites, 'appendEvents'>
  readonly #clock: Clock
  readonly #refusals: KeyedLimiter
  readonly #reports: KeyedLimiter
  readonly #told: KeyedLimiter
  /** Connections of bearer tokens that have got a lease. */
  readonly #minted = new WeakSet<CallConnection>()

  constructor({
    rates,
    ledger,
    clock,
  }: { rates: RecordRates; ledger: Pick<LedgerWrites, 'appendEvents'>; clock: Clock }) {
    this.#rates = rates
    this.#ledger = ledger
    this.#clock = clock
    const common = { clock, maxKeys: MAX_AGENTS }
    const { refusalsPerMinute: burst } = rates
    this.#refusals = new KeyedLimiter({ ...common, ratePerSecond: burst / 60, burst })
    this.#reports = new KeyedLimiter({ ...common, ratePerSecond: REPORTS_PER_SECOND, burst: REPORTS_BURST })
    this.#told = new KeyedLimiter({ ...common, ratePerSecond: 1 / 60, burst: 1 })
  }

  /**
   * Runs work that may end in a refusal. A connection that has got a lease by a bearer token is counted by itself: whoever
   * has copied the token gets none over another one, and cannot make its agent wait there.
   *
   * @throws {StintError} RATE_LIMITED with `details.retryAfterMs`, before the work
   */
  async withinRefusals<T>(caller: Caller, work: () => Promise<T>): Promise<T> {
    const key = this.#accountFor(caller)
    const waitMs = this.#refusals.waitMs(key)
    if (waitMs > 0) throw await this.#tooManyRefusals(caller, waitMs)
    try {
      return await work()
    } catch (thrown) {
      const { code, retryable } = asStintError(thrown)
      if (!NO_REFUSALS.has(code) && (!retryable || code === 'QUOTA_EXCEEDED')) this.#refusals.tryTake(key)
      throw thrown
    }
  }

  /** The caller has got a lease. */
  minted({ token }: Pick<Caller, 'token'>): void {
    if (token) this.#minted.add(token.connection)
  }

  /** @throws {StintError} RATE_LIMITED with `details.retryAfterMs`; then none of the reports counts */
  admitReports(subject: string, count: number): void {
    if (this.#reports.tryTake(subject, count)) return
    const explanation = `This agent exceeded ${REPORTS_PER_SECOND} activity reports per second; report larger steps.`
    const retryAfterMs = Math.ceil((count / REPORTS_PER_SECOND) * 1_000)
    throw new StintError('RATE_LIMITED', { check: 'reports', explanation, retryAfterMs })
  }

  #accountFor({ subject, token }: Pick<Caller, 'subject' | 'token'>): string {
    return token && this.#minted.has(token.connection) ? `${subject} over ${token.connection.id}` : subject
  }

  async #tooManyRefusals({ subject, authMethod, evidence }: Caller, waitMs: number): Promise<StintError> {
    const { refusalsPerMinute } = this.#rates
    if (this.#told.tryTake(subject)) {
      const data = { code: 'RATE_LIMITED', authMethod, ...evidence, check: 'refusals', refusalsPerMinute } as const
      await this.#ledger.appendEvents([auditEvent('grant.refused', { at: this.#clock.now(), actor: subject, data })])
    }
    const explanation = `More than ${refusalsPerMinute} of this agent's requests were refused within a minute; fix the cause, wait and try again.`
    return new StintError('RATE_LIMITED', { check: 'refusals', explanation, retryAfterMs: Math.ceil(waitMs) })
  }
}
