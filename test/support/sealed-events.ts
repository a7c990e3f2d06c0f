import { type ChainHead, EMPTY_HEAD, sealEvent } from '../../src/ledger/audit/audit-log.ts'
import type { AuditEvent } from '../../src/ledger/records.ts'

/** A chain of that many events, numbered in `data.n`. */
export function sealEvents(count: number): { events: AuditEvent[]; head: ChainHead } {
  const events: AuditEvent[] = []
  let head = EMPTY_HEAD
  for (let seq = 1; seq <= count; seq += 1) {
    const at = new Date(Date.UTC(2026, 10, 21, 12, 0, seq))
    const event = sealEvent(head, { type: 'test.happened', at, actor: 'stint', data: { n: seq } }, `evt_${seq}`, seq)
    events.push(event)
    head = { seq, hash: event.hash }
  }
  return { events, head }
}
