import { type AuditEventInput, auditEvent } from '../events/audit-event.ts'
import { toMs } from '../row-values.ts'
import {
  addedNotice,
  claimable,
  claimedNotice,
  deadNotice,
  endpointAfter,
  endpointSetBack,
  isHeldUp,
  newEndpoint,
  resentNotice,
  settledNotice,
} from '../rules/notice-rules.ts'
import type {
  Notice,
  NoticeEndpoint,
  NoticeEndpointView,
  NoticeMark,
  NoticeReads,
  NoticeWrites,
} from './notice-records.ts'
import {
  type EndpointRow,
  type MarkRow,
  type NoticeRow,
  toEndpoint,
  toEndpointRow,
  toMark,
  toNotice,
  toNoticeRow,
} from './stored-notices.ts'

/** One statement in the SQL that both stores speak, with parameters `?1`, `?2` … */
export interface SharedStatement {
  readonly sql: string
  readonly values: readonly (string | number | null)[]
  /** The rows are locked until the commit, where the store has locks of rows. */
  readonly lock?: true
}

/** The next step of a unit: statements, in one round trip, or events that the store appends when it commits. */
type Step = readonly SharedStatement[] | { readonly append: readonly AuditEventInput[] }

/** The rows of each statement of a step. */
export type StepRows = readonly (readonly object[])[]

/** One atomic unit, the same in every store: the store runs its statements, and gives back their rows. */
export type SharedUnit<T> = Generator<Step, T, StepRows>

type WriteInput<Name extends keyof NoticeWrites> = Parameters<NoticeWrites[Name]>[0]
type ReadInput<Name extends keyof NoticeReads> = Parameters<NoticeReads[Name]>[0]

const COLUMNS = 'id, endpoint, key, due_at, claimed_until, awaits_endpoint, created_at, record'
/** Notices that a claim looks at: some may be taken, or wait for another one of their key. */
const LOOKED_AT = 200

function* select<Row>(sql: string, ...values: (string | number | null)[]): SharedUnit<Row[]> {
  const [rows = []] = yield [{ sql, values }]
  return rows as Row[]
}

function* lockEndpoint(name: string): SharedUnit<NoticeEndpoint | undefined> {
  const sql = 'SELECT name, record FROM notice_endpoints WHERE name = ?1'
  const [rows = []] = yield [{ sql, values: [name], lock: true }]
  const [row] = rows as EndpointRow[]
  return row && toEndpoint(row)
}

function endpointWrite(endpoint: NoticeEndpoint): SharedStatement {
  const { name, record } = toEndpointRow(endpoint)
  return { sql: 'UPDATE notice_endpoints SET record = ?2 WHERE name = ?1', values: [name, record] }
}

function noticeWrite(notice: Notice): SharedStatement {
  const row = toNoticeRow(notice)
  const sql = `INSERT INTO notices (${COLUMNS}) VALUES (?1, ?2, ?3, CAST(?4 AS bigint), CAST(?5 AS bigint), ?6, ?7, ?8)
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, claimed_until = excluded.claimed_until,
      awaits_endpoint = excluded.awaits_endpoint, record = excluded.record`
  const { id, endpoint, key, due_at, claimed_until, awaits_endpoint, created_at, record } = row
  return { sql, values: [id, endpoint, key, due_at, claimed_until, awaits_endpoint, created_at, record] }
}

function markWrite({ key, value, until }: NoticeMark): SharedStatement {
  const sql = `INSERT INTO notice_marks (key, value, until) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, until = excluded.until`
  return { sql, values: [key, value, toMs(until)] }
}

/** See `NoticeWrites.keepNotices`. */
export function* keepNotices(input: WriteInput<'keepNotices'>): SharedUnit<boolean> {
  const known = yield* lockEndpoint(input.endpoint)
  if (known?.position !== input.from) return false
  if (!known) return yield* addEndpoint(newEndpoint(input.endpoint, input.to, input.quarantine ?? 0))
  yield* addNotices(input)
  yield [endpointWrite({ ...known, position: input.to })]
  return true
}

/** Another replica may add it at the same moment. */
function* addEndpoint(endpoint: NoticeEndpoint): SharedUnit<boolean> {
  const { name, record } = toEndpointRow(endpoint)
  const sql = 'INSERT INTO notice_endpoints (name, record) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING RETURNING name'
  return (yield* select(sql, name, record)).length > 0
}

function* addNotices({ endpoint, notices }: WriteInput<'keepNotices'>): SharedUnit<void> {
  const waiting = new Map<string, Notice>()
  const keys = [...new Set(notices.flatMap(({ key }) => key ?? []))]
  const sql = `SELECT ${COLUMNS} FROM notices WHERE endpoint = ?1 AND key = ?2 AND due_at IS NOT NULL
    ORDER BY due_at DESC, id DESC`
  const found = yield keys.map((key) => ({ sql, values: [endpoint, key] }))
  for (const row of found.flat() as NoticeRow[]) {
    const notice = readable(row)
    if (notice?.key !== undefined && notice.attempts === 0) waiting.set(notice.key, notice)
  }
  const changed = new Map<string, Notice>()
  for (const added of notices) {
    const kept = addedNotice(added, added.key === undefined ? undefined : waiting.get(added.key))
    changed.set(kept.id, kept)
    if (kept.key !== undefined) waiting.set(kept.key, kept)
  }
  if (changed.size > 0) yield [...changed.values()].map(noticeWrite)
}

