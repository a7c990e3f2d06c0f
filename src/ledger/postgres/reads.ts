import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { ChainHead } from '../audit/sealed-event.ts'
import type { LedgerReads } from '../ledger.ts'
import type { NoticeReads } from '../notices/notice-records.ts'
import { deadNotices, hasDueNotices, noticeEndpoints, noticeMark, type SharedUnit } from '../notices/notice-units.ts'
import { type QuarantineRow, SELECT_QUARANTINE } from '../quarantine-row.ts'
import { GRANT_STATES, type GrantState, type Lease } from '../records.ts'
import {
  type RegistrationRow,
  type ReviewRow,
  readRegistration,
  SELECT_REGISTRATIONS,
  SELECT_REGISTRATIONS_MARK,
  SELECT_REVIEWS,
  toReview,
} from '../registrations/registration-row.ts'
import { watermarkOver } from '../rules/deny-list-rules.ts'
import { isAbandoned } from '../rules/lease-rules.ts'
import { parsePlan } from '../stored-documents.ts'
import { IS_WITHDRAWN, toExactCounts } from '../stored-states.ts'
import { findLastApproved, firstRequestedAt } from './approvals/approver-reads.ts'
import { findReusable } from './approvals/reusable-approval.ts'
import { listBudgetMeters } from './budgets/budget-rows.ts'
import { databaseError } from './database/pg-errors.ts'
import type { ReadPool } from './database/read-pool.ts'
import { SharedReads } from './database/shared-reads.ts'
import type { Statement, Value } from './database/statement.ts'
import { holdReads } from './hold-reads.ts'
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
import { runShared } from './units/notice-units.ts'
import type { RowReader } from './working-set/row-reader.ts'
import { SELECT_UNNAMED_HEADS } from './working-set/wanted-rows.ts'

/** Dependencies of the reads. */
export interface ReadsDeps {
  readonly reads: Pick<ReadPool, 'read'>
  readonly reader: RowReader
  readonly replica: string
  /** The server in messages. */
  readonly where: string
  /** False makes every read reject. */
  readonly isOpen: () => boolean
}

/** Runs a read of an open ledger, and turns what the database throws into an error of the catalogue. */
type Read = <T>(run: () => Promise<T>) => Promise<T>

/** The rows of one statement, which has the same text wherever it has this name. */
type Select = <Row>(name: string, text: string, ...values: Value[]) => Promise<Row[]>

/** The tools of the groups of reads. */
interface ReadTools extends Pick<ReadsDeps, 'reads' | 'reader' | 'replica'> {
  readonly lists: Lists
  readonly read: Read
  readonly select: Select
  /** For a few rows by their key: concurrent ones share a round trip. */
  readonly shared: SharedReads
  readonly lookUp: Select
}

/** Every read of the contract; each sees one snapshot, so whole commits only. */
export function postgresReads({ reads, reader, replica, where, isOpen }: ReadsDeps): LedgerReads {
  const lists = new Lists(reads, reader)
  const read: Read = async (run) => {
    if (!isOpen()) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' })
    try {
      return await run()
    } catch (error) {
      throw databaseError(error, where)
    }
  }
  const select: Select = async <Row>(name: string, text: string, ...values: Value[]) => {
    const [rows = []] = await reads.read([{ name, text, values }])
    return rows as unknown as Row[]
  }
  const shared = new SharedReads(reads)
  const lookUp: Select = async <Row>(name: string, text: string, ...values: Value[]) => {
    const [rows = []] = await shared.read([{ name, text, values }])
    return rows as unknown as Row[]
  }
  const tools = { reads, reader, replica, lists, read, select, shared, lookUp }
  return {
    ...grantReads(tools),
    ...leaseReads(tools),
    ...approvalReads(tools),
    ...denyReads(tools),
    ...auditReads(tools),
    ...holdReads(tools),
    listUnregistered: (page) => read(() => lists.unregistered(page)),
    ...noticeReads(tools),
    ...registrationReads(tools),
    listBudgetMeters: (page) => read(() => listBudgetMeters(reads, page)),
  }
}

async function readFirst<Row, T>(rows: Promise<Row[]>, toRecord: (row: Row) => T): Promise<T | undefined> {
  const [row] = await rows
  return row && toRecord(row)
}

