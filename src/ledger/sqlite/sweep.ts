import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { DueGrant, LedgerWrites } from '../ledger.ts'
import type { Approval, DenyEntry, Grant, Lease } from '../records.ts'
import { sweptGrant } from '../rules.ts'
import { denyEnforced } from './deny.ts'
import { writeMove } from './grants.ts'
import {
  type ApprovalRow,
  approvalOf,
  type DenyEntryRow,
  denyEntryOf,
  type GrantRow,
  type LeaseRow,
  msOf,
  SELECT_APPROVAL,
  SELECT_DENY_ENTRY,
  SELECT_GRANT,
  SELECT_LEASE,
} from './rows.ts'
import type { SqliteStore } from './sqlite-store.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

type SweepInput = Parameters<LedgerWrites['sweepGrants']>[0]

/** Records that belong to the due grants, by the grant's row number; read for all of them at once. */
interface RelatedRecords {
  readonly leases: ReadonlyMap<number, Lease[]>
  readonly denies: ReadonlyMap<number, DenyEntry>
  readonly approvals: ReadonlyMap<number, Approval>
  /** By the plan's row number: grants of one task share one. */
  readonly plans: ReadonlyMap<number, Plan>
}

const OF_GRANTS = 'grant_n IN (SELECT value FROM json_each(?))'

/** See `LedgerWrites.sweepGrants`. */
export function sweepGrants(store: SqliteStore, tx: SqliteTransaction, { now, limit, settle }: SweepInput): Grant[] {
  const due = tx.db.all<GrantRow>(
    `${SELECT_GRANT} WHERE g.due_at <= ? ORDER BY g.due_at, g.n LIMIT ?`,
    msOf(now),
    limit,
  )
  if (due.length === 0) return []
  const related = readRelated(store, due)
  return due.map((row) => {
    const found = dueGrant(store, row, related)
    const move = settle(found)
    const moved = writeMove(tx, row, sweptGrant(found.grant, move.to, now), move)
    // In the same unit, since a crash in between would leave the deny of an ended grant pending for ever.
    if (move.endLeases?.end === 'denied') denyEnforced(tx, row, now)
    return moved
  })
}

function dueGrant(store: SqliteStore, row: GrantRow, { leases, denies, approvals, plans }: RelatedRecords): DueGrant {
  const plan = plans.get(row.plan_row_id)
  if (!plan)
    throw new StintError('LEDGER_CORRUPT', { explanation: `The plan of grant ${row.id} is not in the ledger.` })
  const deny = denies.get(row.row_id)
  const approval = approvals.get(row.row_id)
  return {
    grant: store.grant(row),
    plan,
    openLeases: leases.get(row.row_id) ?? [],
    ...(deny ? { deny } : {}),
    ...(approval ? { approval } : {}),
  }
}

function readRelated(store: SqliteStore, due: readonly GrantRow[]): RelatedRecords {
  const { db } = store
  const numbers = JSON.stringify(due.map(({ row_id }) => row_id))
  const leases = new Map<number, Lease[]>()
  const open = `${SELECT_LEASE} WHERE l.${OF_GRANTS} AND l.state <> 'ended' ORDER BY l.grant_n, l.number`
  for (const row of db.all<LeaseRow>(open, numbers)) {
    const lease = store.lease(row)
    const others = leases.get(row.grant_row_id)
    if (others) others.push(lease)
    else leases.set(row.grant_row_id, [lease])
  }
  const denies = db.all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.${OF_GRANTS}`, numbers)
  const approvals = db.all<ApprovalRow>(`${SELECT_APPROVAL} WHERE a.${OF_GRANTS}`, numbers)
  const planNumbers = JSON.stringify([...new Set(due.map(({ plan_row_id }) => plan_row_id))])
  const ofPlans = 'SELECT n AS row_id, body FROM plans WHERE n IN (SELECT value FROM json_each(?))'
  const plans = db.all<{ row_id: number; body: string }>(ofPlans, planNumbers)
  return {
    leases,
    denies: new Map(denies.map((row) => [row.grant_row_id, denyEntryOf(row)])),
    approvals: new Map(approvals.map((row) => [row.grant_row_id, approvalOf(row)])),
    plans: new Map(plans.map(({ row_id, body }) => [row_id, JSON.parse(body) as Plan])),
  }
}
