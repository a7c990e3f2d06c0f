import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { ChainHead } from '../audit/sealed-event.ts'
import type { LedgerReads } from '../ledger.ts'
import { GRANT_STATES, type GrantState, type Lease } from '../records.ts'
import { watermarkOver } from '../rules/deny-list-rules.ts'
import { isAbandoned } from '../rules/lease-rules.ts'
import { parsePlan } from '../stored-documents.ts'
import { databaseError } from './database/pg-errors.ts'
import type { ReadPool } from './database/read-pool.ts'
import type { Statement, Value } from './database/statement.ts'
import { Lists } from './lists.ts'
import { type ApprovalRow, SELECT_APPROVAL } from './rows/approval-rows.ts'
import {
  type DenyAgentRow,
  type DenyEntryRow,
  type DenyListRow,
  SELECT_DENY_ENTRY,
  SELECT_DENY_LIST,
  toDenyAgent,
} from './rows/deny-rows.ts'
import { type EventRow, SELECT_EVENT } from './rows/event-rows.ts'
import { type GrantRow, SELECT_GRANT } from './rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE } from './rows/lease-rows.ts'
import { selectAgents } from './units/deny-units.ts'
import type { RowReader } from './working-set/row-reader.ts'
import { SELECT_UNNAMED_HEADS } from './working-set/wanted-rows.ts'

/** Dependencies of the reads. */
export interface ReadsDeps {
  readonly reads: ReadPool
  readonly reader: RowReader
  readonly replica: string
  /** The server in messages. */
  readonly where: string
  /** False makes every read reject. */
  readonly isOpen: () => boolean
}

/** Every read of the contract; each sees one snapshot, so whole commits only. */
export function postgresReads({ reads, reader, replica, where, isOpen }: ReadsDeps): LedgerReads {
  const lists = new Lists(reads, reader)
  const read = async <T>(run: () => Promise<T>): Promise<T> => {
    if (!isOpen()) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' })
    try {
      return await run()
    } catch (error) {
      throw databaseError(error, where)
    }
  }
  const all = async <Row>(name: string, text: string, ...values: Value[]): Promise<Row[]> => {
    const [rows = []] = await reads.read([{ name, text, values }])
    return rows as unknown as Row[]
  }
  const first = async <Row, T>(rows: Promise<Row[]>, toRecord: (row: Row) => T): Promise<T | undefined> => {
    const [row] = await rows
    return row && toRecord(row)
  }
  const toGrant = (row: GrantRow) => reader.grant(row)
  const toApproval = (row: ApprovalRow) => reader.approval(row)

  return {
    getGrant: (id) => read(() => first(all<GrantRow>('grant', `${SELECT_GRANT} WHERE g.id = $1`, id), toGrant)),
    findGrantByKey: (subject, key) =>
      read(() => {
        const text = `${SELECT_GRANT} WHERE g.subject = $1 AND g.idempotency_key = $2`
        return first(all<GrantRow>('grant-by-key', text, subject, key), toGrant)
      }),
    listGrants: (filter, page) => read(() => lists.grants(filter, page)),
    getPlan: (hash) =>
      read(() =>
        first(
          all<{ body: string }>('plan', `SELECT body FROM plans WHERE hash = decode($1, 'hex') AND body <> ''`, hash),
          ({ body }) => storedPlan(body, hash),
        ),
      ),
    listLeases: (grantId) =>
      read(async () => {
        const rows = await all<LeaseRow>('leases', `${SELECT_LEASE} WHERE l.grant_id = $1 ORDER BY l.number`, grantId)
        return rows.map((row) => reader.lease(row))
      }),
    getApproval: (id) =>
      read(() => first(all<ApprovalRow>('approval', `${SELECT_APPROVAL} WHERE a.id = $1`, id), toApproval)),
    findApproval: (grantId) =>
      read(() =>
        first(all<ApprovalRow>('approval-of', `${SELECT_APPROVAL} WHERE a.grant_id = $1`, grantId), toApproval),
      ),
    listApprovals: (filter, page) => read(() => lists.approvals(filter, page)),
    findDenyEntry: (grantId) =>
      read(() => {
        const rows = all<DenyEntryRow>('deny-of', `${SELECT_DENY_ENTRY} WHERE e.grant_id = $1`, grantId)
        return first(rows, (row) => reader.denyEntry(row))
      }),
    getDenyList: (key) =>
      read(() => first(all<DenyListRow>('deny-list', DENY_LIST_BY_KEY, key), (row) => reader.denyList(row))),
    denyWatermark: (listKey, agent) =>
      read(async () => {
        const [lists = [], agents = []] = await reads.read([denyListStatement(listKey), selectAgents(listKey)])
        const [row] = lists as unknown as DenyListRow[]
        const watermarks = (agents as unknown as DenyAgentRow[]).map(toDenyAgent)
        return row && watermarkOver(agent, reader.denyList(row), watermarks)
      }),
    listDenyLists: () =>
      read(async () => {
        const rows = await all<DenyListRow>('deny-lists', `${SELECT_DENY_LIST} ORDER BY l.attempts DESC, l.list_key`)
        return rows.flatMap((row) => reader.orUndefined(() => reader.denyList(row)) ?? [])
      }),
    listUnregistered: (page) => read(() => lists.unregistered(page)),
    trail: (grantId) =>
      read(async () => {
        const text = `${SELECT_EVENT} WHERE e.grant_id = $1 ORDER BY e.position`
        return (await all<EventRow>('trail', text, grantId)).map((row) => reader.event(row))
      }),
    auditEvents: ({ afterPosition, limit }) =>
      read(async () => {
        const text = `${SELECT_EVENT} WHERE e.position > $1::bigint ORDER BY e.position LIMIT $2::bigint`
        return (await all<EventRow>('events', text, afterPosition, limit)).map((row) => reader.event(row))
      }),
    auditHeads: () =>
      read(async () => {
        const [last = [], heads = []] = await reads.read([
          { name: 'last-position', text: 'SELECT max(position) AS position FROM events' },
          { name: 'read-heads', text: SELECT_UNNAMED_HEADS },
        ])
        const position = (last[0] as { position: number | null } | undefined)?.position ?? 0
        return { position, heads: heads as unknown as ChainHead[] }
      }),
    countGrants: () =>
      read(async () => {
        const counts = Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>
        const rows = await all<{ state: GrantState; count: number }>('counts', 'SELECT state, count FROM state_counts')
        for (const { state, count } of rows) counts[state] = count
        return counts
      }),
    countOpenGrants: (subject) =>
      read(async () => {
        const text = 'SELECT count FROM open_counts WHERE subject = $1'
        return (await first(all<{ count: number }>('open-count', text, subject), ({ count }) => count)) ?? 0
      }),
    abandonedLeases: (input) => read(() => abandonedLeases({ reader, replica, all }, input)),
  }
}

