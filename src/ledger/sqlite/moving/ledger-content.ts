import { StintError } from '../../../core/errors.ts'
import { type BudgetMeterRow, SELECT_METER, toBudgetMeter } from '../../budgets/budget-row.ts'
import type { ContentRecords, ContentTable, CopiedToken, LedgerContent } from '../../copying/ledger-content.ts'
import { DamagedRows } from '../../damaged-rows.ts'
import { type HoldRow, SELECT_HOLDS, toHold } from '../../holds/hold-row.ts'
import { type QuarantineRow, SELECT_QUARANTINES, toQuarantine } from '../../quarantine-row.ts'
import { REGISTRATION_COLUMNS, REVIEW_COLUMNS } from '../../registrations/registration-row.ts'
import { toHex, toInstant } from '../../row-values.ts'
import { InternedTexts } from '../database/interned-texts.ts'
import { isStoreError, type SqliteDatabase } from '../database/sqlite-database.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type DenyEntryRow, type DenyListRow, SELECT_DENY_ENTRY, SELECT_DENY_LIST } from '../rows/deny-rows.ts'
import { type EventRow, SELECT_EVENT } from '../rows/event-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE } from '../rows/lease-rows.ts'
import { SELECT_UNREGISTERED, type UnregisteredRow } from '../rows/unregistered-rows.ts'
import { SqliteStore } from '../sqlite-store.ts'

const CHUNK = 1_000

/** One table: the rows of a select, which has a last row number `?` and a limit `?`, and the record of a row. */
interface Source<T> {
  readonly table: string
  readonly select: string
  /** The column of the row number in the row. */
  readonly by: string
  readonly toRecord: (row: never) => T
}

type Sources = { readonly [Table in ContentTable]: Source<ContentRecords[Table]> }

