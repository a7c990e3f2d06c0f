import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import type { DueGrant } from '../../src/ledger/ledger.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { verifyLedger } from '../support/audit-record.ts'
import { sampleOpen, samplePlan } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

// The rules of damaged rows are tested over SQLite; here are the rows as this store has them.

/** More than a number of ours can hold. */
const BEYOND = '9223372036854775807'
/** No Date reaches this far. */
const FAR = '8640000000000001'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let now: Date
let told: Map<string, StintError>
beforeEach(async () => {
  told = new Map()
  const onRow = {
    onDamaged: (row: string, error: StintError) => void told.set(row, error),
    onReadable: (row: string) => void told.delete(row),
  }
  tmp = await tmpPostgresLedger(server.address(), { onRow })
  now = tmp.clock.now()
})
afterEach(() => tmp.dispose())

const later = (ms: number) => new Date(now.getTime() + ms)
let made = 0
/** A grant with a plan and a decision of its own that is due now. */
async function dueGrant(more: Partial<Grant> = {}): Promise<Grant> {
  made += 1
  const plan = samplePlan(`task ${made}`)
  const decision = { ...sampleOpen(tmp.ids, now).grant.decision, policySetHash: `${made}` }
  return (await tmp.ledger.openGrant(sampleOpen(tmp.ids, now, { plan, grant: { dueAt: now, decision, ...more } })))
    .grant
}
const deny = (listKey: string, until = later(900_000)) => ({ listKey, wantedAt: now, until, lastIssuedAt: now })
const denied = async (listKey: string) => {
  const grant = await dueGrant({ dueAt: later(900_000) })
  const to = { state: 'ending', reason: 'revoked', dueAt: later(900_000) } as const
  return tmp.ledger.moveGrant({ grantId: grant.id, expectedVersion: 1, to, deny: deny(listKey), events: [] })
}
const plans: (string | undefined)[] = []
const settle = ({ grant, plan }: DueGrant) => {
  plans.push(plan?.hash)
  return {
    to: { state: grant.state === 'active' ? 'ended' : 'approval_expired', endedAt: now, dueAt: null } as const,
    events: [],
  }
}
const sweep = async (at = now) => (await tmp.ledger.sweepGrants({ now: at, limit: 10, settle })).map(({ id }) => id)
const corrupt = (row: string, id: string) => ({ code: 'LEDGER_CORRUPT', retryable: false, details: { row, id } })

describe('a sweep leaves a grant aside whose', () => {
  for (const { name, sql, row } of [
    {
      name: 'decision does not parse',
      sql: `UPDATE decisions SET body = '[' WHERE hash = (SELECT decision_hash FROM grants WHERE id = $1)`,
      row: 'grant',
    },
    {
      name: 'decision is not there',
      sql: 'DELETE FROM decisions WHERE hash = (SELECT decision_hash FROM grants WHERE id = $1)',
      row: 'grant',
    },
    { name: 'deadline is no date', sql: `UPDATE grants SET deadline = ${FAR} WHERE id = $1`, row: 'grant' },
    { name: 'version is beyond all numbers', sql: `UPDATE grants SET version = ${BEYOND} WHERE id = $1`, row: 'grant' },
    {
      name: 'lease ends beyond all numbers',
      sql: `UPDATE leases SET not_after = ${BEYOND} WHERE grant_id = $1`,
      row: 'lease',
    },
    {
      name: 'approval does not parse',
      sql: `UPDATE approvals SET requirements = '{}' WHERE grant_id = $1`,
      row: 'approval',
    },
  ]) {
    test(`${name}, names it, and moves the others`, async () => {
      const state = row === 'approval' ? 'awaiting_approval' : 'active'
      const [first, bad, last] = [await dueGrant(), await dueGrant({ state }), await dueGrant()]
      const [lease] = await tmp.ledger.listLeases(bad.id)
      await tmp.sql(sql, [bad.id])
      await tmp.reopen()
      expect(await sweep()).toEqual([first.id, last.id])
      const id = row === 'lease' ? lease?.id : bad.id
      expect([...told]).toMatchObject([[`${row}:${id}`, { code: 'LEDGER_CORRUPT', details: { row, id } }]])
      expect(await sweep(later(59_999))).toEqual([])
      expect(await tmp.ledger.countGrants()).toMatchObject({ ended: 2 })
      expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
    })
  }
})

