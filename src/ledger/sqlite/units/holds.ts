import type { HoldFilter, HoldReads, OpenGrantFilter } from '../../holds/hold-ledger.ts'
import type { HeldDenies, Hold } from '../../holds/hold-records.ts'
import { type HoldRow, SELECT_HOLDS } from '../../holds/hold-row.ts'
import { openGrantsPage } from '../../holds/open-grants-page.ts'
import type { Page, WriteInput } from '../../ledger.ts'
import { MAX_OPEN_GRANTS, type PageRequest, pageStart, toPage } from '../../pages.ts'
import { toInstant, toMs, toMsOrNull } from '../../row-values.ts'
import { liftedHold, notedHold, placedHold } from '../../rules/hold-rules.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { holdsMigration } from '../migrations/016-holds.ts'
import { type DenyEntryRow, SELECT_DENY_ENTRY } from '../rows/deny-rows.ts'
import { type GrantRow, SELECT_GRANT } from '../rows/grant-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** See `HoldWrites.putHold`. */
export function putHold(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'putHold'>) {
  const inForce = store.holds()
  const hold = placedHold(inForce, input.hold)
  if (inForce.includes(hold)) return { kind: 'existing', hold } as const
  tx.db.insert(
    `INSERT INTO holds (id, kind, scope, value, since, set_by, why, is_public, lifted_alone, is_running, progress, version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`,
    hold.id,
    hold.kind,
    hold.scope.kind,
    hold.scope.value,
    toMs(hold.since),
    hold.by,
    hold.why,
    hold.isPublic ? 1 : 0,
    hold.isRunning ? 1 : 0,
    hold.progress === undefined ? null : JSON.stringify(hold.progress),
    hold.version,
  )
  noteChange(tx)
  tx.append(input.events)
  return { kind: 'created', hold } as const
}

/** See `HoldWrites.liftHold`. */
export function liftHold(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'liftHold'>): Hold {
  const hold = liftedHold(findHold(store, input.id), input)
  const { at, by, note, alone } = input.lift
  tx.db.run(
    'UPDATE holds SET lifted_at = ?, lifted_by = ?, lift_note = ?, lifted_alone = ?, version = ? WHERE id = ?',
    toMs(at),
    by,
    note,
    alone ? 1 : 0,
    hold.version,
    hold.id,
  )
  noteChange(tx)
  tx.append(input.events)
  return hold
}

/** See `HoldWrites.noteHold`. */
export function noteHold(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'noteHold'>): Hold {
  const hold = notedHold(findHold(store, input.id), input)
  tx.db.run(
    'UPDATE holds SET is_running = ?, claimed_by = ?, claimed_until = ?, progress = ?, version = ? WHERE id = ?',
    hold.isRunning ? 1 : 0,
    hold.claimedBy ?? null,
    toMsOrNull(hold.claimedUntil),
    hold.progress === undefined ? null : JSON.stringify(hold.progress),
    hold.version,
    hold.id,
  )
  tx.append(input.events)
  return hold
}

/** A release that knows no holds would give out grants, so it cannot open the ledger while one is in force. */
function noteChange(tx: SqliteTransaction): void {
  tx.db.run('UPDATE hold_generation SET generation = generation + 1')
  const { version, readableBy } = holdsMigration
  tx.db.run(
    'UPDATE migrations SET readable_by = CASE WHEN EXISTS (SELECT 1 FROM holds WHERE lifted_at IS NULL) THEN ?1 ELSE ?2 END WHERE version = ?1',
    version,
    readableBy,
  )
}

function findHold(store: SqliteStore, id: string): Hold | undefined {
  const row = store.db.get<HoldRow>(`${SELECT_HOLDS} WHERE h.id = ?`, id)
  return row && store.hold(row)
}

