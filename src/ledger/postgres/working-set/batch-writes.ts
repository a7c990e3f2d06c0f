import type { Grant } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import { isInForce } from '../../rules/quarantine-rules.ts'
import { budgetMeterWriter } from '../budgets/budget-rows.ts'
import type { Statement } from '../database/statement.ts'
import { quarantinesMigration } from '../migrations/005-quarantines.ts'
import { holdsMigration } from '../migrations/007-holds.ts'
import { FREE_CLAIMS } from '../replicas/beat-unit.ts'
import { approvalWriter } from '../rows/approval-rows.ts'
import { denyEntryWriter, denyListWriter } from '../rows/deny-rows.ts'
import { decisionWriter, planWriter } from '../rows/documents.ts'
import { grantWriter } from '../rows/grant-rows.ts'
import { holdWriter } from '../rows/hold-rows.ts'
import { connectionWriter, tokenWriter, unregisteredWriter } from '../rows/housekeeping-rows.ts'
import { leaseWriter } from '../rows/lease-rows.ts'
import { quarantineWriter } from '../rows/quarantine-rows.ts'
import type { TableWriter } from '../rows/table-spec.ts'
import type { RecordTable } from './record-table.ts'
import type { WorkingSet } from './working-set.ts'

/**
 * The statements that leave the database as a batch has left its records; a row comes after those that it refers to. Rows that are
 * not locked by then are new ones, in the order of their keys, so that two replicas that add the same ones do not block each other.
 *
 * The counters come after the events: whoever adds events holds the lock of the last position until its commit, so nobody else holds
 * a counter. That lock is the ceiling of all replicas together: one commit after the other, each with all writes that share it.
 */
export function batchWrites(set: WorkingSet): Statement[] {
  return [
    ...planWriter.insert(documents(set.plans)),
    ...decisionWriter.insert(documents(set.decisions)),
    ...grantWriter.insert(sortByKey(set.grants.inserted())),
    ...grantWriter.update(set.grants.updated()),
    ...setAside(set),
    ...endingDue(set),
    ...changes(leaseWriter, set.leases),
    ...endedLeases(set),
    ...changes(approvalWriter, set.approvals),
    ...denyListWriter.insert(set.denyLists.inserted()),
    ...denyListWriter.update(set.denyLists.updated()),
    ...damagedDue(set),
    ...denyEntryWriter.insert(set.denyEntries.inserted()),
    ...denyEntryWriter.update(set.denyEntries.updated()),
    ...removal('deny_entries', 'grant_id', set.denyEntries.removed()),
    ...agents(set),
    ...changes(connectionWriter, set.connections),
    ...changes(tokenWriter, set.tokens),
    ...changes(unregisteredWriter, set.unregistered),
    ...trimUnregistered(set),
    ...changes(quarantineWriter, set.quarantines),
    ...changes(budgetMeterWriter, set.budgetMeters),
    ...releases(set),
    ...changes(holdWriter, set.holds),
    ...holdChange(set),
    ...set.chain.writes(),
    ...stateCounts(set),
    ...openCounts(set),
    ...guardOpenCounts(set),
    ...guardHolds(set),
  ]
}

/** Grants are unique by agent and key; their ids are our own. */
function sortByKey(grants: Grant[]): Grant[] {
  const toKey = ({ subject, idempotencyKey }: Grant) => `${subject} ${idempotencyKey}`
  return grants.sort((a, b) => (toKey(a) < toKey(b) ? -1 : 1))
}

function changes<Row, T>(writer: TableWriter<T>, table: RecordTable<Row, T>): Statement[] {
  return [...writer.insert(table.inserted()), ...writer.update(table.updated())]
}

function documents(bodies: ReadonlyMap<string, string>) {
  return [...bodies].map(([hash, body]) => ({ hash, body })).sort((a, b) => (a.hash < b.hash ? -1 : 1))
}

