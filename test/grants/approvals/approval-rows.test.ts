import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApprovalListItem, describeRows } from '../../../src/grants/approvals/view/approval-rows.ts'
import type { PageRequest } from '../../../src/ledger/ledger.ts'
import { caller, DECISIONS, DELETE, type Harness, OLGA, openHarness, READ, task } from '../../support/grant-harness.ts'

let h: Harness

beforeEach(async () => {
  h = await openHarness()
  h.rules.decision = DECISIONS.approval
})
afterEach(async () => {
  await h.close()
  h.remove()
})

async function rows(page: PageRequest = { limit: 50 }, operator = OLGA) {
  const found = await h.ledger.listApprovals({ state: 'pending' }, page)
  return describeRows({ ledger: h.ledger, now: h.clock.now() }, operator, found)
}

/** As a disk or a person would: past the broker, without its checks. */
function damage(sql: string): void {
  const db = new DatabaseSync(join(h.folder, 'ledger.db'), { enableForeignKeyConstraints: false })
  db.exec(`PRAGMA ignore_check_constraints = ON; ${sql}`)
  db.close()
}

test('a row has what an approver chooses by', async () => {
  const { grant } = await h.request('key-00000001', task(DELETE, { access: [READ, DELETE] }))
  await h.clock.advance(60_000)
  const [row] = (await rows()).items
  expect(row).toMatchObject({ grantId: grant.id, ageSeconds: 60, secondsLeft: 540, canDecide: true })
  expect(row?.asks).toEqual({
    agent: 'spiffe://example.org/bot',
    owner: 'ann',
    team: 'data',
    roleArn: grant.roleArn,
    purpose: 'to look at the data',
    class: 'destructive',
    access: 's3:DeleteObject on arn:aws:s3:::data/*',
    pairs: 2,
  })
})

for (const { name, operator, whyNot } of [
  { name: 'of another group', operator: { ...OLGA, groups: [] }, whyNot: /owners/ },
  { name: 'with the role viewer', operator: { ...OLGA, role: 'viewer' as const }, whyNot: /approver role/ },
  { name: 'who runs the agent', operator: { ...OLGA, subjects: ['spiffe://example.org/bot'] }, whyNot: /own agents/ },
])
  test(`an operator ${name} reads in the row why it cannot decide`, async () => {
    await h.request('key-00000001', task(DELETE))
    const [row] = (await rows(undefined, operator)).items
    expect(row).toMatchObject({ canDecide: false, whyNot: expect.stringMatching(whyNot) })
  })

test('each text is cut for itself, so that a long one hides no other; the end of a resource stays', async () => {
  const long = `arn:aws:s3:::data/${'deep/'.repeat(60)}end-of-it`
  const purpose = `to tidy up ${'and more words '.repeat(30)}`
  await h.request('key-00000001', task({ ...DELETE, resources: [long] }, { purpose }))
  const [row] = (await rows()).items
  expect(row?.asks?.access).toMatch(/^s3:DeleteObject on arn:aws:s3:::data\/deep.*….*end-of-it$/)
  expect([...(row?.asks?.access ?? '')]).toHaveLength(100)
  expect(row?.asks?.purpose).toMatch(/^to tidy up .*…$/)
  expect([...(row?.asks?.purpose ?? '')]).toHaveLength(80)
})

for (const { name, sql, has } of [
  { name: 'plan is damaged', sql: "UPDATE plans SET body = '{'", has: { agent: 'spiffe://example.org/bot' } },
  { name: 'grant is damaged', sql: 'UPDATE grants SET owner_n = 9999', has: undefined },
])
  test(`a row whose ${name} stays in the list, says so and cannot be decided`, async () => {
    await h.request('key-00000001', task(DELETE))
    damage(sql)
    const [row] = (await rows()).items
    expect(row).toMatchObject({ state: 'pending', canDecide: false, problem: expect.stringMatching(/is damaged\.$/) })
    if (has) expect(row?.asks).toMatchObject(has)
    else expect(row?.asks).toBeUndefined()
  })

test('of 100 approvals none is lost from page to page, and one that is decided meanwhile moves no other', async () => {
  const agents = Array.from({ length: 100 }, (_, n) => `spiffe://example.org/bot-${n}`)
  for (const [n, subject] of agents.entries()) {
    await h.request(`key-${String(n).padStart(8, '0')}`, task(DELETE), caller({ subject }))
    await h.clock.advance(100)
  }
  const seen: ApprovalListItem[] = []
  let cursor: string | undefined
  do {
    const page = await rows({ limit: 30, ...(cursor === undefined ? {} : { cursor }) })
    seen.push(...page.items)
    cursor = page.nextCursor
    const [first] = page.items
    if (!first) throw new Error('an empty page')
    const { id, planHash } = first
    await h.operators.decideApproval(OLGA, id, { verdict: 'reject', planHash, note: 'not today' })
  } while (cursor !== undefined)
  expect(seen.map(({ asks }) => asks?.agent)).toEqual(agents.toReversed())
})
