import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import { CONTENT_TABLES } from '../../src/ledger/copying/ledger-content.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { quarantinesMigration } from '../../src/ledger/postgres/migrations/005-quarantines.ts'
import { examinePostgresLedger, openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import { runMigrations } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { allReads } from '../support/all-reads.ts'
import { stint } from '../support/cli.ts'
import { AGENT, countingIds, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { randomHistory, relive } from '../support/random-history.ts'
import { writeUnnamedChain } from '../support/unnamed-chain.ts'
import { PostgresServer } from './postgres-server.ts'
import { query } from './tmp-postgres-ledger.ts'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let folder: string
let file: string
let schema: string
let made = 0
const clock = new ManualClock()
const ids = countingIds()
beforeEach(() => {
  made += 1
  schema = `moved_${made}`
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  file = join(folder, 'ledger.db')
})
afterEach(async () => {
  await query(server.address(), 'public', `DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  rmSync(folder, { recursive: true, force: true })
})

function configure(more: object = {}): string {
  const postgres = server.settings(schema)
  const config = join(folder, 'stint.yaml')
  const text = stringify({
    identity: {
      server: { certificateFile: 'server.pem', privateKeyFile: 'server.key' },
      domains: { 'example.org': { file: 'bundle.json' } },
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    roles: [{ arn: 'arn:aws:iam::123456789012:role/stint/data', revocation: { kind: 'none' } }],
    aws: { region: 'eu-central-1' },
    ledger: { postgres },
    ...more,
  })
  writeFileSync(config, text)
  return config
}

const move = () => stint(['migrate', 'to-postgres', '--from', file, '--config', configure(), '-o', 'json'])
const openFile = () => openSqliteLedger({ file, clock, ids })
const openDatabase = () => openPostgresLedger({ server: server.address(), schema, clock, ids, maxConnections: 2 })

async function withLedger<T>(opening: Promise<Ledger>, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await opening
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}

async function makeLedger(grants = 5): Promise<void> {
  await withLedger(openFile(), async (ledger) => {
    for (let n = 0; n < grants; n++) await ledger.openGrant(sampleOpen(ids, clock.now()))
  })
}

test('whatever happened to a ledger, every read of it answers the same after the move', {
  timeout: 400_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(randomHistory, fc.integer({ min: 1, max: 3 }), async (deeds, openings) => {
      made += 1
      schema = `moved_${made}`
      file = join(folder, `${schema}.db`)
      for (let opening = 1; opening <= openings; opening++)
        await withLedger(openFile(), (ledger) => relive(deeds, { ledger, clock, ids }))
      const before = await withLedger(openFile(), async (ledger) => ({
        identity: ledger.identity,
        reads: await allReads(ledger, clock.now()),
      }))
      expect(await move()).toMatchObject({ exitCode: 0 })
      const after = await withLedger(openDatabase(), async (ledger) => ({
        identity: ledger.identity,
        reads: await allReads(ledger, clock.now()),
      }))
      expect(after.reads).toEqual(before.reads)
      expect(after.identity.ledgerId).toBe(before.identity.ledgerId)
      expect(after.identity.epoch).toBeGreaterThan(before.identity.epoch)
      expect(after.identity.earlierEpochs).toEqual(new Set([...before.identity.earlierEpochs, before.identity.epoch]))
      await query(server.address(), 'public', `DROP SCHEMA ${schema} CASCADE`)
    }),
    { numRuns: 12 },
  )
})

test('the record verifies as before, with the same heads, and goes on', async () => {
  await makeLedger()
  const before = await verifyAuditFile(file)
  const { exitCode, stdout } = await move()
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ grants: 5, events: before.events })
  const place = { server: server.address(), schema }
  expect(await examinePostgresLedger(place)).toEqual(before)
  await withLedger(openDatabase(), async (ledger) => {
    expect((await ledger.openGrant(sampleOpen(ids, clock.now()))).kind).toBe('created')
    await ledger.appendEvents([sampleEvent(clock.now())])
  })
  const after = await examinePostgresLedger(place)
  expect(after).toMatchObject({ chains: before.chains + 1 })
  expect(after?.problem).toBeUndefined()
  // The file stays what it was, as evidence.
  expect(await verifyAuditFile(file)).toEqual(before)
})

test('a record from before chains had names is moved too', async () => {
  writeUnnamedChain(file, 4, clock.now())
  await makeLedger(1)
  const before = await withLedger(openFile(), (ledger) => allReads(ledger, clock.now()))
  expect(await move()).toMatchObject({ exitCode: 0 })
  expect(await withLedger(openDatabase(), (ledger) => allReads(ledger, clock.now()))).toEqual(before)
})

test('a ledger that is quarantined stays so, and keeps releases out that know of no quarantine', async () => {
  await withLedger(openFile(), (ledger) =>
    ledger.beginQuarantine({
      quarantine: { reason: 'restored', since: clock.now(), by: 'operator:ada', found: 'backup.db' },
    }),
  )
  await move()
  const { version } = quarantinesMigration
  const text = `SELECT readable_by FROM migrations WHERE version = ${version}`
  expect(await query(server.address(), schema, text)).toEqual([{ readable_by: version }])
  const asking = withLedger(openDatabase(), (ledger) => ledger.openGrant(sampleOpen(ids, clock.now())))
  await expect(asking).rejects.toMatchObject({ code: 'LEDGER_QUARANTINED' })
})

test('a token that was spent stays spent', async () => {
  const token = {
    key: 'once',
    until: new Date(clock.now().getTime() + 600_000),
    reuse: 'never',
    by: 'request',
    connectionId: 'con_1',
    at: clock.now(),
    caller: { subject: AGENT, evidence: {} },
  } as const
  const spend = (ledger: Ledger) => ledger.openGrant({ ...sampleOpen(ids, clock.now()), token })
  await withLedger(openFile(), spend)
  await move()
  const again = withLedger(openDatabase(), spend)
  await expect(again).rejects.toMatchObject({ code: 'TOKEN_REPLAYED', details: { check: 'spent' } })
})

describe('after a move the file', () => {
  test('is refused by a broker that is started on it by mistake, in releases that know nothing of moves too', async () => {
    await makeLedger()
    await move()
    await expect(openFile()).rejects.toMatchObject({
      code: 'LEDGER_MOVED',
      message: expect.stringMatching(
        /was moved to the schema moved_\d+ of the database postgres at 127.*Set ledger\.postgres/,
      ),
    })
    const plan = await stint(['migrate', 'plan', '--config', configure({ ledger: { file } })])
    expect(plan).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LEDGER_MOVED') })
    const db = new SqliteDatabase(file)
    expect(db.get('SELECT max(readable_by) > 1000000 AS refuses FROM migrations')).toEqual({ refuses: 1 })
    db.close()
  })

  test('can be moved to the same place again, which changes nothing, and to no other', async () => {
    await makeLedger()
    await move()
    await withLedger(openDatabase(), (ledger) => ledger.openGrant(sampleOpen(ids, clock.now())))
    expect(await move()).toMatchObject({ exitCode: 0 })
    expect(await withLedger(openDatabase(), (ledger) => ledger.countGrants())).toMatchObject({ active: 6 })
    schema = `${schema}_other`
    expect(await move()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LEDGER_MOVED') })
  })
})

describe('nothing is moved', () => {
  test('while a broker has the file open: exit code 7', async () => {
    const ledger = await openFile()
    expect(await move()).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('LEDGER_LOCKED') })
    await ledger.close()
  })

  test('into a schema that has another ledger', async () => {
    await makeLedger()
    await (await openDatabase()).close()
    const refused = await move()
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/LEDGER_CONFLICT: .*another ledger/) })
    await (await openFile()).close()
  })

  test('over an earlier state of the same ledger, as from a backup', async () => {
    await makeLedger(1)
    const backup = join(folder, 'backup.db')
    cpSync(file, backup)
    expect(await move()).toMatchObject({ exitCode: 0 })
    cpSync(backup, file)
    for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    await makeLedger(1)
    expect(await move()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/an earlier state of this ledger/),
    })
    await (await openFile()).close()
  })

  test('of a ledger whose record was tampered with', async () => {
    await makeLedger()
    const db = new SqliteDatabase(file)
    db.exec('UPDATE events SET at = at + 1 WHERE position = 2')
    db.close()
    expect(await move()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('AUDIT_INVALID') })
    expect(await examinePostgresLedger({ server: server.address(), schema })).toBeUndefined()
  })

  test('without a file or a database to move', async () => {
    expect(await move()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no such file') })
    const config = configure({ ledger: { file } })
    expect(await stint(['migrate', 'to-postgres', '--from', file, '--config', config])).toMatchObject({ exitCode: 2 })
    expect(existsSync(file)).toBe(false)
  })
})

for (const { failpoint, isThere } of [
  { failpoint: 'ledger.moving:4', isThere: false },
  { failpoint: 'ledger.before_move', isThere: false },
  { failpoint: 'ledger.after_move', isThere: true },
]) {
  test(`killed at ${failpoint}, at no time both can be used, and the same command completes the move`, async () => {
    await makeLedger()
    const before = await withLedger(openFile(), (ledger) => allReads(ledger, clock.now()))
    const argv = [CLI, 'migrate', 'to-postgres', '--from', file, '--config', configure()]
    const killed = run(process.execPath, argv, { env: { ...process.env, STINT_FAILPOINT: failpoint } })
    await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' })
    const copied = await query(server.address(), schema, 'SELECT id FROM ledger_identity')
    expect(copied).toHaveLength(isThere ? 1 : 0)
    if (failpoint.includes('_move')) await expect(openFile()).rejects.toMatchObject({ code: 'LEDGER_MOVED' })
    expect(await move()).toMatchObject({ exitCode: 0 })
    expect(await withLedger(openDatabase(), (ledger) => allReads(ledger, clock.now()))).toEqual(before)
    await expect(openFile()).rejects.toMatchObject({ code: 'LEDGER_MOVED' })
  })
}

test('every table of the file is moved, rebuilt, or known not to matter', () => {
  const db = new SqliteDatabase(':memory:')
  runMigrations(db, { now: clock.now() })
  const tables = db
    .all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .map(({ name }) => name)
  db.close()
  const moved = CONTENT_TABLES.map((table) => (table === 'openings' ? 'ledger_openings' : table))
  // Texts are where they are used, counters follow from the rest, and the database has steps of its own.
  const others = ['ledger_identity', 'names', 'state_counts', 'open_counts', 'migrations', 'hold_generation']
  expect([...moved, ...others].sort()).toEqual(tables.sort())
})

test('notes that stint doctor left beside the file go along', async () => {
  await makeLedger(1)
  mkdirSync(`${file}-sessions`)
  const note = join(`${file}-sessions`, 'grt_01JDN00000000000000000000A.json')
  writeFileSync(note, '{}')
  // What is no note is told of, and stays: the ledger itself is moved.
  expect(await move()).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is not a session that stint doctor'),
  })
  expect(readFileSync(note, 'utf8')).toBe('{}')
  rmSync(note)
  expect(await move()).toMatchObject({ exitCode: 0 })
})
