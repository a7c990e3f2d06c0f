import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson } from '../../src/core/canonical-json.ts'
import { exportAudit } from '../../src/ledger/audit/audit-export.ts'
import { formatHead, parseHead } from '../../src/ledger/audit/chain-heads.ts'
import type { ChainHead } from '../../src/ledger/audit/sealed-event.ts'
import { sealedText } from '../../src/ledger/audit/sealed-event.ts'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import { MIGRATIONS } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { LATER_TYPE, sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { SealedRecord } from '../support/sealed-events.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'
import { writeUnnamedChain } from '../support/unnamed-chain.ts'

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
  head = (await tmp.ledger.auditHeads()).heads[0] as ChainHead
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

const verifyText = (text: string | Buffer, ...saved: ChainHead[]) => {
  const file = join(folder, 'export.jsonl')
  writeFileSync(file, text)
  return verifyAuditFile(file, saved)
}

const broken = (seq: number, kind: string) => ({ verdict: 'broken', problem: { seq, kind } })

describe('an export', () => {
  test('verifies, with and without the head saved elsewhere', async () => {
    expect(await verifyText(lines.join(''))).toEqual({
      verdict: 'unwitnessed',
      events: 10,
      chains: 1,
      heads: [head],
      unwitnessed: [{ chain: head.chain, afterSeq: 0, events: 10 }],
    })
    expect(await verifyText(lines.join(''), parseHead(formatHead(head)))).toMatchObject({
      verdict: 'whole',
      events: 10,
    })
  })

  test('of a ledger that was opened again verifies, and so does one whose chain was closed', async () => {
    const again = await tmpLedger()
    await again.ledger.appendEvents([sampleEvent(again.clock.now())])
    await (await again.reopen()).appendEvents([sampleEvent(again.clock.now())])
    const all: string[] = []
    for await (const line of exportAudit(again.ledger)) all.push(line)
    expect(await verifyText(all.join(''))).toMatchObject({ verdict: 'unwitnessed', events: 5, chains: 2 })
    const [later] = (await again.ledger.auditHeads()).heads
    expect(await verifyText(all.join(''), later as ChainHead)).toMatchObject({ verdict: 'whole' })
    // The first chain's closing event: the second chain names it.
    expect(await verifyText(all.toSpliced(2, 1).join(''))).toMatchObject(broken(3, 'truncated'))
    await again.reopen()
    const { heads } = await again.ledger.auditHeads()
    expect(await verifyAuditFile(again.file, heads)).toMatchObject({ verdict: 'whole', events: 6, chains: 2 })
    await again.dispose()
  })

  test('of a release before chains had names verifies, and shows a changed event', async () => {
    const record = new SealedRecord()
    record.happened('', 3)
    const { hash } = record.head('')
    const text = `${record.events.map((event) => sealedText(event)).join('\n')}\n{"head":{"hash":"${hash}","seq":3}}\n`
    expect(await verifyText(text)).toMatchObject({ verdict: 'unwitnessed', events: 3, chains: 1 })
    expect(await verifyText(text, parseHead(`3:${hash}`))).toMatchObject({ verdict: 'whole' })
    expect(await verifyText(text.replace('"n":2', '"n":7'))).toMatchObject(broken(2, 'edited'))
    expect(await verifyText(text.replaceAll('"data"', '"chain":"","data"'))).toMatchObject(broken(1, 'unreadable'))
  })

  test('shows any changed, lost or added byte', async () => {
    const whole = Buffer.from(lines.join(''))
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (where, mask) => {
        const flipped = Buffer.from(whole)
        flipped[where] = (flipped[where] ?? 0) ^ mask
        expect(await verifyText(flipped)).toMatchObject({ verdict: 'broken' })
        const lost = Buffer.concat([whole.subarray(0, where), whole.subarray(where + 1)])
        // The last line break says nothing.
        expect((await verifyText(lost)).verdict === 'broken').toBe(where !== whole.length - 1)
        const added = Buffer.concat([whole.subarray(0, where), Buffer.from([mask]), whole.subarray(where)])
        expect(await verifyText(added)).toMatchObject({ verdict: 'broken' })
      }),
      { numRuns: 150 },
    )
  })

  for (const { name, change, verdict } of [
    { name: 'without a line', change: (all: string[]) => all.toSpliced(3, 1), verdict: broken(4, 'missing') },
    {
      name: 'with two lines swapped',
      change: (all: string[]) => all.with(2, all[4] ?? '').with(4, all[2] ?? ''),
      verdict: broken(3, 'reordered'),
    },
    { name: 'cut short', change: (all: string[]) => all.slice(0, 6), verdict: broken(7, 'truncated') },
    {
      name: 'cut short, with its head line',
      change: (all: string[]) => all.toSpliced(6, 4),
      verdict: broken(7, 'truncated'),
    },
    {
      name: 'with a line after its end',
      change: (all: string[]) => [...all, all[0] ?? ''],
      verdict: broken(11, 'edited'),
    },
    {
      name: 'whose last line names no head',
      change: (all: string[]) => all.with(-1, '{"heads":[]}\n'),
      verdict: broken(10, 'edited'),
    },
    {
      name: 'whose last line names another chain too',
      change: (all: string[]) =>
        all.with(-1, (all.at(-1) ?? '').replace(']', `,{"chain":"rpl_x","hash":"${head.hash}","seq":1}]`)),
      verdict: { verdict: 'broken', problem: { chain: 'rpl_x', seq: 1, kind: 'truncated' } },
    },
    {
      name: 'whose last line has another hash',
      change: (all: string[]) => all.with(-1, (all.at(-1) ?? '').replace(head.hash, '1'.repeat(64))),
      verdict: broken(10, 'edited'),
    },
    {
      name: 'with a line of nonsense',
      change: (all: string[]) => all.with(4, '{}\n'),
      verdict: broken(5, 'unreadable'),
    },
    {
      name: 'with a zero before the number of its head',
      change: (all: string[]) => all.with(-1, (all.at(-1) ?? '').replace('"seq":', '"seq":0')),
      verdict: broken(11, 'unreadable'),
    },
    {
      name: 'with an endless line',
      change: (all: string[]) => all.with(4, 'x'.repeat(2_000_000)),
      verdict: broken(5, 'unreadable'),
    },
  ]) {
    test(`${name} is found out`, async () => expect(await verifyText(change(lines).join(''))).toMatchObject(verdict))
  }

  test('that goes on after a last line of the greatest length is found out', async () => {
    const record = new SealedRecord()
    const chains = [`rpl_a${'x'.repeat(500_000)}`, `rpl_b${'x'.repeat(548_365)}`] as const
    for (const chain of chains) record.opened(chain)
    const end = `{"heads":[${chains.map((chain) => canonicalJson({ ...record.head(chain) })).join(',')}]}`
    expect(end).toHaveLength(2 ** 20)
    const text = `${record.events.map((event) => sealedText(event)).join('\n')}\n${end}`
    expect(await verifyText(text)).toMatchObject({ verdict: 'unwitnessed', events: 2 })
    expect(await verifyText(`${text}${'x'.repeat(100_000)}`)).toMatchObject({ verdict: 'broken' })
  })

  test('without events verifies, also one of a release before chains had names', async () => {
    for (const end of ['{"heads":[]}', canonicalJson({ head: { seq: 0, hash: '0'.repeat(64) } })]) {
      expect(await verifyText(`${end}\n`)).toMatchObject({ verdict: 'whole', events: 0, heads: [] })
    }
    const forged = canonicalJson({ head: { seq: 0, hash: '1'.repeat(64) } })
    expect(await verifyText(`${forged}\n`)).toMatchObject({ verdict: 'broken' })
  })

  test('cut short with a new last line is found out by a head saved elsewhere', async () => {
    const { chain, hash } = JSON.parse(lines[5] ?? '') as ChainHead
    const cut = `${lines.slice(0, 6).join('')}{"heads":[{"chain":"${chain}","hash":"${hash}","seq":6}]}\n`
    expect(await verifyText(cut)).toMatchObject({ verdict: 'unwitnessed' })
    expect(await verifyText(cut, head)).toMatchObject(broken(7, 'truncated'))
    expect(await verifyText(cut, { chain, seq: 3, hash: '1'.repeat(64) })).toMatchObject(broken(3, 'forked'))
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
    const closing = { chain: head.chain, afterSeq: 10, events: 1 }
    expect(await verifyAuditFile(copy, [head])).toMatchObject({
      verdict: 'unwitnessed',
      events: 11,
      chains: 1,
      unwitnessed: [closing],
    })
    await tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    expect(await verifyAuditFile(tmp.file)).toMatchObject({ verdict: 'unwitnessed', events: 13, chains: 2 })
    await tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    expect(await verifyAuditFile(tmp.file, [head])).toMatchObject({ verdict: 'unwitnessed', events: 14 })
  })

  for (const { name, sql, verdict } of [
    {
      name: 'an edited actor',
      sql: 'UPDATE events SET actor_n = type_n WHERE seq = 3',
      verdict: broken(3, 'edited'),
    },
    {
      name: 'an edited name',
      sql: "UPDATE names SET text = 'mallory' WHERE n = (SELECT actor_n FROM events WHERE seq = 1)",
      verdict: broken(1, 'edited'),
    },
    {
      name: 'an edited instant',
      sql: 'UPDATE events SET at = at + 1 WHERE seq = 4',
      verdict: broken(4, 'edited'),
    },
    {
      name: 'edited data',
      sql: `UPDATE events SET data = '{"purpose":"x"}' WHERE seq = 5`,
      verdict: broken(5, 'edited'),
    },
    {
      name: 'data written otherwise',
      sql: "UPDATE events SET data = data || ' ' WHERE seq = 1",
      verdict: broken(1, 'unreadable'),
    },
    {
      name: 'an edited hash',
      sql: 'UPDATE events SET hash = zeroblob(32) WHERE seq = 2',
      verdict: broken(2, 'edited'),
    },
    { name: 'a deleted event', sql: 'DELETE FROM events WHERE seq = 6', verdict: broken(6, 'missing') },
    {
      name: 'two events swapped',
      sql: 'UPDATE events SET position = -2 WHERE seq = 2; UPDATE events SET position = 2 WHERE seq = 3; UPDATE events SET position = 3 WHERE seq = 2',
      verdict: broken(2, 'reordered'),
    },
    { name: 'a truncated log', sql: 'DELETE FROM events WHERE seq > 7', verdict: broken(8, 'truncated') },
    {
      name: 'a head turned back',
      sql: 'UPDATE chains SET seq = 7, hash = (SELECT hash FROM events WHERE seq = 7)',
      verdict: broken(8, 'edited'),
    },
    {
      name: 'a head of another log',
      sql: 'UPDATE chains SET hash = zeroblob(32)',
      verdict: broken(11, 'forked'),
    },
    { name: 'no chain', sql: 'DELETE FROM chains', verdict: broken(1, 'unreadable') },
    { name: 'a chain of another name', sql: "UPDATE chains SET id = 'rpl_x'", verdict: broken(1, 'edited') },
    {
      name: 'an event of no chain',
      sql: 'UPDATE events SET chain_n = NULL WHERE seq = 3',
      verdict: broken(1, 'missing'),
    },
    {
      name: 'an event before the first position',
      sql: `INSERT INTO events (position, id, chain_n, seq, type_n, actor_n, at, grant_id, hash)
        SELECT -1, 'evt_forged', chain_n, 4, type_n, actor_n, at, grant_id, hash FROM events WHERE seq = 3`,
      verdict: broken(1, 'reordered'),
    },
    {
      name: 'a position that no ledger comes to',
      sql: 'UPDATE events SET position = 9007199254740993 WHERE seq = 11',
      verdict: { verdict: 'broken', problem: { kind: 'unreadable' } },
    },
    { name: 'a head that is none', sql: "UPDATE chains SET hash = x''", verdict: broken(11, 'forked') },
  ]) {
    test(`shows ${name}`, async () => expect(await verifyAuditFile(changed(sql))).toMatchObject(verdict))
  }

  for (const { version } of MIGRATIONS.filter(({ version }) => version < 5)) {
    test(`of schema ${version} verifies as it is and after its migration, and shows an edited event`, async () => {
      const file = join(folder, `schema-${version}.db`)
      const head = writeUnnamedChain(file, version, tmp.clock.now())
      expect(await verifyAuditFile(file)).toMatchObject({ verdict: 'unwitnessed', events: 9, chains: 1, heads: [head] })
      expect(await verifyAuditFile(file, [head])).toMatchObject({ verdict: 'whole', events: 9 })
      const edited = join(folder, `schema-${version}-edited.db`)
      copyFileSync(file, edited)
      const db = new DatabaseSync(edited)
      db.exec('UPDATE events SET at = at + 1 WHERE seq = 4')
      db.close()
      expect(await verifyAuditFile(edited)).toMatchObject(broken(4, 'edited'))

      const upgraded = await tmpLedger({ file })
      await upgraded.ledger.appendEvents([sampleEvent(upgraded.clock.now())])
      expect((await verifyLedger(upgraded.ledger)).problem).toBeUndefined()
      const [first, , , , , , , , last, opened] = await allEvents(upgraded.ledger)
      expect([first?.seq, first?.chain, last?.hash]).toEqual([1, undefined, head.hash])
      expect(opened?.data).toEqual({ heads: [head] })
      await upgraded.dispose()
      expect(await verifyAuditFile(file, [head])).toMatchObject({
        events: 12,
        chains: 2,
        unwitnessed: [{ afterSeq: 0, events: 3 }],
      })
    })
  }

  test('shows a truncation with its head turned back only to a head known from elsewhere', async () => {
    const file = changed(
      'DELETE FROM events WHERE seq > 7; UPDATE chains SET seq = 7, hash = (SELECT hash FROM events WHERE seq = 7)',
    )
    expect(await verifyAuditFile(file)).toMatchObject({ verdict: 'unwitnessed' })
    expect(await verifyAuditFile(file, [head])).toMatchObject({ problem: { kind: 'truncated' } })
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
        const verdict = await verifyAuditFile(file, [head]).catch(() => undefined)
        if (verdict && !verdict.problem) expect(verdict).toMatchObject({ events: 11, unwitnessed: [{ afterSeq: 10 }] })
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
