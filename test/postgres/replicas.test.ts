import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { REPLICA_TIMING, type ReplicaTiming } from '../../src/ledger/postgres/replicas/replica-watch.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { AGENT, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger, WITHOUT_BEATS } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

/** One that soon finds another one silent. */
const HASTY: ReplicaTiming = { everyMs: 50, maxGapMs: 10_000, silentAfterMs: 1_500, liveForMs: 1_000 }

let tmp: TmpPostgresLedger
let told: (StintError | undefined)[]
beforeEach(async () => {
  told = []
  tmp = await tmpPostgresLedger(server.address(), {
    timing: { ...REPLICA_TIMING, everyMs: 50 },
    onStore: (error) => told.push(error),
  })
})
afterEach(() => tmp.dispose())

const now = () => tmp.clock.now()
const open = (ledger: Ledger, more: Parameters<typeof sampleOpen>[2] = {}) =>
  ledger.openGrant(sampleOpen(tmp.ids, now(), more))

const isClosed = async ({ identity }: Ledger) => {
  const [row] = await tmp.sql<{ closed: boolean }>(
    `SELECT closed_at IS NOT NULL AS closed FROM replicas WHERE id = '${identity.replica}'`,
  )
  return row?.closed
}

/** A deny list with something to write, in the hands of one replica. */
async function claim(ledger: Ledger, key = 'list') {
  const deny = { listKey: key, wantedAt: now(), until: new Date(now().getTime() + 900_000), lastIssuedAt: now() }
  const { grant } = await open(ledger)
  await ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason: 'revoked', effectiveBy: now(), dueAt: now() },
    deny,
    events: [sampleEvent(now(), { grantId: grant.id })],
  })
  return claimAny(ledger)
}

/** Claims whatever is free, also a list that is at home with another replica, which has left it alone for seconds. */
function claimAny(ledger: Ledger) {
  const at = new Date(now().getTime() + 3_000)
  const claimUntil = new Date(at.getTime() + 60_000)
  return ledger.claimDenyList({ owner: ledger.identity.replica, now: at, claimUntil })
}

describe('two replicas on one ledger', () => {
  test('both write at once, and each reads what the other has written', async () => {
    const other = await tmp.join()
    const ledgers = [tmp.ledger, other]
    const opened = await Promise.all(Array.from({ length: 400 }, (_, n) => open(ledgers[n % 2] as Ledger)))
    expect(opened.every(({ kind }) => kind === 'created')).toBe(true)
    for (const ledger of ledgers) {
      expect(await ledger.countGrants()).toMatchObject({ active: 400 })
      expect(await ledger.countOpenGrants(AGENT)).toBe(400)
      expect((await verifyLedger(ledger)).problem).toBeUndefined()
    }
    const events = await allEvents(other)
    expect(new Set(events.map(({ chain }) => chain)).size).toBe(2)
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1))
    expect(told).toEqual([])
  })

  test('are not silent while they live, whatever the clock of the database says of them', async () => {
    const other = await tmp.join()
    await tmp.sql(`UPDATE replicas SET seen_at = seen_at - interval '1 hour'`)
    await open(other)
    await tmp.sql(`UPDATE replicas SET seen_at = seen_at + interval '1 hour'`)
    await tmp.join()
    expect((await open(tmp.ledger)).kind).toBe('created')
    expect((await open(other)).kind).toBe('created')
  })

  test('open the ledger while the other one writes', async () => {
    let isOver = false
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) await open(tmp.ledger)
    })
    for (let n = 0; n < 5; n += 1) {
      const other = await tmp.join()
      await open(other)
      await other.close()
    }
    isOver = true
    await Promise.all(load)
    expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  })
})

describe('a replica that has died', () => {
  let dead: Ledger
  beforeEach(async () => {
    dead = await tmp.join({ timing: WITHOUT_BEATS })
  })

  test('is found silent by another one, and writes nothing any more should it come back', async () => {
    await open(dead)
    const other = await tmp.join({ timing: HASTY })
    await eventually('its fence', () => isClosed(dead))
    await expect(open(dead)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringMatching(/Another broker has taken over/),
      details: { poisoned: true },
    })
    expect(dead.isLive()).toBe(false)
    expect((await open(other)).kind).toBe('created')
    expect((await open(tmp.ledger)).kind).toBe('created')
    expect(await other.countGrants()).toMatchObject({ active: 3 })
    expect((await verifyLedger(other)).problem).toBeUndefined()
  })

  test('loses its claims on deny lists with its fence, and no claim of a live one is lost', async () => {
    const ours = await claim(tmp.ledger, 'ours')
    const theirs = await claim(dead, 'theirs')
    expect([ours?.list.key, theirs?.list.key]).toEqual(['ours', 'theirs'])
    const other = await tmp.join({ timing: HASTY })
    expect(await claimAny(other)).toBeUndefined()
    await eventually('its fence', () => isClosed(dead))
    expect((await claimAny(other))?.list).toMatchObject({ key: 'theirs', claimedBy: other.identity.replica })
    expect(await claimAny(other)).toBeUndefined()
  })

  test('leaves its mints to another one, once it is found silent', async () => {
    const { grant } = await open(dead)
    await open(tmp.ledger)
    const abandoned = (ledger: Ledger) => ledger.abandonedLeases({ now: now(), limit: 10 })
    const other = await tmp.join({ timing: WITHOUT_BEATS })
    expect(await abandoned(other)).toEqual([])
    await tmp.join({ timing: HASTY })
    await eventually('its fence', () => isClosed(dead))
    expect(await abandoned(other)).toMatchObject([{ grantId: grant.id, replica: dead.identity.replica }])
  })
})

test('a replica that stops gives its claims back at once', async () => {
  const other = await tmp.join()
  expect((await claim(other))?.list.key).toBe('list')
  expect(await claimAny(tmp.ledger)).toBeUndefined()
  await other.close()
  expect((await claimAny(tmp.ledger))?.list.key).toBe('list')
})

test('a replica is live while it commits, and not for long without', async () => {
  const still = await tmp.join({ timing: { ...WITHOUT_BEATS, liveForMs: 100 } })
  await open(still)
  await eventually('its end', () => !still.isLive())
  expect(tmp.ledger.isLive()).toBe(true)
  await open(still)
  expect(REPLICA_TIMING.liveForMs).toBeLessThan(REPLICA_TIMING.silentAfterMs - 1_000)
})
