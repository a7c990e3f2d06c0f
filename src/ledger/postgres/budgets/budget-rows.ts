import type { BudgetHolder, BudgetMeter, HolderCounts } from '../../budgets/budget-records.ts'
import { parseMeterKey } from '../../budgets/budget-records.ts'
import { type BudgetMeterRow, SELECT_METER, toBudgetMeter } from '../../budgets/budget-row.ts'
import { type Page, type PageRequest, pageStart, toPage } from '../../pages.ts'
import { toMs } from '../../row-values.ts'
import type { ReadPool } from '../database/read-pool.ts'
import type { Statement } from '../database/statement.ts'
import { tableWriter } from '../rows/table-spec.ts'

/** Writes meters. */
export const budgetMeterWriter = tableWriter<BudgetMeter>('budget_meters', 'key', [
  { name: 'key', type: 'text', of: ({ key }) => key, fixed: true },
  { name: 'rolling', type: 'text', of: ({ rolling }) => JSON.stringify(rolling) },
  { name: 'until', type: 'bigint', of: ({ until }) => toMs(until) },
])

/** Names of holders by their kind. */
export type HolderNames = Readonly<Record<BudgetHolder['kind'], ReadonlySet<string>>>

/** The live and waiting grants of one holder, as `COUNT_HOLDERS` gives them. */
export interface HolderCountRow extends HolderCounts {
  readonly kind: BudgetHolder['kind']
  readonly name: string
}

/** Counts the grants of holders. In a batch it comes after the lock of their meters, so that nobody else adds one meanwhile. */
export function countHolders({ agent, owner, team }: HolderNames): Statement[] {
  if (agent.size + owner.size + team.size === 0) return []
  return [{ name: 'count-holders', text: COUNT_HOLDERS, values: [[...agent], [...owner], [...team]] }]
}

const OPEN = "state IN ('awaiting_approval', 'active', 'ending')"
const WAITING = "count(*) FILTER (WHERE state = 'awaiting_approval')::int AS pending"
const COUNT_HOLDERS = `SELECT 'agent' AS kind, w.name, coalesce((SELECT c.count FROM open_counts c WHERE c.subject = w.name), 0)::int AS live,
    (SELECT count(*) FROM grants g WHERE g.subject = w.name AND g.state = 'awaiting_approval')::int AS pending
    FROM unnest($1::text[]) AS w(name)
  UNION ALL SELECT 'owner', owner, count(*)::int, ${WAITING} FROM grants WHERE owner = ANY($2::text[]) AND ${OPEN} GROUP BY owner
  UNION ALL SELECT 'team', team, count(*)::int, ${WAITING} FROM grants WHERE team = ANY($3::text[]) AND ${OPEN} GROUP BY team`

/** See `BudgetReads.listBudgetMeters`. */
export async function listBudgetMeters(
  reads: Pick<ReadPool, 'read'>,
  page: PageRequest,
): Promise<Page<BudgetMeter & HolderCounts>> {
  const { rowId } = pageStart('budgets', page)
  const text = `${SELECT_METER} WHERE m.n > $1::bigint ORDER BY m.n LIMIT $2::bigint`
  const after = page.cursor === undefined ? 0 : rowId
  const [found = []] = await reads.read([{ name: 'list-budgets', text, values: [after, page.limit + 1] }])
  const rows = found as unknown as BudgetMeterRow[]
  const counts = await readCounts(reads, rows)
  return toPage(
    'budgets',
    rows,
    page.limit,
    ({ row_id }) => ({ at: 0, rowId: row_id }),
    (row) => ({ ...toBudgetMeter(row), ...counts(parseMeterKey(row.key).holder) }),
  )
}

async function readCounts(reads: Pick<ReadPool, 'read'>, rows: readonly BudgetMeterRow[]) {
  const names = { agent: new Set<string>(), owner: new Set<string>(), team: new Set<string>() }
  for (const { key } of rows) {
    const { holder } = parseMeterKey(key)
    names[holder.kind].add(holder.name)
  }
  const statements = countHolders(names)
  const [counted = []] = statements.length === 0 ? [] : await reads.read(statements)
  const known = new Map((counted as unknown as HolderCountRow[]).map((row) => [`${row.kind} ${row.name}`, row]))
  return ({ kind, name }: BudgetHolder): HolderCounts => {
    const { live = 0, pending = 0 } = known.get(`${kind} ${name}`) ?? {}
    return { live, pending }
  }
}
