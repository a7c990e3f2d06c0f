import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import type { Ledger, TokenUse } from '../../src/ledger/ledger.ts'
import { REPLICA_TIMING, type ReplicaTiming } from '../../src/ledger/postgres/replicas/replica-watch.ts'
import type { Grant, Lease } from '../../src/ledger/records.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { AGENT, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
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
  await ledger.moveGrant({ ...ending(grant), deny })
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
    const fenced: string[] = []
    const other = await tmp.join({ timing: HASTY, onFenced: (replica) => fenced.push(replica) })
    await eventually('its fence', () => fenced.length > 0)
    expect(fenced).toEqual([dead.identity.replica])
    expect(await isClosed(dead)).toBe(true)
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

  test('leaves the tokens of its connections to others, once it is found silent', async () => {
    const use = (ledger: Ledger, connectionId: string) =>
      ledger.openGrant({ ...sampleOpen(tmp.ids, now()), token: tokenUse('token', connectionId) })
    await use(dead, 'theirs')
    await expect(use(tmp.ledger, 'ours')).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    const other = await tmp.join({ timing: HASTY })
    await eventually('its fence', () => isClosed(dead))
    expect(await use(other, 'ours')).toMatchObject({ kind: 'created' })
    await expect(use(tmp.ledger, 'third')).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
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

describe('what two replicas do at the same time', () => {
  let both: readonly [Ledger, Ledger]
  let conflicts: number
  beforeEach(async () => {
    conflicts = 0
    const onConflict = () => {
      conflicts += 1
    }
    await tmp.ledger.close()
    const patient = server.address({ lockWithinMs: 30_000, statementWithinMs: 30_000 })
    both = [await tmp.join({ onConflict, server: patient }), await tmp.join({ onConflict, server: patient })]
  })
  const inTurn = (n: number) => both[n % 2] as Ledger
  const range = (count: number) => Array.from({ length: count }, (_, n) => n)

  test('a request with one key is one grant, and the second one is told so', async () => {
    const answers = await Promise.all(
      range(200).map((n) => open(inTurn(n), { grant: { idempotencyKey: `key-${Math.floor(n / 2)}` } })),
    )
    const ids = new Set(answers.map(({ grant }) => grant.id))
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(100)
    expect(ids.size).toBe(100)
    expect(await both[0].countGrants()).toMatchObject({ active: 100 })
  })

  test('grants of one agent are within its limit over all replicas, its first ones too', async () => {
    const limited = (n: number) => inTurn(n).openGrant({ ...sampleOpen(tmp.ids, now()), maxOpen: 1 })
    // Both have read that there is none before either can commit.
    const letGo = await holdCommits()
    const answering = Promise.allSettled([limited(0), limited(1)])
    await waitingReplicas(2)
    await letGo()
    const answers = await answering
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(answers).toContainEqual(
      expect.objectContaining({ reason: expect.objectContaining({ code: 'QUOTA_EXCEEDED' }) }),
    )
    expect(await both[0].countOpenGrants(AGENT)).toBe(1)
    expect(conflicts).toBeGreaterThan(0)
  })

  test('a token goes to one of two connections', async () => {
    const use = (n: number, key: string) =>
      inTurn(n).openGrant({ ...sampleOpen(tmp.ids, now()), token: tokenUse(key, `connection-${n}`) })
    for (const key of ['one', 'two', 'three']) {
      const answers = await Promise.allSettled([use(0, key), use(1, key)])
      expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(answers).toContainEqual(
        expect.objectContaining({ reason: expect.objectContaining({ code: 'TOKEN_REPLAYED' }) }),
      )
    }
  })

  test('a grant that is due is moved by one of them', async () => {
    await Promise.all(range(120).map((n) => open(inTurn(n), { grant: { dueAt: now() } })))
    const sweep = async (ledger: Ledger) => {
      const moved = []
      for (let tries = 0; tries < 20; tries += 1)
        moved.push(
          ...(await ledger.sweepGrants({
            now: now(),
            limit: 10,
            settle: ({ grant }) => ({
              to: { state: 'ended', reason: 'deadline', endedAt: now(), dueAt: null },
              events: [sampleEvent(now(), { type: 'grant.ended', grantId: grant.id })],
            }),
          })),
        )
      return moved.map(({ id }) => id)
    }
    const moved = await Promise.all(both.map(sweep))
    expect(new Set(moved.flat()).size).toBe(120)
    expect(moved.flat()).toHaveLength(120)
    expect((await allEvents(both[0])).filter(({ type }) => type === 'grant.ended')).toHaveLength(120)
  })

  test('a lease that is settled while its grant ends keeps what its mint has recorded', async () => {
    const { grant, lease } = (await open(both[0], { grant: { dueAt: now() } })) as { grant: Grant; lease: Lease }
    const letGo = await holdCommits()
    const settling = both[0].settleLease({
      ...{ leaseId: lease.id, to: 'issued', accessKeyId: 'ASIA1', issuedAt: now() },
      events: [sampleEvent(now(), { type: 'lease.issued', grantId: grant.id, leaseId: lease.id })],
    })
    await waitingReplicas(1)
    const sweeping = both[1].sweepGrants({
      now: now(),
      limit: 10,
      settle: ({ openLeases }) => ({
        to: { state: 'ended', reason: 'deadline', endedAt: now(), dueAt: null },
        endLeases: { end: 'expired', endedAt: now() },
        events: openLeases.map(({ state }) => sampleEvent(now(), { grantId: grant.id, data: { state } })),
      }),
    })
    await waitingReplicas(2)
    await letGo()
    await settling
    expect((await sweeping).map(({ id }) => id)).toEqual([grant.id])
    expect(await both[0].listLeases(grant.id)).toMatchObject([{ state: 'ended', end: 'expired', accessKeyId: 'ASIA1' }])
    expect((await both[0].trail(grant.id)).at(-1)?.data).toEqual({ state: 'issued' })
  })

  test('a deny list is claimed by one of them', async () => {
    const [ledger] = both
    const keys = range(20).map((n) => `list-${n}`)
    for (const listKey of keys) {
      const { grant } = await open(ledger)
      await ledger.moveGrant({
        ...ending(grant),
        deny: { listKey, wantedAt: now(), until: now(), lastIssuedAt: now() },
      })
    }
    const claims = await Promise.all(range(40).map((n) => claimAny(inTurn(n))))
    expect(claims.flatMap((one) => one?.list.key ?? []).sort()).toEqual(keys.sort())
  })

  test('a plan that one of them forgets is there for the grants of the other one', async () => {
    const final = { state: 'denied' } as const
    const later = new Date(now().getTime() + 1_000)
    let isOver = false
    const forgetting = (async () => {
      while (!isOver) await both[1].prune({ before: later, now: later, limit: 100 })
    })()
    for (let n = 0; n < 30; n += 1) {
      // The only grants of their plan come and go; now and then one stays.
      const { grant } = await open(both[0], { grant: n % 3 === 0 ? {} : final })
      if (n % 3 === 0) {
        expect(await both[1].getPlan(grant.planHash)).toMatchObject({ hash: grant.planHash })
        await both[0].moveGrant({
          ...ending(grant),
          to: { state: 'ended', reason: 'completed', endedAt: now(), dueAt: null },
        })
      }
    }
    isOver = true
    await forgetting
    expect((await verifyLedger(both[1])).problem).toBeUndefined()
  })

  test('chains name each other while both write', async () => {
    for (let round = 0; round < 10; round += 1) {
      const naming = both.map((ledger) => ledger.nameHeads({ at: now() }))
      await Promise.all([...range(12).map((n) => open(inTurn(n))), ...naming])
    }
    expect((await verifyLedger(both[0])).problem).toBeUndefined()
    expect((await allEvents(both[1])).map(({ type }) => type)).toContain('chain.heads')
  })
})

/** Keeps every commit with events from ending. @returns lets go of them */
async function holdCommits(): Promise<() => Promise<void>> {
  const holding = tmp.sql('BEGIN; SELECT 1 FROM event_positions FOR UPDATE; SELECT pg_sleep(60)').catch(() => undefined)
  const asleep = `pg_stat_activity WHERE wait_event = 'PgSleep'`
  await eventually('the lock', async () => (await tmp.sql(`SELECT 1 FROM ${asleep}`)).length > 0)
  return async () => {
    await tmp.sql(`SELECT pg_terminate_backend(pid) FROM ${asleep}`)
    await holding
  }
}

async function waitingReplicas(count: number): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'stint' AND wait_event_type = 'Lock'`
  await eventually(`${count} that wait`, async () => (await tmp.sql(waiting)).length === count)
}

function tokenUse(key: string, connectionId: string): TokenUse {
  const until = new Date(now().getTime() + 60_000)
  const caller = { subject: AGENT, evidence: {} }
  return { key, until, reuse: 'connection', by: 'request', connectionId, at: now(), caller }
}

function ending(grant: Grant) {
  return {
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason: 'revoked', effectiveBy: now(), dueAt: now() },
    events: [sampleEvent(now(), { grantId: grant.id })],
  } as const
}

test('a replica that stands still in the middle of a batch holds the others up for seconds, and is undone', async () => {
  const proxy = await MeddlingProxy.before(server.port)
  const still = await tmp.join({ timing: WITHOUT_BEATS, server: server.address({ port: proxy.port }) })
  const { grant } = await open(tmp.ledger)
  proxy.meddle({ when: 'mark-batch', how: 'hold' })
  const late = still.moveGrant(ending(grant))
  const inHand = `application_name = 'stint' AND state = 'idle in transaction'`
  await eventually('its batch', async () => {
    return (await tmp.sql(`SELECT 1 FROM pg_stat_activity WHERE ${inHand}`)).length > 0
  })
  const [moved] = await Promise.all([tmp.ledger.moveGrant(ending(grant)), open(tmp.ledger)])
  expect(moved).toMatchObject({ state: 'ending', version: 2 })
  proxy.release()
  await expect(late).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
  expect(told.filter((error) => error?.details.poisoned)).toEqual([])
  expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  await still.close()
  await proxy.close()
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
