import type { ClaimedDenyList, GrantMove, WriteInput } from '../../ledger.ts'
import type { DenyAgentWatermark, DenyEntry, DenyList } from '../../records.ts'
import { toMs, toMsOrNull } from '../../row-values.ts'
import {
  canBeProven,
  claimedDenyList,
  damagedDenyEntry,
  denyEntryAfterWrite,
  dueDenyList,
  enforcedDenyEntry,
  FARTHEST_MS,
  failedDenyList,
  isClaimable,
  mendedDenyList,
  newDenyList,
  provenDenyEntry,
  requireClaim,
  wantedDenyEntry,
  writtenDenyList,
} from '../../rules/deny-list-rules.ts'
import { cutText } from '../../stored-cuts.ts'
import { documentsText } from '../../stored-deny-documents.ts'
import type { SqliteDatabase } from '../database/sqlite-database.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import {
  type DenyEntryRow,
  type DenyListRow,
  SELECT_DENY_ENTRY,
  SELECT_DENY_LIST,
  toReadableDenyList,
} from '../rows/deny-rows.ts'
import type { GrantRow } from '../rows/grant-rows.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** Puts a grant on a deny list, or renews its entry there, and makes the list due. */
export function putDeny(
  store: SqliteStore,
  tx: SqliteTransaction,
  grant: GrantRow,
  wanted: NonNullable<GrantMove['deny']>,
): void {
  const row = tx.db.get<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.grant_n = ?`, grant.row_id)
  // An entry that cannot be read is written anew: it must not keep its grant from being denied.
  const known = row && store.orUndefined(() => store.denyEntry(row))
  // It stays on its list, whose document may hold it, if the row still names that list.
  const entry = wantedDenyEntry(
    known,
    grant.id,
    known ? wanted : { ...wanted, listKey: row?.list_key ?? wanted.listKey },
  )
  const listRowId = makeDue(store, tx, entry.listKey, entry.wantedAt)
  if (!row) {
    insertEntry(tx, grant.row_id, listRowId, entry)
    return
  }
  updateEntry(tx, row.row_id, entry)
  if (row.list_row_id !== listRowId) {
    tx.db.run('UPDATE deny_entries SET list_n = ? WHERE n = ?', listRowId, row.row_id)
  }
}

/** Makes a deny list due, stored if need be. @returns its row id */
function makeDue(store: SqliteStore, tx: SqliteTransaction, key: string, at: Date): number {
  const row = tx.db.get<DenyListRow>(`${SELECT_DENY_LIST} WHERE list_key = ?`, key)
  if (!row) return insertList(tx, dueDenyList(newDenyList(key), at))
  const known = store.orUndefined(() => store.denyList(row))
  if (known) updateList(tx, row.row_id, dueDenyList(known, at))
  // P6: a grant can be revoked while its list is damaged; whoever claims the list mends it.
  else makeDamagedDue(tx, row.row_id, at)
  return row.row_id
}

function makeDamagedDue(tx: SqliteTransaction, rowId: number, at: Date): void {
  tx.db.run(
    'UPDATE deny_lists SET next_attempt_at = min(coalesce(next_attempt_at, ?1), ?1) WHERE n = ?2',
    toMs(at),
    rowId,
  )
}

/** True for a list with an entry that no write has brought into its document yet. */
const IS_AWAITED = `n IN (SELECT e.list_n FROM deny_entries e WHERE e.written_at IS NULL)`
/** An instant too far ahead was written by a clock that has stepped back since: such a list counts as due and unclaimed. */
const IS_FREE = `(next_attempt_at <= ?1 OR next_attempt_at > ?2)
  AND (claimed_until IS NULL OR claimed_until <= ?1 OR claimed_until > ?2)
  AND list_key NOT IN (SELECT value FROM json_each(?3))`
/** More than one, in case the rule finds another one damaged. */
const FIRST = 'ORDER BY next_attempt_at, n LIMIT 4'

/** See `LedgerWrites.claimDenyList`. */
export function claimDenyList(
  store: SqliteStore,
  tx: SqliteTransaction,
  input: WriteInput<'claimDenyList'>,
): ClaimedDenyList | undefined {
  const { now } = input
  const values = [toMs(now), toMs(now) + FARTHEST_MS, JSON.stringify([...(input.except ?? [])])] as const
  for (const where of [`${IS_AWAITED} AND ${IS_FREE}`, IS_FREE]) {
    for (const row of tx.db.all<DenyListRow>(`${SELECT_DENY_LIST} WHERE ${where} ${FIRST}`, ...values)) {
      const free = store.orUndefined(() => store.denyList(row)) ?? mendedDenyList(toReadableDenyList(row), now)
      if (isClaimable(free, now)) return claim(store, tx, row, claimedDenyList(free, input), now)
    }
  }
  return undefined
}

/** The watermarks of agents that the document of a list has. */
export function readAgents({ db }: Pick<SqliteTransaction, 'db'>, listRowId: number): DenyAgentWatermark[] {
  const rows = db.all<{ agent: string; before: number }>(
    'SELECT s.text AS agent, a.before FROM deny_agents a JOIN names s ON s.n = a.agent_n WHERE a.list_n = ?',
    listRowId,
  )
  return rows.map(({ agent, before }) => ({ agent, before: new Date(before) }))
}

function writeAgents(tx: SqliteTransaction, listRowId: number, agents: readonly DenyAgentWatermark[]): void {
  tx.db.run('DELETE FROM deny_agents WHERE list_n = ?', listRowId)
  for (const { agent, before } of agents)
    tx.db.run(
      'INSERT INTO deny_agents (list_n, agent_n, before) VALUES (?, (SELECT n FROM names WHERE text = ?), ?)',
      listRowId,
      agent,
      toMs(before),
    )
}

function claim(
  store: SqliteStore,
  tx: SqliteTransaction,
  row: DenyListRow,
  list: DenyList,
  now: Date,
): ClaimedDenyList {
  updateList(tx, row.row_id, list)
  const entries = readEntries(tx, row.row_id)
  return {
    list,
    agents: readAgents(tx, row.row_id),
    entries: entries.flatMap((entry) => claimedEntry(store, entry, list, now)),
  }
}

/** P6: a damaged entry still denies its grant. Only an entry whose grant id is lost is left out. */
function claimedEntry(store: SqliteStore, row: DenyEntryRow, { key }: DenyList, now: Date): DenyEntry[] {
  const entry = store.orUndefined(() => store.denyEntry(row))
  if (entry) return [entry]
  return row.grant_id === null ? [] : [damagedDenyEntry(row.grant_id, key, now)]
}

/**
 * At opening: the file is this process's alone, so whoever holds a claim is dead, and a revocation need not wait for the
 * claim's deadline. The claim's version stays, which keeps a late write of the dead one out.
 */
export function giveBackClaims(db: SqliteDatabase): void {
  db.run('UPDATE deny_lists SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by IS NOT NULL')
}

/** See `LedgerWrites.denyWritten`. */
export function denyWritten(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'denyWritten'>): void {
  const { rowId, list } = heldClaim(store, tx, input)
  const write = {
    listed: new Set(input.grantIds),
    byWatermark: new Set(input.byWatermark),
    removed: new Set(input.removedGrantIds),
    at: input.at,
    ...(input.settledBy && { settledBy: input.settledBy }),
    anew: new Set(input.anewGrantIds),
  }
  let hasUnwritten = false
  for (const row of readEntries(tx, rowId)) {
    const entry = store.orUndefined(() => store.denyEntry(row))
    if (!entry) continue
    const after = denyEntryAfterWrite(entry, write)
    if (!after) tx.db.run('DELETE FROM deny_entries WHERE n = ?', row.row_id)
    else if (after !== entry) updateEntry(tx, row.row_id, after)
    if (after?.enforcedAt && !entry.enforcedAt) makeGrantDue(tx, row.grant_row_id, input.now ?? input.at)
    hasUnwritten ||= after !== undefined && after.writtenAt === undefined
  }
  updateList(tx, rowId, writtenDenyList(list, input, hasUnwritten))
  writeAgents(tx, rowId, input.agents ?? [])
  tx.append(input.events)
}

/** See `LedgerWrites.dueDenyLists`. */
export function dueDenyLists(
  store: SqliteStore,
  tx: SqliteTransaction,
  { keys, at }: WriteInput<'dueDenyLists'>,
): void {
  for (const key of keys) makeDue(store, tx, key, at)
}

/** See `LedgerWrites.denyFailed`. */
export function denyFailed(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'denyFailed'>): void {
  const { rowId, list } = heldClaim(store, tx, input)
  updateList(tx, rowId, failedDenyList(list, input))
  tx.append(input.events)
}

/** See `LedgerWrites.denyProven`. */
export function denyProven(store: SqliteStore, tx: SqliteTransaction, input: WriteInput<'denyProven'>): void {
  const held = new Set(input.grantIds)
  let isOwed = false
  for (const row of tx.db.all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE l.list_key = ?`, input.listKey)) {
    const entry = store.orUndefined(() => store.denyEntry(row))
    if (!entry) continue
    const proven = held.has(entry.grantId) ? provenDenyEntry(entry, input) : entry
    if (proven !== entry) {
      updateEntry(tx, row.row_id, proven)
      makeGrantDue(tx, row.grant_row_id, input.now)
    }
    isOwed ||= proven.writtenAt !== undefined && canBeProven(proven)
  }
  if (isOwed) makeDue(store, tx, input.listKey, input.now)
  tx.append(input.events)
}

