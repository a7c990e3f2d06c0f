import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GRANT_STATES } from '../../src/ledger/records.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
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

/** Every row against the counters and the record. */
async function expectWhole(history: History): Promise<void> {
  expect(history.faults).toEqual([])
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
  const idsOf = (type: string, id: 'grantId' | 'leaseId') =>
    events.flatMap((event) => (event.type === type ? [event[id] ?? ''] : [])).sort()
  expect(idsOf('grant.requested', 'grantId')).toEqual([...history.created.values()].flat().sort())
  expect(idsOf('lease.issued', 'leaseId')).toEqual([...new Set(history.settled)].sort())
  expect(idsOf('lease.intended', 'leaseId')).toEqual(expect.arrayContaining([...history.intended].sort()))
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1))
  expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  // P3: a second grant of one key comes only after the first has been forgotten.
  for (const ids of history.created.values()) {
    const known = await Promise.all(ids.slice(0, -1).map((id) => tmp.ledger.getGrant(id)))
    expect(known.filter((grant) => grant !== undefined)).toEqual([])
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
      await expectWhole(history)
      const [row] = await tmp.sql<{ deadlocks: number }>(
        'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
      )
      // Everybody locks rows in one order, so nobody waits for whoever waits for him.
      expect(row?.deadlocks).toBe(0)
    })
  }
})
