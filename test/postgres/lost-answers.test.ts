import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { sampleEvent, sampleLease, sampleOpen } from '../support/ledger-records.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
import { PASSWORD, PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger, WITHOUT_BEATS } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

/** The statement that begins the second half of every batch that is written. */
const WRITES = 'mark-batch'

let proxy: MeddlingProxy
let tmp: TmpPostgresLedger
let told: (StintError | undefined)[]
beforeEach(async () => {
  proxy = await MeddlingProxy.before(server.port)
  told = []
  tmp = await tmpPostgresLedger(server.address(), {
    server: server.address({ port: proxy.port, statementWithinMs: 500, lockWithinMs: 500 }),
    patienceMs: 8_000,
    timing: WITHOUT_BEATS,
    onStore: (error) => told.push(error),
  })
})
afterEach(async () => {
  proxy.silence(false)
  proxy.release()
  await tmp.dispose()
  await proxy.close()
})

const open = () => tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))

const waitsForLock = async () =>
  (await tmp.sql(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'stint' AND wait_event_type = 'Lock'`))
    .length > 0

async function expectWhole(grants: number): Promise<void> {
  expect((await tmp.ledger.countGrants()).active).toBe(grants)
  const events = await allEvents(tmp.ledger)
  expect(events.filter(({ type }) => type === 'grant.requested')).toHaveLength(grants)
  expect(events.map(({ position }) => position)).toEqual([...events].map((_, index) => index + 1))
  expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
}

describe('a batch whose connection is lost', () => {
  for (const { name, how } of [
    { name: 'after the commit and before its answer', how: 'swallow' },
    { name: 'before its writes reach the server', how: 'cut' },
    { name: 'between its first writes and its events', how: 'halve' },
  ] as const) {
    test(`${name} is on record once, and its callers hear so`, async () => {
      await open()
      proxy.meddle({ when: how === 'halve' ? 'insert-events' : WRITES, how })
      const answers = await Promise.all([open(), open(), open()])
      expect(proxy.count).toBe(1)
      expect(answers.map(({ kind }) => kind)).toEqual(['created', 'created', 'created'])
      await expectWhole(4)
      await open()
      await expectWhole(5)
    })
  }

  test('with an answer that was no change of the record is answered all the same', async () => {
    const { grant } = await open()
    proxy.meddle({ when: WRITES, how: 'swallow' })
    const lease = sampleLease(tmp.ids, tmp.clock.now())
    const stale = tmp.ledger.intendLease({ grantId: grant.id, grantVersion: 9, lease, events: [] })
    const fine = tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    await expect(stale).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
    await fine
    expect(proxy.count).toBe(1)
  })

  test('and whose writes arrive late is waited for, and is on record once', async () => {
    await open()
    proxy.meddle({ when: WRITES, how: 'hold' })
    const late = open()
    // The ledger gives the connection up after its time, comes back by another one, and finds its own row locked.
    await eventually('a wait for the lock', waitsForLock)
    proxy.release()
    expect((await late).kind).toBe('created')
    await expectWhole(2)
  })

  test('and whose writes arrive after it was repeated has no effect', async () => {
    await open()
    proxy.meddle({ when: WRITES, how: 'hold' })
    const repeated = open()
    await eventually('a wait for the lock', waitsForLock)
    // Ends the session that still holds the lock, as the server does by itself after ten seconds.
    await tmp.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'stint'`,
    )
    expect((await repeated).kind).toBe('created')
    proxy.release()
    await open()
    await expectWhole(3)
  })
})

test('what is asked late on a connection that was given up holds nothing that the next batch needs', async () => {
  await open()
  proxy.meddle({ when: 'lock-replica', how: 'hold' })
  expect((await open()).kind).toBe('created')
  proxy.release()
  await eventually('the late question', async () => {
    const idle = `state = 'idle in transaction' AND application_name = 'stint'`
    return (await tmp.sql(`SELECT 1 FROM pg_stat_activity WHERE ${idle}`)).length > 0
  })
  expect((await open()).kind).toBe('created')
  await expectWhole(3)
})

test('a network that swallows everything is given up in time, said, and used again when it is back', async () => {
  await open()
  proxy.silence()
  await expect(open()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', retryable: true })
  await expect(tmp.ledger.countGrants()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  expect(told.at(-1)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  proxy.silence(false)
  proxy.cutAll()
  await expect
    .poll(() =>
      open().then(
        ({ kind }) => kind,
        () => undefined,
      ),
    )
    .toBe('created')
  expect(told.at(-1)).toBeUndefined()
  await expectWhole(2)
})

test('a password that cannot be read leaves no connection behind, however often it is tried', async () => {
  await tmp.ledger.close()
  let isGone = false
  const password = async () => {
    if (isGone) throw new Error('no such file')
    return PASSWORD
  }
  tmp = await tmpPostgresLedger(server.address(), {
    server: server.address({ port: proxy.port, password }),
    patienceMs: 300,
  })
  isGone = true
  proxy.cutAll()
  await expect(open()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  for (let tried = 0; tried < 5; tried++) {
    await expect(tmp.ledger.countGrants()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  }
  await eventually('nothing open', () => proxy.openEnds === 0)
  isGone = false
  await open()
  await expectWhole(1)
})
