import { z } from '../../core/documents/schema.ts'
import { StintError } from '../../core/errors.ts'
import { toInstant, toMsOrNull } from '../row-values.ts'
import type { Notice, NoticeEndpoint, NoticeMark } from './notice-records.ts'

/** Columns by which notices are found; the rest of a notice is JSON, since it is read and written with its row only. */
export interface NoticeRow {
  readonly id: string
  readonly endpoint: string
  readonly key: string | null
  readonly due_at: number | null
  readonly claimed_until: number | null
  /** 0 or 1. */
  readonly awaits_endpoint: number
  readonly created_at: number
  readonly record: string
}

/** A row of `notice_endpoints`. */
export interface EndpointRow {
  readonly name: string
  readonly record: string
}

/** A row of `notice_marks`. */
export interface MarkRow {
  readonly key: string
  readonly value: string
  readonly until: number
}

const instant = z.int().transform((ms) => new Date(ms))
const count = z.int().nonnegative()

const restOfNotice = z.object({
  type: z.string(),
  content: z.string(),
  count,
  retryUntil: instant,
  attempts: count,
  claimedBy: z.string().exactOptional(),
  lastError: z.string().exactOptional(),
  deadAt: instant.exactOptional(),
})

const restOfEndpoint = z.object({
  position: z.int(),
  quarantine: count,
  heldBefore: instant.exactOptional(),
  failures: count,
  failingSince: instant.exactOptional(),
  lastError: z.string().exactOptional(),
  pausedUntil: instant.exactOptional(),
  deliveredAt: instant.exactOptional(),
  disabledAt: instant.exactOptional(),
})

/** @throws {StintError} LEDGER_CORRUPT */
export function toNotice(row: NoticeRow): Notice {
  return reading('notice', row.id, () => ({
    id: row.id,
    endpoint: row.endpoint,
    ...(row.key !== null && { key: row.key }),
    ...restOfNotice.parse(JSON.parse(row.record)),
    createdAt: toInstant(row.created_at),
    ...(row.due_at !== null && { dueAt: toInstant(row.due_at) }),
    ...(row.claimed_until !== null && { claimedUntil: toInstant(row.claimed_until) }),
    ...(row.awaits_endpoint === 1 && { awaitsEndpoint: true as const }),
  }))
}

/** The row of a notice. */
export function toNoticeRow(notice: Notice): NoticeRow {
  const { id, endpoint, key = null, dueAt, claimedUntil, awaitsEndpoint, createdAt, ...rest } = notice
  return {
    id,
    endpoint,
    key,
    due_at: toMsOrNull(dueAt),
    claimed_until: toMsOrNull(claimedUntil),
    awaits_endpoint: awaitsEndpoint ? 1 : 0,
    created_at: createdAt.getTime(),
    record: toText(rest),
  }
}

/** @throws {StintError} LEDGER_CORRUPT */
export function toEndpoint({ name, record }: EndpointRow): NoticeEndpoint {
  return reading('notice_endpoint', name, () => ({ name, ...restOfEndpoint.parse(JSON.parse(record)) }))
}

/** The row of an endpoint. */
export function toEndpointRow({ name, ...rest }: NoticeEndpoint): EndpointRow {
  return { name, record: toText(rest) }
}

/** @throws {StintError} LEDGER_CORRUPT */
export function toMark({ key, value, until }: MarkRow): NoticeMark {
  return reading('notice_mark', key, () => ({ key, value, until: toInstant(until) }))
}

/** Instants are milliseconds. */
function toText(record: object): string {
  const cells = Object.entries(record).map(([key, value]) => [key, value instanceof Date ? value.getTime() : value])
  return JSON.stringify(Object.fromEntries(cells))
}

function reading<T>(row: string, id: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const explanation = `The ${row.replace('_', ' ')} ${id} cannot be read: its row in the ledger is damaged. Restore it from a backup.`
    throw new StintError('LEDGER_CORRUPT', { explanation, row, id }, error)
  }
}
