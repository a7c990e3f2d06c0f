import type { Clock } from '../core/clock.ts'
import { duringCall } from '../core/correlation.ts'
import { asStintError, type ErrorCode } from '../core/errors.ts'
import { auditEvent, type EventData, REFUSED_CALL } from './events/audit-event.ts'
import type { LedgerWrites } from './ledger.ts'

const WINDOW_MS = 60_000

/** The part of a logger that is used. */
interface RefusalLogger {
  error(fields: object, message: string): void
}

/** Facts about a refused token, beyond its public part. */
export type TokenFacts = Omit<Extract<EventData<'identity.refused'>, { count: 1 }>, keyof Refusal | 'count'>

/** A call that was turned away before it did anything. */
export interface Refusal {
  /** `operator:<name>`, an agent, or `stint` when nobody knows who it was. */
  readonly actor: string
  /** e.g. `OPERATOR_UNKNOWN` */
  readonly code: ErrorCode
  /** e.g. `expired` */
  readonly reason: string
  /** e.g. `POST /v1/grants/{id}/revoke` */
  readonly operation: string
  readonly remoteAddress?: string
  /** Public part of the token. */
  readonly tokenId?: string
  /** Ids and facts besides, for the event of its own. */
  readonly details?: TokenFacts
  /** Trust domain of the certificate that was shown and not believed. */
  readonly shownTrustDomain?: string
  /** Lower-case hex SHA-256 of that certificate. */
  readonly shownFingerprint?: string
}

/**
 * Puts refused calls on record, at most `eventsPerMinute` events a minute: the first ones each by
 * itself, the rest of the minute as one event with counts, so that a flood shows and cannot fill the log.
 */
export class RefusalLog {
  readonly #ledger: Pick<LedgerWrites, 'appendEvents'>
  readonly #clock: Clock
  readonly #logger: RefusalLogger
  readonly #callers: keyof typeof REFUSED_CALL
  readonly #single: number
  #windowEnds = Number.NEGATIVE_INFINITY
  #used = 0
  #more: Map<string, number> | undefined
  #closing = new AbortController()
  #flushing: Promise<void> = Promise.resolve()

  constructor(input: {
    ledger: Pick<LedgerWrites, 'appendEvents'>
    clock: Clock
    logger: RefusalLogger
    callers: keyof typeof REFUSED_CALL
    eventsPerMinute: number
  }) {
    this.#ledger = input.ledger
    this.#clock = input.clock
    this.#logger = input.logger
    this.#callers = input.callers
    this.#single = input.eventsPerMinute - 1
  }

  /** Resolves when the refusal is on record, or is counted for the event that ends the minute. Never rejects. */
  async note(refusal: Refusal): Promise<void> {
    const now = this.#clock.monotonicMs()
    if (now >= this.#windowEnds && this.#more === undefined) {
      this.#windowEnds = now + WINDOW_MS
      this.#used = 0
    }
    if (this.#used < this.#single) {
      this.#used += 1
      const { actor, details, ...data } = refusal
      return this.#append(actor, { ...data, ...details, count: 1 })
    }
    if (this.#more === undefined) {
      this.#more = new Map()
      const waitMs = this.#windowEnds - now
      // It stands for many calls, so it is of none.
      this.#flushing = duringCall(undefined, () => this.#flushLater(waitMs))
    }
    // Both parts come from our own short lists, so the map stays small.
    const key = `${refusal.code}:${refusal.reason}`
    this.#more.set(key, (this.#more.get(key) ?? 0) + 1)
  }

  /** Records what is still only counted. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#flushing
  }

  async #flushLater(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#closing.signal).catch(() => undefined)
    const byReason = Object.fromEntries(this.#more ?? [])
    this.#more = undefined
    const count = Object.values(byReason).reduce((sum, n) => sum + n, 0)
    await this.#append('stint', { coalesced: true, count, byReason })
  }

  async #append(actor: string, data: EventData<'identity.refused'>): Promise<void> {
    const event = auditEvent(REFUSED_CALL[this.#callers], { at: this.#clock.now(), actor, data })
    try {
      await this.#ledger.appendEvents([event])
    } catch (error) {
      // The call is refused in any case; the log has to carry what the ledger cannot.
      this.#logger.error({ code: asStintError(error).code, event }, 'a refused call could not be put on record')
    }
  }
}