// P6: the deny of a grant must not hang on what can be read of its plan.
for (const { name, sql } of [
  {
    name: 'does not parse',
    sql: `UPDATE plans SET body = '{' WHERE hash = (SELECT plan_hash FROM grants WHERE id = $1)`,
  },
  { name: 'is not there', sql: 'DELETE FROM plans WHERE hash = (SELECT plan_hash FROM grants WHERE id = $1)' },
]) {
  test(`a sweep moves a grant whose plan ${name}, and names the plan until the grant is gone`, async () => {
    const bad = await dueGrant()
    await tmp.sql(sql, [bad.id])
    plans.length = 0
    expect(await sweep()).toEqual([bad.id])
    expect(plans).toEqual([undefined])
    expect([...told.keys()]).toEqual([`plan:${bad.id}`])
    await tmp.ledger.prune({ before: later(1), now: later(86_400_000), limit: 10 })
    expect([...told]).toEqual([])
  })
}

test('a row that cannot be read is an error with its id for whoever asks for it, and left out of lists', async () => {
  const waiting = await dueGrant({ state: 'awaiting_approval' })
  const grant = await denied('a')
  const good = await dueGrant()
  const [lease] = await tmp.ledger.listLeases(grant.id)
  await tmp.sql(`UPDATE grants SET requested_at = ${FAR} WHERE id = $1`, [grant.id])
  await tmp.sql(`UPDATE plans SET body = '{'; UPDATE leases SET intended_at = ${FAR}; UPDATE approvals SET requirements = '{';
    UPDATE deny_entries SET wanted_at = ${BEYOND}; UPDATE events SET data = '{' WHERE position = 2`)
  const { ledger } = tmp
  for (const { read, row, id } of [
    { read: () => ledger.getGrant(grant.id), row: 'grant', id: grant.id },
    { read: () => ledger.findGrantByKey(grant.subject, grant.idempotencyKey), row: 'grant', id: grant.id },
    { read: () => ledger.getPlan(grant.planHash), row: 'plan', id: grant.planHash },
    { read: () => ledger.listLeases(grant.id), row: 'lease', id: lease?.id },
    { read: () => ledger.findApproval(waiting.id), row: 'approval', id: waiting.id },
    { read: () => ledger.findDenyEntry(grant.id), row: 'deny_entry', id: grant.id },
    { read: () => ledger.auditEvents({ afterPosition: 0, limit: 10 }), row: 'event', id: '2' },
    {
      read: () =>
        ledger.moveGrant({ grantId: grant.id, expectedVersion: 2, to: { state: 'ended', dueAt: null }, events: [] }),
      row: 'grant',
      id: grant.id,
    },
  ]) {
    await expect(read()).rejects.toMatchObject(corrupt(row, id ?? ''))
  }
  const { items } = await ledger.listGrants({}, { limit: 10 })
  expect(items.map(({ id }) => id).sort()).toEqual([waiting.id, good.id].sort())
  expect((await ledger.listApprovals({}, { limit: 10 })).items).toEqual([])
  await tmp.sql(`UPDATE grants SET requested_at = $1 WHERE id = $2`, [now.getTime(), grant.id])
  await ledger.getGrant(grant.id)
  expect(told.has(`grant:${grant.id}`)).toBe(false)
})

test('a damaged lease keeps no other from being found after a crash', async () => {
  const [bad, good] = [await dueGrant(), await dueGrant()]
  await tmp.sql(`UPDATE leases SET not_after = ${FAR} WHERE grant_id = $1`, [bad.id])
  await tmp.reopen()
  const found = await tmp.ledger.abandonedLeases({ now, limit: 1 })
  expect(found.map(({ grantId }) => grantId)).toEqual([good.id])
})

