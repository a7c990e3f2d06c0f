import { dataText, eventText } from './sealed-event.ts'
import type { ChainLink } from './walk-chains.ts'

/** An event as a store has it in a row. */
export interface StoredEvent {
  readonly position: number
  /** Null when its chain is not on record; empty for events recorded before chains had names. */
  readonly chain: string | null
  readonly seq: number
  readonly id: string
  readonly type: string | null
  readonly actor: string | null
  readonly at: number
  readonly grant_id: string | null
  readonly lease_id: string | null
  readonly request_id: string | null
  readonly trace_id: string | null
  readonly data: string | null
}

/**
 * A stored event for a walk along its chain. The hash of the event before is not stored twice: it is what the walk found there.
 *
 * @param hash in hex; anything else matches no event
 */
export function toChainLink(row: StoredEvent, prevHash: string, hash: string): ChainLink {
  const { seq, chain } = row
  const link = { seq, prevHash, hash, text: '' }
  try {
    if (chain === null) return { ...link, unreadable: `The chain of event ${seq} is not on record.` }
    if (!Number.isSafeInteger(row.position))
      return { ...link, unreadable: `The position of event ${seq} is out of range.` }
    const data: unknown = row.data === null ? undefined : JSON.parse(row.data)
    if (data !== undefined && dataText(data as never) !== row.data) {
      return { ...link, unreadable: `The data of event ${seq} is not as it was written.` }
    }
    const content = {
      type: row.type ?? '',
      actor: row.actor ?? '',
      at: new Date(row.at),
      ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
      ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
      ...(row.request_id === null ? {} : { requestId: row.request_id }),
      ...(row.trace_id === null ? {} : { traceId: row.trace_id }),
    }
    const text = eventText(content, row.id, { chain, seq, prevHash }, row.data ?? undefined)
    return { ...link, text, type: content.type, data }
  } catch {
    return { ...link, unreadable: `Event ${seq} cannot be read as an event.` }
  }
}
