import type { HoldReads } from '../holds/hold-ledger.ts'
import type { HeldDenies, Hold } from '../holds/hold-records.ts'
import { type HoldRow, SELECT_HOLDS } from '../holds/hold-row.ts'
import { openGrantsPage } from '../holds/open-grants-page.ts'
import type { Page } from '../ledger.ts'
import { MAX_OPEN_GRANTS, pageStart, toPage } from '../pages.ts'
import { toInstant } from '../row-values.ts'
import type { Rows, Statement, Value } from './database/statement.ts'
import { type DenyEntryRow, SELECT_DENY_ENTRY } from './rows/deny-rows.ts'
import { type GrantRow, SELECT_GRANT } from './rows/grant-rows.ts'
import type { HoldInForceRow } from './rows/hold-rows.ts'
import type { RowReader } from './working-set/row-reader.ts'

/** Tools of the reads of holds. */
export interface HoldReadTools {
  readonly reader: RowReader
  /** Runs a read of an open ledger, and turns what the database throws into an error of the catalogue. */
  readonly read: <T>(run: () => Promise<T>) => Promise<T>
  readonly select: <Row>(name: string, text: string, ...values: Value[]) => Promise<Row[]>
  /** Shares a round trip with concurrent reads. */
  readonly shared: { read(statements: readonly Statement[]): Promise<Rows[]> }
}

/** The reads of holds. */
export function holdReads(tools: HoldReadTools): Omit<HoldReads, 'getLease'> {
  const { reader, read, select, shared } = tools
  return {
    holdsInForce: () =>
      read(async () => {
        // Each mint asks for them beside its grant: one round trip for both.
        const [rows = []] = await shared.read([reader.holdCache.statement()])
        return reader.holdsInForce(rows as unknown as readonly HoldInForceRow[]).holds
      }),
    getHold: (id) =>
      read(async () => {
        const [row] = await select<HoldRow>('hold', `${SELECT_HOLDS} WHERE h.id = $1`, id)
        return row && reader.hold(row)
      }),
    listHolds: (filter, page) => read(() => listHolds(tools, filter, page)),
    runningHolds: () =>
      read(async () => {
        const rows = await select<HoldRow>('running-holds', `${SELECT_HOLDS} WHERE h.is_running ORDER BY h.n`)
        return rows.flatMap((row) => reader.orUndefined(() => reader.hold(row)) ?? [])
      }),
    heldDenies: (holdId) => read(() => heldDenies(tools, holdId)),
    openGrants: (input) => read(() => openGrants(tools, input)),
    denyEntries: (listKey) =>
      read(async () => {
        const rows = await select<DenyEntryRow>('deny-entries', `${SELECT_DENY_ENTRY} WHERE e.list_key = $1`, listKey)
        return rows.flatMap((row) => reader.orUndefined(() => reader.denyEntry(row)) ?? [])
      }),
  }
}

async function listHolds(
  { reader, select }: HoldReadTools,
  ...[{ kind, inForce }, page]: Parameters<HoldReads['listHolds']>
): Promise<Page<Hold>> {
  const { at, rowId } = pageStart('holds', page)
  const text = `${SELECT_HOLDS} WHERE (h.since, h.n) < ($1::bigint, $2::bigint) AND ($3::text IS NULL OR h.kind = $3)
    AND ($4::boolean IS NULL OR (h.lifted_at IS NULL) = $4) ORDER BY h.since DESC, h.n DESC LIMIT $5::bigint`
  const rows = await select<HoldRow>('holds', text, at, rowId, kind ?? null, inForce ?? null, page.limit + 1)
  const toKey = (row: HoldRow) => ({ at: row.since, rowId: row.row_id })
  return toPage('holds', rows, page.limit, toKey, (row) => reader.orUndefined(() => reader.hold(row)))
}

async function heldDenies({ select }: HoldReadTools, holdId: string): Promise<HeldDenies> {
  const text = `SELECT count(*) AS total, count(*) FILTER (WHERE written_at IS NULL) AS unwritten,
    count(*) FILTER (WHERE enforced_at IS NULL) AS unenforced, max(until) FILTER (WHERE enforced_at IS NULL) AS until
    FROM deny_entries WHERE hold_id = $1`
  type Row = { total: number; unwritten: number; unenforced: number; until: number | null }
  const [row] = await select<Row>('held-denies', text, holdId)
  const { total: all = 0, unwritten = 0, unenforced = 0, until = null } = row ?? {}
  return { all, unwritten, unenforced, ...(until === null ? {} : { until: toInstant(until) }) }
}

const FILTER_COLUMNS = { subject: 'subject', owner: 'owner', roleArn: 'role_arn' } as const

async function openGrants(
  { reader, select }: HoldReadTools,
  { state, filter = {}, limit, cursor }: Parameters<HoldReads['openGrants']>[0],
) {
  const { at, rowId } = pageStart('grants', { limit, ...(cursor && { cursor }) }, MAX_OPEN_GRANTS)
  const wanted = (['subject', 'owner', 'roleArn'] as const).filter((name) => filter[name] !== undefined)
  const also = wanted.map((name, index) => `AND g.${FILTER_COLUMNS[name]} = $${index + 5}`).join(' ')
  const text = `${SELECT_GRANT} WHERE g.state = $1 AND (g.requested_at, g.n) < ($2::bigint, $3::bigint) ${also}
    ORDER BY g.requested_at DESC, g.n DESC LIMIT $4::bigint`
  const values = [state, at, rowId, limit, ...wanted.map((name) => filter[name] ?? '')]
  const rows = await select<GrantRow>(['open-grants', ...wanted].join('-'), text, ...values)
  return openGrantsPage(rows, limit, (row) => reader.orUndefined(() => reader.grant(row)))
}