describe('the deny list', () => {
  const claim = (at = now) =>
    tmp.ledger.claimDenyList({ owner: 'one', now: at, claimUntil: new Date(at.getTime() + 60_000) })

  for (const { column, value, watermark } of [
    { column: 'watermark', value: BEYOND, watermark: 'of now' },
    { column: 'watermark', value: FAR, watermark: 'of now' },
    { column: 'last_written_at', value: FAR, watermark: 'kept' },
    { column: 'next_attempt_at', value: BEYOND, watermark: 'kept' },
    { column: 'claimed_until', value: FAR, watermark: 'kept' },
    { column: 'attempts', value: BEYOND, watermark: 'kept' },
    { column: 'claim_version', value: BEYOND, watermark: 'kept' },
  ]) {
    test(`P6: a deny list with ${column} ${value} is mended, and denies whom it denied and whom it is asked to`, async () => {
      const first = await denied('a')
      const kept = new Date(now.getTime() - 60_000)
      await tmp.sql(`UPDATE deny_lists SET watermark = ${kept.getTime()}, claim_version = 7`)
      await tmp.sql(`UPDATE deny_lists SET ${column} = ${value}`)
      const second = await denied('a')
      expect([...told.keys()]).toEqual(['deny_list:a'])
      const at = later(1)
      const claimed = await claim(at)
      const grantIds = [first.id, second.id]
      expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual(grantIds)
      const ofNow = new Date(Math.ceil(at.getTime() / 1_000) * 1_000)
      expect(claimed?.list).toMatchObject({ attempts: 0, watermark: watermark === 'kept' ? kept : ofNow })
      const claimVersion = claimed?.list.claimVersion ?? 0
      expect(claimVersion).toBeGreaterThan(7)
      await tmp.ledger.denyWritten({ listKey: 'a', claimVersion, grantIds, removedGrantIds: [], at, events: [] })
      expect(await tmp.ledger.findDenyEntry(second.id)).toMatchObject({ writtenAt: at })
      expect([...told]).toEqual([])
    })
  }

  test('P6: a grant whose entry is damaged stays denied, and a new wish mends the entry', async () => {
    const [bad, good] = [await denied('a'), await denied('a')]
    await tmp.sql(`UPDATE deny_entries SET until = ${FAR} WHERE grant_id = $1`, [bad.id])
    const claimed = await claim()
    const grantIds = [bad.id, good.id]
    expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual(grantIds)
    const claimVersion = claimed?.list.claimVersion ?? 0
    await tmp.ledger.denyWritten({ listKey: 'a', claimVersion, grantIds, removedGrantIds: [], at: now, events: [] })
    expect(await tmp.ledger.findDenyEntry(good.id)).toMatchObject({ writtenAt: now })
    expect([...told.keys()]).toEqual([`deny_entry:${bad.id}`])
    const to = { state: 'ending', dueAt: later(1) } as const
    await tmp.ledger.moveGrant({ grantId: bad.id, expectedVersion: 2, to, deny: deny('a'), events: [] })
    expect(await tmp.ledger.findDenyEntry(bad.id)).toMatchObject({ grantId: bad.id, ...deny('a') })
    expect([...told]).toEqual([])
  })

  test('P6: a damaged entry of another list stays there, where a document may hold it, and that one is due', async () => {
    const [bad, other] = [await denied('a'), await denied('b')]
    await tmp.sql('UPDATE deny_lists SET next_attempt_at = NULL')
    await tmp.sql(`UPDATE deny_entries SET list_key = 'b', until = ${FAR} WHERE grant_id = $1`, [bad.id])
    const to = { state: 'ending', dueAt: later(1) } as const
    await tmp.ledger.moveGrant({ grantId: bad.id, expectedVersion: 2, to, deny: deny('a'), events: [] })
    const claimed = await claim()
    expect(claimed?.list.key).toBe('b')
    expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual([bad.id, other.id])
    expect(await claim()).toBeUndefined()
  })
})