function makeGrantDue(tx: SqliteTransaction, rowId: number, at: Date): void {
  tx.db.run(
    "UPDATE grants SET due_at = min(coalesce(due_at, ?1), ?1) WHERE n = ?2 AND state = 'ending'",
    toMs(at),
    rowId,
  )
}

/** The deny of this grant counts as in force, since its time to settle has passed. */
export function denySettled(store: SqliteStore, tx: SqliteTransaction, grant: GrantRow, at: Date): void {
  const row = tx.db.get<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.grant_n = ?`, grant.row_id)
  if (!row) return
  const entry = store.denyEntry(row)
  const enforced = enforcedDenyEntry(entry, at, 'settle_time')
  if (enforced !== entry) updateEntry(tx, row.row_id, enforced)
}

function heldClaim(
  store: SqliteStore,
  tx: SqliteTransaction,
  claim: { readonly listKey: string; readonly claimVersion: number },
): { readonly rowId: number; readonly list: DenyList } {
  const row = tx.db.get<DenyListRow>(`${SELECT_DENY_LIST} WHERE list_key = ?`, claim.listKey)
  const list = requireClaim(row && store.denyList(row), claim)
  return { rowId: (row as DenyListRow).row_id, list }
}

function readEntries(tx: SqliteTransaction, listRowId: number): DenyEntryRow[] {
  return tx.db.all<DenyEntryRow>(`${SELECT_DENY_ENTRY} WHERE d.list_n = ? ORDER BY d.wanted_at, d.n`, listRowId)
}

function insertList(tx: SqliteTransaction, list: DenyList): number {
  const rowId = tx.db.insert(
    'INSERT INTO deny_lists (list_key, attempts, claim_version) VALUES (?, ?, ?)',
    list.key,
    list.attempts,
    list.claimVersion,
  )
  updateList(tx, rowId, list)
  return rowId
}

function updateList(tx: SqliteTransaction, rowId: number, list: DenyList): void {
  tx.db.run(
    `UPDATE deny_lists SET next_attempt_at = ?, attempts = ?, last_error = ?, last_written_at = ?, watermark = ?,
       claimed_by = ?, claimed_until = ?, claim_version = ?, written_digest = ?, written_sequence = ?, failing_since = ?,
       documents = ?, cut = ?
       WHERE n = ?`,
    toMsOrNull(list.nextAttemptAt),
    list.attempts,
    list.lastError ?? null,
    toMsOrNull(list.lastWrittenAt),
    toMsOrNull(list.watermark),
    list.claimedBy ?? null,
    toMsOrNull(list.claimedUntil),
    list.claimVersion,
    list.written?.digest ?? null,
    list.written?.sequence ?? null,
    toMsOrNull(list.failingSince),
    documentsText(list.documents),
    cutText(list.cut),
    rowId,
  )
}

function insertEntry(tx: SqliteTransaction, grantRowId: number, listRowId: number, entry: DenyEntry): void {
  tx.db.run(
    `INSERT INTO deny_entries (grant_n, list_n, wanted_at, until, last_issued_at, names_agent, chains, urgent, hold_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    grantRowId,
    listRowId,
    toMs(entry.wantedAt),
    toMs(entry.until),
    toMs(entry.lastIssuedAt),
    toFlag(entry.namesAgent),
    toFlag(entry.chains),
    toFlag(entry.urgent),
    entry.holdId ?? null,
  )
}

function updateEntry(tx: SqliteTransaction, rowId: number, entry: DenyEntry): void {
  tx.db.run(
    `UPDATE deny_entries SET wanted_at = ?, until = ?, last_issued_at = ?, names_agent = ?, chains = ?, urgent = ?,
       written_at = ?, by_watermark = ?, enforced_at = ?, enforced_by = ?, hold_id = ? WHERE n = ?`,
    toMs(entry.wantedAt),
    toMs(entry.until),
    toMs(entry.lastIssuedAt),
    toFlag(entry.namesAgent),
    toFlag(entry.chains),
    toFlag(entry.urgent),
    toMsOrNull(entry.writtenAt),
    toFlag(entry.byWatermark),
    toMsOrNull(entry.enforcedAt),
    entry.enforcedBy ?? null,
    entry.holdId ?? null,
    rowId,
  )
}

function toFlag(value: boolean | undefined): 0 | 1 {
  return value ? 1 : 0
}
