import {
  type BudgetHolder,
  type BudgetMeter,
  type BudgetRequest,
  type HolderCounts,
  meterKey,
  parseMeterKey,
} from '../../budgets/budget-records.ts'
import { type BudgetMeterRow, SELECT_METER, toBudgetMeter } from '../../budgets/budget-row.ts'
import { type Page, type PageRequest, pageStart, toPage } from '../../pages.ts'
import type { Grant } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { drawnMeter } from '../../rules/budget-rules.ts'
import type { InternedTexts } from '../database/interned-texts.ts'
import type { SqliteDatabase } from '../database/sqlite-database.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'

/** Draws on the budgets of a new grant, which is not inserted yet. @throws {StintError} BUDGET_EXCEEDED */
export function drawBudgets(tx: SqliteTransaction, grant: Grant, { draws, ...taken }: BudgetRequest): void {
  for (const draw of draws) {
    const row = tx.db.get<BudgetMeterRow>(`${SELECT_METER} WHERE m.key = ?`, meterKey(draw))
    const before = row && toBudgetMeter(row)
    const counts = countHolder(tx, draw.holder)
    const drawing = { ...taken, ...counts, at: grant.requestedAt, state: grant.state }
    const after = drawnMeter(before, draw, drawing)
    if (after !== before) writeMeter(tx.db, after)
  }
}

/** Forgets meters in which nothing counts any more. */
export function pruneMeters(db: SqliteDatabase, now: Date, limit: number): void {
  db.run(
    'DELETE FROM budget_meters WHERE n IN (SELECT n FROM budget_meters WHERE until <= ? ORDER BY until LIMIT ?)',
    toMs(now),
    limit,
  )
}

/** See `BudgetReads.listBudgetMeters`. */
export function listBudgetMeters(
  reader: { readonly db: SqliteDatabase; readonly texts: Pick<InternedTexts, 'findId'> },
  page: PageRequest,
): Page<BudgetMeter & HolderCounts> {
  const { rowId } = pageStart('budgets', page)
  const after = page.cursor === undefined ? 0 : rowId
  const rows = reader.db.all<BudgetMeterRow>(
    `${SELECT_METER} WHERE m.n > ? ORDER BY m.n LIMIT ?`,
    after,
    page.limit + 1,
  )
  return toPage(
    'budgets',
    rows,
    page.limit,
    ({ row_id }) => ({ at: 0, rowId: row_id }),
    (row) => {
      const { holder } = parseMeterKey(row.key)
      return { ...toBudgetMeter(row), ...countRows(reader.db, holder, reader.texts.findId(holder.name)) }
    },
  )
}

/** An agent has a counter of its live grants, with those of this commit. */
function countHolder(tx: SqliteTransaction, holder: BudgetHolder): HolderCounts {
  const textId = tx.texts.intern(holder.name)
  const counts = countRows(tx.db, holder, textId)
  return holder.kind === 'agent' ? { ...counts, live: tx.openCount(textId) } : counts
}

const OPEN = "state IN ('awaiting_approval', 'active', 'ending')"
const COLUMNS = { owner: 'owner_n', team: 'team_n' } as const

function countRows(db: SqliteDatabase, { kind }: BudgetHolder, textId: number | undefined): HolderCounts {
  if (textId === undefined) return { live: 0, pending: 0 }
  const count = (text: string) => db.get<{ count: number }>(text, textId)?.count ?? 0
  if (kind === 'agent')
    return {
      live: count('SELECT count FROM open_counts WHERE subject_n = ?'),
      pending: count("SELECT count(*) AS count FROM grants WHERE subject_n = ? AND state = 'awaiting_approval'"),
    }
  const where = `${COLUMNS[kind]} = ? AND ${OPEN}`
  return {
    live: count(`SELECT count(*) AS count FROM grants INDEXED BY grants_open_by_${kind} WHERE ${where}`),
    pending: count(
      `SELECT count(*) AS count FROM grants INDEXED BY grants_open_by_${kind} WHERE ${where} AND state = 'awaiting_approval'`,
    ),
  }
}

function writeMeter(db: SqliteDatabase, { key, rolling, until }: BudgetMeter): void {
  db.run(
    `INSERT INTO budget_meters (key, rolling, until) VALUES (?1, ?2, ?3)
     ON CONFLICT (key) DO UPDATE SET rolling = ?2, until = ?3`,
    key,
    JSON.stringify(rolling),
    toMs(until),
  )
}
