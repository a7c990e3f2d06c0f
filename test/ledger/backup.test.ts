import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { randomIds } from '../../src/core/ids.ts'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { backUpLedger } from '../../src/start/ledger/back-up-ledger.ts'
import { sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'

const root = mkdtempSync(join(tmpdir(), 'stint-backup-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const clock = new ManualClock()
let folder: string
let file: string
let to: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'one-'))
  file = join(folder, 'stint.db')
  to = join(folder, 'copy.db')
})

const open = (path = file) => openSqliteLedger({ file: path, clock, ids: randomIds })
const grantsIn = async (ledger: Ledger) => (await ledger.listGrants({}, { limit: 200 })).items.map(({ id }) => id)

async function openGrants(ledger: Ledger, count: number): Promise<string[]> {
  const made = Array.from({ length: count }, () => ledger.openGrant(sampleOpen(randomIds, clock.now())))
  return (await Promise.all(made)).map(({ grant }) => grant.id)
}

test('a backup of a ledger in use is a whole ledger in one file, for its owner alone', async () => {
  const ledger = await open()
  const before = await openGrants(ledger, 5)
  const { verdict, events } = await backUpLedger(file, to)
  await openGrants(ledger, 5)
  await ledger.close()
  expect(verdict).not.toBe('broken')
  expect(events).toBeGreaterThanOrEqual(5)
  expect(readdirSync(folder).filter((name) => name.includes('copy'))).toEqual(['copy.db'])
  expect(statSync(to).mode & 0o777).toBe(0o600)
  const copy = await open(to)
  expect((await grantsIn(copy)).sort()).toEqual(before.sort())
  await copy.close()
})

test('a backup beside a writer holds a beginning of what was written, and ends though the writer does not', async () => {
  const ledger = await open()
  const written: string[] = await openGrants(ledger, 200)
  let going = true
  const writer = (async () => {
    while (going) written.push(...(await openGrants(ledger, 10)))
  })()
  await backUpLedger(file, to)
  going = false
  await writer
  await ledger.close()
  expect((await verifyAuditFile(to)).verdict).not.toBe('broken')
  const copy = new DatabaseSync(to, { readOnly: true })
  const ids = new Set(written)
  const held = copy.prepare('SELECT id FROM grants').all()
  copy.close()
  expect(held.length).toBeGreaterThanOrEqual(200)
  expect(held.every(({ id }) => ids.has(String(id)))).toBe(true)
})

test('a backup takes the place of no file', async () => {
  await (await open()).close()
  writeFileSync(to, 'mine')
  await expect(backUpLedger(file, to)).rejects.toMatchObject({ code: 'EEXIST' })
})

test('a record that was edited gets no backup, and leaves no file', async () => {
  const ledger = await open()
  await openGrants(ledger, 5)
  await ledger.close()
  const db = new DatabaseSync(file)
  db.exec('UPDATE events SET at = at + 1 WHERE seq = 3')
  db.close()
  await expect(backUpLedger(file, to)).rejects.toMatchObject({ code: 'AUDIT_INVALID' })
  expect(existsSync(to)).toBe(false)
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('another database is no ledger', async () => {
  const db = new DatabaseSync(file)
  db.exec('CREATE TABLE t (x)')
  db.close()
  await expect(backUpLedger(file, to)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
})