const DENY_LIST_BY_KEY = `${SELECT_DENY_LIST} WHERE l.list_key = $1`

function denyListStatement(key: string): Statement {
  return { name: 'deny-list', text: DENY_LIST_BY_KEY, values: [key] }
}

interface AbandonedDeps {
  readonly reader: RowReader
  readonly replica: string
  readonly all: <Row>(name: string, text: string, ...values: Value[]) => Promise<Row[]>
}

/**
 * Leases that another replica left `intended`, oldest first. A row that cannot be read is reported and skipped. One broker at a
 * time has the ledger, so every other replica is one of the past.
 */
async function abandonedLeases(
  { reader, replica, all }: AbandonedDeps,
  { now, limit }: { now: Date; limit: number },
): Promise<Lease[]> {
  const text = `${SELECT_LEASE} WHERE l.state = 'intended' AND NOT l.outcome_unknown AND l.replica IS DISTINCT FROM $1
    AND (l.intended_at, l.id) > ($2::bigint, $3) ORDER BY l.intended_at, l.id LIMIT $4::bigint`
  const leases: Lease[] = []
  let after: { readonly intended_at: number; readonly id: string } = { intended_at: Number.MIN_SAFE_INTEGER, id: '' }
  while (leases.length < limit) {
    const size = limit - leases.length
    const rows = await all<LeaseRow>('abandoned', text, replica, after.intended_at, after.id, size)
    const found = rows.flatMap((row) => reader.orUndefined(() => reader.lease(row)) ?? [])
    leases.push(...found.filter((lease) => isAbandoned(lease, { replica, now, othersAreGone: true })))
    const last = rows.at(-1)
    if (!last || rows.length < size) break
    after = last
  }
  return leases
}

function storedPlan(body: string, hash: string): Plan {
  try {
    return parsePlan(body, hash)
  } catch (error) {
    const explanation = `The plan ${hash} cannot be read: its row in the ledger is damaged. Restore it from a backup.`
    throw new StintError('LEDGER_CORRUPT', { explanation, row: 'plan', id: hash }, error)
  }
}