/** The reads of holds; `read` runs each of them. */
export function holdReads(store: SqliteStore, read: <T>(run: () => T) => Promise<T>): Omit<HoldReads, 'getLease'> {
  return {
    holdsInForce: () => read(() => store.holds()),
    getHold: (id) => read(() => findHold(store, id)),
    listHolds: (filter, page) => read(() => listHolds(store, filter, page)),
    runningHolds: () =>
      read(() =>
        store.db
          .all<HoldRow>(`${SELECT_HOLDS} WHERE h.is_running = 1 ORDER BY h.n`)
          .flatMap((row) => store.orUndefined(() => store.hold(row)) ?? []),
      ),
    heldDenies: (holdId) => read(() => heldDenies(store, holdId)),
    openGrants: (input) => read(() => openGrants(store, input)),
    denyEntries: (listKey) =>
      read(() =>
        store.db
          .all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE l.list_key = ?`, listKey)
          .flatMap((row) => store.orUndefined(() => store.denyEntry(row)) ?? []),
      ),
  }
}

function listHolds(store: SqliteStore, { kind, inForce }: HoldFilter, page: PageRequest): Page<Hold> {
  const { at, rowId } = pageStart('holds', page)
  const rows = store.db.all<HoldRow>(
    `${SELECT_HOLDS} WHERE (h.since, h.n) < (?1, ?2) AND (?3 IS NULL OR h.kind = ?3)
     AND (?4 IS NULL OR (h.lifted_at IS NULL) = ?4) ORDER BY h.since DESC, h.n DESC LIMIT ?5`,
    at,
    rowId,
    kind ?? null,
    inForce === undefined ? null : Number(inForce),
    page.limit + 1,
  )
  const toKey = (row: HoldRow) => ({ at: row.since, rowId: row.row_id })
  return toPage('holds', rows, page.limit, toKey, (row) => store.orUndefined(() => store.hold(row)))
}

function heldDenies({ db }: SqliteStore, holdId: string): HeldDenies {
  const row = db.get<{ all_of_them: number; unwritten: number; unenforced: number; until: number | null }>(
    `SELECT count(*) AS all_of_them, count(*) FILTER (WHERE written_at IS NULL) AS unwritten,
       count(*) FILTER (WHERE enforced_at IS NULL) AS unenforced, max(until) FILTER (WHERE enforced_at IS NULL) AS until
     FROM deny_entries WHERE hold_id = ?`,
    holdId,
  )
  const { all_of_them: all = 0, unwritten = 0, unenforced = 0, until = null } = row ?? {}
  return { all, unwritten, unenforced, ...(until === null ? {} : { until: toInstant(until) }) }
}

function openGrants(store: SqliteStore, { state, filter = {}, limit, cursor }: Parameters<HoldReads['openGrants']>[0]) {
  const { at, rowId } = pageStart('grants', { limit, ...(cursor && { cursor }) }, MAX_OPEN_GRANTS)
  const wanted = wantedTexts(store, filter)
  if (!wanted) return { grants: [], damaged: [] }
  const rows = store.db.all<GrantRow>(
    `${SELECT_GRANT} WHERE g.state = ? AND (g.requested_at, g.n) < (?, ?) ${wanted.map(([column]) => `AND g.${column} = ?`).join(' ')}
     ORDER BY g.requested_at DESC, g.n DESC LIMIT ?`,
    state,
    at,
    rowId,
    ...wanted.map(([, textId]) => textId),
    limit,
  )
  return openGrantsPage(rows, limit, (row) => store.orUndefined(() => store.grant(row)))
}

const TEXT_COLUMNS = { subject: 'subject_n', owner: 'owner_n', roleArn: 'role_n' } as const

/** The columns of a filter, and the ids of their texts; undefined when one names what no grant has. */
function wantedTexts({ texts }: SqliteStore, filter: OpenGrantFilter): (readonly [string, number])[] | undefined {
  const wanted: (readonly [string, number])[] = []
  for (const [name, column] of Object.entries(TEXT_COLUMNS)) {
    const text = filter[name as keyof OpenGrantFilter]
    if (text === undefined) continue
    const textId = texts.findId(text)
    if (textId === undefined) return undefined
    wanted.push([column, textId])
  }
  return wanted
}
