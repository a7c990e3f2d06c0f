import { hasCode, StintError } from '../../../core/errors.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { DueGrant, GrantMove, WriteInput } from '../../ledger.ts'
import type { Grant } from '../../records.ts'
import { toHex, toMs } from '../../row-values.ts'
import { setAsideUntil, sweptGrant } from '../../rules/grant-rules.ts'
import { parsePlan } from '../../stored-documents.ts'
import { isStoreError } from '../database/sqlite-database.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { type ApprovalRow, SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { type DenyEntryRow, SELECT_DENY_ENTRY } from '../rows/deny-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE } from '../rows/lease-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'
import { denySettled } from './deny.ts'
import { writeMove } from './grants.ts'

type SweepInput = WriteInput<'sweepGrants'>
type Move = Omit<GrantMove, 'grantId' | 'expectedVersion'>

/** Rows that belong to the due grants, by the grant's row number; read for all of them at once. */
interface RelatedRows {
  readonly leases: ReadonlyMap<number, LeaseRow[]>
  readonly denies: ReadonlyMap<number, DenyEntryRow>
  readonly approvals: ReadonlyMap<number, ApprovalRow>
  /** By the plan's row number: grants of one task share one. */
  readonly planBodies: ReadonlyMap<number, string>
  /** Plans that are parsed already, by row number. */
  readonly plans: Map<number, Plan>
}

const OF_GRANTS = 'grant_n IN (SELECT value FROM json_each(?))'

/** A due grant with its move; one without a move is set aside. */
interface DecidedGrant {
  readonly grantId: string
  readonly move?: Move
}

/** The grants that a sweep found due, with their moves. */
export interface DecidedSweep {
  readonly now: Date
  readonly grants: readonly DecidedGrant[]
}

/**
 * Reads what is due and decides where it goes; changes nothing. A grant with a damaged row, or that cannot be decided, is
 * reported.
 *
 * @returns undefined when nothing is due
 */
export function decideSweep(store: SqliteStore, { now, limit, settle }: SweepInput): DecidedSweep | undefined {
  const due = store.db.all<GrantRow>(
    `${SELECT_GRANT} WHERE g.due_at <= ? ORDER BY g.due_at, g.n LIMIT ?`,
    toMs(now),
    limit,
  )
  if (due.length === 0) return undefined
  const related = readRelated(store, due)
  return { now, grants: due.map((row) => decide(store, row, related, settle)) }
}

/**
 * See `LedgerWrites.sweepGrants`. Nothing is written between the decision and this. Grants are moved one by one: one that cannot
 * be moved on is set aside and reported, and the others move.
 */
export function sweepGrants(store: SqliteStore, tx: SqliteTransaction, { now, grants }: DecidedSweep): Grant[] {
  const swept: Grant[] = []
  for (const { grantId, move } of grants) {
    tx.part(
      () => {
        if (!move) return setAside(tx, grantId, now)
        swept.push(writeSwept(store, tx, grantId, move, now))
      },
      (error) => {
        noteStuck(store, grantId, error)
        // Undone with the part: without this the grant would be swept again at once, for ever.
        tx.part(
          () => setAside(tx, grantId, now),
          () => undefined,
        )
      },
    )
  }
  return swept
}

/** Reads only. */
function decide(store: SqliteStore, row: GrantRow, related: RelatedRows, settle: SweepInput['settle']): DecidedGrant {
  try {
    return { grantId: row.id, move: settle(dueGrant(store, row, related)) }
  } catch (error) {
    if (isStoreError(error)) throw error
    // Its reader has reported a damaged row already.
    if (!hasCode(error, 'LEDGER_CORRUPT')) noteStuck(store, row.id, error)
    return { grantId: row.id }
  }
}

function writeSwept(store: SqliteStore, tx: SqliteTransaction, grantId: string, move: Move, now: Date): Grant {
  const row = store.grantRow(grantId)
  if (!row) throw new Error('the grant is not there')
  const moved = writeMove(store, tx, row, sweptGrant(store.grant(row), move.to, now), move)
  // In the same unit, since a crash in between would leave the deny of an ended grant pending for ever.
  if (move.endLeases?.end === 'cut') denySettled(store, tx, row, now)
  store.damaged.readable('sweep', row.id)
  return moved
}

function setAside(tx: SqliteTransaction, grantId: string, now: Date): void {
  tx.db.run('UPDATE grants SET due_at = ? WHERE id = ?', toMs(setAsideUntil(now)), grantId)
}

function noteStuck(store: SqliteStore, grantId: string, cause: unknown): void {
  const explanation = `Grant ${grantId} could not be moved on when it was due. It is tried again every minute.`
  store.damaged.note('sweep', grantId, new StintError('INTERNAL', { explanation, grantId }, cause))
}

function dueGrant(store: SqliteStore, row: GrantRow, related: RelatedRows): DueGrant {
  const grant = store.grant(row)
  const deny = related.denies.get(row.row_id)
  const approval = related.approvals.get(row.row_id)
  // P6: a grant whose plan is lost still ends, and is denied as long as any plan could need it.
  const plan = store.orUndefined(() => store.damaged.read('plan', row.id, () => planOfGrant(row, related)))
  return {
    grant,
    ...(plan ? { plan } : {}),
    openLeases: (related.leases.get(row.row_id) ?? []).map((lease) => store.lease(lease)),
    ...(deny ? { deny: store.denyEntry(deny) } : {}),
    ...(approval ? { approval: store.approval(approval) } : {}),
  }
}

function planOfGrant(row: GrantRow, { planBodies, plans }: RelatedRows): Plan {
  const known = plans.get(row.plan_row_id)
  if (known) return known
  const body = planBodies.get(row.plan_row_id)
  if (body === undefined || row.plan_hash === null) throw new Error('it is not there')
  const plan = parsePlan(body, toHex(row.plan_hash))
  plans.set(row.plan_row_id, plan)
  return plan
}

function readRelated({ db }: SqliteStore, due: readonly GrantRow[]): RelatedRows {
  const rowIds = JSON.stringify(due.map(({ row_id }) => row_id))
  const open = `${SELECT_LEASE} WHERE l.${OF_GRANTS} AND l.state <> 'ended' ORDER BY l.grant_n, l.number`
  const denies = db.all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.${OF_GRANTS}`, rowIds)
  const approvals = db.all<ApprovalRow>(`${SELECT_APPROVAL} WHERE a.${OF_GRANTS}`, rowIds)
  const planRowIds = JSON.stringify([...new Set(due.map(({ plan_row_id }) => plan_row_id))])
  const ofPlans = 'SELECT n AS row_id, body FROM plans WHERE n IN (SELECT value FROM json_each(?))'
  const planBodies = db.all<{ row_id: number; body: string }>(ofPlans, planRowIds)
  return {
    leases: Map.groupBy(db.all<LeaseRow>(open, rowIds), (row) => row.grant_row_id),
    denies: new Map(denies.map((row) => [row.grant_row_id, row])),
    approvals: new Map(approvals.map((row) => [row.grant_row_id, row])),
    planBodies: new Map(planBodies.map(({ row_id, body }) => [row_id, body])),
    plans: new Map(),
  }
}
