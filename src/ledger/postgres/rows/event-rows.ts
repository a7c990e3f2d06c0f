import { FIRST_PREV_HASH } from '../../audit/sealed-event.ts'
import type { AuditEvent } from '../../records.ts'
import { integer, optional, present, toInstant } from '../../row-values.ts'

/** A row of `SELECT_EVENT`. */
export interface EventRow {
  readonly position: number
  /** Null when its chain is not on record; empty for events that a SQLite ledger recorded before chains had names. */
  readonly chain: string | null
  readonly seq: number
  readonly id: string
  readonly type: string
  readonly actor: string
  readonly at: number
  readonly grant_id: string | null
  readonly lease_id: string | null
  readonly request_id: string | null
  readonly trace_id: string | null
  readonly data: string | null
  readonly hash: string
  /** Null for the first event of a chain. */
  readonly prev_hash: string | null
}

/** Events with the hash of the one before in their chain, which is not stored twice. */
export const SELECT_EVENT = `SELECT e.position, c.id AS chain, e.seq, e.id, e.type, e.actor, e.at, e.grant_id, e.lease_id,
  e.request_id, e.trace_id, e.data, encode(e.hash, 'hex') AS hash, encode(p.hash, 'hex') AS prev_hash
  FROM events e LEFT JOIN chains c ON c.n = e.chain_n LEFT JOIN events p ON p.chain_n = e.chain_n AND p.seq = e.seq - 1`

/** @throws {Error} for a row whose chain is missing, or whose data is not JSON */
export function toEvent(row: EventRow): AuditEvent {
  return {
    ...toContent(row),
    ...(row.data === null ? {} : { data: JSON.parse(row.data) }),
    id: row.id,
    position: integer(row.position),
    // As it was recorded before chains had names.
    ...(row.chain === '' ? {} : { chain: present(row.chain, 'chain') }),
    seq: integer(row.seq),
    prevHash: row.prev_hash ?? FIRST_PREV_HASH,
    hash: row.hash,
  }
}

function toContent(row: EventRow) {
  return {
    type: row.type,
    at: toInstant(row.at),
    actor: row.actor,
    ...optional('grantId', row.grant_id),
    ...optional('leaseId', row.lease_id),
    ...optional('requestId', row.request_id),
    ...optional('traceId', row.trace_id),
  }
}
