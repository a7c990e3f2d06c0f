import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteDatabase } from '../../../src/ledger/sqlite/database/sqlite-database.ts'
import { sampleOpen } from '../../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../../support/tmp-ledger.ts'

let open: TmpLedger
beforeEach(async () => {
  open = await tmpLedger()
})
afterEach(() => open.dispose())

/** As the statements of the release before this one do it, without the columns and states that came later. */
async function asBrokerOfTheVersionBefore<T>(work: (db: SqliteDatabase) => T): Promise<T> {
  await open.ledger.close()
  const db = new SqliteDatabase(open.file)
  try {
    return work(db)
  } finally {
    db.close()
    await open.reopen()
  }
}

async function withdraw() {
  const now = open.clock.now()
  const { grant } = await open.ledger.openGrant(sampleOpen(open.ids, now, { grant: { state: 'awaiting_approval' } }))
  return open.ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'withdrawn', dueAt: null },
    approval: { state: 'withdrawn', decidedBy: grant.subject, decidedAt: now, note: 'withdrawn by the agent' },
    events: [],
  })
}

test('a broker of the version before reads a withdrawn grant and its approval as rejected', async () => {
  await withdraw()
  const read = await asBrokerOfTheVersionBefore((db) => ({
    grant: db.get('SELECT state, reason FROM grants'),
    approval: db.get('SELECT state, decided_by FROM approvals'),
    counts: db.all('SELECT state, count FROM state_counts WHERE count <> 0'),
  }))
  expect(read).toMatchObject({
    grant: { state: 'rejected' },
    approval: { state: 'rejected' },
    counts: [{ state: 'rejected', count: 1 }],
  })
})

test('a broker of the version before gives an approved grant the deadline that it would have had, and ours keeps to it', async () => {
  const now = open.clock.now()
  const at = (ms: number) => new Date(now.getTime() + ms)
  const { grant } = await open.ledger.openGrant(sampleOpen(open.ids, now, { grant: { state: 'awaiting_approval' } }))
  await open.ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'active', activeAt: now, claimBy: at(900_000), taskMs: 600_000, dueAt: at(900_000) },
    events: [],
  })
  const read = await asBrokerOfTheVersionBefore((db) => {
    db.run('UPDATE grants SET lease_count = 1, version = version + 1')
    return db.get('SELECT state, deadline, due_at FROM grants')
  })
  expect(read).toEqual({ state: 'active', deadline: now.getTime() + 600_000, due_at: now.getTime() + 900_000 })
  const collected = await open.ledger.getGrant(grant.id)
  expect(collected).toMatchObject({ deadline: at(600_000), leaseCount: 1 })
  expect(collected).not.toHaveProperty('claimBy')
})

test('counters and lists are right after a broker of the version before has forgotten withdrawn grants', async () => {
  const [first, second] = [await withdraw(), await withdraw()]
  await asBrokerOfTheVersionBefore((db) => {
    db.run('DELETE FROM grants WHERE id = ?', first.id)
    db.run("UPDATE state_counts SET count = count - 1 WHERE state = 'rejected'")
  })
  expect(await open.ledger.countGrants()).toMatchObject({ rejected: 0, withdrawn: 1 })
  const { items } = await open.ledger.listGrants({ state: 'withdrawn' }, { limit: 10 })
  expect(items).toEqual([second])
  expect(await open.ledger.listGrants({ state: 'rejected' }, { limit: 10 })).toEqual({ items: [] })
})
