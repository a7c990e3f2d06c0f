import type { StintError } from '../core/errors.ts'
import { inputError } from '../core/input-error.ts'

/** Keyset page. `cursor` is what the page before gave; opaque. `limit` 1 to 200. */
export interface PageRequest {
  readonly limit: number
  readonly cursor?: string
}

/** A part of a list, and where it goes on. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Undefined on the last page. */
  readonly nextCursor?: string
}

/** The place after which a page goes on: newest first by instant, then by row. */
export interface PageKey {
  readonly at: number
  readonly rowId: number
}

/** Lists with a cursor of their own; one list's cursor is no good in another. */
export type ListName = 'grants' | 'approvals' | 'unregistered' | 'holds' | 'budgets'

/** The most grants that our own code goes through at a time. */
export const MAX_OPEN_GRANTS = 500
/** The most items of a page for a caller outside. */
const MAX_LIMIT = 200
const FIRST: PageKey = { at: Number.MAX_SAFE_INTEGER, rowId: Number.MAX_SAFE_INTEGER }

/**
 * Reads a page request.
 *
 * @returns the key after which the page starts.
 * @throws {StintError} REQUEST_INVALID for a limit outside 1 to 200 or a cursor that this list did not give.
 */
export function pageStart(list: ListName, { limit, cursor }: PageRequest, max = MAX_LIMIT): PageKey {
  if (!Number.isInteger(limit) || limit < 1 || limit > max) {
    throw refused('limit', `must be between 1 and ${max} (got ${limit})`)
  }
  if (cursor === undefined) return FIRST
  const key = parseCursor(list, cursor)
  if (key) return key
  throw refused('cursor', 'must be what this list gave with the page before, unchanged')
}

function refused(field: 'limit' | 'cursor', message: string): StintError {
  return inputError([{ field, code: 'REQUEST_INVALID', message }])
}

/**
 * The page of rows read with one row more than asked for, which tells whether there is another page. A row of which `item`
 * makes nothing is left out.
 */
export function toPage<Row, T>(
  list: ListName,
  rows: readonly Row[],
  limit: number,
  toKey: (row: Row) => PageKey,
  item: (row: Row) => T | undefined,
): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items: items.flatMap((row) => item(row) ?? []),
    ...(rows.length > limit && last !== undefined ? { nextCursor: formatCursor(list, toKey(last)) } : {}),
  }
}

/** Opaque text of a key. */
export function formatCursor(list: ListName, { at, rowId }: PageKey): string {
  return Buffer.from(`${list} ${at} ${rowId}`).toString('base64url')
}

function parseCursor(list: ListName, cursor: string): PageKey | undefined {
  if (typeof cursor !== 'string' || !/^[\w-]{1,80}$/.test(cursor)) return undefined
  const match = /^([a-z]+) (-?\d{1,16}) (\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match || match[1] !== list) return undefined
  const key = { at: Number(match[2]), rowId: Number(match[3]) }
  return Number.isSafeInteger(key.at) && Number.isSafeInteger(key.rowId) && formatCursor(list, key) === cursor
    ? key
    : undefined
}
