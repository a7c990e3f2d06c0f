import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { APPLICATION_ID, SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import { MIGRATIONS, runMigrations } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { stint } from '../support/cli.ts'

const KNOWN = MIGRATIONS.length

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  file = join(folder, 'ledger.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function configure(ledger: object): string {
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
    ledger,
  })
  writeFileSync(config, text)
  return config
}

const run = (...argv: string[]) => stint(['migrate', ...argv, '--config', configure({ file })])
const open = (migrate: 'start' | 'never' = 'start') =>
  openSqliteLedger({ file, clock: systemClock, ids: randomIds, migrate })

/** The ledger as an earlier release left it. */
function makeOld(version: number): void {
  const db = new SqliteDatabase(file)
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  runMigrations(db, { now: new Date(), migrations: MIGRATIONS.slice(0, version) })
  db.close()
}

describe('stint migrate plan', () => {
  test('says what is missing and changes nothing: exit code 6, and 0 when nothing is', async () => {
    makeOld(8)
    const planned = await run('plan', '-o', 'json')
    expect(planned).toMatchObject({ exitCode: 6, stderr: '' })
    expect(JSON.parse(planned.stdout)).toMatchObject({
      ledger: file,
      found: 8,
      known: KNOWN,
      usedBy: [],
      canRunNow: true,
    })
    expect(JSON.parse(planned.stdout).steps[0]).toEqual({ version: 9, name: 'deny-documents', readableBy: 7 })
    expect((await run('plan', '-o', 'json')).stdout).toBe(planned.stdout)
    await run('up')
    expect(await run('plan')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/none: up to date/) })
  })

  test('names the step after which older brokers cannot use the ledger', async () => {
    makeOld(6)
    const { exitCode, stdout } = await run('plan')
    expect(exitCode).toBe(6)
    expect(stdout).toMatch(/Older brokers: +cannot use the ledger after step 007 deny-lists/)
  })

  test('of a ledger that is not there makes no file', async () => {
    expect(await run('plan')).toMatchObject({ exitCode: 6, stdout: expect.stringContaining('none yet') })
    expect(existsSync(file)).toBe(false)
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  test('says who uses the ledger: exit code 7 when the steps have to wait', async () => {
    const ledger = await open()
    expect(await run('plan')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/In use by: +a process/) })
    const db = new SqliteDatabase(file)
    db.exec(`DELETE FROM migrations WHERE version = ${KNOWN}`)
    db.close()
    expect(await run('plan')).toMatchObject({ exitCode: 7, stdout: expect.stringContaining('stop what uses') })
    expect(await run('up')).toMatchObject({ exitCode: 7, stdout: '', stderr: expect.stringContaining('LEDGER_LOCKED') })
    await ledger.close()
  })
})

describe('stint migrate up', () => {
  test('adds the steps one by one, says so in a line, and does nothing the second time', async () => {
    makeOld(9)
    const { exitCode, stdout, stderr } = await run('up')
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `migrated: schema version 9 -> ${KNOWN}, ${KNOWN - 9} steps\n`,
    })
    expect(stderr).toMatch(/step 010 deny-proofs: begun\nstep 010 deny-proofs: done in [\d.]+ s\nstep 011/)
    expect(await run('up')).toEqual({ exitCode: 0, stdout: `up to date: schema version ${KNOWN}\n`, stderr: '' })
    await (await open('never')).close()
  })

  test('beside a broker that uses an up-to-date ledger is no error', async () => {
    const ledger = await open()
    expect(await run('up')).toMatchObject({ exitCode: 0 })
    await ledger.close()
  })

  test('makes the ledger of a broker that may not', async () => {
    await expect(open('never')).rejects.toMatchObject({
      code: 'LEDGER_MIGRATION_NEEDED',
      message: expect.stringMatching(/has schema version 0.*ledger\.migrate is never.*Run "stint migrate up"/),
    })
    expect(await run('up')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('0 -> ') })
    await (await open('never')).close()
  })

  test('of a file that a newer release has left says so', async () => {
    makeOld(KNOWN)
    const db = new SqliteDatabase(file)
    db.exec("INSERT INTO migrations VALUES (99, 'later', 'x', 99, 0)")
    db.close()
    for (const what of ['plan', 'up'])
      expect(await run(what)).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringContaining('LEDGER_VERSION_UNSUPPORTED'),
      })
  })

  test('takes another user for a database only', async () => {
    expect(await run('up', '--user', 'owner')).toMatchObject({ exitCode: 2 })
    expect(await run('up', '--password-file', 'x')).toMatchObject({ exitCode: 2 })
  })
})
