import { type ChainHead, emptyHead, sealEvent, toHead } from '../../src/ledger/audit/sealed-event.ts'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import type { AuditEvent, EventContent } from '../../src/ledger/records.ts'

/** An event in its place after `prev`, as the ledger records it. */
export function sealedEvent(prev: ChainHead, input: EventContent, id: string, position = prev.seq + 1): AuditEvent {
  const { head } = sealEvent(prev, input, id)
  const chain = head.chain === '' ? {} : { chain: head.chain }
  return { ...input, id, position, ...chain, seq: head.seq, prevHash: prev.hash, hash: head.hash }
}

/** A record of several chains as their writers would make it, by hand; positions are in the order of the calls. */
export class SealedRecord {
  events: AuditEvent[] = []
  readonly #heads = new Map<string, ChainHead>()

  head(chain: string): ChainHead {
    return this.#heads.get(chain) ?? emptyHead(chain)
  }

  add(chain: string, input: EventContent): AuditEvent {
    const position = this.events.length + 1
    const event = sealedEvent(this.head(chain), input, `evt_${position}`, position)
    this.events.push(event)
    this.#heads.set(chain, toHead(event))
    return event
  }

  opened(chain: string, heads: readonly ChainHead[] = []): AuditEvent {
    return this.add(chain, auditEvent('chain.opened', { at: AT, actor: 'stint', data: { heads } }) as EventContent)
  }

  named(chain: string, heads: readonly ChainHead[]): AuditEvent {
    return this.add(chain, auditEvent('chain.heads', { at: AT, actor: 'stint', data: { heads } }) as EventContent)
  }

  closed(chain: string): AuditEvent {
    return this.add(chain, auditEvent('chain.closed', { at: AT, actor: 'stint', data: {} }) as EventContent)
  }

  /** Removes the events of a chain after this number, as if they had never been. */
  cut(chain: string, seq: number): void {
    const last = this.events.find((event) => event.chain === chain && event.seq === seq)
    this.#heads.set(chain, last ? toHead(last) : emptyHead(chain))
    this.events = this.events.filter((event) => event.chain !== chain || event.seq <= seq)
  }

  happened(chain: string, count = 1): void {
    for (let n = 0; n < count; n += 1) {
      const seq = this.head(chain).seq + 1
      this.add(chain, { type: 'test.happened', at: new Date(AT.getTime() + seq), actor: 'stint', data: { n: seq } })
    }
  }
}

const AT = new Date(Date.UTC(2026, 10, 21, 12))

/** A chain of that many events, its opening among them, numbered in `data.n`. */
export function sealEvents(count: number): { events: AuditEvent[]; head: ChainHead } {
  const record = new SealedRecord()
  record.opened('rpl_1')
  record.happened('rpl_1', count - 1)
  return { events: record.events, head: record.head('rpl_1') }
}