function grantReads({ reader, lists, read, select, lookUp }: ReadTools) {
  const findGrant = (name: string, where: string, ...values: Value[]) =>
    read(() =>
      readFirst(lookUp<GrantRow>(name, `${SELECT_GRANT} WHERE ${where}`, ...values), (row) => reader.grant(row)),
    )
  return {
    getGrant: (id) => findGrant('grant', 'g.id = $1', id),
    findGrantByKey: (subject, key) =>
      findGrant('grant-by-key', 'g.subject = $1 AND g.idempotency_key = $2', subject, key),
    listGrants: (filter, page) => read(() => lists.grants(filter, page)),
    getPlan: (hash) =>
      read(() => {
        const text = `SELECT body FROM plans WHERE hash = decode($1, 'hex') AND body <> ''`
        return readFirst(lookUp<{ body: string }>('plan', text, hash), ({ body }) => storedPlan(body, hash))
      }),
    countGrants: () =>
      read(async () => {
        const counts = Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>
        // One statement, which sees one commit.
        const text = `SELECT state, count FROM state_counts
          UNION ALL SELECT 'withdrawn', count(*) FROM grants g WHERE ${IS_WITHDRAWN}`
        for (const { state, count } of await select<{ state: GrantState; count: number }>('counts', text))
          counts[state] = count
        return toExactCounts(counts, counts.withdrawn)
      }),
    countOpenGrants: (subject) =>
      read(async () => {
        const text = 'SELECT count FROM open_counts WHERE subject = $1'
        return (await readFirst(lookUp<{ count: number }>('open-count', text, subject), ({ count }) => count)) ?? 0
      }),
  } satisfies Partial<LedgerReads>
}

function leaseReads(tools: ReadTools) {
  const { reader, read, lookUp } = tools
  return {
    listLeases: (grantId) =>
      read(async () => {
        const text = `${SELECT_LEASE} WHERE l.grant_id = $1 ORDER BY l.number`
        return (await lookUp<LeaseRow>('leases', text, grantId)).map((row) => reader.lease(row))
      }),
    getLease: (id) =>
      read(() =>
        readFirst(lookUp<LeaseRow>('lease', `${SELECT_LEASE} WHERE l.id = $1`, id), (row) => reader.lease(row)),
      ),
    abandonedLeases: (input) => read(() => abandonedLeases(tools, input)),
  } satisfies Partial<LedgerReads>
}

function approvalReads({ reads, reader, lists, read, lookUp }: ReadTools) {
  const find = (name: string, column: 'a.id' | 'a.grant_id', id: string) =>
    read(() => {
      const rows = lookUp<ApprovalRow>(name, `${SELECT_APPROVAL} WHERE ${column} = $1`, id)
      return readFirst(rows, (row) => reader.approval(row))
    })
  return {
    getApproval: (id) => find('approval', 'a.id', id),
    findApproval: (grantId) => find('approval-of', 'a.grant_id', grantId),
    listApprovals: (filter, page) => read(() => lists.approvals(filter, page)),
    findReusable: (asked) => read(() => findReusable({ reads, reader }, asked)),
    findLastApproved: (grant) => read(() => findLastApproved({ reads, reader }, grant)),
    firstRequestedAt: (subject) => read(() => firstRequestedAt({ reads, reader }, subject)),
  } satisfies Partial<LedgerReads>
}

function denyReads({ reader, read, select, shared, lookUp }: ReadTools) {
  return {
    findDenyEntry: (grantId) =>
      read(() => {
        const rows = lookUp<DenyEntryRow>('deny-of', `${SELECT_DENY_ENTRY} WHERE e.grant_id = $1`, grantId)
        return readFirst(rows, (row) => reader.denyEntry(row))
      }),
    getDenyList: (key) =>
      read(() => readFirst(lookUp<DenyListRow>('deny-list', DENY_LIST_BY_KEY, key), (row) => reader.denyList(row))),
    denyWatermark: (listKey, agent) =>
      read(async () => {
        const [lists = [], agents = []] = await shared.read([denyListStatement(listKey), selectAgents(listKey)])
        const [row] = lists as unknown as DenyListRow[]
        const watermarks = (agents as unknown as DenyAgentRow[]).map(toDenyAgent)
        return row && watermarkOver(agent, reader.denyList(row), watermarks)
      }),
    knowsEpoch: (epoch) =>
      read(async () => {
        const text = 'SELECT epoch FROM ledger_openings WHERE epoch = $1::bigint'
        return (await select('opening', text, epoch)).length > 0
      }),
    quarantine: () =>
      read(async () => {
        // Each mint asks for it beside its grant: one round trip for both.
        const [row] = await lookUp<QuarantineRow>('quarantine', SELECT_QUARANTINE)
        return row && reader.quarantine(row)
      }),
    listDenyLists: () =>
      read(async () => {
        const text = `${SELECT_DENY_LIST} ORDER BY l.attempts DESC, l.list_key`
        const rows = await select<DenyListRow>('deny-lists', text)
        return rows.flatMap((row) => reader.orUndefined(() => reader.denyList(row)) ?? [])
      }),
  } satisfies Partial<LedgerReads>
}

