import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { REPLICA_TIMING } from '../../src/ledger/postgres/replicas/replica-watch.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { AGENT, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { PASSWORD, PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger, WITHOUT_BEATS } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let told: (StintError | undefined)[]
beforeEach(async () => {
  told = []
  tmp = await tmpPostgresLedger(server.address(), { patienceMs: 15_000, onStore: (error) => told.push(error) })
})
afterEach(() => tmp.dispose())

const now = () => tmp.clock.now()
const open = (more: Parameters<typeof sampleOpen>[2] = {}) => tmp.ledger.openGrant(sampleOpen(tmp.ids, now(), more))
const unavailable = (sentence: RegExp) => ({ code: 'LEDGER_UNAVAILABLE', message: expect.stringMatching(sentence) })

/** A trigger that refuses rows. @param when a condition over `new` */
function refuse(table: string, when: string, sqlState: string): Promise<unknown> {
  return tmp.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '${sqlState}'; END$$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION refuse();
    ALTER TABLE ${table} ENABLE ALWAYS TRIGGER refuse`)
}

/** A trigger that refuses the first rows that come, and counts through what is rolled back. */
function refuseFirst(table: string, times: number, sqlState: string): Promise<unknown> {
  return tmp.sql(`CREATE SEQUENCE tries;
    CREATE FUNCTION refuse_first() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF nextval('tries') <= ${times} THEN RAISE EXCEPTION 'again' USING ERRCODE = '${sqlState}'; END IF; RETURN new; END$$;
    CREATE TRIGGER refuse_first BEFORE INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_first();
    ALTER TABLE ${table} ENABLE ALWAYS TRIGGER refuse_first`)
}

async function expectWhole(grants: number): Promise<void> {
  expect((await tmp.ledger.countGrants()).active).toBe(grants)
  expect((await allEvents(tmp.ledger)).filter(({ type }) => type === 'grant.requested')).toHaveLength(grants)
  expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
}

describe('a server', () => {
  test('that crashes under load and comes back loses nothing that was answered, and doubles nothing', async () => {
    const answered = new Set<string>()
    const refused = new Set<string>()
    let isOver = false
    const load = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const input = sampleOpen(tmp.ids, now())
        const { id } = input.grant
        await tmp.ledger.openGrant(input).then(
          () => answered.add(id),
          () => refused.add(id),
        )
      }
    })
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      const before = answered.size
      await eventually('grants under load', () => answered.size >= before + 50)
      await server.down('immediate')
      await server.up()
    }
    const before = answered.size
    await eventually('grants after the last crash', () => answered.size >= before + 50)
    isOver = true
    await Promise.all(load)
    const found = (await allEvents(tmp.ledger)).flatMap(({ type, grantId }) =>
      type === 'grant.requested' ? [grantId] : [],
    )
    expect(new Set(found).size).toBe(found.length)
    expect([...answered].filter((id) => !found.includes(id))).toEqual([])
    expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
    expect((await tmp.ledger.countGrants()).active).toBe(found.length)
    expect(await tmp.ledger.countOpenGrants(AGENT)).toBe(found.length)
  })

  test('that is away is said to be, and used again when it is back', async () => {
    await tmp.ledger.close()
    tmp = await tmpPostgresLedger(server.address(), { patienceMs: 100, onStore: (error) => told.push(error) })
    await open()
    await server.down()
    try {
      await expect(open()).rejects.toMatchObject({
        ...unavailable(/The database at 127\.0\.0\.1:\d+ cannot be reached/),
        retryable: true,
      })
      await expect(tmp.ledger.countGrants()).rejects.toMatchObject(unavailable(/cannot be reached/))
      expect(told.at(-1)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    } finally {
      await server.up()
    }
    expect((await open()).kind).toBe('created')
    expect(told.at(-1)).toBeUndefined()
    await expectWhole(2)
  })

  test('whose sessions an administrator ends is asked anew, by reads and by writes', async () => {
    await open()
    await tmp.ledger.countGrants()
    await tmp.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stint'`)
    await open()
    await expectWhole(2)
  })

  test('whose lock does not come in time is unavailable, and the next write succeeds', async () => {
    await tmp.ledger.close()
    tmp = await tmpPostgresLedger(server.address({ lockWithinMs: 200 }))
    await open()
    const locked = tmp.sql(`BEGIN; LOCK TABLE ${tmp.schema}.event_positions; SELECT pg_sleep(2); COMMIT`)
    await eventually(
      'the lock',
      async () => (await tmp.sql(`SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock'`)).length > 0,
    )
    await expect(open()).rejects.toMatchObject(unavailable(/did not give a lock in time.*\(55P03\)/))
    await locked
    await open()
    await expectWhole(2)
  })

  test('whose statement takes too long is unavailable, and the next write succeeds', async () => {
    await tmp.ledger.close()
    tmp = await tmpPostgresLedger(server.address({ statementWithinMs: 1_000 }))
    await tmp.sql(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(5); RETURN new; END$$;
      CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION slow();
      ALTER TABLE events ENABLE ALWAYS TRIGGER slow`)
    await expect(open()).rejects.toMatchObject(unavailable(/did not answer in time.*\(57014\)/))
    await tmp.sql('DROP TRIGGER slow ON events')
    await open()
    await expectWhole(1)
  })

  test('whose disk is full refuses writes in words, still reads, and takes the next write when there is space', async () => {
    const { grant } = await open()
    await refuse('events', 'true', '53100')
    await expect(open()).rejects.toMatchObject(unavailable(/has no space left on its disk \(53100\)/))
    expect(told.at(-1)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(await tmp.ledger.getGrant(grant.id)).toEqual(grant)
    await tmp.sql('DROP TRIGGER refuse ON events')
    await open()
    expect(told.at(-1)).toBeUndefined()
    await expectWhole(2)
  })

  for (const sqlState of ['40001', '40P01']) {
    test(`that undoes a transaction for another one (${sqlState}) is asked again, within bounds`, async () => {
      await refuseFirst('events', 4, sqlState)
      expect(await Promise.all([open(), open()])).toMatchObject([{ kind: 'created' }, { kind: 'created' }])
      await expectWhole(2)
      await tmp.sql('ALTER SEQUENCE tries RESTART; DROP TRIGGER refuse_first ON events')
      await refuse('events', 'true', sqlState)
      await expect(open()).rejects.toMatchObject(unavailable(new RegExp(sqlState)))
      await tmp.sql('DROP TRIGGER refuse ON events')
      await open()
      await expectWhole(3)
    })
  }
})

describe('a row that the database refuses', () => {
  test('harms none of its neighbours in the same batch', async () => {
    await refuse('grants', `new.purpose = 'bad'`, '23514')
    const answers = await Promise.allSettled([open(), open({ grant: { purpose: 'bad' } }), open()])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers[1]).toMatchObject({ reason: { code: 'LEDGER_CONFLICT' } })
    expect(told).toEqual([])
    await expectWhole(2)
  })

  test('as no text that a database can hold is a fault of ours, and harms none of its neighbours', async () => {
    const answers = await Promise.allSettled([open(), open({ grant: { purpose: 'a\0b' } }), open()])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers[1]).toMatchObject({ reason: { code: 'INTERNAL' } })
    await expectWhole(2)
  })

  for (const { name, condition } of [
    { name: 'that may not end', condition: ` AND new.state = 'ended'` },
    { name: 'that may not change at all, not even to be set aside', condition: '' },
  ]) {
    test(`of a sweep, ${name}, is told of, and the others move`, async () => {
      const rows = new Map<string, StintError>()
      await tmp.ledger.close()
      tmp = await tmpPostgresLedger(server.address(), {
        onRow: { onDamaged: (row, error) => rows.set(row, error), onReadable: (row) => rows.delete(row) },
      })
      const due = [0, 1, 2].map(() => open({ grant: { dueAt: now() } }))
      const [first, bad, last] = (await Promise.all(due)).map(({ grant }) => grant.id)
      await refuse('grants', `new.id = '${bad}'${condition}`, 'P0001')
      const sweep = (at: Date) =>
        tmp.ledger.sweepGrants({
          now: at,
          limit: 10,
          settle: ({ grant }) => ({
            to: { state: 'ended', reason: 'deadline', endedAt: at, dueAt: null },
            events: [sampleEvent(at, { grantId: grant.id })],
          }),
        })
      expect((await sweep(now())).map(({ id }) => id)).toEqual([first, last])
      expect([...rows.keys()]).toEqual([`sweep:${bad}`])
      expect(await tmp.ledger.countGrants()).toMatchObject({ active: 1, ended: 2 })
      await tmp.sql('DROP TRIGGER refuse ON grants')
      expect((await sweep(new Date(now().getTime() + 60_000))).map(({ id }) => id)).toEqual([bad])
      expect([...rows.keys()]).toEqual([])
      expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
    })
  }
})

test('a text that no index of the database can hold harms none of its neighbours', async () => {
  const long = Array.from({ length: 400 }, () => crypto.randomUUID()).join('')
  const answers = await Promise.allSettled([open(), open({ grant: { owner: long } }), open()])
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(told).toEqual([])
  await expectWhole(2)
})

test('a plan that somebody removed is written anew', async () => {
  const { grant } = await open()
  await tmp.sql(`DELETE FROM plans`)
  await open()
  expect(await tmp.ledger.getPlan(grant.planHash)).toMatchObject({ hash: grant.planHash })
  await expectWhole(2)
})

test('a chain that somebody else went on writing stops the ledger for good', async () => {
  await open()
  await tmp.sql(`UPDATE chains SET seq = seq - 1`)
  await tmp.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stint'`)
  await expect(open()).rejects.toMatchObject({
    ...unavailable(/not where this broker left it/),
    details: { poisoned: true },
  })
})

