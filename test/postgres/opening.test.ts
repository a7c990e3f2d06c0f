import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ids } from '../../src/core/ids.ts'
import { PgConnection } from '../../src/ledger/postgres/database/pg-connection.ts'
import { clientConfig, type PgServer } from '../../src/ledger/postgres/database/pg-server.ts'
import { MIGRATIONS } from '../../src/ledger/postgres/migrations/run-migrations.ts'
import { examinePostgresLedger, openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { PostgresNotes } from '../../src/ledger/postgres/session-notes.ts'
import { verifyLedger } from '../support/audit-record.ts'
import { countingIds, sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PASSWORD, PostgresServer } from './postgres-server.ts'
import { query, type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

const SCHEMA = 'of_these_tests'
const deps = () => ({ clock: new ManualClock(), ids: countingIds(), maxConnections: 2 })
const open = ({ ids, ...more }: Partial<PgServer> & { ids?: Ids } = {}) =>
  openPostgresLedger({ server: server.address(more), schema: SCHEMA, ...deps(), ...(ids && { ids }) })
const refused = (sentence: RegExp, code = 'LEDGER_UNAVAILABLE') => ({
  code,
  message: expect.stringMatching(sentence),
})
const sql = (text: string) => query(server.address(), 'public', text)

describe('a ledger is not opened', () => {
  for (const { name, more, sentence } of [
    {
      name: 'with a wrong password',
      more: { password: async () => 'wrong' },
      sentence: /refused the user or its password.*\(28P01\)/,
    },
    {
      name: 'with an empty password',
      more: { password: async () => '' },
      sentence: /asks for a password and there is none: set ledger\.postgres\.passwordFile/,
    },
    {
      name: 'in a database that is not there',
      more: { database: 'elsewhere' },
      sentence: /has no database of this name.*\(3D000\)/,
    },
    { name: 'where nobody listens', more: { port: 1 }, sentence: /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/ },
    {
      name: 'by TLS where the server has none',
      more: { ca: 'any' },
      sentence: /cannot be reached by TLS: the server offers none/,
    },
  ] satisfies { name: string; more: Partial<PgServer>; sentence: RegExp }[]) {
    test(name, () => expect(open(more)).rejects.toMatchObject(refused(sentence)))
  }

  test('with a password that it was not given', async () => {
    vi.stubEnv('PGPASSWORD', PASSWORD)
    try {
      const { password: _, ...address } = server.address()
      const opening = openPostgresLedger({ ...deps(), server: address, schema: SCHEMA })
      await expect(opening).rejects.toMatchObject(refused(/asks for a password and there is none/))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  for (const { name, change, back, sentence, code, ...more } of [
    {
      name: 'whose commits need not be durable for this user',
      change: 'ALTER ROLE stint SET synchronous_commit = off',
      back: 'ALTER ROLE stint RESET synchronous_commit',
      sentence: /synchronous_commit = off.*Set it to on/,
    },
    {
      name: 'in another encoding',
      change: `CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0`,
      back: 'DROP DATABASE latin',
      database: 'latin',
      sentence: /encoding LATIN1; create it with encoding UTF8/,
    },
    {
      name: 'by a user who may not make the schema',
      change: `CREATE ROLE guest LOGIN PASSWORD 'guest'`,
      back: 'DROP ROLE guest',
      user: 'guest',
      password: async () => 'guest',
      sentence: /schema version 0.*may not change the schema \(42501\).*Run "stint migrate up"/,
      code: 'LEDGER_MIGRATION_NEEDED',
    },
  ] as (Partial<PgServer> & { name: string; change: string; back: string; sentence: RegExp; code?: string })[]) {
    test(`on a server ${name}`, async () => {
      await sql(change)
      try {
        await expect(open(more)).rejects.toMatchObject(refused(sentence, code))
      } finally {
        await sql(back)
      }
    })
  }

  test('on a server that does not flush what it commits, or that is a standby', async () => {
    await server.configure(['fsync = off'])
    await server.reload()
    await expect
      .poll(() => open().catch(({ message }) => message as string))
      .toMatch(/fsync = off.*a power cut could undo/)
    await server.configure([])
    await server.down()
    const standby = join(server.data, 'standby.signal')
    await server.asUser('touch', [standby])
    await server.up()
    try {
      await expect(open()).rejects.toMatchObject(
        refused(/is a standby, which only reads; the ledger needs the primary/),
      )
    } finally {
      await server.down()
      await server.asUser('rm', [standby])
      await server.up()
    }
  })
})

describe('TLS', () => {
  const file = (name: string) => join(server.folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.pem`),
    )
  const pem = (name: string) => readFileSync(file(`${name}.pem`), 'utf8')

  beforeEach(async () => {
    for (const name of ['ours', 'theirs']) authority(name)
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=db',
      '-keyout',
      file('server.key'),
      '-out',
      file('server.csr'),
    )
    writeFileSync(file('names'), 'subjectAltName=DNS:localhost')
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      file('server.csr'),
      '-CA',
      file('ours.pem'),
      '-CAkey',
      file('ours.key'),
      '-CAcreateserial',
      '-extfile',
      file('names'),
      '-out',
      file('server.pem'),
    )
    if (process.getuid?.() === 0) execFileSync('chown', ['postgres', file('server.key'), file('server.pem')])
    execFileSync('chmod', ['600', file('server.key')])
    await server.configure([
      'ssl = on',
      `ssl_cert_file = '${file('server.pem')}'`,
      `ssl_key_file = '${file('server.key')}'`,
    ])
    await server.reload()
  })
  afterEach(async () => {
    await server.configure([])
    await server.reload()
  })

  test('is verified by chain and by name', async () => {
    const ledger = await open({ host: 'localhost', ca: pem('ours') })
    const [row] = await sql(
      `SELECT bool_and(ssl) AS all FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'stint'`,
    )
    await ledger.close()
    expect(row).toEqual({ all: true })
    await expect(open({ host: 'localhost', ca: pem('theirs') })).rejects.toMatchObject(
      refused(/cannot be reached \([A-Z_]+\)/),
    )
    // The certificate has the name and not the address.
    await expect(open({ ca: pem('ours') })).rejects.toMatchObject(
      refused(/cannot be reached \(ERR_TLS_CERT_ALTNAME_INVALID\)/),
    )
  })

  for (const { host, more, isPlain } of [
    { host: 'db.example.org', more: {}, isPlain: false },
    { host: '10.0.0.7', more: {}, isPlain: false },
    { host: '128.0.0.1', more: {}, isPlain: false },
    { host: 'localhost.example.org', more: {}, isPlain: false },
    { host: 'db.example.org', more: { plaintext: true }, isPlain: true },
    { host: '127.0.0.1', more: {}, isPlain: true },
    { host: '127.0.0.1', more: { ca: 'any' }, isPlain: false },
    { host: '::1', more: {}, isPlain: true },
    { host: '/var/run/postgresql', more: {}, isPlain: true },
  ]) {
    test(`is ${isPlain ? 'not ' : ''}spoken with ${host} ${JSON.stringify(more)}`, () => {
      const { ssl } = clientConfig(server.address({ host, ...more }))
      if (isPlain) expect(ssl).toBe(false)
      else expect(ssl).toMatchObject({ rejectUnauthorized: true })
    })
  }
})

describe('the schema', () => {
  let tmp: TmpPostgresLedger
  beforeEach(async () => {
    tmp = await tmpPostgresLedger(server.address())
  })
  afterEach(() => tmp.dispose())

  test('is made by one of several that open it at once', async () => {
    await sql(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`)
    const ids = countingIds()
    const opened = await Promise.all([open({ ids }), open({ ids }), open({ ids })])
    const { size } = new Set(opened.map(({ identity }) => identity.epoch))
    expect([size, new Set(opened.map(({ identity }) => identity.ledgerId)).size]).toEqual([3, 1])
    for (const ledger of opened) await ledger.close()
    expect(await query(server.address(), SCHEMA, 'SELECT version FROM migrations')).toEqual(
      MIGRATIONS.map(({ version }) => ({ version })),
    )
  })

  test('of a newer release that this one cannot read is refused', async () => {
    await tmp.sql(`INSERT INTO migrations VALUES (99, 'later', 'x', 99, 0)`)
    await expect(tmp.reopen()).rejects.toMatchObject(
      refused(/version 99.*knows \d+\. Start the newer release/, 'LEDGER_VERSION_UNSUPPORTED'),
    )
    await tmp.sql(`UPDATE migrations SET readable_by = 1 WHERE version = 99`)
    await tmp.reopen()
  })

  test('whose step is not the one that this release knows is refused', async () => {
    await tmp.sql(`UPDATE migrations SET checksum = 'x'`)
    await expect(tmp.reopen()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })

  test('keeps its id, and gives each opening a higher number', async () => {
    const first = tmp.ledger.identity
    const second = (await tmp.reopen()).identity
    expect(second.ledgerId).toBe(first.ledgerId)
    expect(second.epoch).toBeGreaterThan(first.epoch)
    expect(second.earlierEpochs).toEqual(new Set([first.epoch]))
  })

  test('is used by a user who may neither make it nor change its tables', async () => {
    await tmp.ledger.close()
    await sql(`CREATE ROLE app LOGIN PASSWORD 'app'; GRANT USAGE ON SCHEMA ${tmp.schema} TO app;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${tmp.schema} TO app;
      REVOKE UPDATE, DELETE ON ${tmp.schema}.events FROM app; REVOKE INSERT, UPDATE, DELETE ON ${tmp.schema}.migrations FROM app`)
    const as = { server: server.address({ user: 'app', password: async () => 'app' }), schema: tmp.schema }
    const ledger = await openPostgresLedger({ ...as, clock: tmp.clock, ids: tmp.ids, maxConnections: 2 })
    expect((await ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))).kind).toBe('created')
    await ledger.close()
    await sql(`DROP OWNED BY app; DROP ROLE app`)
  })
})

test('a ledger is whole whatever the settings of its user are', async () => {
  const settings = [
    'default_transaction_read_only = on',
    'default_transaction_isolation = serializable',
    `client_encoding = 'LATIN1'`,
    `"TimeZone" = 'Asia/Kolkata'`,
    `"DateStyle" = 'SQL, DMY'`,
    'bytea_output = escape',
    'array_nulls = off',
    'standard_conforming_strings = off',
    'search_path = public',
  ]
  await sql(`CREATE ROLE odd LOGIN PASSWORD 'odd'; GRANT CREATE ON DATABASE postgres TO odd`)
  for (const setting of settings) await sql(`ALTER ROLE odd SET ${setting}`)
  const as = { ...deps(), server: server.address({ user: 'odd', password: async () => 'odd' }), schema: 'of_odd' }
  const purpose = String.raw`Zoë's "NULL" \ {日本} 🙂`
  const first = await openPostgresLedger(as)
  const opened = await first.openGrant(sampleOpen(as.ids, as.clock.now(), { grant: { purpose } }))
  await first.close()
  const second = await openPostgresLedger(as)
  expect(await second.getGrant(opened.grant.id)).toEqual(opened.grant)
  expect(await second.trail(opened.grant.id)).not.toEqual([])
  expect((await verifyLedger(second)).problem).toBeUndefined()
  await second.close()
  await sql('DROP OWNED BY odd CASCADE; DROP ROLE odd')
})

test('a COMMIT that rolls back is no commit', async () => {
  const connection = await PgConnection.open(server.address())
  await expect(connection.round([{ text: 'BEGIN' }, { text: 'SELECT 1/0' }])).rejects.toMatchObject({ code: '22012' })
  await expect(connection.round([{ text: 'COMMIT' }])).rejects.toThrow(/rolled back/)
  await connection.close()
})

test('a schema may have a name that SQL reserves', async () => {
  const tmp = await tmpPostgresLedger(server.address(), { schema: 'default' })
  await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
  await tmp.reopen()
  expect(await tmp.ledger.countGrants()).toMatchObject({ active: 1 })
  expect(await examinePostgresLedger({ server: server.address(), schema: 'default' })).toMatchObject({
    verdict: 'unwitnessed',
  })
  await tmp.dispose()
})

test('notes are left in the database while a broker has the ledger, and before there is one', async () => {
  const clock = new ManualClock()
  const before = new PostgresNotes({ server: server.address(), schema: 'of_notes', clock })
  expect(await before.list()).toEqual([])
  await before.write('grt_1', 'the first')
  const ledger = await openPostgresLedger({
    server: server.address(),
    schema: 'of_notes',
    clock,
    ids: countingIds(),
    maxConnections: 2,
  })
  await before.write('grt_1', 'the second')
  await before.write('grt_2', 'another')
  expect(await before.list()).toEqual(['grt_1', 'grt_2'])
  expect(await before.read('grt_1')).toBe('the second')
  await before.remove('grt_1')
  expect(await before.read('grt_1')).toBeUndefined()
  expect(await before.list()).toEqual(['grt_2'])
  await ledger.close()
})

describe('the record', () => {
  let tmp: TmpPostgresLedger
  beforeEach(async () => {
    tmp = await tmpPostgresLedger(server.address())
    for (let n = 0; n < 3; n++) {
      await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
      await tmp.reopen()
    }
    await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
  })
  afterEach(() => tmp.dispose())
  const examine = () => examinePostgresLedger({ server: server.address(), schema: tmp.schema })

  test('that is whole is found so, without a lock', async () => {
    expect(await examine()).toMatchObject({ verdict: 'unwitnessed', events: 15, chains: 4 })
    expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
    expect(await examinePostgresLedger({ server: server.address(), schema: 'nothing_here' })).toBeUndefined()
  })

  for (const { name, change, problem } of [
    { name: 'an event was edited', change: `UPDATE events SET actor = 'me' WHERE position = 6`, problem: 'edited' },
    {
      name: 'its data says the same in other bytes',
      change: `UPDATE events SET data = replace(data, ':', ': ') WHERE data LIKE '%purpose%'`,
      problem: 'unreadable',
    },
    { name: 'an event is gone', change: 'DELETE FROM events WHERE position = 6', problem: 'missing' },
    {
      name: 'the end of an earlier chain is gone',
      change: 'DELETE FROM events WHERE position = 4',
      problem: 'truncated',
    },
    {
      name: 'the last event is gone',
      change: 'DELETE FROM events WHERE position = (SELECT max(position) FROM events)',
      problem: 'truncated',
    },
    {
      name: 'a head was turned back',
      change:
        'UPDATE chains SET seq = seq - 1, hash = (SELECT hash FROM events e WHERE e.chain_n = chains.n AND e.seq = chains.seq - 1)',
      problem: 'edited',
    },
    {
      name: 'two events changed places',
      change:
        'UPDATE events SET position = -7 WHERE position = 7; UPDATE events SET position = 7 WHERE position = 6; UPDATE events SET position = 6 WHERE position = -7',
      problem: 'reordered',
    },
  ]) {
    test(`in which ${name} is refused at the next opening`, async () => {
      await tmp.ledger.close()
      await tmp.sql(change)
      const reopened = openPostgresLedger({
        server: server.address(),
        schema: tmp.schema,
        clock: tmp.clock,
        ids: tmp.ids,
        maxConnections: 2,
      })
      await expect(reopened).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', details: { problem } })
    })
  }

  test('whose older part was changed is opened, and found broken when all of it is walked', async () => {
    for (let n = 0; n < 130; n++) await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
    await tmp.sql(`UPDATE events SET actor = 'me' WHERE position = 2`)
    await tmp.reopen()
    expect(await examine()).toMatchObject({ verdict: 'broken', problem: { kind: 'edited', seq: 2 } })
    expect(await verifyLedger(tmp.ledger)).toMatchObject({ verdict: 'broken', problem: { seq: 2 } })
  })
})

test('a user without any right on the ledger keeps no broker from starting', async () => {
  const tmp = await tmpPostgresLedger(server.address())
  await sql(`CREATE ROLE stranger LOGIN PASSWORD 'stranger'`)
  const stranger = await PgConnection.open(server.address({ user: 'stranger', password: async () => 'stranger' }))
  try {
    const [lock] = await stranger.round([
      { text: 'SELECT pg_advisory_lock($1, hashtext($2)) IS NOT NULL AS held', values: [0x53544e54, tmp.schema] },
    ])
    expect(lock?.rows).toEqual([{ held: true }])
    await tmp.join({ server: server.address({ lockWithinMs: 100 }) })
  } finally {
    await stranger.close()
    await tmp.dispose()
    await sql('DROP ROLE stranger')
  }
})
