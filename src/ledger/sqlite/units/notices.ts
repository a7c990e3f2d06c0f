import type { NoticeReads, NoticeWrites } from '../../notices/notice-records.ts'
import {
  claimNotices,
  deadNotices,
  hasDueNotices,
  holdNotices,
  keepNotices,
  noteOnce,
  noticeEndpoints,
  noticeMark,
  pruneNotices,
  resendNotices,
  type SharedUnit,
  type StepRows,
  settleNotices,
} from '../../notices/notice-units.ts'
import type { SqliteDatabase } from '../database/sqlite-database.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { type EventRow, SELECT_EVENT } from '../rows/event-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'

type Input<Name extends keyof NoticeWrites> = Parameters<NoticeWrites[Name]>[0]

/** The writes of notices as units of a transaction. */
export function noticeWriteUnits(tx: SqliteTransaction) {
  const shared = <T>(unit: SharedUnit<T>) => run(tx.db, unit, (events) => tx.append(events))
  return {
    keepNotices: (input: Input<'keepNotices'>) => shared(keepNotices(input)),
    claimNotices: (input: Input<'claimNotices'>) => shared(claimNotices(input)),
    settleNotices: (input: Input<'settleNotices'>) => shared(settleNotices(input)),
    holdNotices: (input: Input<'holdNotices'>) => shared(holdNotices(input)),
    resendNotices: (input: Input<'resendNotices'>) => shared(resendNotices(input)),
    noteOnce: (input: Input<'noteOnce'>) => shared(noteOnce(input)),
    pruneNotices: (input: Input<'pruneNotices'>) => shared(pruneNotices(input)),
  }
}

type NoticeUnits = ReturnType<typeof noticeWriteUnits>

/** The writes of notices by a writer, which may be in another thread. */
export function noticeWrites({ write }: NoticeWriter): NoticeWrites {
  return {
    keepNotices: (input) => write('keepNotices', input),
    claimNotices: (input) => write('claimNotices', input),
    settleNotices: (input) => write('settleNotices', input),
    holdNotices: (input) => write('holdNotices', input),
    resendNotices: (input) => write('resendNotices', input),
    noteOnce: (input) => write('noteOnce', input),
    pruneNotices: (input) => write('pruneNotices', input),
  }
}

interface NoticeWriter {
  write<Name extends keyof NoticeUnits>(
    name: Name,
    input: Parameters<NoticeUnits[Name]>[0],
  ): Promise<ReturnType<NoticeUnits[Name]>>
}

function run<T>(
  db: SqliteDatabase,
  unit: SharedUnit<T>,
  append: (events: Parameters<SqliteTransaction['append']>[0]) => void,
): T {
  let rows: StepRows = []
  for (;;) {
    const step = unit.next(rows)
    if (step.done) return step.value
    rows = []
    if ('append' in step.value) append(step.value.append)
    else rows = step.value.map(({ sql, values }) => db.all<object>(sql, ...values))
  }
}

/** The reads of notices. @param read runs a read of an open ledger */
export function noticeReads(store: SqliteStore, read: <T>(run: () => T) => Promise<T>): NoticeReads {
  const { db } = store
  const shared = <T>(unit: SharedUnit<T>) => read(() => run(db, unit, () => {}))
  return {
    noticeEndpoints: () => shared(noticeEndpoints()),
    hasDueNotices: (input) => shared(hasDueNotices(input)),
    deadNotices: (input) => shared(deadNotices(input)),
    noticeMark: (key) => shared(noticeMark(key)),
    eventsOfTypes: (input) => read(() => eventsOfTypes(store, input)),
  }
}

function eventsOfTypes(
  store: SqliteStore,
  { types, afterPosition, limit }: Parameters<NoticeReads['eventsOfTypes']>[0],
): Awaited<ReturnType<NoticeReads['eventsOfTypes']>> {
  const last = store.db.get<{ position: number | null }>('SELECT max(position) AS position FROM events')?.position ?? 0
  const ids = types.flatMap((type) => store.texts.findId(type) ?? [])
  if (ids.length === 0) return { events: [], position: Math.max(last, afterPosition) }
  const rows = store.db.all<EventRow>(
    `${SELECT_EVENT} WHERE e.position > ?1 AND e.type_n IN (SELECT value FROM json_each(?2)) ORDER BY e.position LIMIT ?3`,
    afterPosition,
    JSON.stringify(ids),
    limit,
  )
  const end = rows.length < limit ? last : (rows.at(-1)?.position ?? last)
  return {
    events: rows.flatMap((row) => store.orUndefined(() => store.event(row)) ?? []),
    position: Math.max(end, afterPosition),
  }
}
