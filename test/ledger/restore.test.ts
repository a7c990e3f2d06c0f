import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { randomIds } from '../../src/core/ids.ts'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import { markAsMoved } from '../../src/ledger/sqlite/migrations/moved-mark.ts'
import { replaceSqliteLedger } from '../../src/ledger/sqlite/restore.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { backUpLedger } from '../../src/start/ledger/back-up-ledger.ts'
import { restoreLedgerFile } from '../../src/start/ledger/restore-ledger.ts'
import { sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'

const root = mkdtempSync(join(tmpdir(), 'stint-restore-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const clock = new ManualClock()
let folder: string
let file: string
let from: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'one-'))
  file = join(folder, 'stint.db')
  from = join(root, `${Math.random()}.db`)
})

const open = (path = file) => openSqliteLedger({ file: path, clock, ids: randomIds })
const grantsIn = async (ledger: Ledger) => (await ledger.listGrants({}, { limit: 200 })).items.map(({ id }) => id)
const openGrant = async (ledger: Ledger) => (await ledger.openGrant(sampleOpen(randomIds, clock.now()))).grant.id
const restore = () => restoreLedgerFile({ from, to: file }, { by: 'operator:ada', clock, ids: randomIds })

/** A ledger that goes on after its backup. */
async function backedUp() {
  const ledger = await open()
  const before = await openGrant(ledger)
  await backUpLedger(file, from)
  const after = await openGrant(ledger)
  return { ledger, before, after }
}

test('a backup is in the place of the ledger, quarantined, and the old file is kept', async () => {
  const { ledger, before, after } = await backedUp()
  await ledger.close()
  const { kept, quarantine } = await restore()
  expect(quarantine).toMatchObject({ number: 1, reason: 'restored', by: 'operator:ada', found: from })
  expect(
    readdirSync(folder)
      .filter((name) => !name.endsWith('.lock'))
      .sort(),
  ).toEqual(['stint.db', 'stint.db.before-restore-20261121T120000Z'])
  expect(statSync(file)).toMatchObject({ nlink: 1 })
  expect(statSync(file).mode & 0o777).toBe(0o600)

  const restored = await open()
  expect(await grantsIn(restored)).toEqual([before])
  expect(await restored.quarantine()).toMatchObject({ number: 1, since: clock.now() })
  await expect(openGrant(restored)).rejects.toMatchObject({ code: 'LEDGER_QUARANTINED' })
  await restored.close()
  const old = await open(kept)
  expect(await grantsIn(old)).toEqual([after, before])
  expect(await old.quarantine()).toBeUndefined()
  await old.close()
})

test('a file whose ledger was moved to a database is not replaced', async () => {
  const { ledger } = await backedUp()
  await ledger.close()
  const db = new SqliteDatabase(file)
  markAsMoved(db, 'schema stint', clock.now())
  db.close()
  await expect(restore()).rejects.toMatchObject({ code: 'LEDGER_MOVED', details: { movedTo: 'schema stint' } })
  await expect(open()).rejects.toMatchObject({ code: 'LEDGER_MOVED' })
  expect(readdirSync(folder).filter((name) => name.includes('before-restore'))).toEqual([])
})

test('the record of a restored ledger verifies and names the restore, and heads of after the backup say what is missing', async () => {
  const { ledger } = await backedUp()
  const { heads } = await ledger.auditHeads()
  await ledger.close()
  await restore()
  expect((await verifyAuditFile(file)).verdict).not.toBe('broken')
  expect((await verifyAuditFile(file, heads)).verdict).toBe('broken')
  const restored = await open()
  const events = await restored.auditEvents({ afterPosition: 0, limit: 100 })
  expect(events.find(({ type }) => type === 'ledger.quarantined')).toMatchObject({
    actor: 'operator:ada',
    data: { reason: 'restored', found: from, lastEventAt: clock.now().toISOString() },
  })
  await restored.close()
})

test('a backup of a ledger in quarantine begins another one, which has cut nothing yet', async () => {
  const ledger = await open()
  await ledger.beginQuarantine({ quarantine: { reason: 'outdated', since: clock.now(), by: 'stint', found: 'x' } })
  await ledger.close()
  await backUpLedger(file, from)
  expect((await restore()).quarantine).toMatchObject({ number: 2, reason: 'restored' })
})

test('the write-ahead log of a broker that was killed goes with the old file', async () => {
  const { ledger } = await backedUp()
  for (const name of ['', '-wal']) copyFileSync(`${file}${name}`, `${file}.killed${name}`)
  await ledger.close()
  for (const name of ['', '-wal']) copyFileSync(`${file}.killed${name}`, `${file}${name}`)
  const { kept } = await restore()
  expect(existsSync(`${file}-wal`)).toBe(false)
  const old = await open(kept)
  expect(await grantsIn(old)).toHaveLength(2)
  await old.close()
})

test('a place without a ledger takes a backup too', async () => {
  const { ledger } = await backedUp()
  await ledger.close()
  const other = join(folder, 'new.db')
  const { kept } = await restoreLedgerFile({ from, to: other }, { by: 'operator:ada', clock, ids: randomIds })
  expect(kept).toBeUndefined()
  expect((await verifyAuditFile(other)).verdict).not.toBe('broken')
})

describe('nothing is changed', () => {
  const untouched = async (code: string) => {
    const before = readdirSync(folder).sort()
    await expect(restore()).rejects.toMatchObject({ code })
    expect(readdirSync(folder).sort()).toEqual(before)
  }

  test('while a broker has the ledger open', async () => {
    const { ledger } = await backedUp()
    await untouched('LEDGER_LOCKED')
    await ledger.close()
  })

  test('where the old file cannot be kept, which has its one name and its write-ahead log again', async () => {
    const { ledger } = await backedUp()
    for (const name of ['', '-wal']) copyFileSync(`${file}${name}`, `${file}.killed${name}`)
    await ledger.close()
    for (const name of ['', '-wal']) renameSync(`${file}.killed${name}`, `${file}${name}`)
    writeFileSync(`${file}-shm`, '')
    // No file can be renamed to the name of a folder.
    mkdirSync(`${file}.kept-shm`)
    const fill = async (beside: string) => copyFileSync(from, beside)
    await expect(replaceSqliteLedger({ file, fill, keptAs: 'kept' })).rejects.toMatchObject({ code: 'EISDIR' })
    const again = await open()
    expect(await grantsIn(again)).toHaveLength(2)
    await again.close()
  })

  for (const { name, damage, code } of [
    { name: 'is not there', damage: () => rmSync(from), code: 'NOT_FOUND' },
    { name: 'is no ledger', damage: () => writeFileSync(from, 'a text'.repeat(1_000)), code: 'LEDGER_CORRUPT' },
    { name: 'was tampered with', damage: () => sql('UPDATE events SET at = at + 1'), code: 'AUDIT_INVALID' },
    {
      name: 'is of a newer release',
      damage: () => sql("INSERT INTO migrations VALUES (999, 'x', 'x', 999, 0)"),
      code: 'LEDGER_VERSION_UNSUPPORTED',
    },
  ])
    test(`where the backup ${name}`, async () => {
      const { ledger } = await backedUp()
      await ledger.close()
      damage()
      await untouched(code)
    })

  const sql = (text: string) => {
    const db = new DatabaseSync(from)
    db.exec(text)
    db.close()
  }
})
