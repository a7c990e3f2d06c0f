import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { LedgerReads } from '../ledger.ts'
import { GRANT_STATES, type GrantState, type Lease } from '../records.ts'
import { watermarkOver } from '../rules/deny-list-rules.ts'
import { isAbandoned } from '../rules/lease-rules.ts'
import { parsePlan } from '../stored-documents.ts'
import { IS_WITHDRAWN, toExactCounts } from '../stored-states.ts'
import { findLastApproved, firstRequestedAt } from './approvals/approver-reads.ts'
import { findReusable } from './approvals/reusable-approval.ts'
import { unnamedHeads } from './chain-writer.ts'
import { readError } from './database/sqlite-database.ts'
import { listApprovals, listGrants, listUnregistered } from './lists.ts'
import { type ApprovalRow, SELECT_APPROVAL } from './rows/approval-rows.ts'
import { type DenyListRow, SELECT_DENY_LIST } from './rows/deny-rows.ts'
import { type EventRow, SELECT_EVENT } from './rows/event-rows.ts'
import { type GrantRow, SELECT_GRANT } from './rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE } from './rows/lease-rows.ts'
import type { SqliteStore } from './sqlite-store.ts'
import { listBudgetMeters } from './units/budgets.ts'
import { readAgents } from './units/deny.ts'
import { holdReads } from './units/holds.ts'
import { noticeReads } from './units/notices.ts'
import { readRegistrations, readRegistrationsMark } from './units/registrations.ts'

/** Runs a read, and turns what the file throws into an error of the catalogue. */
type Read = <T>(run: () => T) => Promise<T>

/**
 * Every read of the contract; `isOpen` false makes them reject. On the connection that writes, units run in one turn; on another
 * one (`isReader`) a read is one transaction: so each sees whole commits only.
 */
export function sqliteReads(
  store: SqliteStore,
  { isOpen, isReader }: { readonly isOpen: () => boolean; readonly isReader: boolean },
): LedgerReads {
  const read: Read = async (run) => {
    if (!isOpen()) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' })
    try {
      return isReader ? store.db.snapshot(run) : run()
    } catch (error) {
      throw readError(error)
    }
  }
  return {
    ...grantReads(store, read),
    ...leaseReads(store, read),
    ...approvalReads(store, read),
    ...denyReads(store, read),
    ...auditReads(store, read),
    ...holdReads(store, read),
    listUnregistered: (page) => read(() => listUnregistered(store, page)),
    ...noticeReads(store, read),
    registrationsMark: () => read(() => readRegistrationsMark(store)),
    registrations: () => read(() => readRegistrations(store)),
    listBudgetMeters: (page) => read(() => listBudgetMeters(store, page)),
  }
}

function grantReads(store: SqliteStore, read: Read) {
  const { db, texts } = store
  return {
    getGrant: (id) =>
      read(() => {
        const row = store.grantRow(id)
        return row && store.grant(row)
      }),
    findGrantByKey: (subject, idempotencyKey) =>
      read(() => {
        const subjectTextId = texts.findId(subject)
        if (subjectTextId === undefined) return undefined
        const row = db.get<GrantRow>(
          `${SELECT_GRANT} WHERE g.subject_n = ? AND g.idempotency_key = ?`,
          subjectTextId,
          idempotencyKey,
        )
        return row && store.grant(row)
      }),
    listGrants: (filter, page) => read(() => listGrants(store, filter, page)),
    getPlan: (hash) =>
      read(() => {
        const row = db.get<{ body: string }>('SELECT body FROM plans WHERE hash = ?', Buffer.from(hash, 'hex'))
        return row && row.body !== '' ? storedPlan(row.body, hash) : undefined
      }),
    countGrants: () =>
      read(() => {
        const counts = Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>
        for (const row of db.all<{ state: GrantState; count: number }>('SELECT state, count FROM state_counts')) {
          counts[row.state] = row.count
        }
        const withdrawn = db.get<{ count: number }>(`SELECT count(*) AS count FROM grants g WHERE ${IS_WITHDRAWN}`)
        return toExactCounts(counts, withdrawn?.count ?? 0)
      }),
    countOpenGrants: (subject) =>
      read(() => {
        const textId = texts.findId(subject)
        if (textId === undefined) return 0
        return db.get<{ count: number }>('SELECT count FROM open_counts WHERE subject_n = ?', textId)?.count ?? 0
      }),
  } satisfies Partial<LedgerReads>
}

