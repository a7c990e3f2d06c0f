import type { ContentRecords, ContentTable, StoredText } from '../../copying/ledger-content.ts'
import { toMs } from '../../row-values.ts'
import { budgetMeterWriter } from '../budgets/budget-rows.ts'
import type { Cell, Statement } from '../database/statement.ts'
import { quarantinesMigration } from '../migrations/005-quarantines.ts'
import { holdsMigration } from '../migrations/007-holds.ts'
import { approvalWriter } from '../rows/approval-rows.ts'
import { toBytes } from '../rows/bytes.ts'
import { denyEntryWriter, denyListWriter } from '../rows/deny-rows.ts'
import { grantWriter } from '../rows/grant-rows.ts'
import { holdWriter } from '../rows/hold-rows.ts'
import { connectionWriter, tokenWriter, unregisteredWriter } from '../rows/housekeeping-rows.ts'
import { leaseWriter } from '../rows/lease-rows.ts'
import { quarantineWriter } from '../rows/quarantine-rows.ts'
import { registrationWriter, reminderWriter, reviewWriter } from '../rows/registration-rows.ts'
import { type Column, tableWriter } from '../rows/table-spec.ts'

type Write<T> = (records: readonly T[]) => Statement[]

const documents = (table: 'plans' | 'decisions') =>
  tableWriter<StoredText>(table, 'hash', [
    { name: 'hash', type: 'bytea', of: ({ hash }) => toBytes(hash) },
    { name: 'body', type: 'text', of: ({ body }) => body },
  ]).insert

const openings = tableWriter<ContentRecords['openings']>('ledger_openings', 'epoch', [
  { name: 'epoch', type: 'bigint', of: ({ epoch }) => epoch },
])

const denyAgents = tableWriter<ContentRecords['deny_agents']>('deny_agents', 'list_key', [
  { name: 'list_key', type: 'text', of: ({ listKey }) => listKey },
  { name: 'agent', type: 'text', of: ({ agent }) => agent },
  { name: 'before', type: 'bigint', of: ({ before }) => toMs(before) },
])

const chains = tableWriter<ContentRecords['chains']>('chains', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id },
  { name: 'seq', type: 'bigint', of: ({ seq }) => seq },
  { name: 'hash', type: 'bytea', of: ({ hash }) => toBytes(hash) },
  { name: 'named_seq', type: 'bigint', of: ({ named_seq }) => named_seq },
])

const asStored = <Table extends 'notice_endpoints' | 'notices' | 'notice_marks'>(
  table: Table,
  columns: { readonly [Name in keyof ContentRecords[Table] & string]: 'text' | 'bigint' | 'integer' },
) => {
  const names = Object.keys(columns) as (keyof ContentRecords[Table] & string)[]
  const specs = names.map((name) => ({
    name,
    type: columns[name],
    of: (row: ContentRecords[Table]) => row[name] as Cell,
  }))
  return tableWriter<ContentRecords[Table]>(table, names[0] ?? '', specs).insert
}

type Event = ContentRecords['events']

/** The chain comes first: the statement looks its number up. */
const EVENT_COLUMNS: readonly Column<Event>[] = [
  { name: 'chain', type: 'text', of: ({ chain }) => chain },
  { name: 'seq', type: 'bigint', of: ({ seq }) => seq },
  { name: 'position', type: 'bigint', of: ({ position }) => position },
  { name: 'id', type: 'text', of: ({ id }) => id },
  { name: 'type', type: 'text', of: ({ type }) => type },
  { name: 'actor', type: 'text', of: ({ actor }) => actor },
  { name: 'at', type: 'bigint', of: ({ at }) => at },
  { name: 'grant_id', type: 'text', of: ({ grant_id }) => grant_id },
  { name: 'lease_id', type: 'text', of: ({ lease_id }) => lease_id },
  { name: 'request_id', type: 'text', of: ({ request_id }) => request_id },
  { name: 'trace_id', type: 'text', of: ({ trace_id }) => trace_id },
  { name: 'data', type: 'text', of: ({ data }) => data },
  { name: 'hash', type: 'bytea', of: ({ hash }) => toBytes(hash) },
]

function insertEvents(events: readonly Event[]): Statement[] {
  const names = EVENT_COLUMNS.slice(1).map(({ name }) => name)
  const types = EVENT_COLUMNS.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  const text = `INSERT INTO events (chain_n, ${names.join(', ')}) SELECT c.n, ${names.map((name) => `v.${name}`).join(', ')}
    FROM unnest(${types}) AS v(chain, ${names.join(', ')}) JOIN chains c ON c.id = v.chain ORDER BY v.position`
  return [{ name: 'copy-events', text, values: EVENT_COLUMNS.map(({ of }) => events.map(of)) }]
}

/** The statements that write copied records of each table. */
export const CONTENT_WRITERS: { readonly [Table in ContentTable]: Write<ContentRecords[Table]> } = {
  openings: openings.insert,
  plans: documents('plans'),
  decisions: documents('decisions'),
  grants: grantWriter.insert,
  leases: leaseWriter.insert,
  approvals: approvalWriter.insert,
  deny_lists: denyListWriter.insert,
  deny_agents: denyAgents.insert,
  deny_entries: denyEntryWriter.insert,
  unregistered: unregisteredWriter.insert,
  quarantines: quarantineWriter.insert,
  holds: holdWriter.insert,
  registrations: registrationWriter.insert,
  registration_reviews: reviewWriter.insert,
  registration_reminders: reminderWriter.insert,
  budget_meters: budgetMeterWriter.insert,
  // `is_live` is read from the replicas, and is no column.
  connections: (records) => connectionWriter.insert(records.map((one) => ({ ...one, is_live: false }))),
  tokens: tokenWriter.insert,
  notice_endpoints: asStored('notice_endpoints', { name: 'text', record: 'text' }),
  notices: asStored('notices', {
    id: 'text',
    endpoint: 'text',
    key: 'text',
    due_at: 'bigint',
    claimed_until: 'bigint',
    awaits_endpoint: 'integer',
    created_at: 'bigint',
    record: 'text',
  }),
  notice_marks: asStored('notice_marks', { key: 'text', value: 'text', until: 'bigint' }),
  chains: chains.insert,
  events: insertEvents,
}

/** Writes of all that follows from the copied records: counters, the last position, and which releases may open a quarantined ledger. */
export const CONSEQUENCES: readonly Statement[] = [
  {
    text: 'INSERT INTO state_counts (state, count) SELECT state, count(*) FROM grants GROUP BY state',
    isPatient: true,
  },
  {
    text: `INSERT INTO open_counts (subject, count) SELECT subject, count(*) FROM grants
      WHERE state IN ('awaiting_approval', 'active', 'ending') GROUP BY subject`,
    isPatient: true,
  },
  {
    text: `UPDATE migrations SET readable_by = version
      WHERE version = ${quarantinesMigration.version} AND EXISTS (SELECT 1 FROM quarantines WHERE opened_at IS NULL)`,
  },
  {
    text: `UPDATE migrations SET readable_by = version
      WHERE version = ${holdsMigration.version} AND EXISTS (SELECT 1 FROM holds WHERE lifted_at IS NULL)`,
  },
  { text: 'UPDATE event_positions SET last = (SELECT coalesce(max(position), 0) FROM events)' },
]

/** The table that records of a kind are in. */
export function tableName(table: ContentTable): string {
  return table === 'openings' ? 'ledger_openings' : table
}
