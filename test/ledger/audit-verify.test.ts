import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportAudit } from '../../src/ledger/audit/audit-export.ts'
import type { ChainHead } from '../../src/ledger/audit/audit-log.ts'
import { parseHead, verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import { MIGRATIONS, runMigrations } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { SqliteDatabase } from '../../src/ledger/sqlite/sqlite-database.ts'
import { LATER_TYPE, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'

let folder: string
let tmp: TmpLedger
let head: ChainHead
let lines: string[]
/** A closed copy of the database, one file without a log beside it. */
let copy: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-audit-'))
  tmp = await tmpLedger()
  const now = tmp.clock.now()
  for (let made = 0; made < 4; made++) await tmp.ledger.openGrant(sampleOpen(tmp.ids, now))
  await tmp.ledger.appendEvents([
    sampleEvent(now, { type: LATER_TYPE, data: { 'größe "\u0001': [1.5, null, { b: 1, a: '€' }] } }),
  ])
  head = await tmp.ledger.auditHead()
  lines = []
  for await (const line of exportAudit(tmp.ledger)) lines.push(line)
  await tmp.reopen()
  copy = join(folder, 'copy.db')
  const source = new DatabaseSync(tmp.file, { readOnly: true })
  source.exec(`VACUUM INTO '${copy}'`)
  source.close()
})
afterAll(async () => {
  await tmp.dispose()
  rmSync(folder, { recursive: true })
})

const verifyText = (text: string | Buffer, expectHead?: ChainHead) => {
  const file = join(folder, 'export.jsonl')
  writeFileSync(file, text)
  return verifyAuditFile(file, expectHead ? { expectHead } : {})
}

describe('an export', () => {
  test('verifies, with and without the head known from elsewhere', async () => {
    expect(await verifyText(lines.join(''))).toEqual({ ok: true, head, events: 9 })
    expect(await verifyText(lines.join(''), head)).toMatchObject({ ok: true })
    expect(await verifyText(lines.join(''), parseHead(`${head.seq}:${head.hash}`))).toMatchObject({ ok: true })
  })

  test('shows any changed, lost or added byte', async () => {
    const whole = Buffer.from(lines.join(''))
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (where, mask) => {
        const flipped = Buffer.from(whole)
        flipped[where] = (flipped[where] ?? 0) ^ mask
        expect(await verifyText(flipped)).toMatchObject({ ok: false })
        const lost = Buffer.concat([whole.subarray(0, where), whole.subarray(where + 1)])
        // The last line break says nothing.
        expect((await verifyText(lost)).ok).toBe(where === whole.length - 1)
        const added = Buffer.concat([whole.subarray(0, where), Buffer.from([mask]), whole.subarray(where)])
        expect(await verifyText(added)).toMatchObject({ ok: false })
      }),
      { numRuns: 150 },
    )
  })

  for (const { name, change, verdict } of [
    { name: 'without a line', change: (all: string[]) => all.toSpliced(3, 1), verdict: { seq: 4, problem: 'missing' } },
    {
      name: 'with two lines swapped',
      change: (all: string[]) => all.with(2, all[4] ?? '').with(4, all[2] ?? ''),
      verdict: { seq: 3, problem: 'reordered' },
    },
    { name: 'cut short', change: (all: string[]) => all.slice(0, 6), verdict: { seq: 7, problem: 'truncated' } },
    {
      name: 'cut short, with its head line',
      change: (all: string[]) => all.toSpliced(6, 3),
      verdict: { seq: 7, problem: 'truncated' },
    },
    {
      name: 'with a line after its end',
      change: (all: string[]) => [...all, all[0] ?? ''],
      verdict: { seq: 10, problem: 'edited' },
    },
    {
      name: 'with a line of nonsense',
      change: (all: string[]) => all.with(4, '{}\n'),
      verdict: { seq: 5, problem: 'unreadable' },
    },
    {
      name: 'with a zero before the number of its head',
      change: (all: string[]) => all.with(-1, (all.at(-1) ?? '').replace('"seq":', '"seq":0')),
      verdict: { seq: 10, problem: 'unreadable' },
    },
    {
      name: 'with an endless line',
      change: (all: string[]) => all.with(4, 'x'.repeat(2_000_000)),
      verdict: { seq: 5, problem: 'unreadable' },
    },
  ]) {
    test(`${name} is found out`, async () =>
      expect(await verifyText(change(lines).join(''))).toMatchObject({ ok: false, ...verdict }))
  }

  test('cut short with a new head line is found out by a head known from elsewhere', async () => {
    const last = JSON.parse(lines[5] ?? '') as ChainHead
    const cut = `${lines.slice(0, 6).join('')}{"head":{"hash":"${last.hash}","seq":6}}\n`
    expect(await verifyText(cut)).toMatchObject({ ok: true })
    expect(await verifyText(cut, head)).toMatchObject({ ok: false, seq: 7, problem: 'truncated' })
    expect(await verifyText(cut, { seq: 3, hash: '1'.repeat(64) })).toMatchObject({ seq: 3, problem: 'forked' })
  })
})