/** See `NoticeWrites.claimNotices`. The lock on the endpoint lets one replica after the other choose. */
export function* claimNotices(input: WriteInput<'claimNotices'>): SharedUnit<readonly Notice[]> {
  const { now, limit } = input
  const endpoint = yield* lockEndpoint(input.endpoint)
  if (!endpoint || isHeldUp(endpoint, now)) return []
  const due = `SELECT ${COLUMNS} FROM notices WHERE endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ${LOOKED_AT}`
  const sent = 'SELECT key FROM notices WHERE endpoint = ?1 AND key IS NOT NULL AND claimed_until > ?2'
  const [rows = [], keys = []] = yield [
    { sql: due, values: [endpoint.name, toMs(now)] },
    { sql: sent, values: [endpoint.name, toMs(now)] },
  ]
  const busy = new Set((keys as { key: string }[]).map(({ key }) => key))
  const { notices, damaged } = readAll(rows as NoticeRow[])
  const claimed = claimable(notices, now, busy, limit).map((notice) => claimedNotice(notice, input))
  const writes = [...damaged.map(setAside), ...claimed.map(noticeWrite)]
  if (writes.length > 0) yield writes
  return claimed
}

/** A row that cannot be read must not keep the others from being sent. The record still has what it was about. */
function setAside(id: string): SharedStatement {
  return { sql: 'UPDATE notices SET due_at = NULL, claimed_until = NULL WHERE id = ?1', values: [id] }
}

/** See `NoticeWrites.settleNotices`. */
export function* settleNotices(input: WriteInput<'settleNotices'>): SharedUnit<void> {
  const { at, outcomes, news, marks = [], events = [] } = input
  const endpoint = yield* lockEndpoint(input.endpoint)
  const sql = `SELECT ${COLUMNS} FROM notices WHERE id = ?1`
  const found = outcomes.length === 0 ? [] : yield outcomes.map(({ id }) => ({ sql, values: [id] }))
  const writes: SharedStatement[] = []
  for (const [index, outcome] of outcomes.entries()) {
    const row = found[index]?.[0] as NoticeRow | undefined
    const notice = row && readable(row)
    const settled = notice && settledNotice(notice, outcome, input)
    if (settled === 'removed') writes.push({ sql: 'DELETE FROM notices WHERE id = ?1', values: [outcome.id] })
    else if (settled) writes.push(noticeWrite(settled))
  }
  writes.push(...marks.map(markWrite))
  if (endpoint && news) writes.push(...endpointWrites(endpoint, news, at))
  if (writes.length > 0) yield writes
  yield { append: events }
}

function endpointWrites(
  endpoint: NoticeEndpoint,
  news: NonNullable<WriteInput<'settleNotices'>['news']>,
  at: Date,
): SharedStatement[] {
  const after = endpointWrite(endpointAfter(endpoint, news, at))
  if (news.kind !== 'well' || endpoint.failures === 0) return [after]
  const sql = 'UPDATE notices SET due_at = ?2 WHERE endpoint = ?1 AND due_at > ?2 AND awaits_endpoint = 1'
  return [after, { sql, values: [endpoint.name, toMs(at)] }]
}

/** See `NoticeWrites.holdNotices`. */
export function* holdNotices(input: WriteInput<'holdNotices'>): SharedUnit<number> {
  const endpoint = yield* lockEndpoint(input.endpoint)
  const setBack = endpoint && endpointSetBack(endpoint, input)
  if (!setBack) return 0
  const sql = `SELECT ${COLUMNS} FROM notices WHERE endpoint = ?1 AND due_at IS NOT NULL`
  const { notices, damaged } = readAll(yield* select<NoticeRow>(sql, input.endpoint))
  const held = notices.map((notice) => noticeWrite(deadNotice(notice, input.error, input.at)))
  yield [endpointWrite(setBack), ...damaged.map(setAside), ...held]
  const { endpoint: name, quarantine, at } = input
  const data = { endpoint: name, count: held.length, quarantine }
  if (held.length > 0) yield { append: [auditEvent('notices.held', { at, actor: 'stint', data })] }
  return held.length
}

