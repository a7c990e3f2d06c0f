import type { ClaimedDenyList, GrantMove, WriteInput } from '../../ledger.ts'
import type { DenyEntry, DenyList } from '../../records.ts'
import { toMs } from '../../row-values.ts'
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
import type { Statement } from '../database/statement.ts'
import {
  type DenyAgentRow,
  type DenyEntryRow,
  type DenyListRow,
  SELECT_DENY_ENTRY,
  SELECT_DENY_LIST,
  toDenyAgent,
  toReadableDenyList,
} from '../rows/deny-rows.ts'
import type { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'
import type { RunStatements, Unit } from './unit.ts'

type Wish = NonNullable<GrantMove['deny']>

/** Asks for the rows that `putDeny` needs. */
export function wantDeny(wanted: WantedRows, grantId: string, wish: Wish): void {
  wanted.denyEntries.add(grantId)
  wanted.denyLists.add(wish.listKey)
}

/** Puts a grant on a deny list, or renews its entry there, and makes the list due. */
export function putDeny(set: WorkingSet, grantId: string, wish: Wish): void {
  // An entry that cannot be read is written anew: it must not keep its grant from being denied.
  const known = set.reader.orUndefined(() => set.denyEntries.get(grantId))
  // Its list is the one whose document may hold it.
  const listKey = known ? wish.listKey : (set.denyEntries.findRow(grantId)?.list_key ?? wish.listKey)
  const entry = wantedDenyEntry(known, grantId, { ...wish, listKey })
  makeDue(set, entry.listKey, entry.wantedAt)
  set.denyEntries.put(grantId, entry)
}

/** Makes a deny list due; there is one from then on. */
function makeDue(set: WorkingSet, key: string, at: Date): void {
  if (!set.denyLists.has(key)) {
    set.denyLists.put(key, dueDenyList(newDenyList(key), at))
    return
  }
  const known = set.reader.orUndefined(() => set.denyLists.get(key))
  if (known) set.denyLists.put(key, dueDenyList(known, at))
  // P6: a grant can be revoked while its list is damaged; whoever claims the list mends it.
  else set.remember(set.damagedDue, key, at)
}

/** See `LedgerWrites.claimDenyList`. @param epoch this opening of the ledger */
export function claimDenyList(input: WriteInput<'claimDenyList'>, epoch: number): Unit<ClaimedDenyList | undefined> {
  let chosen: DenyListRow | undefined
  let found: ListContents | undefined
  return {
    async prepare(set, run) {
      chosen = await findDue(set, input, run)
      if (!chosen) return
      set.load('denyLists', [chosen] as never)
      found = await readContents(chosen.list_key, run)
    },
    decide(set) {
      if (!chosen || !found) return undefined
      const list = claimedDenyList(freeList(set, chosen, input.now), input, epoch)
      set.denyLists.put(list.key, list)
      const entries = found.entries.flatMap((row) => claimedEntry(set, row, list, input.now))
      return { list, agents: found.agents.map(toDenyAgent), entries }
    },
  }
}

/** Each list has a home among the open replicas. Another replica takes it when it has been due for so long. */
const AWAY_FROM_HOME_MS = 2_000

/** Spreads the lists over the open replicas; one that comes or goes moves no more than its own share. */
const IS_AT_HOME = `(SELECT r.id FROM replicas r WHERE r.closed_at IS NULL ORDER BY hashtextextended(r.id || l.list_key, 0) LIMIT 1) = $5`

/**
 * True for a list that this replica may claim: due, unclaimed, and either at home here, or left alone by its home, or one that its
 * home has failed to write. An instant beyond all reason is damage: it would never come, so it counts as past.
 */
const IS_FREE = `(l.next_attempt_at <= $1::bigint OR l.next_attempt_at > $2::bigint)
  AND (l.claimed_until IS NULL OR l.claimed_until <= $1::bigint OR l.claimed_until > $2::bigint)
  AND l.list_key <> ALL($3::text[])
  AND (l.attempts > 0 OR l.next_attempt_at <= $4::bigint OR l.next_attempt_at > $2::bigint OR ${IS_AT_HOME})`
/** More than one, in case the rule finds another one damaged. */
const FIRST = 'ORDER BY l.next_attempt_at, l.n LIMIT 4 FOR NO KEY UPDATE OF l SKIP LOCKED'

/** The longest due list with an entry that no write has brought into its document yet; without one, the longest due. */
async function findDue(
  set: WorkingSet,
  { now, except }: WriteInput<'claimDenyList'>,
  run: RunStatements,
): Promise<DenyListRow | undefined> {
  const nowMs = toMs(now)
  const values = [nowMs, nowMs + FARTHEST_MS, [...(except ?? [])], nowMs - AWAY_FROM_HOME_MS, set.replica]
  const awaited = 'l.list_key IN (SELECT e.list_key FROM deny_entries e WHERE e.written_at IS NULL)'
  for (const [name, where] of [
    ['awaited-list', `${awaited} AND ${IS_FREE}`],
    ['due-list', IS_FREE],
  ] as const) {
    const [rows = []] = await run([{ name, text: `${SELECT_DENY_LIST} WHERE ${where} ${FIRST}`, values }])
    const found = (rows as unknown as DenyListRow[]).find((row) => isClaimable(freeList(set, row, now), now))
    if (found) return found
  }
  return undefined
}

function freeList(set: WorkingSet, row: DenyListRow, now: Date): DenyList {
  return set.reader.orUndefined(() => set.reader.denyList(row)) ?? mendedDenyList(toReadableDenyList(row), now)
}

/** P6: whoever is to be denied stays denied, whatever else of the entry is lost. */
function claimedEntry(set: WorkingSet, row: DenyEntryRow, { key }: DenyList, now: Date): DenyEntry[] {
  const entry = set.reader.orUndefined(() => set.reader.denyEntry(row))
  return [entry ?? damagedDenyEntry(row.entry_id, key, now)]
}

interface ListContents {
  readonly entries: readonly DenyEntryRow[]
  readonly agents: readonly DenyAgentRow[]
}

/** The watermarks of agents that the document of a list has. */
export function selectAgents(listKey: string): Statement {
  const text = 'SELECT agent, before FROM deny_agents WHERE list_key = $1'
  return { name: 'read-agents', text, values: [listKey] }
}

async function readContents(listKey: string, run: RunStatements): Promise<ListContents> {
  const text = `${SELECT_DENY_ENTRY} WHERE e.list_key = $1 ORDER BY e.wanted_at, e.grant_id`
  const [entries = [], agents = []] = await run([
    { name: 'read-entries', text, values: [listKey] },
    selectAgents(listKey),
  ])
  return { entries: entries as never, agents: agents as never }
}

/**
 * Locks a list and its entries, and before them the grants that can still move: as everybody does who moves one and with it its
 * entry, so that neither waits for the other in turn.
 */
async function lockList(listKey: string, set: WorkingSet, run: RunStatements): Promise<void> {
  const [, lists = [], entries = []] = await run([
    { name: 'lock-denied', text: LOCK_DENIED, values: [listKey] },
    {
      name: 'lock-list',
      text: `${SELECT_DENY_LIST} WHERE l.list_key = $1 FOR NO KEY UPDATE OF l`,
      values: [listKey],
    },
    {
      name: 'lock-entries',
      text: `${SELECT_DENY_ENTRY} WHERE e.list_key = $1 ORDER BY e.grant_id FOR NO KEY UPDATE OF e`,
      values: [listKey],
    },
  ])
  set.load('denyLists', lists)
  set.load('denyEntries', entries)
}

const LOCK_DENIED = `SELECT 1 FROM grants g WHERE g.id IN (SELECT e.grant_id FROM deny_entries e WHERE e.list_key = $1)
  AND g.state IN ('active', 'ending') ORDER BY g.id FOR NO KEY UPDATE OF g`

/** See `LedgerWrites.denyWritten`. */
export function denyWritten(input: WriteInput<'denyWritten'>): Unit<void> {
  return {
    prepare: (set, run) => lockList(input.listKey, set, run),
    decide(set) {
      const list = requireClaim(set.denyLists.get(input.listKey), input)
      const hasUnwritten = writeEntries(set, input)
      set.denyLists.put(list.key, writtenDenyList(list, input, hasUnwritten))
      set.remember(set.agents, list.key, input.agents ?? [])
      set.append(input.events)
    },
  }
}

/** @returns true if an entry still waits for the next write */
function writeEntries(set: WorkingSet, input: WriteInput<'denyWritten'>): boolean {
  const write = {
    listed: new Set(input.grantIds),
    byWatermark: new Set(input.byWatermark),
    removed: new Set(input.removedGrantIds),
    at: input.at,
    ...(input.settledBy && { settledBy: input.settledBy }),
    anew: new Set(input.anewGrantIds),
  }
  let hasUnwritten = false
  for (const grantId of set.denyEntries.keys()) {
    const entry = set.reader.orUndefined(() => set.denyEntries.get(grantId))
    if (!entry) continue
    const after = denyEntryAfterWrite(entry, write)
    if (!after) set.denyEntries.remove(grantId)
    else if (after !== entry) set.denyEntries.put(grantId, after)
    if (after?.enforcedAt && !entry.enforcedAt) set.remember(set.endingDue, grantId, input.now ?? input.at)
    hasUnwritten ||= after !== undefined && after.writtenAt === undefined
  }
  return hasUnwritten
}

/** See `LedgerWrites.dueDenyLists`. */
export function dueDenyLists({ keys, at }: WriteInput<'dueDenyLists'>): Unit<void> {
  return {
    want(wanted) {
      for (const key of keys) wanted.denyLists.add(key)
    },
    decide(set) {
      for (const key of keys) makeDue(set, key, at)
    },
  }
}

/** See `LedgerWrites.denyFailed`. */
export function denyFailed(input: WriteInput<'denyFailed'>): Unit<void> {
  return {
    want: (wanted) => wanted.denyLists.add(input.listKey),
    decide(set) {
      const list = requireClaim(set.denyLists.get(input.listKey), input)
      set.denyLists.put(list.key, failedDenyList(list, input))
      set.append(input.events)
    },
  }
}

/** See `LedgerWrites.denyProven`. */
export function denyProven(input: WriteInput<'denyProven'>): Unit<void> {
  return {
    prepare: (set, run) => lockList(input.listKey, set, run),
    decide(set) {
      if (enforceProven(set, input)) makeDue(set, input.listKey, input.now)
      set.append(input.events)
    },
  }
}

/** @returns true if the document holds entries that have yet to be proven */
function enforceProven(set: WorkingSet, input: WriteInput<'denyProven'>): boolean {
  const held = new Set(input.grantIds)
  let isOwed = false
  for (const grantId of set.denyEntries.keys()) {
    const entry = set.reader.orUndefined(() => set.denyEntries.get(grantId))
    if (!entry) continue
    const proven = held.has(grantId) ? provenDenyEntry(entry, input) : entry
    if (proven !== entry) {
      set.denyEntries.put(grantId, proven)
      set.remember(set.endingDue, grantId, input.now)
    }
    isOwed ||= proven.writtenAt !== undefined && canBeProven(proven)
  }
  return isOwed
}

/** The deny of this grant counts as in force, since its time to settle has passed. */
export function denySettled(set: WorkingSet, grantId: string, at: Date): void {
  const entry = set.denyEntries.get(grantId)
  const enforced = entry && enforcedDenyEntry(entry, at, 'settle_time')
  if (enforced && enforced !== entry) set.denyEntries.put(grantId, enforced)
}