test('a database that was set back behind a pooler, which keeps the connection, stops the ledger for good', async () => {
  await open()
  await open()
  await tmp.sql(`UPDATE replicas SET batch = batch - 1`)
  await expect(open()).rejects.toMatchObject({
    ...unavailable(/the database was set back/),
    details: { poisoned: true },
  })
})

test('a server that has become a standby is not read, since it may lack what was answered', async () => {
  await tmp.ledger.close()
  tmp = await tmpPostgresLedger(server.address(), { patienceMs: 100 })
  await open()
  const standby = join(server.data, 'standby.signal')
  await server.down()
  await server.asUser('touch', [standby])
  await server.up()
  try {
    await expect(tmp.ledger.countGrants()).rejects.toMatchObject(unavailable(/is a standby/))
    await expect(tmp.ledger.getGrant('grt_x')).rejects.toMatchObject(unavailable(/is a standby/))
    await expect(open()).rejects.toMatchObject(unavailable(/is a standby/))
  } finally {
    await server.program('pg_ctl', ['-D', server.data, '-w', 'promote'])
  }
  await open()
  await expectWhole(2)
})

test('a former primary that is still there is not read, since it lacks what was committed', async () => {
  await tmp.ledger.close()
  tmp = await tmpPostgresLedger(server.address(), { timing: WITHOUT_BEATS })
  const { grant } = await open()
  await open()
  // As it was before the last commit.
  await tmp.sql('UPDATE replicas SET batch = batch - 1')
  await expect(tmp.ledger.getGrant(grant.id)).rejects.toMatchObject(unavailable(/lacks what this broker has committed/))
  await expect(tmp.ledger.listGrants({}, { limit: 1 })).rejects.toMatchObject(unavailable(/is a former primary/))
  await tmp.sql('UPDATE replicas SET batch = batch + 1')
  expect(await tmp.ledger.getGrant(grant.id)).toEqual(grant)
})

