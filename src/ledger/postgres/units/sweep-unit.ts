import { hasCode, StintError } from '../../../core/errors.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { DueGrant, GrantMove, LedgerWrites } from '../../ledger.ts'
import type { Grant } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { setAsideUntil, sweptGrant } from '../../rules/grant-rules.ts'
import { parsePlan } from '../../stored-documents.ts'
import type { Rows, Statement } from '../database/statement.ts'
import { SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { SELECT_DENY_ENTRY } from '../rows/deny-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import { type LeaseRow, SELECT_LEASE } from '../rows/lease-rows.ts'
import { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'
import { denySettled } from './deny-units.ts'
import { writeMove } from './grant-units.ts'
import type { RunStatements, Unit } from './unit.ts'

type SweepInput = Parameters<LedgerWrites['sweepGrants']>[0]
type Move = Omit<GrantMove, 'grantId' | 'expectedVersion'>

/** A due grant, with its move; one without is set aside. */
interface Decided {
  readonly row: GrantRow
  readonly before?: Grant
  readonly move?: Move
  readonly moved?: Grant
}

/** A sweep, and what it found due. */
export interface SweepUnit extends Unit<Grant[]> {
  readonly dueIds: () => readonly string[]
}

/**
 * See `LedgerWrites.sweepGrants`. Grant by grant: one whose rows are damaged, or that cannot be moved on, is set aside and told
 * of, and the others move.
 *
 * @param onlyId that grant alone, if it is due
 */
export function sweepGrants(input: SweepInput, onlyId?: string): SweepUnit {
  let decided: Decided[] = []
  return {
    dueIds: () => decided.map(({ row }) => row.id),
    async prepare(set, run) {
      decided = []
      const due = await readDue(input, onlyId, run)
      if (due.length === 0) return
      const related = await readRelated(set, due, run)
      decided = due.map((row) => decideMove(set, row, related, input))
      await readDenyLists(set, decided, run)
    },
    decide: (set) => decided.flatMap((one) => sweepOne(set, one, input.now) ?? []),
  }
}

/** Sets a grant aside for a while whose move the database refuses, in a batch of its own. */
export function setGrantAside(id: string, now: Date): Unit<void> {
  return {
    decide: (set) => {
      set.remember(set.setAside, id, setAsideUntil(now))
      set.isTouched = true
    },
  }
}

/** Tells of a grant that could not be moved on. */
export function noteStuck({ reader }: Pick<WorkingSet, 'reader'>, grantId: string, cause: unknown): void {
  const explanation = `Grant ${grantId} could not be moved on when it was due. It is tried again every minute.`
  reader.damaged.note('sweep', grantId, new StintError('INTERNAL', { explanation, grantId }, cause))
}

/** A grant that is being changed is left for the next pass, and several replicas take different ones. */
async function readDue(
  { now, limit }: SweepInput,
  onlyId: string | undefined,
  run: RunStatements,
): Promise<GrantRow[]> {
  const text = `${SELECT_GRANT} WHERE g.due_at <= $1::bigint AND ($3::text IS NULL OR g.id = $3)
    ORDER BY g.due_at, g.id LIMIT $2::bigint FOR NO KEY UPDATE OF g SKIP LOCKED`
  const [rows = []] = await run([{ name: 'due-grants', text, values: [toMs(now), limit, onlyId ?? null] }])
  return rows as unknown as GrantRow[]
}

/** The records that belong to the due grants. */
interface Related {
  /** By hash: grants of one task share a plan. */
  readonly planBodies: ReadonlyMap<string, string>
  readonly plans: Map<string, Plan>
  readonly leases: ReadonlyMap<string | null, readonly LeaseRow[]>
}

/** Leases are locked, since their mints settle them without their grant; the others change with the lock of their grant only. */
async function readRelated(set: WorkingSet, due: readonly GrantRow[], run: RunStatements): Promise<Related> {
  const ids = due.map(({ id }) => id)
  const planHashes = [...new Set(due.map(({ plan_hash }) => plan_hash))]
  const [leases = [], denyEntries = [], approvals = [], plans = []] = await run([
    related(
      'open-leases-of',
      `${SELECT_LEASE} WHERE l.grant_id = ANY($1::text[]) AND l.state <> 'ended' ORDER BY l.id FOR NO KEY UPDATE OF l`,
      ids,
    ),
    related('denies-of', `${SELECT_DENY_ENTRY} WHERE e.grant_id = ANY($1::text[])`, ids),
    related('approvals-of', `${SELECT_APPROVAL} WHERE a.grant_id = ANY($1::text[])`, ids),
    related(
      'plans-of',
      `SELECT encode(hash, 'hex') AS hash, body FROM plans WHERE hash IN (SELECT decode(h, 'hex') FROM unnest($1::text[]) h)`,
      planHashes,
    ),
  ])
  set.load('grants', due as never)
  set.load('leases', leases)
  set.load('denyEntries', denyEntries)
  set.load('approvals', approvals)
  const bodies = plans as unknown as { hash: string; body: string }[]
  return {
    planBodies: new Map(bodies.map(({ hash, body }) => [hash, body])),
    plans: new Map(),
    leases: Map.groupBy(leases as unknown as LeaseRow[], ({ grant_id }) => grant_id),
  }
}

function related(name: string, text: string, keys: readonly string[]): Statement {
  return { name, text, values: [keys] }
}

/** The lists that moves put their grants on. */
async function readDenyLists(set: WorkingSet, decided: readonly Decided[], run: RunStatements): Promise<void> {
  const wanted = new WantedRows(set.reader.holdCache.statement())
  for (const { row, move } of decided) {
    if (!move?.deny) continue
    wanted.denyLists.add(move.deny.listKey)
    const listKey = set.denyEntries.findRow(row.id)?.list_key
    if (listKey !== undefined) wanted.denyLists.add(listKey)
  }
  const reads = wanted.reads()
  const rows: Rows[] = reads.length === 0 ? [] : await run(reads.map(({ statement }) => statement))
  for (const [index, { kind }] of reads.entries()) set.load(kind, rows[index] ?? [])
}

/** Decides where a grant goes and changes nothing; a grant that cannot be moved has no move. */
function decideMove(set: WorkingSet, row: GrantRow, related: Related, { now, settle }: SweepInput): Decided {
  try {
    const due = dueGrant(set, row, related)
    const move = settle(due)
    return { row, before: due.grant, move, moved: sweptGrant(due.grant, move.to, now) }
  } catch (error) {
    // A damaged row is told of by its reader.
    if (!hasCode(error, 'LEDGER_CORRUPT')) noteStuck(set, row.id, error)
    return { row }
  }
}

function dueGrant(set: WorkingSet, row: GrantRow, related: Related): DueGrant {
  const { reader } = set
  const deny = set.denyEntries.get(row.id)
  const approval = set.approvals.get(row.id)
  // P6: a grant whose plan is lost still ends, and is denied as long as any plan could need it.
  const plan = reader.orUndefined(() => reader.damaged.read('plan', row.id, () => readPlan(row, related)))
  return {
    grant: reader.grant(row),
    ...(plan ? { plan } : {}),
    openLeases: (related.leases.get(row.id) ?? [])
      .map((lease) => reader.lease(lease))
      .sort((a, b) => a.number - b.number),
    ...(deny ? { deny } : {}),
    ...(approval ? { approval } : {}),
  }
}

function readPlan({ plan_hash: hash }: GrantRow, { planBodies, plans }: Related): Plan {
  const known = plans.get(hash)
  if (known) return known
  const body = planBodies.get(hash)
  if (body === undefined) throw new Error('it is not there')
  const plan = parsePlan(body, hash)
  plans.set(hash, plan)
  return plan
}

function sweepOne(set: WorkingSet, { row, before, move, moved }: Decided, now: Date): Grant | undefined {
  if (before && move && moved) {
    try {
      return set.journal.attempt(() => writeSwept(set, { before, move, moved }, now))
    } catch (error) {
      noteStuck(set, row.id, error)
    }
  }
  set.remember(set.setAside, row.id, setAsideUntil(now))
  set.isTouched = true
  return undefined
}

function writeSwept(set: WorkingSet, { before, move, moved }: Required<Omit<Decided, 'row'>>, now: Date): Grant {
  writeMove(set, before, moved, move)
  // In the same unit, since a crash in between would leave the deny of an ended grant pending for ever.
  if (move.endLeases?.end === 'cut') denySettled(set, moved.id, now)
  set.reader.damaged.readable('sweep', moved.id)
  return moved
}
