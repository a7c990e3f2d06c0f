import { setImmediate as nextTurn } from 'node:timers/promises'
import { StintError } from '../../core/errors.ts'
import type { LedgerReads } from '../ledger.ts'
import type { AuditEvent } from '../records.ts'
import { type AuditVerdict, type UnverifiedEvent, unverifiedEvent, walkChains } from './walk-chains.ts'

/**
 * Verifies the audit log of a running broker up to its last event of now, a page at a time, and lets other calls run between
 * two pages. One at a time: a second call is RATE_LIMITED.
 *
 * @throws {StintError} RATE_LIMITED, CANCELLED (the caller gave up), SHUTTING_DOWN
 */
export class LogVerifier {
  readonly #ledger: Pick<LedgerReads, 'auditEvents' | 'auditHeads'>
  readonly #pageSize: number
  #running = false

  constructor(input: { ledger: Pick<LedgerReads, 'auditEvents' | 'auditHeads'>; pageSize: number }) {
    this.#ledger = input.ledger
    this.#pageSize = input.pageSize
  }

  async verify(signals: Signals): Promise<AuditVerdict> {
    if (this.#running) {
      const explanation = 'A verification is already running; wait for it to end.'
      throw new StintError('RATE_LIMITED', { explanation, retryAfterSeconds: 10 })
    }
    this.#running = true
    try {
      const { position, heads } = await this.#ledger.auditHeads()
      return await walkChains(this.#record(position, signals), { claimed: heads })
    } finally {
      this.#running = false
    }
  }

  /** Events after the position were written since; the next verification covers them. */
  async *#record(position: number, signals: Signals): AsyncGenerator<UnverifiedEvent> {
    let afterPosition = Number.MIN_SAFE_INTEGER
    while (afterPosition < position) {
      if (signals.stopping?.aborted) throw new StintError('SHUTTING_DOWN', { explanation: 'The broker is stopping.' })
      if (signals.caller.aborted) throw new StintError('CANCELLED', { explanation: 'The caller went away.' })
      const page = await this.#page(afterPosition)
      for (const event of page) {
        if (event !== UNREADABLE && event.position > position) return
        yield event === UNREADABLE ? unreadableEvent : unverifiedEvent(event)
      }
      const last = page.at(-1)
      if (last === undefined || last === UNREADABLE || last.position <= afterPosition) return
      afterPosition = last.position
      await nextTurn()
    }
  }

  /** A page; if one of its events cannot be read, those before it, and then that one. */
  async #page(afterPosition: number): Promise<(AuditEvent | typeof UNREADABLE)[]> {
    try {
      return await this.#ledger.auditEvents({ afterPosition, limit: this.#pageSize })
    } catch {
      // A ledger that cannot be read at all fails here too, and then says why.
      await this.#ledger.auditHeads()
      return this.#oneByOne(afterPosition)
    }
  }

  async #oneByOne(afterPosition: number): Promise<(AuditEvent | typeof UNREADABLE)[]> {
    const events: AuditEvent[] = []
    while (events.length < this.#pageSize) {
      const after = events.at(-1)?.position ?? afterPosition
      const page = await this.#ledger.auditEvents({ afterPosition: after, limit: 1 }).catch(() => undefined)
      if (!page) return [...events, UNREADABLE]
      if (!page[0]) break
      events.push(page[0])
    }
    return events
  }
}

interface Signals {
  readonly caller: AbortSignal
  readonly stopping: AbortSignal | undefined
}

const UNREADABLE = Symbol('an event whose row cannot be read')

const unreadableEvent: UnverifiedEvent = {
  chain: undefined,
  read: () => ({ seq: -1, prevHash: '', hash: '', text: '', unreadable: 'An event cannot be read as an event.' }),
}