test('reads that find every connection in use say so', async () => {
  await tmp.ledger.close()
  const patient = server.address({ connectWithinMs: 500, lockWithinMs: 20_000, statementWithinMs: 20_000 })
  tmp = await tmpPostgresLedger(patient, { timing: WITHOUT_BEATS, maxConnections: 2 })
  const locked = tmp.sql(`BEGIN; LOCK TABLE ${tmp.schema}.grants; SELECT pg_sleep(5); COMMIT`)
  await eventually(
    'the lock',
    async () => (await tmp.sql(`SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted`)).length > 0,
  )
  const slow = tmp.ledger.listGrants({}, { limit: 1 })
  await eventually('the wait for it', async () => {
    const waiting = `application_name = 'stint' AND wait_event_type = 'Lock'`
    return (await tmp.sql(`SELECT 1 FROM pg_stat_activity WHERE ${waiting}`)).length > 0
  })
  await expect(tmp.ledger.countGrants()).rejects.toMatchObject(
    unavailable(/All 1 connections that read the ledger .* Raise ledger\.postgres\.maxConnections/),
  )
  await Promise.all([slow, locked])
  expect(await tmp.ledger.countGrants()).toMatchObject({ active: 0 })
})

test('a broker that cannot commit for a while is not live and says so, whatever holds it up', async () => {
  await tmp.ledger.close()
  tmp = await tmpPostgresLedger(server.address(), {
    timing: { ...REPLICA_TIMING, everyMs: 50, liveForMs: 400 },
    onStore: (error) => told.push(error),
  })
  expect(tmp.ledger.isLive()).toBe(true)
  const locked = tmp.sql(`BEGIN; SELECT 1 FROM replicas FOR UPDATE; SELECT pg_sleep(1.5); COMMIT`)
  await eventually('its end', () => told.length > 0)
  expect(tmp.ledger.isLive()).toBe(false)
  expect(told).toMatchObject([unavailable(/Nothing could be committed to the database at .* for \d+ s/)])
  await locked
  await eventually('its return', () => tmp.ledger.isLive())
  expect(told.at(-1)).toBeUndefined()
})

