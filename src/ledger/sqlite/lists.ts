import type { StintError } from '../../core/errors.ts'
import { inputError } from '../../core/input-error.ts'
import type { GrantFilter, Page, PageRequest } from '../ledger.ts'
import { formatCursor, type PageKey, pageStart, toPage } from '../pages.ts'
import {
  type Approval,
  type ApprovalState,
  GRANT_STATES,
  type Grant,
  type GrantState,
  type UnregisteredAttempt,
} from '../records.ts'
import { fromStoredState, IS_WITHDRAWN, toStoredState } from '../stored-states.ts'
import { type ApprovalRow, SELECT_APPROVAL } from './rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from './rows/grant-rows.ts'
import { SELECT_UNREGISTERED, type UnregisteredRow } from './rows/unregistered-rows.ts'
import type { SqliteStore } from './sqlite-store.ts'

/** Rows looked at for one page when a second filter has to be checked row by row. */
const MAX_LOOKED_AT = 4_000
const CHUNK = 400

/** Columns of a filter, by the name that a read row has for them. */
const COLUMNS = {
  subject_text_id: 'subject_n',
  role_text_id: 'role_n',
  owner_text_id: 'owner_n',
  state: 'state',
} as const
type Wanted = readonly [field: keyof typeof COLUMNS, value: string | number]

/**
 * Newest first. One filter drives an index; others are checked row by row, over at most a few thousand rows a page, so
 * that no query blocks for long: such a page may hold fewer than `limit` items and still have a `nextCursor`.
 */
export function listGrants(store: SqliteStore, filter: GrantFilter, page: PageRequest): Page<Grant> {
  let key = pageStart('grants', page)
  const wanted = wantedColumns(store, filter)
  if (!wanted) return { items: [] }
  const [before, after] = times(filter)
  const [driver, ...others] = byRarity(store, wanted)
  const isExact = others.length === 0 && filter.state !== 'rejected'
  const size = isExact ? page.limit + 1 : CHUNK
  const found: GrantRow[] = []
  for (let looked = 0; looked < MAX_LOOKED_AT; looked += size) {
    const rows = readRows(store, driver, { key, before, after, size })
    for (const row of rows) {
      key = toPageKey(row)
      if (others.every((one) => fits(row, one)) && hasState(row, filter.state)) found.push(row)
      if (found.length > page.limit)
        return toPage('grants', found, page.limit, toPageKey, (row) => store.orUndefined(() => store.grant(row)))
    }
    if (rows.length < size) return { items: readableGrants(store, found) }
  }
  return { items: readableGrants(store, found), nextCursor: formatCursor('grants', key) }
}

function fits(row: GrantRow, [field, value]: Wanted): boolean {
  return field === 'state' || row[field] === value
}

/** The rows of rejected grants hold the withdrawn ones too. */
function hasState(row: GrantRow, state: GrantState | undefined): boolean {
  return state === undefined || fromStoredState(row.state, row.reason).state === state
}

function readableGrants(store: SqliteStore, rows: readonly GrantRow[]): Grant[] {
  return rows.flatMap((row) => store.orUndefined(() => store.grant(row)) ?? [])
}

/** Newest first. */
export function listApprovals(
  store: SqliteStore,
  filter: { readonly state?: ApprovalState },
  page: PageRequest,
): Page<Approval> {
  const { at, rowId } = pageStart('approvals', page)
  const where = `(a.requested_at, a.n) < (?, ?) ORDER BY a.requested_at DESC, a.n DESC LIMIT ?`
  const rows =
    filter.state === undefined
      ? store.db.all<ApprovalRow>(`${SELECT_APPROVAL} WHERE ${where}`, at, rowId, page.limit + 1)
      : store.db.all<ApprovalRow>(
          `${SELECT_APPROVAL} WHERE coalesce(a.exact_state, a.state) = ? AND ${where}`,
          filter.state,
          at,
          rowId,
          page.limit + 1,
        )
  return toPage(
    'approvals',
    rows,
    page.limit,
    (row) => ({ at: row.requested_at, rowId: row.row_id }),
    (row) => store.orUndefined(() => store.approval(row)),
  )
}

