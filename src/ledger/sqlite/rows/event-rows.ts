import { FIRST_PREV_HASH } from '../../audit/sealed-event.ts'
import type { AuditEvent } from '../../records.ts'
import { present, toHex, toInstant } from '../../row-values.ts'

/** A row of `SELECT_EVENT`. */
export interface EventRow {
  position: number
  /** Null when its chain is not on record; empty for events recorded before chains had names. */
  chain: string | null
  seq: number
  id: string
  type: string | null
  actor: string | null
  at: number
  grant_id: string | null
  lease_id: string | null
  request_id: string | null
  trace_id: string | null
  data: string | null
  hash: Uint8Array
  prev_hash: Uint8Array | null
}

/** Columns that a later schema added to `events`. An older file that is only read does not have them. */
const LATER_EVENT_COLUMNS = ['request_id', 'trace_id'] as const

/**
 * Events with the hash of the one before in their chain; null for the first. One process at a time writes a file, so the
 * events of a chain have one position after another.
 */
export const SELECT_EVENT = selectEvent([...LATER_EVENT_COLUMNS, 'chain_n'])

/** As `SELECT_EVENT`, for a table that has only these of the columns that later schemas added. */
export function selectEvent(present: readonly string[]): string {
  const later = LATER_EVENT_COLUMNS.map((name) => (present.includes(name) ? `e.${name}` : `NULL AS ${name}`)).join(', ')
  const common = `e.id, tn.text AS type, an.text AS actor, e.at, e.grant_id, e.lease_id, ${later}, e.data, e.hash`
  const texts = 'LEFT JOIN names tn ON tn.n = e.type_n LEFT JOIN names an ON an.n = e.actor_n'
  if (!present.includes('chain_n')) {
    // Before chains had names there was one, and the number of an event was its position.
    return `SELECT e.seq AS position, '' AS chain, e.seq, ${common},
  (SELECT p.hash FROM events p WHERE p.seq = e.seq - 1) AS prev_hash FROM events e ${texts}`
  }
  return `SELECT e.position, iif(e.chain_n IS NULL, '', c.id) AS chain, coalesce(e.seq, e.position) AS seq, ${common},
  (SELECT p.hash FROM events p WHERE p.position = e.position - 1 AND p.chain_n IS e.chain_n) AS prev_hash
  FROM events e LEFT JOIN chains c ON c.n = e.chain_n ${texts}`
}

/** @throws {Error} for a damaged row */
export function toEvent(row: EventRow): AuditEvent {
  return {
    type: present(row.type, 'type'),
    at: toInstant(row.at),
    actor: present(row.actor, 'actor'),
    ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
    ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    ...(row.trace_id === null ? {} : { traceId: row.trace_id }),
    ...(row.data === null ? {} : { data: JSON.parse(row.data) }),
    id: row.id,
    position: row.position,
    ...(row.chain === '' ? {} : { chain: present(row.chain, 'chain') }),
    seq: row.seq,
    prevHash: row.prev_hash === null ? FIRST_PREV_HASH : toHex(row.prev_hash),
    hash: toHex(row.hash),
  }
}
