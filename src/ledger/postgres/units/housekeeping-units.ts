import type { AuditEventInput } from '../../events/audit-event.ts'
import type { WriteInput } from '../../ledger.ts'
import type { GrantState } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { mayPrune, notedAttempt, type PruneFacts } from '../../rules/housekeeping-rules.ts'
import type { Statement } from '../database/statement.ts'
import type { RunStatements, Unit } from './unit.ts'

/** See `LedgerWrites.appendEvents`. */
export function appendEvents(events: readonly AuditEventInput[]): Unit<void> {
  return { decide: (set) => set.append(events) }
}

/** See `LedgerWrites.nameHeads`. */
export function nameHeads(at: Date): Unit<void> {
  return {
    want(wanted) {
      wanted.heads = true
    },
    decide: (set) => set.chain.nameHeads(at),
  }
}

/** Ends the chain of this process. */
export function closeChain(at: Date): Unit<void> {
  return {
    want(wanted) {
      wanted.heads = true
    },
    decide: (set) => set.chain.close(at),
  }
}

/** See `LedgerWrites.noteUnregistered`. */
export function noteUnregistered(attempt: WriteInput<'noteUnregistered'>, max: number): Unit<void> {
  const { subject } = attempt
  return {
    want: (wanted) => wanted.unregistered.add(subject),
    decide(set) {
      const known = set.reader.orUndefined(() => set.unregistered.get(subject))
      set.unregistered.put(subject, notedAttempt(known, attempt))
      set.lastNoted = { subject, max }
      set.append([attempt.event])
    },
  }
}

interface PrunedRow {
  readonly id: string
  readonly subject: string
  readonly plan_hash: string
  readonly decision_hash: string
  readonly state: GrantState
  readonly requested_at: number
  readonly ended_at: number | null
  readonly is_on_deny_list: boolean
  readonly open_until: number | null
}

/** See `LedgerWrites.prune`. */
export function prune(input: WriteInput<'prune'>): Unit<{ grants: number; tokens: number }> {
  let rows: readonly PrunedRow[] = []
  let leaseIds: ReadonlyMap<string, readonly string[]> = new Map()
  let tokens = 0
  return {
    async prepare(_, run) {
      rows = (await readPrunable(input, run)).filter((row) => mayPrune(toPruneFacts(row), input))
      leaseIds = await removeGrants(rows, run)
      tokens = await removeTokens(input, run)
      await run([pruneMeters(input)])
    },
    decide(set) {
      for (const { id, subject, state } of rows) {
        set.reader.damaged.gone(id, () => leaseIds.get(id) ?? [])
        set.count(subject, state, undefined)
      }
      set.isTouched = true
      set.forgetsDocuments = true
      return { grants: rows.length, tokens }
    },
  }
}

/** A grant that somebody else is looking at is left for the next time, and several replicas forget different ones. */
async function readPrunable({ before, now, limit }: WriteInput<'prune'>, run: RunStatements): Promise<PrunedRow[]> {
  const onList = 'EXISTS (SELECT 1 FROM deny_entries e WHERE e.grant_id = g.id)'
  const openUntil = `(SELECT max(l.not_after) FROM leases l WHERE l.grant_id = g.id AND l.state <> 'ended')`
  const text = `SELECT g.id, g.subject, encode(g.plan_hash, 'hex') AS plan_hash, encode(g.decision_hash, 'hex') AS decision_hash,
      g.state, g.requested_at, g.ended_at, ${onList} AS is_on_deny_list, ${openUntil} AS open_until
    FROM grants g WHERE g.state IN ('denied', 'rejected', 'approval_expired', 'ended')
      AND coalesce(g.ended_at, g.requested_at) < $1::bigint AND NOT ${onList} AND coalesce(${openUntil}, 0) <= $2::bigint
    ORDER BY coalesce(g.ended_at, g.requested_at) LIMIT $3::bigint FOR UPDATE OF g SKIP LOCKED`
  const [rows = []] = await run([{ name: 'prunable', text, values: [toMs(before), toMs(now), limit] }])
  return rows as unknown as PrunedRow[]
}

/** @returns the leases that go with each grant */
async function removeGrants(rows: readonly PrunedRow[], run: RunStatements): Promise<ReadonlyMap<string, string[]>> {
  if (rows.length === 0) return new Map()
  const ids = rows.map(({ id }) => id)
  const leaseText = 'SELECT grant_id, id FROM leases WHERE grant_id = ANY($1::text[])'
  const [leases = []] = await run([
    { name: 'leases-of', text: leaseText, values: [ids] },
    { name: 'remove-grants', text: 'DELETE FROM grants WHERE id = ANY($1::text[])', values: [ids] },
    removeUnused('plans', 'plan_hash', rows),
    removeUnused('decisions', 'decision_hash', rows),
  ])
  const byGrant = Map.groupBy(leases as unknown as { grant_id: string; id: string }[], ({ grant_id }) => grant_id)
  return new Map([...byGrant].map(([grantId, found]) => [grantId, found.map(({ id }) => id)]))
}

/**
 * A row that another transaction refers to at this moment is skipped, or the check of the reference undoes the batch, which is
 * then repeated.
 */
function removeUnused(
  table: 'plans' | 'decisions',
  column: 'plan_hash' | 'decision_hash',
  rows: readonly PrunedRow[],
): Statement {
  const text = `DELETE FROM ${table} WHERE hash IN (SELECT t.hash FROM ${table} t
    WHERE t.hash IN (SELECT decode(h, 'hex') FROM unnest($1::text[]) h)
      AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.${column} = t.hash) FOR UPDATE OF t SKIP LOCKED)`
  return { name: `remove-${table}`, text, values: [[...new Set(rows.map((row) => row[column]))]] }
}

/** A replica that nobody knows counts as gone, as one that is closed does. */
const PRUNE_REPLICAS = `DELETE FROM replicas WHERE id IN (SELECT id FROM replicas
  WHERE closed_at < clock_timestamp() - interval '7 days' FOR UPDATE SKIP LOCKED)`

async function removeTokens({ now, limit }: WriteInput<'prune'>, run: RunStatements): Promise<number> {
  const tokens = `DELETE FROM tokens WHERE key IN
    (SELECT key FROM tokens WHERE until <= $1::bigint ORDER BY until LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING key`
  const connections = `DELETE FROM connections WHERE id IN (SELECT c.id FROM connections c
    WHERE NOT EXISTS (SELECT 1 FROM tokens t WHERE t.connection_id = c.id) LIMIT $1::bigint FOR UPDATE OF c SKIP LOCKED)`
  const [removed = []] = await run([
    { name: 'prune-tokens', text: tokens, values: [toMs(now), limit] },
    { name: 'prune-connections', text: connections, values: [limit] },
    { name: 'prune-replicas', text: PRUNE_REPLICAS },
  ])
  return removed.length
}

/** Meters in which nothing counts any more. */
function pruneMeters({ now, limit }: WriteInput<'prune'>): Statement {
  const text = `DELETE FROM budget_meters WHERE key IN
    (SELECT key FROM budget_meters WHERE until <= $1::bigint ORDER BY until LIMIT $2::bigint FOR UPDATE SKIP LOCKED)`
  return { name: 'prune-budgets', text, values: [toMs(now), limit] }
}

function toPruneFacts(row: PrunedRow): PruneFacts {
  return {
    state: row.state,
    requestedAt: new Date(row.requested_at),
    ...(row.ended_at === null ? {} : { endedAt: new Date(row.ended_at) }),
    isOnDenyList: row.is_on_deny_list,
    ...(row.open_until === null ? {} : { openUntil: new Date(row.open_until) }),
  }
}