function removal(table: string, column: string, keys: readonly string[]): Statement[] {
  if (keys.length === 0) return []
  return [{ name: `remove-${table}`, text: `DELETE FROM ${table} WHERE ${column} = ANY($1::text[])`, values: [keys] }]
}

/** A grant that could not be moved: its version stays, since nothing has happened to it. */
function setAside({ setAside: until }: WorkingSet): Statement[] {
  if (until.size === 0) return []
  const text = `UPDATE grants t SET due_at = v.due_at FROM unnest($1::text[], $2::bigint[]) AS v(id, due_at) WHERE t.id = v.id`
  return [{ name: 'set-aside', text, values: [[...until.keys()], [...until.values()].map(toMs)] }]
}

function endingDue({ endingDue: due }: WorkingSet): Statement[] {
  if (due.size === 0) return []
  const text = `UPDATE grants t SET due_at = least(coalesce(t.due_at, v.at), v.at)
    FROM unnest($1::text[], $2::bigint[]) AS v(id, at) WHERE t.id = v.id AND t.state = 'ending'`
  return [{ name: 'ending-due', text, values: [[...due.keys()], [...due.values()].map(toMs)] }]
}

function endedLeases({ endedLeases: ends }: WorkingSet): Statement[] {
  if (ends.size === 0) return []
  const text = `UPDATE leases t SET state = 'ended', ended_by = v.ended_by, ended_at = v.ended_at
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS v(grant_id, ended_by, ended_at)
    WHERE t.grant_id = v.grant_id AND t.state <> 'ended'`
  const all = [...ends.values()]
  const values = [[...ends.keys()], all.map(({ end }) => end), all.map(({ endedAt }) => toMs(endedAt))]
  return [{ name: 'end-leases', text, values }]
}

function damagedDue({ damagedDue: due }: WorkingSet): Statement[] {
  if (due.size === 0) return []
  const text = `UPDATE deny_lists t SET next_attempt_at = least(coalesce(t.next_attempt_at, v.at), v.at)
    FROM unnest($1::text[], $2::bigint[]) AS v(list_key, at) WHERE t.list_key = v.list_key`
  return [{ name: 'damaged-due', text, values: [[...due.keys()], [...due.values()].map(toMs)] }]
}

function agents({ agents: byList }: WorkingSet): Statement[] {
  if (byList.size === 0) return []
  const rows = [...byList].flatMap(([listKey, list]) => list.map((one) => ({ listKey, ...one })))
  const removed = {
    name: 'remove-agents',
    text: 'DELETE FROM deny_agents WHERE list_key = ANY($1::text[])',
    values: [[...byList.keys()]],
  }
  if (rows.length === 0) return [removed]
  const text =
    'INSERT INTO deny_agents (list_key, agent, before) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])'
  const values = [
    rows.map(({ listKey }) => listKey),
    rows.map(({ agent }) => agent),
    rows.map(({ before }) => toMs(before)),
  ]
  return [removed, { name: 'insert-agents', text, values }]
}

function trimUnregistered({ unregistered, lastNoted }: WorkingSet): Statement[] {
  if (!lastNoted || unregistered.inserted().length === 0) return []
  const text = `DELETE FROM unregistered WHERE subject IN (SELECT subject FROM unregistered WHERE subject <> $1
    ORDER BY last_seen_at, n LIMIT greatest(0, (SELECT count(*) FROM unregistered) - $2::bigint) FOR UPDATE SKIP LOCKED)`
  return [{ name: 'trim-unregistered', text, values: [lastNoted.subject, lastNoted.max] }]
}

/** A release that knows no quarantine would give out grants. */
function releases({ quarantines }: WorkingSet): Statement[] {
  const [changed] = [...quarantines.inserted(), ...quarantines.updated()]
  if (!changed) return []
  const { version, readableBy } = quarantinesMigration
  const text = 'UPDATE migrations SET readable_by = $1 WHERE version = $2'
  return [{ name: 'keep-releases', text, values: [isInForce(changed) ? version : readableBy, version] }]
}

