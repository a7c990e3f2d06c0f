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
import type { ReadPool } from './database/read-pool.ts'
import type { Value } from './database/statement.ts'
import { type ApprovalRow, SELECT_APPROVAL } from './rows/approval-rows.ts'
import { type GrantRow, SELECT_GRANT } from './rows/grant-rows.ts'
import { SELECT_UNREGISTERED, type UnregisteredRow } from './rows/housekeeping-rows.ts'
import type { RowReader } from './working-set/row-reader.ts'

/** Rows looked at for one page when a second filter has to be checked row by row. */
const MAX_LOOKED_AT = 4_000
const CHUNK = 400

const COLUMNS = ['subject', 'role_arn', 'owner', 'state'] as const
type Wanted = readonly [column: (typeof COLUMNS)[number], value: string]

interface Range {
  readonly key: PageKey
  readonly before: number
  readonly after: number
  readonly size: number
}

/** The lists of the contract. */
export class Lists {
  readonly #reads: Pick<ReadPool, 'read'>
  readonly #reader: RowReader

  constructor(reads: Pick<ReadPool, 'read'>, reader: RowReader) {
    this.#reads = reads
    this.#reader = reader
  }

  /**
   * Newest first. One filter drives an index; others are checked row by row, over at most a few thousand rows a page, so that no
   * query takes long: such a page may hold fewer than `limit` items and still have a `nextCursor`.
   */
  async grants(filter: GrantFilter, page: PageRequest): Promise<Page<Grant>> {
    let key = pageStart('grants', page)
    const wanted = wantedColumns(filter)
    const [before, after] = times(filter)
    const [driver, ...others] = await this.#byRarity(wanted)
    const isExact = others.length === 0 && filter.state !== 'rejected'
    const size = isExact ? page.limit + 1 : CHUNK
    const found: GrantRow[] = []
    for (let looked = 0; looked < MAX_LOOKED_AT; looked += size) {
      const rows = await this.#grantRows(driver, { key, before, after, size })
      for (const row of rows) {
        key = toPageKey(row)
        if (others.every((one) => fits(row, one)) && hasState(row, filter.state)) found.push(row)
        if (found.length > page.limit) return toPage('grants', found, page.limit, toPageKey, (row) => this.#grant(row))
      }
      if (rows.length < size) return { items: found.flatMap((row) => this.#grant(row) ?? []) }
    }
    return { items: found.flatMap((row) => this.#grant(row) ?? []), nextCursor: formatCursor('grants', key) }
  }

  /** Newest first. */
  async approvals({ state }: { readonly state?: ApprovalState }, page: PageRequest): Promise<Page<Approval>> {
    const { at, rowId } = pageStart('approvals', page)
    const text = `${SELECT_APPROVAL} WHERE ${state === undefined ? '' : 'coalesce(a.exact_state, a.state) = $4 AND '}(a.requested_at, a.n) < ($1::bigint, $2::bigint)
      ORDER BY a.requested_at DESC, a.n DESC LIMIT $3::bigint`
    const name = state === undefined ? 'approvals' : 'approvals-by-state'
    const rows = await this.#read<ApprovalRow>(name, text, [at, rowId, page.limit + 1, ...(state ? [state] : [])])
    return toPage('approvals', rows, page.limit, toPageKey, (row) =>
      this.#reader.orUndefined(() => this.#reader.approval(row)),
    )
  }

  /** Most recent first. */
  async unregistered(page: PageRequest): Promise<Page<UnregisteredAttempt>> {
    const { at, rowId } = pageStart('unregistered', page)
    const text = `${SELECT_UNREGISTERED} WHERE (u.last_seen_at, u.n) < ($1::bigint, $2::bigint)
      ORDER BY u.last_seen_at DESC, u.n DESC LIMIT $3::bigint`
    const rows = await this.#read<UnregisteredRow>('unregistered', text, [at, rowId, page.limit + 1])
    return toPage(
      'unregistered',
      rows,
      page.limit,
      (row) => ({ at: row.last_seen_at, rowId: row.row_id }),
      (row) => this.#reader.orUndefined(() => this.#reader.unregistered(row)),
    )
  }

  #grant(row: GrantRow): Grant | undefined {
    return this.#reader.orUndefined(() => this.#reader.grant(row))
  }

  /** A state that few grants are in, such as awaiting_approval, leads; else the order given. */
  async #byRarity(wanted: readonly Wanted[]): Promise<readonly Wanted[]> {
    const state = wanted.find(([column]) => column === 'state')
    if (!state || wanted.length === 1) return wanted
    const text = 'SELECT count FROM state_counts WHERE state = $1'
    const [row] = await this.#read<{ count: number }>('state-count', text, [toStoredState(state[1] as GrantState)])
    return (row?.count ?? 0) <= MAX_LOOKED_AT ? [state, ...wanted.filter((other) => other !== state)] : wanted
  }

  #grantRows(driver: Wanted | undefined, { key, before, after, size }: Range): Promise<GrantRow[]> {
    const start = key.at < before ? key : { at: before, rowId: 0 }
    const isWithdrawn = driver?.[1] === 'withdrawn' && driver[0] === 'state'
    const filter = isWithdrawn ? IS_WITHDRAWN : driver && `g.${driver[0]} = $5`
    const where = filter === undefined ? '' : `${filter} AND `
    const text = `${SELECT_GRANT} WHERE ${where}(g.requested_at, g.n) < ($1::bigint, $2::bigint) AND g.requested_at > $3::bigint
      ORDER BY g.requested_at DESC, g.n DESC LIMIT $4::bigint`
    const values = [start.at, start.rowId, after, size, ...(driver && !isWithdrawn ? [driver[1]] : [])]
    const name = isWithdrawn ? 'grants-withdrawn' : driver ? `grants-by-${driver[0]}` : 'grants'
    return this.#read<GrantRow>(name, text, values)
  }

  async #read<Row>(name: string, text: string, values: Value[]): Promise<Row[]> {
    const [rows = []] = await this.#reads.read([{ name: `list-${name}`, text, values }])
    return rows as unknown as Row[]
  }
}

function fits(row: GrantRow, [column, value]: Wanted): boolean {
  return column === 'state' || row[column] === value
}

/** The rows of rejected grants hold the withdrawn ones too. */
function hasState(row: GrantRow, state: GrantState | undefined): boolean {
  return state === undefined || fromStoredState(row.state, row.reason).state === state
}

/** The filters as columns. The first is the one that drives. */
function wantedColumns({ subject, roleArn, owner, state }: GrantFilter): Wanted[] {
  if (state !== undefined && !GRANT_STATES.includes(state))
    throw invalidFilter('state', `one of ${GRANT_STATES.join(', ')}`)
  const values = { subject, role_arn: roleArn, owner, state }
  return COLUMNS.flatMap((column) => {
    const value = values[column]
    return value === undefined ? [] : [[column, value] as const]
  })
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

function toPageKey(row: { readonly requested_at: number; readonly row_id: number }): PageKey {
  return { at: row.requested_at, rowId: row.row_id }
}