function leaseReads(store: SqliteStore, read: Read) {
  return {
    listLeases: (grantId) =>
      read(() =>
        store.db
          .all<LeaseRow>(`${SELECT_LEASE} WHERE g.id = ? ORDER BY l.number`, grantId)
          .map((row) => store.lease(row)),
      ),
    getLease: (id) =>
      read(() => {
        const row = store.leaseRow(id)
        return row && store.lease(row)
      }),
    abandonedLeases: (input) => read(() => abandonedLeases(store, input)),
  } satisfies Partial<LedgerReads>
}

function approvalReads(store: SqliteStore, read: Read) {
  const find = (column: 'a.id' | 'g.id', id: string) =>
    read(() => {
      const row = store.db.get<ApprovalRow>(`${SELECT_APPROVAL} WHERE ${column} = ?`, id)
      return row && store.approval(row)
    })
  return {
    getApproval: (id) => find('a.id', id),
    findApproval: (grantId) => find('g.id', grantId),
    listApprovals: (filter, page) => read(() => listApprovals(store, filter, page)),
    findReusable: (asked) => read(() => findReusable(store, asked)),
    findLastApproved: (grant) => read(() => findLastApproved(store, grant)),
    firstRequestedAt: (subject) => read(() => firstRequestedAt(store, subject)),
  } satisfies Partial<LedgerReads>
}

function denyReads(store: SqliteStore, read: Read) {
  const { db } = store
  const listRow = (key: string) => db.get<DenyListRow>(`${SELECT_DENY_LIST} WHERE list_key = ?`, key)
  return {
    findDenyEntry: (grantId) =>
      read(() => {
        const row = store.grantRow(grantId)
        return row && store.findDenyEntry(row.row_id)
      }),
    getDenyList: (key) =>
      read(() => {
        const row = listRow(key)
        return row && store.denyList(row)
      }),
    denyWatermark: (listKey, agent) =>
      read(() => {
        const row = listRow(listKey)
        return row && watermarkOver(agent, store.denyList(row), readAgents({ db }, row.row_id))
      }),
    knowsEpoch: (epoch) => read(() => db.get('SELECT epoch FROM ledger_openings WHERE epoch = ?', epoch) !== undefined),
    quarantine: () => read(() => store.quarantine()),
    listDenyLists: () =>
      read(() =>
        db
          .all<DenyListRow>(`${SELECT_DENY_LIST} ORDER BY attempts DESC, list_key`)
          .flatMap((row) => store.orUndefined(() => store.denyList(row)) ?? []),
      ),
  } satisfies Partial<LedgerReads>
}

function auditReads(store: SqliteStore, read: Read) {
  const { db } = store
  return {
    trail: (grantId) =>
      read(() =>
        db
          .all<EventRow>(`${SELECT_EVENT} WHERE e.grant_id = ? ORDER BY e.position`, grantId)
          .map((row) => store.event(row)),
      ),
    auditEvents: ({ afterPosition, limit }) =>
      read(() =>
        db
          .all<EventRow>(`${SELECT_EVENT} WHERE e.position > ? ORDER BY e.position LIMIT ?`, afterPosition, limit)
          .map((row) => store.event(row)),
      ),
    auditHeads: () =>
      read(() => {
        const last = db.get<{ position: number | null }>('SELECT max(position) AS position FROM events')
        return { position: last?.position ?? 0, heads: unnamedHeads(db) }
      }),
  } satisfies Partial<LedgerReads>
}

/**
 * A lease that cannot be read is reported as damaged, and the others are found all the same. The lock on the file lets one
 * process at a time use it, so every other replica is gone.
 */
function abandonedLeases(store: SqliteStore, { now, limit }: { now: Date; limit: number }): Lease[] {
  const asked = { replica: store.replica, now, othersAreGone: true }
  const leases: Lease[] = []
  let after = { intended_at: Number.MIN_SAFE_INTEGER, row_id: 0 }
  while (leases.length < limit) {
    const rows = store.db.all<LeaseRow>(
      `${SELECT_LEASE} WHERE l.state = 'intended' AND l.outcome_unknown IS NOT 1 AND l.replica_n IS NOT ?
       AND (l.intended_at, l.n) > (?, ?) ORDER BY l.intended_at, l.n LIMIT ?`,
      store.texts.findId(store.replica) ?? null,
      after.intended_at,
      after.row_id,
      limit - leases.length,
    )
    const found = rows.flatMap((row) => store.orUndefined(() => store.lease(row)) ?? [])
    leases.push(...found.filter((lease) => isAbandoned(lease, asked)))
    const last = rows.at(-1)
    if (!last || leases.length === limit) break
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
