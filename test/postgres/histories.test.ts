import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { GRANT_STATES } from '../../src/ledger/records.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
import { PostgresServer } from './postgres-server.ts'
import { AGENTS, emptyHistory, type History, MAX_OPEN, writeAtRandom } from './random-history.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address(), { maxUnregistered: 5 })
})
afterEach(() => tmp.dispose())

/**
 * Every row against the counters and the record.
 *
 * @param lost true when answers were lost: what nobody was told of may be on record, and what somebody was told of has to be
 */
async function expectWhole(history: History, lost = false): Promise<void> {
  const onRecord = (found: string[], told: readonly string[]) => {
    const wanted = [...new Set(told)].sort()
    expect(new Set(found).size).toBe(found.length)
    expect(found).toEqual(lost ? expect.arrayContaining(wanted) : wanted)
  }
  const rows = await tmp.sql<{ state: string; count: number }>(
    'SELECT state, count(*)::integer AS count FROM grants GROUP BY state',
  )
  const counted = Object.fromEntries([
    ...GRANT_STATES.map((state) => [state, 0]),
    ...rows.map((row) => [row.state, row.count]),
  ])
  expect(await tmp.ledger.countGrants()).toEqual(counted)
  for (const agent of AGENTS) {
    const [row] = await tmp.sql<{ count: number }>(
      `SELECT count(*)::integer AS count FROM grants WHERE subject = '${agent}' AND state IN ('awaiting_approval', 'active', 'ending')`,
    )
    expect(await tmp.ledger.countOpenGrants(agent)).toBe(row?.count)
    expect(row?.count).toBeLessThanOrEqual(MAX_OPEN)
  }
  const events = await allEvents(tmp.ledger)
  const listIds = (type: string, id: 'grantId' | 'leaseId') =>
    events.flatMap((event) => (event.type === type ? [event[id] ?? ''] : [])).sort()
  onRecord(listIds('grant.requested', 'grantId'), [...history.created.values()].flat())
  onRecord(listIds('lease.issued', 'leaseId'), history.settled)
  expect(listIds('lease.intended', 'leaseId')).toEqual(expect.arrayContaining([...history.intended].sort()))
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1))
  expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  // P3: a second grant of one key comes only after the first has been forgotten.
  for (const ids of history.created.values()) {
    const known = await Promise.all(ids.map((id) => tmp.ledger.getGrant(id)))
    expect(known.filter((grant) => grant !== undefined).length).toBeLessThanOrEqual(1)
  }
  const leases = await tmp.sql<{ lost: string }>(
    `SELECT l.id AS lost FROM leases l JOIN grants g ON g.id = l.grant_id WHERE l.state <> 'ended' AND l.number > g.lease_count`,
  )
  expect(leases).toEqual([])
  const issued = await tmp.sql<{ id: string; access_key_id: string | null }>(
    'SELECT id, access_key_id FROM leases WHERE id = ANY($1)',
    [history.settled],
  )
  expect(issued.filter((lease) => lease.access_key_id !== lease.id)).toEqual([])
}

describe('random histories', () => {
  for (const { replicas, callers, steps } of [
    { replicas: 2, callers: 4, steps: 200 },
    { replicas: 4, callers: 2, steps: 200 },
  ]) {
    test(`of ${replicas} replicas at once lose nothing and double nothing`, async () => {
      const ledgers = [tmp.ledger]
      while (ledgers.length < replicas) ledgers.push(await tmp.join())
      const history = emptyHistory()
      const all = ledgers.flatMap((ledger, index) =>
        Array.from({ length: callers }, (_, caller) =>
          writeAtRandom(tmp, ledger, history, { seed: 100 * index + caller, steps }),
        ),
      )
      await Promise.all(all)
      expect(history.faults).toEqual([])
      await expectWhole(history)
      const [row] = await tmp.sql<{ deadlocks: number }>(
        'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
      )
      // Everybody locks rows in one order, so nobody waits for whoever waits for him.
      expect(row?.deadlocks).toBe(0)
    })
  }

  test('of three replicas, one of which is cut off in the middle of its work, end with what was answered', async () => {
    const proxy = await MeddlingProxy.before(server.port)
    const timing = { everyMs: 50, maxGapMs: 10_000, silentAfterMs: 4_000, liveForMs: 2_000 }
    const others = [await tmp.join({ timing }), await tmp.join({ timing })]
    const cut = await tmp.join({ timing, patienceMs: 300, server: server.address({ port: proxy.port }) })
    const [history, cutHistory] = [emptyHistory(), emptyHistory()]
    const write = (ledger: Ledger, told: History, seed: number) =>
      writeAtRandom(tmp, ledger, told, { seed, steps: 120 })
    const writing = others.flatMap((ledger, index) => [1, 2, 3].map((n) => write(ledger, history, 10 * index + n)))
    const cutOff = [1, 2, 3].map((n) => write(cut, cutHistory, 100 + n))
    await eventually('work in hand', () => cutHistory.steps > 120)
    await Promise.all([proxy.close(), ...writing, ...cutOff])
    expect(history.faults).toEqual([])
    expect(cutHistory.faults.length).toBeGreaterThan(0)
    expect(cutHistory.faults.filter(({ message }) => !message.endsWith('LEDGER_UNAVAILABLE'))).toEqual([])
    await eventually('its fence', async () => {
      const closed = `SELECT 1 FROM replicas WHERE id = '${cut.identity.replica}' AND closed_at IS NOT NULL`
      return (await tmp.sql(closed)).length > 0
    })
    await expectWhole(merged(history, cutHistory), true)
    const [list] = await tmp.sql(`SELECT list_key FROM deny_lists WHERE claimed_by = '${cut.identity.replica}'`)
    expect(list).toBeUndefined()
  })
})

function merged(one: History, other: History): History {
  const created = new Map(one.created)
  for (const [key, ids] of other.created) created.set(key, [...(created.get(key) ?? []), ...ids])
  const [settled, intended] = [
    [...one.settled, ...other.settled],
    [...one.intended, ...other.intended],
  ]
  return { ...one, created, settled, intended }
}