test('a table that is changed under the statements of a connection is read anew', async () => {
  const { grant } = await open()
  expect(await tmp.ledger.getGrant(grant.id)).toEqual(grant)
  await tmp.sql('ALTER TABLE grants ALTER purpose TYPE varchar')
  expect(await tmp.ledger.getGrant(grant.id)).toEqual(grant)
  expect((await open()).kind).toBe('created')
  await expectWhole(2)
})

test('a server that does not flush any more is refused, and used again when it does', async () => {
  await open()
  await server.configure(['fsync = off'])
  await server.reload()
  try {
    await expect.poll(() => open().catch(({ message }) => message as string)).toMatch(/fsync = off/)
    expect(told.at(-1)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
  } finally {
    await server.configure([])
    await server.reload()
  }
  await expect.poll(() => open().catch(({ message }) => message as string)).toMatchObject({ kind: 'created' })
  expect(told.at(-1)).toBeUndefined()
})

test('a commit whose wait for the standby was cancelled is not answered before the standby has it', async () => {
  await open()
  await server.configure([`synchronous_standby_names = 'nobody'`])
  await server.reload()
  const waiting = () =>
    tmp.sql<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'stint' AND wait_event = 'SyncRep' ORDER BY pid`,
    )
  let isAnswered = false
  let answer: Promise<{ kind: string }> | undefined
  try {
    let first: number | undefined
    await eventually('a commit that waits', async () => {
      answer ??= open().finally(() => {
        isAnswered = true
      })
      first = (await waiting())[0]?.pid
      return first !== undefined
    })
    await tmp.sql(`SELECT pg_cancel_backend(${first})`)
    // The commit is looked up on another connection, by one that waits too.
    await eventually('the look-up', async () => (await waiting()).some(({ pid }) => pid !== first))
    expect(isAnswered).toBe(false)
  } finally {
    await server.configure([])
    await server.reload()
  }
  expect(await answer).toMatchObject({ kind: 'created' })
  await expectWhole(2)
})

test('no error has the password, and none a value of a row', async () => {
  const errors: unknown[] = []
  const wrong = { ...server.address(), password: async () => `${PASSWORD}!` }
  await openPostgresLedger({
    server: wrong,
    schema: tmp.schema,
    clock: tmp.clock,
    ids: tmp.ids,
    maxConnections: 2,
  }).catch((error) => errors.push(error))
  await refuse('grants', `new.purpose = 'bad'`, '23514')
  await open({ grant: { purpose: 'bad' } }).catch((error) => errors.push(error))
  expect(errors).toMatchObject([unavailable(/refused the user or its password/), { code: 'LEDGER_CONFLICT' }])
  const shown = JSON.stringify(errors, (_, value) =>
    value instanceof Error ? { ...value, m: value.message, c: value.cause } : value,
  )
  expect(shown).not.toContain(PASSWORD)
  expect(shown).not.toContain('bad')
})
