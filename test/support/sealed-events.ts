import { type ChainHead, EMPTY_HEAD, sealEvent } from '../../src/ledger/audit/audit-log.ts'
import type { AuditEvent, EventContent } from '../../src/ledger/records.ts'

/** An event in its place after `prev`, as the ledger records it. */
export function sealedEvent(prev: ChainHead, input: EventContent, id: string): AuditEvent {
  const { head } = sealEvent(prev, input, id)
  return { ...input, id, seq: head.seq, prevHash: prev.hash, hash: head.hash }
}

/** A chain of that many events, numbered in `data.n`. */
export function sealEvents(count: number): { events: AuditEvent[]; head: ChainHead } {
  const events: AuditEvent[] = []
  let head = EMPTY_HEAD
  for (let seq = 1; seq <= count; seq += 1) {
    const at = new Date(Date.UTC(2026, 10, 21, 12, 0, seq))
    const event = sealedEvent(head, { type: 'test.happened', at, actor: 'stint', data: { n: seq } }, `evt_${seq}`)
    events.push(event)
    head = { seq, hash: event.hash }
  }
  return { events, head }
}
