import { setImmediate as nextTurn } from 'node:timers/promises'
import { StintError } from '../core/errors.ts'
import { type ChainHead, type ChainProblem, verifyChain } from '../ledger/audit-log.ts'
import type { LedgerReads } from '../ledger/ledger.ts'
import type { AuditEvent } from '../ledger/records.ts'

/** What a walk through the audit log came to. */
export interface AuditVerification {
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
export class AuditVerifier {
  readonly #ledger: Pick<LedgerReads, 'auditEvents' | 'auditHead'>
  readonly #pageSize: number
  #running = false

  constructor(input: { ledger: Pick<LedgerReads, 'auditEvents' | 'auditHead'>; pageSize: number }) {
    this.#ledger = input.ledger
    this.#pageSize = input.pageSize
  }

  async verify(signals: { caller: AbortSignal; stopping: AbortSignal | undefined }): Promise<AuditVerification> {
    if (this.#running) {
      const explanation = 'a verification is running already; wait for it to end'
      throw new StintError('RATE_LIMITED', { explanation, retryAfterSeconds: 10 })
    }
    this.#running = true
    try {
      const head = await this.#ledger.auditHead()
      const verdict = await verifyChain(this.#events(head, signals), { expect: [head] })
      if (verdict.ok) return { ok: true, events: verdict.events, head }
      const { seq, problem: kind, explanation } = verdict
      return { ok: false, events: Math.max(0, seq - 1), head, problem: { seq, kind, explanation } }
    } finally {
      this.#running = false
    }
  }

  async *#events(
    head: ChainHead,
    signals: { caller: AbortSignal; stopping: AbortSignal | undefined },
  ): AsyncGenerator<AuditEvent> {
    let afterSeq = 0
    for (;;) {
      if (signals.stopping?.aborted) throw new StintError('SHUTTING_DOWN', { explanation: 'the broker is stopping' })
      if (signals.caller.aborted) throw new StintError('CANCELLED', { explanation: 'the caller went away' })
      const page = await this.#ledger.auditEvents({ afterSeq, limit: this.#pageSize })
      // Events after the head were written since; the next verification covers them.
      yield* page.filter(({ seq }) => seq <= head.seq)
      const last = page.at(-1)?.seq ?? head.seq
      if (last >= head.seq || last <= afterSeq) return
      afterSeq = last
      await nextTurn()
    }
  }
}