/** See `NoticeWrites.resendNotices`. */
export function* resendNotices(input: WriteInput<'resendNotices'>): SharedUnit<number> {
  yield* lockEndpoint(input.endpoint)
  const sql = `SELECT ${COLUMNS} FROM notices WHERE endpoint = ?1 AND due_at IS NULL AND (?2 = '' OR id = ?2)
    ORDER BY id LIMIT ${input.limit}`
  const { notices } = readAll(yield* select<NoticeRow>(sql, input.endpoint, input.id ?? ''))
  if (notices.length === 0) return 0
  yield notices.map((notice) => noticeWrite(resentNotice(notice, input)))
  const data = { endpoint: input.endpoint, count: notices.length }
  yield { append: [auditEvent('notices.resent', { at: input.at, actor: input.by, data })] }
  return notices.length
}

/** See `NoticeWrites.noteOnce`. */
export function* noteOnce({ mark, events }: WriteInput<'noteOnce'>): SharedUnit<boolean> {
  const sql = `INSERT INTO notice_marks (key, value, until) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING RETURNING key`
  if ((yield* select(sql, mark.key, mark.value, toMs(mark.until))).length === 0) return false
  yield { append: events }
  return true
}

/** Rows that one call forgets at most. */
const PRUNED_AT_ONCE = 1_000

/** See `NoticeWrites.pruneNotices`. */
export function* pruneNotices({ endpoints, before, now }: WriteInput<'pruneNotices'>): SharedUnit<number> {
  const sql = `SELECT id, endpoint, due_at FROM notices WHERE created_at < ?1 ORDER BY created_at LIMIT ${PRUNED_AT_ONCE}`
  const rows = yield* select<Pick<NoticeRow, 'id' | 'endpoint' | 'due_at'>>(sql, toMs(before))
  const gone = rows.filter((row) => row.due_at === null || !endpoints.includes(row.endpoint))
  yield [
    ...gone.map(({ id }) => ({ sql: 'DELETE FROM notices WHERE id = ?1', values: [id] })),
    { sql: 'DELETE FROM notice_marks WHERE until <= ?1', values: [toMs(now)] },
  ]
  return gone.length
}

/** See `NoticeReads.noticeEndpoints`. A row that cannot be read is left out. */
export function* noticeEndpoints(): SharedUnit<NoticeEndpointView[]> {
  const counts = `SELECT endpoint, CAST(sum(CASE WHEN due_at IS NULL THEN 0 ELSE 1 END) AS bigint) AS waiting,
    CAST(sum(CASE WHEN due_at IS NULL THEN 1 ELSE 0 END) AS bigint) AS dead FROM notices GROUP BY endpoint`
  const [endpoints = [], counted = []] = yield [
    { sql: 'SELECT name, record FROM notice_endpoints ORDER BY name', values: [] },
    { sql: counts, values: [] },
  ]
  const byName = new Map(
    (counted as { endpoint: string; waiting: number; dead: number }[]).map((row) => [row.endpoint, row]),
  )
  return (endpoints as EndpointRow[]).map((row) => {
    const { waiting = 0, dead = 0 } = byName.get(row.name) ?? {}
    return { ...toEndpoint(row), waiting, dead }
  })
}

/** See `NoticeReads.hasDueNotices`. */
export function* hasDueNotices({ endpoint: name, now }: ReadInput<'hasDueNotices'>): SharedUnit<boolean> {
  const due = `SELECT ${COLUMNS} FROM notices WHERE endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ${LOOKED_AT}`
  const [rows = [], endpoints = []] = yield [
    { sql: due, values: [name, toMs(now)] },
    { sql: 'SELECT name, record FROM notice_endpoints WHERE name = ?1', values: [name] },
  ]
  const [row] = endpoints as EndpointRow[]
  if (!row || isHeldUp(toEndpoint(row), now)) return false
  const { notices, damaged } = readAll(rows as NoticeRow[])
  return damaged.length > 0 || claimable(notices, now, new Set(), 1).length > 0
}

/** See `NoticeReads.deadNotices`. */
export function* deadNotices({ endpoint, after, limit }: ReadInput<'deadNotices'>): SharedUnit<Notice[]> {
  const sql = `SELECT ${COLUMNS} FROM notices WHERE due_at IS NULL AND (?1 = '' OR endpoint = ?1) AND (?2 = '' OR id < ?2)
    ORDER BY id DESC LIMIT ?3`
  return readAll(yield* select<NoticeRow>(sql, endpoint ?? '', after ?? '', limit)).notices
}

/** See `NoticeReads.noticeMark`. */
export function* noticeMark(key: string): SharedUnit<NoticeMark | undefined> {
  const [row] = yield* select<MarkRow>('SELECT key, value, until FROM notice_marks WHERE key = ?1', key)
  return row && toMark(row)
}

function readAll(rows: readonly NoticeRow[]): { notices: Notice[]; damaged: string[] } {
  const notices: Notice[] = []
  const damaged: string[] = []
  for (const row of rows) {
    const notice = readable(row)
    if (notice) notices.push(notice)
    else damaged.push(row.id)
  }
  return { notices, damaged }
}

function readable(row: NoticeRow): Notice | undefined {
  try {
    return toNotice(row)
  } catch {
    // The replica that claims it sets it aside.
    return undefined
  }
}