/** Most recent first. */
export function listUnregistered(store: SqliteStore, page: PageRequest): Page<UnregisteredAttempt> {
  const { at, rowId } = pageStart('unregistered', page)
  const rows = store.db.all<UnregisteredRow>(
    `${SELECT_UNREGISTERED} WHERE (last_seen_at, n) < (?, ?) ORDER BY last_seen_at DESC, n DESC LIMIT ?`,
    at,
    rowId,
    page.limit + 1,
  )
  return toPage(
    'unregistered',
    rows,
    page.limit,
    (row) => ({ at: row.last_seen_at, rowId: row.row_id }),
    (row) => store.orUndefined(() => store.unregistered(row)),
  )
}

/** The filters as columns; undefined when one names what no grant has. The first is the one that drives. */
function wantedColumns(store: SqliteStore, filter: GrantFilter): Wanted[] | undefined {
  const wanted: Wanted[] = []
  for (const [field, text] of [
    ['subject_text_id', filter.subject],
    ['role_text_id', filter.roleArn],
    ['owner_text_id', filter.owner],
  ] as const) {
    if (text === undefined) continue
    const textId = store.texts.findId(text)
    if (textId === undefined) return undefined
    wanted.push([field, textId])
  }
  if (filter.state !== undefined) {
    if (!GRANT_STATES.includes(filter.state)) throw invalidFilter('state', `one of ${GRANT_STATES.join(', ')}`)
    wanted.push(['state', filter.state])
  }
  return wanted
}

/** A state that few grants are in, such as awaiting_approval, leads; else the order given. */
function byRarity(store: SqliteStore, wanted: readonly Wanted[]): readonly Wanted[] {
  const state = wanted.find(([field]) => field === 'state')
  if (!state || wanted.length === 1) return wanted
  const row = store.db.get<{ count: number }>(
    'SELECT count FROM state_counts WHERE state = ?',
    toStoredState(state[1] as GrantState),
  )
  return (row?.count ?? 0) <= MAX_LOOKED_AT ? [state, ...wanted.filter((other) => other !== state)] : wanted
}

function readRows(
  store: SqliteStore,
  driver: Wanted | undefined,
  range: { key: PageKey; before: number; after: number; size: number },
): GrantRow[] {
  const { key, before, after, size } = range
  const where = `(g.requested_at, g.n) < (?, ?) AND g.requested_at > ?
    ORDER BY g.requested_at DESC, g.n DESC LIMIT ?`
  // One upper bound only: of two, SQLite may walk the index from the wrong one.
  const start = key.at < before ? key : { at: before, rowId: 0 }
  const values = [start.at, start.rowId, after, size]
  if (!driver) return store.db.all<GrantRow>(`${SELECT_GRANT} WHERE ${where}`, ...values)
  if (driver[0] === 'state' && driver[1] === 'withdrawn')
    return store.db.all<GrantRow>(`${SELECT_GRANT} WHERE ${IS_WITHDRAWN} AND ${where}`, ...values)
  return store.db.all<GrantRow>(`${SELECT_GRANT} WHERE g.${COLUMNS[driver[0]]} = ? AND ${where}`, driver[1], ...values)
}

function times({ requestedBefore, requestedAfter }: GrantFilter): [number, number] {
  const before = requestedBefore?.getTime() ?? Number.MAX_SAFE_INTEGER
  const after = requestedAfter?.getTime() ?? Number.MIN_SAFE_INTEGER
  if (Number.isNaN(before)) throw invalidFilter('requestedBefore', 'an instant')
  if (Number.isNaN(after)) throw invalidFilter('requestedAfter', 'an instant')
  return [before, after]
}

function invalidFilter(field: string, right: string): StintError {
  return inputError([{ field, code: 'REQUEST_INVALID', message: `must be ${right}` }])
}

function toPageKey(row: GrantRow): PageKey {
  return { at: row.requested_at, rowId: row.row_id }
}