function registrationReads({ reader, reads, read, select }: ReadTools) {
  return {
    registrationsMark: () =>
      read(
        async () => (await select<{ mark: string }>('registrations-mark', SELECT_REGISTRATIONS_MARK))[0]?.mark ?? '',
      ),
    registrations: () =>
      read(async () => {
        const [rows = [], reviews = []] = await reads.read([
          { name: 'registrations', text: `${SELECT_REGISTRATIONS} WHERE removed = 0 ORDER BY name` },
          { name: 'reviews', text: `${SELECT_REVIEWS} ORDER BY name` },
        ])
        return {
          registrations: (rows as unknown as RegistrationRow[]).map((row) => readRegistration(reader.damaged, row)),
          reviews: (reviews as unknown as ReviewRow[]).map(toReview),
        }
      }),
  } satisfies Partial<LedgerReads>
}

function auditReads({ reads, reader, read, select }: ReadTools) {
  return {
    trail: (grantId) =>
      read(async () => {
        const text = `${SELECT_EVENT} WHERE e.grant_id = $1 ORDER BY e.position`
        return (await select<EventRow>('trail', text, grantId)).map((row) => reader.event(row))
      }),
    auditEvents: ({ afterPosition, limit }) =>
      read(async () => {
        const text = `${SELECT_EVENT} WHERE e.position > $1::bigint ORDER BY e.position LIMIT $2::bigint`
        return (await select<EventRow>('events', text, afterPosition, limit)).map((row) => reader.event(row))
      }),
    auditHeads: () =>
      read(async () => {
        const [last = [], heads = []] = await reads.read([
          { name: 'last-position', text: LAST_POSITION },
          { name: 'read-heads', text: SELECT_UNNAMED_HEADS },
        ])
        const position = (last[0] as { position: number | null } | undefined)?.position ?? 0
        return { position, heads: heads as unknown as ChainHead[] }
      }),
  } satisfies Partial<LedgerReads>
}

function noticeReads({ reads, reader, read }: ReadTools): NoticeReads {
  const shared = <T>(unit: SharedUnit<T>) => read(() => runShared(unit, (statements) => reads.read(statements)))
  return {
    noticeEndpoints: () => shared(noticeEndpoints()),
    hasDueNotices: (input) => shared(hasDueNotices(input)),
    deadNotices: (input) => shared(deadNotices(input)),
    noticeMark: (key) => shared(noticeMark(key)),
    eventsOfTypes: ({ types, afterPosition, limit }) =>
      read(async () => {
        const text = `${SELECT_EVENT} WHERE e.position > $1::bigint AND e.type = ANY($2::text[])
          ORDER BY e.position LIMIT $3::bigint`
        const [found = [], last = []] = await reads.read([
          { name: 'events-of-types', text, values: [afterPosition, types, limit] },
          { name: 'last-position', text: LAST_POSITION },
        ])
        const rows = found as unknown as EventRow[]
        const end = (last[0] as { position: number | null } | undefined)?.position ?? 0
        const position = rows.length < limit ? end : (rows.at(-1)?.position ?? end)
        const events = rows.flatMap((row) => reader.orUndefined(() => reader.event(row)) ?? [])
        return { events, position: Math.max(position, afterPosition) }
      }),
  }
}

const LAST_POSITION = 'SELECT max(position) AS position FROM events'
const DENY_LIST_BY_KEY = `${SELECT_DENY_LIST} WHERE l.list_key = $1`

function denyListStatement(key: string): Statement {
  return { name: 'deny-list', text: DENY_LIST_BY_KEY, values: [key] }
}

/**
 * Leases that a replica which is gone left `intended`, oldest first: it was closed, or fenced off, or nobody knows it. A row that
 * cannot be read is reported and skipped.
 */
async function abandonedLeases(
  { reader, replica, select }: ReadTools,
  { now, limit }: { now: Date; limit: number },
): Promise<Lease[]> {
  const text = `${SELECT_LEASE} WHERE l.state = 'intended' AND NOT l.outcome_unknown AND l.replica IS DISTINCT FROM $1
    AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = l.replica AND r.closed_at IS NULL)
    AND (l.intended_at, l.id) > ($2::bigint, $3) ORDER BY l.intended_at, l.id LIMIT $4::bigint`
  const leases: Lease[] = []
  let after: { readonly intended_at: number; readonly id: string } = { intended_at: Number.MIN_SAFE_INTEGER, id: '' }
  while (leases.length < limit) {
    const size = limit - leases.length
    const rows = await select<LeaseRow>('abandoned', text, replica, after.intended_at, after.id, size)
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
