import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger, WITHOUT_BEATS } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let other: Ledger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address(), { timing: WITHOUT_BEATS })
  other = await tmp.join()
})
afterEach(() => tmp.dispose())

const after = (ms: number) => new Date(tmp.clock.now().getTime() + ms)

/** Puts a new grant on a list. */
async function deny(listKey: string): Promise<void> {
  const now = tmp.clock.now()
  const { grant } = await tmp.ledger.openGrant(sampleOpen(tmp.ids, now))
  await tmp.ledger.moveGrant({
    grantId: grant.id,
    expectedVersion: grant.version,
    to: { state: 'ending', reason: 'revoked', effectiveBy: now, dueAt: now },
    deny: { listKey, wantedAt: now, until: after(900_000), lastIssuedAt: now },
    events: [sampleEvent(now, { grantId: grant.id })],
  })
}

/** Claims all that a replica gets at an instant. */
async function claimAll(ledger: Ledger, at: Date): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const claimUntil = new Date(at.getTime() + 60_000)
    const claimed = await ledger.claimDenyList({ owner: ledger.identity.replica, now: at, claimUntil })
    if (!claimed) return keys
    keys.push(claimed.list.key)
  }
}

test('P10: deny lists are spread over the open replicas, and each is due at one of them', async () => {
  const keys = Array.from({ length: 40 }, (_, n) => `boundary:${n}`)
  for (const key of keys) await deny(key)
  const [ours, theirs] = [await claimAll(tmp.ledger, after(1)), await claimAll(other, after(1))]
  expect([...ours, ...theirs].sort()).toEqual(keys.sort())
  expect(Math.min(ours.length, theirs.length)).toBeGreaterThan(5)
})

test('a list that its replica leaves alone is claimed by another one after 2 s', async () => {
  for (let n = 0; n < 10; n++) await deny(`boundary:${n}`)
  const early = await claimAll(tmp.ledger, after(1_999))
  expect(early.length).toBeLessThan(10)
  expect(early.length + (await claimAll(tmp.ledger, after(2_000))).length).toBe(10)
})

test('a list that its replica has failed to write is for everybody', async () => {
  for (let n = 0; n < 10; n++) await deny(`boundary:${n}`)
  const theirs = await claimAll(other, after(1))
  for (const listKey of theirs)
    await other.denyFailed({
      listKey,
      claimVersion: 1,
      error: 'x',
      at: after(1),
      nextAttemptAt: after(1_000),
      events: [],
    })
  expect(await claimAll(tmp.ledger, after(1_000))).toEqual(expect.arrayContaining(theirs))
})

test('P13: an opening that began later is known, and one of a copy is not', async () => {
  const { epoch } = other.identity
  expect(tmp.ledger.identity.earlierEpochs.has(epoch)).toBe(false)
  expect([await tmp.ledger.knowsEpoch(epoch), await tmp.ledger.knowsEpoch(epoch + 1)]).toEqual([true, false])
})

// A server on a machine in FIPS mode has no MD5: "could not compute MD5 hash: unsupported".
test('P6: deny lists are claimed on a server without MD5', async () => {
  await deny('boundary:1')
  await tmp.sql('REVOKE EXECUTE ON FUNCTION pg_catalog.md5(text) FROM PUBLIC')
  await tmp.sql(`CREATE ROLE broker LOGIN PASSWORD 'broker'`)
  await tmp.sql(`GRANT USAGE ON SCHEMA "${tmp.schema}" TO broker`)
  await tmp.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${tmp.schema}" TO broker`)
  try {
    const broker = await tmp.join({ server: server.address({ user: 'broker', password: async () => 'broker' }) })
    expect(await claimAll(broker, after(2_000))).toEqual(['boundary:1'])
    await broker.close()
  } finally {
    await tmp.sql('DROP OWNED BY broker; DROP ROLE broker; GRANT EXECUTE ON FUNCTION pg_catalog.md5(text) TO PUBLIC')
  }
})