describe('a SQLite file', () => {
  const changed = (sql: string) => {
    const file = join(folder, 'changed.db')
    rmSync(file, { force: true })
    copyFileSync(copy, file)
    const db = new DatabaseSync(file, { enableForeignKeyConstraints: false })
    db.exec(sql)
    db.close()
    return file
  }

  test('verifies as a copy, and while a ledger has it open', async () => {
    expect(await verifyAuditFile(copy, { expectHead: head })).toEqual({ ok: true, head, events: 9 })
    await tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    expect(await verifyAuditFile(tmp.file)).toMatchObject({ ok: true, events: 10 })
    await tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    expect(await verifyAuditFile(tmp.file, { expectHead: head })).toMatchObject({ ok: true, events: 11 })
  })

  for (const { name, sql, verdict } of [
    {
      name: 'an edited actor',
      sql: 'UPDATE events SET actor_n = type_n WHERE seq = 3',
      verdict: { seq: 3, problem: 'edited' },
    },
    {
      name: 'an edited name',
      sql: "UPDATE names SET text = 'mallory' WHERE n = (SELECT actor_n FROM events WHERE seq = 1)",
      verdict: { seq: 1, problem: 'edited' },
    },
    {
      name: 'an edited instant',
      sql: 'UPDATE events SET at = at + 1 WHERE seq = 4',
      verdict: { seq: 4, problem: 'edited' },
    },
    {
      name: 'edited data',
      sql: `UPDATE events SET data = '{"purpose":"x"}' WHERE seq = 5`,
      verdict: { seq: 5, problem: 'edited' },
    },
    {
      name: 'data written otherwise',
      sql: "UPDATE events SET data = data || ' ' WHERE seq = 5",
      verdict: { seq: 5, problem: 'unreadable' },
    },
    {
      name: 'an edited hash',
      sql: 'UPDATE events SET hash = zeroblob(32) WHERE seq = 2',
      verdict: { seq: 2, problem: 'edited' },
    },
    { name: 'a deleted event', sql: 'DELETE FROM events WHERE seq = 6', verdict: { seq: 6, problem: 'missing' } },
    {
      name: 'two events swapped',
      sql: 'UPDATE events SET seq = -2 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = -2',
      verdict: { seq: 2, problem: 'edited' },
    },
    { name: 'a truncated log', sql: 'DELETE FROM events WHERE seq > 7', verdict: { seq: 8, problem: 'truncated' } },
    {
      name: 'a head turned back',
      sql: 'UPDATE audit_head SET seq = 7, hash = (SELECT hash FROM events WHERE seq = 7)',
      verdict: { seq: 8, problem: 'edited' },
    },
    {
      name: 'a head of another log',
      sql: 'UPDATE audit_head SET hash = zeroblob(32)',
      verdict: { seq: 9, problem: 'forked' },
    },
    { name: 'no head', sql: 'DELETE FROM audit_head', verdict: { seq: 0, problem: 'unreadable' } },
  ]) {
    test(`shows ${name}`, async () =>
      expect(await verifyAuditFile(changed(sql))).toMatchObject({ ok: false, ...verdict }))
  }

  for (const { version } of MIGRATIONS) {
    test(`of schema ${version} verifies as it is, and shows an edited event`, async () => {
      const file = join(folder, `schema-${version}.db`)
      const old = new SqliteDatabase(file)
      runMigrations(old, tmp.clock.now(), MIGRATIONS.slice(0, version))
      const columns = 'seq, id, type_n, actor_n, at, grant_id, lease_id, data, hash'
      old.exec(`ATTACH '${copy}' AS present; INSERT INTO names SELECT * FROM present.names;
        INSERT INTO events (${columns}) SELECT ${columns} FROM present.events;
        UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM present.audit_head)`)
      old.close()
      expect(await verifyAuditFile(file, { expectHead: head })).toEqual({ ok: true, head, events: 9 })
      const edited = new DatabaseSync(file)
      edited.exec('UPDATE events SET at = at + 1 WHERE seq = 4')
      edited.close()
      expect(await verifyAuditFile(file)).toMatchObject({ ok: false, seq: 4, problem: 'edited' })
    })
  }

  test('shows a truncation with its head turned back only to a head known from elsewhere', async () => {
    const file = changed(
      'DELETE FROM events WHERE seq > 7; UPDATE audit_head SET seq = 7, hash = (SELECT hash FROM events WHERE seq = 7)',
    )
    expect(await verifyAuditFile(file)).toMatchObject({ ok: true })
    expect(await verifyAuditFile(file, { expectHead: head })).toMatchObject({ ok: false, problem: 'truncated' })
  })

  test('with any changed byte is found out, or its log still says what it said', async () => {
    const whole = readFileSync(copy)
    const file = join(folder, 'flipped.db')
    const found = { yes: 0 }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (where, mask) => {
        const flipped = Buffer.from(whole)
        flipped[where] = (flipped[where] ?? 0) ^ mask
        writeFileSync(file, flipped)
        const verdict = await verifyAuditFile(file).catch((error) => ({ ok: false, error }))
        if (verdict.ok) expect(verdict).toMatchObject({ head, events: 9 })
        else found.yes += 1
      }),
      { numRuns: 300 },
    )
    expect(found.yes).toBeGreaterThan(0)
  })
})

for (const { name, make, code } of [
  { name: 'that is not there', make: () => join(folder, 'none'), code: 'NOT_FOUND' },
  { name: 'that is a folder', make: () => folder, code: 'NOT_FOUND' },
  {
    name: 'that is another database',
    make: () => {
      const file = join(folder, 'other.db')
      appendFileSync(file, '')
      new DatabaseSync(file).exec('CREATE TABLE IF NOT EXISTS t (a)')
      return file
    },
    code: 'AUDIT_INVALID',
  },
]) {
  test(`a path ${name} is refused`, () => expect(verifyAuditFile(make())).rejects.toMatchObject({ code }))
}

for (const text of ['', '1', '1:abc', `-1:${'a'.repeat(64)}`, `1:${'A'.repeat(64)}`, `1:${'a'.repeat(64)} `]) {
  test(`parseHead refuses '${text.slice(0, 12)}'`, () => expect(() => parseHead(text)).toThrow(/head/))
}
