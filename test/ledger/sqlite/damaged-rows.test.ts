import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import { verifyAuditFile } from '../../../src/ledger/audit-verify.ts'
import { DamagedRows } from '../../../src/ledger/damaged-rows.ts'
import type { DueGrant } from '../../../src/ledger/ledger.ts'
import type { Grant } from '../../../src/ledger/records.ts'
import { sampleEvent, sampleOpen, samplePlan } from '../../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../../support/tmp-ledger.ts'

/** More than a number can hold. */
const BEYOND = '9223372036854775807'
/** No Date reaches this far. */
const FAR = '8640000000000001'

let tmp: TmpLedger
let now: Date
let told: Map<string, StintError>
beforeEach(async () => {
  told = new Map()
  const onRow = {
    onDamaged: (row: string, error: StintError) => void told.set(row, error),
    onReadable: (row: string) => void told.delete(row),
  }
  tmp = await tmpLedger({ onRow })
  now = tmp.clock.now()
})
afterEach(() => tmp.dispose())

const later = (ms: number) => new Date(now.getTime() + ms)

/** As a disk, a bug or a person would: past the broker, without its checks. */
function damage(sql: string): void {
  const db = new DatabaseSync(tmp.file, { enableForeignKeyConstraints: false })
  db.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`)
  db.close()
}

let made = 0
/** A grant with a plan of its own that is due now. */
async function dueGrant(more: Partial<Grant> = {}): Promise<Grant> {
  made += 1
  const plan = samplePlan(`task ${made}`)
  const decision = { ...sampleOpen(tmp.ids, now).grant.decision, policySetHash: `${made}` }
  return (await tmp.ledger.openGrant(sampleOpen(tmp.ids, now, { plan, grant: { dueAt: now, decision, ...more } })))
    .grant
}

const end = ({ grant }: DueGrant) => ({
  to: { state: 'ended', reason: 'deadline', endedAt: now, dueAt: null } as const,
  events: [sampleEvent(now, { grantId: grant.id })],
})
const expire = ({ grant }: DueGrant) => ({
  to: { state: grant.state === 'active' ? 'ended' : 'approval_expired', endedAt: now, dueAt: null } as const,
  events: [],
})
const sweep = async (at = now, settle: (due: DueGrant) => ReturnType<typeof end | typeof expire> = expire) =>
  (await tmp.ledger.sweepGrants({ now: at, limit: 10, settle })).map(({ id }) => id)

const ofGrant = (id: string, table = 'grants', column = 'id') => `${table} WHERE ${column} = '${id}'`
const rowId = (id: string) => `(SELECT n FROM grants WHERE id = '${id}')`
const deny = (listKey: string, until = later(900_000)) => ({ listKey, wantedAt: now, until, lastIssuedAt: now })
const denied = async (listKey: string) => {
  const grant = await dueGrant({ dueAt: later(900_000) })
  const to = { state: 'ending', reason: 'revoked', dueAt: later(900_000) } as const
  return tmp.ledger.moveGrant({ grantId: grant.id, expectedVersion: 1, to, deny: deny(listKey), events: [] })
}
const corrupt = (row: string, id: string) => ({ code: 'LEDGER_CORRUPT', retryable: false, details: { row, id } })

describe('a sweep leaves a grant aside whose', () => {
  const plan = (id: string) => `n = (SELECT plan_n FROM ${ofGrant(id)})`
  for (const { name, sql, row } of [
    { name: 'plan is not there', sql: (id: string) => `DELETE FROM plans WHERE ${plan(id)}`, row: 'grant' },
    {
      name: 'decision does not parse',
      sql: (id: string) => `UPDATE decisions SET body = '[' WHERE n = (SELECT decision_n FROM ${ofGrant(id)})`,
      row: 'grant',
    },
    {
      name: 'decision is not there',
      sql: (id: string) => `DELETE FROM decisions WHERE n = (SELECT decision_n FROM ${ofGrant(id)})`,
      row: 'grant',
    },
    {
      name: 'owner is not there',
      sql: (id: string) => `UPDATE grants SET owner_n = 9999 WHERE id = '${id}'`,
      row: 'grant',
    },
    {
      name: 'deadline is no date',
      sql: (id: string) => `UPDATE grants SET deadline = ${FAR} WHERE id = '${id}'`,
      row: 'grant',
    },
    {
      name: 'version is beyond all numbers',
      sql: (id: string) => `UPDATE grants SET version = ${BEYOND} WHERE id = '${id}'`,
      row: 'grant',
    },
    {
      name: 'lease has no role',
      sql: (id: string) => `UPDATE leases SET role_n = 9999 WHERE grant_n = ${rowId(id)}`,
      row: 'lease',
    },
    {
      name: 'lease ends beyond all numbers',
      sql: (id: string) => `UPDATE leases SET not_after = ${BEYOND} WHERE grant_n = ${rowId(id)}`,
      row: 'lease',
    },
  ]) {
    test(`${name}, names it, and moves the others`, async () => {
      const [first, bad, last] = [await dueGrant(), await dueGrant(), await dueGrant()]
      const [lease] = await tmp.ledger.listLeases(bad.id)
      damage(sql(bad.id))
      await tmp.reopen()
      expect(await sweep()).toEqual([first.id, last.id])
      const id = row === 'lease' ? lease?.id : bad.id
      expect([...told]).toMatchObject([[`${row}:${id}`, { code: 'LEDGER_CORRUPT', details: { row, id } }]])
      expect(await tmp.ledger.countGrants()).toMatchObject({ active: 1, ended: 2 })
      expect((await verifyAuditFile(tmp.file)).problem).toBeUndefined()
    })
  }

  test('approval does not parse', async () => {
    const [bad, good] = [await dueGrant({ state: 'awaiting_approval' }), await dueGrant()]
    damage(`UPDATE approvals SET requirements = '{}' WHERE grant_n = ${rowId(bad.id)}`)
    expect(await sweep()).toEqual([good.id])
    expect([...told.keys()]).toEqual([`approval:${bad.id}`])
  })

  test('deny entry does not say until when', async () => {
    const [bad, good] = [await denied('a'), await dueGrant()]
    damage(`UPDATE deny_entries SET until = ${FAR}; UPDATE grants SET due_at = 1 WHERE id = '${bad.id}'`)
    expect(await sweep()).toEqual([good.id])
    expect([...told.keys()]).toEqual([`deny_entry:${bad.id}`])
  })

  test('row the database refuses to change, with the events and counts of the others', async () => {
    const [first, bad, last] = [await dueGrant(), await dueGrant(), await dueGrant()]
    damage(`CREATE TRIGGER stuck BEFORE UPDATE OF version ON grants WHEN new.id = '${bad.id}'
      BEGIN SELECT raise(ABORT, 'stuck'); END`)
    expect(await sweep(now, end)).toEqual([first.id, last.id])
    expect([...told]).toMatchObject([[`sweep:${bad.id}`, { code: 'INTERNAL', details: { grantId: bad.id } }]])
    expect(await tmp.ledger.countGrants()).toMatchObject({ active: 1, ended: 2 })
    expect(await tmp.ledger.trail(bad.id)).toHaveLength(2)
    expect((await verifyAuditFile(tmp.file)).problem).toBeUndefined()
    damage('DROP TRIGGER stuck')
    expect(await sweep(later(60_000), end)).toEqual([bad.id])
    expect([...told]).toEqual([])
  })
})

// P6: the deny of a grant must not hang on what can be read of its plan.
describe('a sweep moves a grant without its plan, and names the plan until the grant is gone, when the', () => {
  const plan = (id: string) => `n = (SELECT plan_n FROM ${ofGrant(id)})`
  for (const { name, sql } of [
    { name: 'plan does not parse', sql: (id: string) => `UPDATE plans SET body = '{' WHERE ${plan(id)}` },
    { name: 'plan is empty', sql: (id: string) => `UPDATE plans SET body = '' WHERE ${plan(id)}` },
    { name: 'plan is null', sql: (id: string) => `UPDATE plans SET body = 'null' WHERE ${plan(id)}` },
    {
      name: 'plan is another one',
      sql: (id: string) => `UPDATE plans SET body = json_set(body, '$.hash', 'ff') WHERE ${plan(id)}`,
    },
    {
      name: 'plan lacks its classes',
      sql: (id: string) => `UPDATE plans SET body = json_remove(body, '$.classes') WHERE ${plan(id)}`,
    },
  ]) {
    test(name, async () => {
      const [first, bad] = [await dueGrant(), await dueGrant()]
      damage(sql(bad.id))
      await tmp.reopen()
      const plans = new Map<string, unknown>()
      const settle = (due: DueGrant) => {
        plans.set(due.grant.id, due.plan?.hash)
        return end(due)
      }
      expect(await sweep(now, settle)).toEqual([first.id, bad.id])
      expect([...plans]).toEqual([
        [first.id, first.planHash],
        [bad.id, undefined],
      ])
      const id = bad.id
      expect([...told]).toMatchObject([[`plan:${id}`, { code: 'LEDGER_CORRUPT', details: { row: 'plan', id } }]])
      await tmp.ledger.prune({ before: later(1), now: later(86_400_000), limit: 10 })
      expect([...told]).toEqual([])
    })
  }
})

test('a grant that was set aside is not swept for a minute, then again, and is told of until it can be read', async () => {
  const bad = await dueGrant()
  const [row] = rows(`SELECT owner_n FROM ${ofGrant(bad.id)}`)
  damage(`UPDATE grants SET owner_n = 9999 WHERE id = '${bad.id}'`)
  expect(await sweep()).toEqual([])
  const good = await dueGrant()
  expect(await sweep(later(59_999))).toEqual([good.id])
  expect(await sweep(later(60_000))).toEqual([])
  expect([...told.keys()]).toEqual([`grant:${bad.id}`])
  damage(`UPDATE grants SET owner_n = ${row?.owner_n} WHERE id = '${bad.id}'`)
  expect(await sweep(later(119_999))).toEqual([])
  expect(await sweep(later(120_000))).toEqual([bad.id])
  expect([...told]).toEqual([])
})

test('a grant that ended otherwise is told of no longer', async () => {
  const bad = await dueGrant()
  damage(`CREATE TRIGGER stuck BEFORE UPDATE OF version ON grants BEGIN SELECT raise(ABORT, 'stuck'); END`)
  await sweep(now, end)
  expect([...told.keys()]).toEqual([`sweep:${bad.id}`])
  damage('DROP TRIGGER stuck')
  const to = { state: 'ended', reason: 'revoked', dueAt: null } as const
  await tmp.ledger.moveGrant({ grantId: bad.id, expectedVersion: 1, to, events: [] })
  expect([...told]).toEqual([])
})

const ended = { state: 'ended', reason: 'deadline', endedAt: new Date(0), dueAt: null } as const

describe('a row that cannot be read', () => {
  test('is an error with its id, which is not retryable, for whoever asks for it', async () => {
    const waiting = await dueGrant({ state: 'awaiting_approval' })
    const grant = await denied('a')
    const approval = await tmp.ledger.findApproval(waiting.id)
    const [lease] = await tmp.ledger.listLeases(grant.id)
    damage(`UPDATE grants SET requested_at = ${FAR}; UPDATE plans SET body = '{'; UPDATE leases SET intended_at = ${FAR};
      UPDATE approvals SET requirements = '{'; UPDATE deny_entries SET wanted_at = ${BEYOND};
      UPDATE events SET data = '{' WHERE seq = 2`)
    const { ledger } = tmp
    for (const { read, row, id } of [
      { read: ledger.getGrant(grant.id), row: 'grant', id: grant.id },
      { read: ledger.findGrantByKey(grant.subject, grant.idempotencyKey), row: 'grant', id: grant.id },
      { read: ledger.getPlan(grant.planHash), row: 'plan', id: grant.planHash },
      { read: ledger.listLeases(grant.id), row: 'lease', id: lease?.id },
      { read: ledger.getApproval(approval?.id ?? ''), row: 'approval', id: waiting.id },
      { read: ledger.findApproval(waiting.id), row: 'approval', id: waiting.id },
      { read: ledger.findDenyEntry(grant.id), row: 'deny_entry', id: grant.id },
      { read: ledger.auditEvents({ afterPosition: 0, limit: 10 }), row: 'event', id: '2' },
      {
        read: ledger.intendLease({
          grantId: grant.id,
          grantVersion: 1,
          lease: { id: 'lse_1', sessionName: 'one', notAfter: now, intendedAt: now, mintUntil: now },
          events: [],
        }),
        row: 'grant',
        id: grant.id,
      },
    ]) {
      await expect(read).rejects.toMatchObject(corrupt(row, id ?? ''))
    }
    expect(told.has(`grant:${grant.id}`)).toBe(true)
    damage(`UPDATE grants SET requested_at = ${now.getTime()}`)
    await ledger.getGrant(grant.id)
    expect(told.has(`grant:${grant.id}`)).toBe(false)
  })

  test('is left out of the lists, which page on', async () => {
    const grants = [await dueGrant(), await dueGrant(), await dueGrant()]
    const bad = grants[1]?.id ?? ''
    damage(`UPDATE grants SET deadline = ${BEYOND} WHERE id = '${bad}'`)
    const found: string[] = []
    for (let cursor: string | undefined, pages = 0; pages < 5; pages++) {
      const page = await tmp.ledger.listGrants({}, { limit: 1, ...(cursor ? { cursor } : {}) })
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
      if (cursor === undefined) break
    }
    expect(found.sort()).toEqual(grants.map(({ id }) => id).filter((id) => id !== bad))
    expect([...told.keys()]).toEqual([`grant:${bad}`])
  })

  test('of a lease is told of until its grant is pruned', async () => {
    const grant = await dueGrant()
    const [lease] = await tmp.ledger.listLeases(grant.id)
    damage(`UPDATE leases SET role_n = 9999 WHERE grant_n = ${rowId(grant.id)}`)
    await expect(tmp.ledger.listLeases(grant.id)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    await tmp.ledger.moveGrant({ grantId: grant.id, expectedVersion: 1, to: ended, events: [] })
    expect([...told.keys()]).toEqual([`lease:${lease?.id}`])
    const at = later(86_400_000)
    expect(await tmp.ledger.prune({ before: at, now: at, limit: 10 })).toMatchObject({ grants: 1 })
    expect([...told]).toEqual([])
  })

  test('keeps no other lease from being found after a crash', async () => {
    const [bad, good] = [await dueGrant(), await dueGrant()]
    damage(`UPDATE leases SET role_n = 9999 WHERE grant_n = ${rowId(bad.id)}`)
    await tmp.reopen()
    const found = await tmp.ledger.abandonedLeases({ now, limit: 1 })
    expect(found.map(({ grantId }) => grantId)).toEqual([good.id])
    expect(told.size).toBe(1)
  })
})

describe('the deny list', () => {
  const claim = (at = now) =>
    tmp.ledger.claimDenyList({ owner: 'one', now: at, claimUntil: new Date(at.getTime() + 60_000) })

  const findList = async (name: string) => (await tmp.ledger.listDenyLists()).find((one) => one.key === name)

  for (const { column, value, watermark } of [
    { column: 'watermark', value: BEYOND, watermark: 'of now' },
    { column: 'watermark', value: FAR, watermark: 'of now' },
    { column: 'last_written_at', value: FAR, watermark: 'kept' },
    { column: 'next_attempt_at', value: FAR, watermark: 'kept' },
    { column: 'next_attempt_at', value: BEYOND, watermark: 'kept' },
    { column: 'claimed_until', value: FAR, watermark: 'kept' },
    { column: 'attempts', value: BEYOND, watermark: 'kept' },
    { column: 'claim_version', value: BEYOND, watermark: 'kept' },
  ]) {
    test(`P6: a deny list with ${column} ${value} is mended, and denies whom it denied and whom it is asked to`, async () => {
      const first = await denied('a')
      const kept = new Date(now.getTime() - 60_000)
      damage(`UPDATE deny_lists SET watermark = ${kept.getTime()}, claim_version = 7`)
      damage(`UPDATE deny_lists SET ${column} = ${value} WHERE list_key = 'a'`)
      const second = await denied('a')
      expect([...told.keys()]).toEqual(['deny_list:a'])
      const at = later(1)
      const claimed = await claim(at)
      expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual([first.id, second.id])
      const ofNow = new Date(Math.ceil(at.getTime() / 1_000) * 1_000)
      expect(claimed?.list).toMatchObject({ attempts: 0, watermark: watermark === 'kept' ? kept : ofNow })
      const claimVersion = claimed?.list.claimVersion ?? 0
      expect(claimVersion).toBeGreaterThan(7)
      const written = {
        listKey: 'a',
        claimVersion,
        grantIds: [first.id, second.id],
        removedGrantIds: [],
        at,
        events: [],
      }
      await tmp.ledger.denyWritten(written)
      expect(await tmp.ledger.findDenyEntry(second.id)).toMatchObject({ writtenAt: at })
      expect([...told]).toEqual([])
    })
  }

  test('a damaged deny list that nobody asks for is mended where it is due, and says so until it is written', async () => {
    await denied('a')
    await denied('b')
    damage(`UPDATE deny_lists SET next_attempt_at = ${FAR} WHERE list_key = 'a'`)
    expect((await tmp.ledger.listDenyLists()).map((one) => one.key)).toEqual(['b'])
    await expect(tmp.ledger.getDenyList('a')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    expect((await claim())?.list.key).toBe('b')
    expect((await claim())?.list.key).toBe('a')
    expect(await claim()).toBeUndefined()
    expect((await findList('a'))?.lastError).toContain('was damaged')
  })

  test('a damaged deny list in the hands of a writer is left to it until its claim is over', async () => {
    await denied('a')
    await claim()
    damage(`UPDATE deny_lists SET last_written_at = ${FAR}`)
    await denied('a')
    expect(await claim(later(59_999))).toBeUndefined()
    expect((await claim(later(60_000)))?.list).toMatchObject({ key: 'a', claimVersion: 2 })
  })

  test('P6: a grant whose entry is damaged stays denied, and a new wish mends the entry', async () => {
    const [bad, good] = [await denied('a'), await denied('a')]
    damage(`UPDATE deny_entries SET until = ${FAR} WHERE grant_n = ${rowId(bad.id)}`)
    const claimed = await claim()
    expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual([bad.id, good.id])
    await tmp.ledger.denyWritten({
      listKey: 'a',
      claimVersion: claimed?.list.claimVersion ?? 0,
      grantIds: [bad.id, good.id],
      removedGrantIds: [],
      at: now,
      events: [],
    })
    expect(await tmp.ledger.findDenyEntry(good.id)).toMatchObject({ writtenAt: now })
    expect([...told.keys()]).toEqual([`deny_entry:${bad.id}`])
    const to = { state: 'ending', dueAt: later(1) } as const
    await tmp.ledger.moveGrant({ grantId: bad.id, expectedVersion: 2, to, deny: deny('a'), events: [] })
    expect(await tmp.ledger.findDenyEntry(bad.id)).toMatchObject({ grantId: bad.id, ...deny('a') })
    expect([...told]).toEqual([])
  })

  test('a damaged entry is told of after its grant has ended, as long as it is written', async () => {
    const grant = await denied('a')
    damage(`UPDATE deny_entries SET until = ${FAR}`)
    await claim()
    await tmp.ledger.moveGrant({ grantId: grant.id, expectedVersion: 2, to: ended, events: [] })
    expect([...told.keys()]).toEqual([`deny_entry:${grant.id}`])
  })

  for (const { name, sql, at } of [
    {
      name: 'that is damaged and of another list stays there, where a document may hold it',
      sql: `list_n = (SELECT n FROM deny_lists WHERE list_key = 'b'), until = ${FAR}`,
      at: 'b',
    },
    { name: 'whose list is gone comes to the one asked for', sql: 'list_n = 9999', at: 'a' },
    {
      name: 'that is damaged and whose list is gone comes to the one asked for',
      sql: `list_n = 9999, until = ${FAR}`,
      at: 'a',
    },
  ]) {
    test(`P6: an entry ${name}, and a new wish makes that one due`, async () => {
      const [bad, other] = [await denied('a'), await denied('b')]
      damage(`UPDATE deny_lists SET next_attempt_at = NULL;
        UPDATE deny_entries SET ${sql} WHERE grant_n = ${rowId(bad.id)}`)
      const to = { state: 'ending', dueAt: later(1) } as const
      await tmp.ledger.moveGrant({ grantId: bad.id, expectedVersion: 2, to, deny: deny('a'), events: [] })
      expect(await tmp.ledger.findDenyEntry(bad.id)).toMatchObject({ grantId: bad.id, ...deny(at) })
      const claimed = await claim()
      expect(claimed?.list.key).toBe(at)
      expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual(at === 'b' ? [bad.id, other.id] : [bad.id])
      expect(await claim()).toBeUndefined()
      expect([...told]).toEqual([])
    })
  }
})

test('more damaged rows than a person can read are told of as one', () => {
  const board = new Set<string>()
  const rows = new DamagedRows(
    { onDamaged: (row) => void board.add(row), onReadable: (row) => void board.delete(row) },
    () => false,
  )
  const unreadable = (n: number) => expect(() => rows.read('grant', `${n}`, () => JSON.parse('{'))).toThrow('damaged')
  for (let n = 0; n < 150; n++) unreadable(n)
  expect(board.size).toBe(101)
  expect(board.has('more')).toBe(true)
  rows.read('grant', '0', () => 1)
  expect(board.size).toBe(99)
})

function rows(sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(tmp.file, { readOnly: true })
  const found = db.prepare(sql).all()
  db.close()
  return found
}