/** The content of a ledger file whose schema is up to date, and that nobody writes to. */
export function sqliteContent(db: SqliteDatabase): LedgerContent {
  const identity = db.get<{ id: string }>('SELECT id FROM ledger_identity')
  const sources = contentSources(db)
  return {
    ledgerId: identity?.id ?? '',
    count: (table) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${sources[table].table}`)?.n ?? 0,
    read: <Table extends ContentTable>(table: Table) =>
      readTable(db, table, sources[table] as Source<unknown>) as never,
  }
}

function* readTable<T>(db: SqliteDatabase, table: string, { select, by, toRecord }: Source<T>): Generator<T[]> {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const rows = db.all<Record<string, unknown>>(select, after, CHUNK)
    if (rows.length > 0) yield rows.map((row) => readRow(table, row, toRecord))
    const last = rows.at(-1)?.[by]
    if (rows.length < CHUNK || typeof last !== 'number') return
    after = last
  }
}

function readRow<T>(table: string, row: object, toRecord: (row: never) => T): T {
  try {
    return toRecord(row as never)
  } catch (error) {
    if (error instanceof StintError) throw error
    const explanation = `A row of the table ${table} cannot be read. Restore it from a backup.`
    throw new StintError('LEDGER_CORRUPT', { explanation, row: table }, error)
  }
}

function contentSources(db: SqliteDatabase): Sources {
  const replica = ''
  const store = new SqliteStore({
    db,
    texts: new InternedTexts(db),
    damaged: new DamagedRows(undefined, isStoreError),
    replica,
  })
  const inOrder = (select: string, alias = '') => `${select} WHERE ${alias}n > ? ORDER BY ${alias}n LIMIT ?`
  const document = (table: 'plans' | 'decisions') => ({
    table,
    by: 'n',
    select: inOrder(`SELECT n, hash, body FROM ${table}`),
    toRecord: ({ hash, body }: { hash: Uint8Array; body: string }) => ({ hash: toHex(hash), body }),
  })
  const byRow = <T>(table: string, select: string, toRecord: (row: never) => T, alias = '') => ({
    table,
    by: 'row_id',
    select: inOrder(select, alias),
    toRecord,
  })
  return {
    openings: {
      table: 'ledger_openings',
      by: 'epoch',
      select: 'SELECT epoch FROM ledger_openings WHERE epoch > ? ORDER BY epoch LIMIT ?',
      toRecord: (row: { epoch: number }) => row,
    },
    plans: document('plans'),
    decisions: document('decisions'),
    grants: byRow('grants', SELECT_GRANT, (row: GrantRow) => store.grant(row), 'g.'),
    leases: byRow('leases', SELECT_LEASE, (row: LeaseRow) => store.lease(row), 'l.'),
    approvals: byRow('approvals', SELECT_APPROVAL, (row: ApprovalRow) => store.approval(row), 'a.'),
    deny_lists: byRow('deny_lists', SELECT_DENY_LIST, (row: DenyListRow) => store.denyList(row)),
    deny_agents: DENY_AGENTS,
    deny_entries: byRow('deny_entries', SELECT_DENY_ENTRY, (row: DenyEntryRow) => store.denyEntry(row), 'd.'),
    unregistered: byRow('unregistered', SELECT_UNREGISTERED, (row: UnregisteredRow) => store.unregistered(row)),
    quarantines: {
      table: 'quarantines',
      by: 'number',
      select: `${SELECT_QUARANTINES} WHERE number > ? ORDER BY number LIMIT ?`,
      toRecord: (row: QuarantineRow) => toQuarantine(row),
    },
    budget_meters: byRow('budget_meters', SELECT_METER, (row: BudgetMeterRow) => toBudgetMeter(row), 'm.'),
    holds: byRow('holds', SELECT_HOLDS, (row: HoldRow) => toHold(row), 'h.'),
    registrations: asStored('registrations', REGISTRATION_COLUMNS),
    registration_reviews: asStored('registration_reviews', REVIEW_COLUMNS),
    registration_reminders: asStored('registration_reminders', 'key, at, until'),
    connections: {
      table: 'connections',
      by: 'row_id',
      select: inOrder('SELECT n AS row_id, id, replica, bound_at, closed_at FROM connections'),
      toRecord: ({ row_id: _, ...connection }: ContentRecords['connections'] & { row_id: number }) => connection,
    },
    tokens: TOKENS,
    notice_endpoints: asStored('notice_endpoints', 'name, record'),
    notices: asStored('notices', 'id, endpoint, key, due_at, claimed_until, awaits_endpoint, created_at, record'),
    notice_marks: asStored('notice_marks', 'key, value, until'),
    chains: CHAINS,
    events: EVENTS,
  }
}

type StoredAlike =
  | 'notice_endpoints'
  | 'notices'
  | 'notice_marks'
  | 'registrations'
  | 'registration_reviews'
  | 'registration_reminders'

/** A table whose rows are the same in every store. */
function asStored<Table extends StoredAlike>(table: Table, columns: string): Source<ContentRecords[Table]> {
  const select = `SELECT rowid AS row_id, ${columns} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?`
  return { table, by: 'row_id', select, toRecord: ({ row_id: _, ...row }: { row_id: number }) => row as never }
}

/** All agents of a list come together: the lists are numbered, their agents are not. */
const DENY_AGENTS: Source<ContentRecords['deny_agents']> = {
  table: 'deny_agents',
  by: 'row_id',
  select: `SELECT r.row_id, r.listKey, r.agent, r.before FROM (SELECT row_number() OVER (ORDER BY a.list_n, a.agent_n) AS row_id,
    l.list_key AS listKey, s.text AS agent, a.before FROM deny_agents a JOIN deny_lists l ON l.n = a.list_n
    JOIN names s ON s.n = a.agent_n) r WHERE r.row_id > ? ORDER BY r.row_id LIMIT ?`,
  toRecord: ({ listKey, agent, before }: { listKey: string; agent: string; before: number }) => ({
    listKey,
    agent,
    before: toInstant(before),
  }),
}

/** A token from before uses were on record counts as used for a grant of nobody. */
const TOKENS: Source<CopiedToken> = {
  table: 'tokens',
  by: 'row_id',
  select: `SELECT r.* FROM (SELECT row_number() OVER (ORDER BY t.key) AS row_id, t.key, t.until, c.id AS connection_id, t.moves,
    coalesce(t.grant_id, '') AS grant_id, t.lease_id, coalesce(t.used_by, 'request') AS used_by
    FROM tokens t LEFT JOIN connections c ON c.n = t.connection_n) r WHERE r.row_id > ? ORDER BY r.row_id LIMIT ?`,
  toRecord: ({ row_id: _, ...token }: CopiedToken & { row_id: number }) => token,
}

const CHAINS: Source<ContentRecords['chains']> = {
  table: 'chains',
  by: 'row_id',
  select: 'SELECT n AS row_id, id, seq, hash, named_seq FROM chains WHERE n > ? ORDER BY n LIMIT ?',
  toRecord: ({ id, seq, hash, named_seq }: { id: string; seq: number; hash: Uint8Array; named_seq: number }) => ({
    id,
    seq,
    hash: toHex(hash),
    named_seq,
  }),
}

const EVENTS: Source<ContentRecords['events']> = {
  table: 'events',
  by: 'position',
  select: `${SELECT_EVENT} WHERE e.position > ? ORDER BY e.position LIMIT ?`,
  toRecord: ({ prev_hash: _, hash, chain, ...event }: EventRow) => {
    if (chain === null) throw new Error('its chain is not there')
    return { ...event, chain, hash: toHex(hash) }
  },
}