/** A release that knows no holds would give out grants, so it cannot open the ledger while one is in force. */
function holdChange({ changedHolds, holds }: WorkingSet): Statement[] {
  if (changedHolds.size === 0) return []
  const isKill = holds.inserted().some(({ kind }) => kind === 'kill')
  const { version, readableBy } = holdsMigration
  const text = `UPDATE migrations SET readable_by = CASE WHEN EXISTS (SELECT 1 FROM holds WHERE lifted_at IS NULL) THEN $1::integer
    ELSE $2::integer END WHERE version = $1::integer`
  return [
    { name: 'next-generation', text: 'UPDATE hold_generation SET generation = generation + 1' },
    { name: 'hold-releases', text, values: [version, readableBy] },
    ...(isKill ? shutOutOlder(version) : []),
  ]
}

/**
 * Brokers that run already and know no holds would go on giving out grants, so a kill takes the ledger away from them. Whoever is in a
 * transaction holds its own row, which is waited for.
 */
function shutOutOlder(version: number): Statement[] {
  const text = `UPDATE replicas SET fence = fence + 1, closed_at = clock_timestamp()
    WHERE closed_at IS NULL AND coalesce(knows, 1) < $1::integer`
  return [{ name: 'shut-out-older', text, values: [version] }, FREE_CLAIMS]
}

function stateCounts({ stateCounts: tally }: WorkingSet): Statement[] {
  const counts = tally.entries()
  if (counts.length === 0) return []
  const text = `INSERT INTO state_counts (state, count) SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT (state) DO UPDATE SET count = state_counts.count + excluded.count`
  return [{ name: 'count-states', text, values: toColumns(counts) }]
}

function openCounts({ openCounts: tally }: WorkingSet): Statement[] {
  const counts = tally.entries()
  if (counts.length === 0) return []
  const text = `INSERT INTO open_counts (subject, count) SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT (subject) DO UPDATE SET count = open_counts.count + excluded.count`
  const fallen = counts.flatMap(([subject, by]) => (by < 0 ? [subject] : []))
  return [
    { name: 'count-open', text, values: toColumns(counts) },
    ...(fallen.length === 0
      ? []
      : [
          {
            name: 'remove-open',
            text: 'DELETE FROM open_counts WHERE subject = ANY($1::text[]) AND count = 0',
            values: [fallen],
          },
        ]),
  ]
}

/**
 * A limit was checked against a count that nobody had locked. If it has grown over that since, the batch fails (22012), and is
 * decided anew on what is there by then.
 */
function guardOpenCounts({ mostOpen, openCounts: tally }: WorkingSet): Statement[] {
  if (mostOpen.size === 0) return []
  const text = `SELECT 1 / (CASE WHEN EXISTS (SELECT 1 FROM unnest($1::text[], $2::bigint[]) AS v(subject, most)
    JOIN open_counts c ON c.subject = v.subject WHERE c.count > v.most) THEN 0 ELSE 1 END)`
  const values = [[...mostOpen.keys()], [...mostOpen].map(([subject, most]) => most + tally.get(subject))]
  return [{ name: 'guard-open', text, values }]
}

/**
 * A unit relied on the holds in force, which nobody had locked. A hold is set in a batch with an event, as anything is given out in one,
 * and whoever adds events holds the lock of the last position until its commit: so the hold is either in sight here, then the batch
 * fails (22012) and is decided anew, or it is committed after this batch, and its work finds what the batch has given out.
 */
function guardHolds({ holdGeneration, changedHolds }: WorkingSet): Statement[] {
  if (holdGeneration === undefined) return []
  const text = 'SELECT 1 / (CASE WHEN generation = $1::bigint THEN 1 ELSE 0 END) FROM hold_generation'
  return [{ name: 'guard-holds', text, values: [holdGeneration + (changedHolds.size > 0 ? 1 : 0)] }]
}

function toColumns(counts: readonly (readonly [string, number])[]) {
  return [counts.map(([key]) => key), counts.map(([, by]) => by)]
}
