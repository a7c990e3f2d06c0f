import { setImmediate as nextTurn } from 'node:timers/promises'
import { StintError } from '../../core/errors.ts'
import type { LedgerReads } from '../ledger.ts'
import type { AuditEvent } from '../records.ts'
import { type ChainHead, type ChainProblem, type ChainVerdict, verifyChain } from './audit-log.ts'

/** What a walk through the audit log came to. */
export interface LogVerification {
  readonly ok: boolean
  /** Events found whole, from the first on. */
  readonly events: number
  /** The head that the ledger claims. */
  readonly head: ChainHead
  /** The first bad place. */
  readonly problem?: { readonly seq: number; readonly kind: ChainProblem; readonly explanation: string }
}

/**
 * Verifies the audit log up to its head of now, a page at a time, and lets other calls run between two pages. One at a
 * time: a second call is RATE_LIMITED.
 *
 * @throws {StintError} RATE_LIMITED, CANCELLED (the caller gave up), SHUTTING_DOWN
 */
export class LogVerifier {
  readonly #ledger: Pick<LedgerReads, 'auditEvents' | 'auditHead'>
  readonly #pageSize: number
  #running = false

  constructor(input: { ledger: Pick<LedgerReads, 'auditEvents' | 'auditHead'>; pageSize: number }) {
    this.#ledger = input.ledger
    this.#pageSize = input.pageSize
  }

  async verify(signals: Signals): Promise<LogVerification> {
    if (this.#running) {
      const explanation = 'A verification is running already; wait for it to end.'
      throw new StintError('RATE_LIMITED', { explanation, retryAfterSeconds: 10 })
    }
    this.#running = true
    const walk: Walk = { seq: 0 }
    try {
      const head = await this.#ledger.auditHead()
      const verdict = await this.#walk(walk, head, signals)
      if (verdict.ok) return { ok: true, events: verdict.events, head }
      const { seq, problem: kind, explanation } = verdict
      return { ok: false, events: Math.max(0, seq - 1), head, problem: { seq, kind, explanation } }
    } finally {
      this.#running = false
    }
  }

  async #walk(walk: Walk, head: ChainHead, signals: Signals): Promise<ChainVerdict> {
    try {
      return await verifyChain(this.#events(walk, head, signals), { expect: [head] })
    } catch (error) {
      // A row that was damaged may not even have the form of an event; what the ledger says of itself passes.
      if (error instanceof StintError && !(error instanceof UnreadableEvent)) throw error
      const explanation = `Event ${walk.seq} cannot be read as an event.`
      return { ok: false, seq: walk.seq, problem: 'unreadable', explanation }
    }
  }

  async *#events(walk: Walk, head: ChainHead, signals: Signals): AsyncGenerator<AuditEvent> {
    let afterSeq = 0
    for (;;) {
      if (signals.stopping?.aborted) throw new StintError('SHUTTING_DOWN', { explanation: 'The broker is stopping.' })
      if (signals.caller.aborted) throw new StintError('CANCELLED', { explanation: 'The caller went away.' })
      const page = await this.#page(walk, afterSeq)
      for (const event of page) {
        // Events after the head were written since; the next verification covers them.
        if (event.seq > head.seq) return
        walk.seq = event.seq
        yield event
      }
      const last = page.at(-1)?.seq ?? head.seq
      if (last >= head.seq || last <= afterSeq) return
      afterSeq = last
      await nextTurn()
    }
  }

  /** A page; if it cannot be read, its events up to the one at fault, on whose own page it throws UnreadableEvent. */
  async #page(walk: Walk, afterSeq: number): Promise<AuditEvent[]> {
    try {
      return await this.#ledger.auditEvents({ afterSeq, limit: this.#pageSize })
    } catch (error) {
      // A ledger that cannot be read at all fails here too, and then says why.
      await this.#ledger.auditHead()
      const [first, ...rest] = await this.#oneByOne(afterSeq)
      if (first) return [first, ...rest]
      walk.seq = afterSeq + 1
      throw new UnreadableEvent('AUDIT_INVALID', {}, error)
    }
  }

  async #oneByOne(afterSeq: number): Promise<AuditEvent[]> {
    const events: AuditEvent[] = []
    while (events.length < this.#pageSize) {
      const after = events.at(-1)?.seq ?? afterSeq
      const [event] = await this.#ledger.auditEvents({ afterSeq: after, limit: 1 }).catch(() => [])
      if (!event) break
      events.push(event)
    }
    return events
  }
}

/** Where the walk is, for when it stumbles. */
interface Walk {
  seq: number
}

interface Signals {
  readonly caller: AbortSignal
  readonly stopping: AbortSignal | undefined
}

class UnreadableEvent extends StintError {}
