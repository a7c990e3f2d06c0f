import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Budget } from '../../../src/grants/budgets/budget.ts'
import { recordOf } from '../../support/audit-record.ts'
import { caller, DECISIONS, DELETE, type Harness, openHarness, task, WRITE } from '../../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const budgets = (...list: Budget[]) => Object.assign(h.parts.quotas, { budgets: list })
const other = caller({ subject: 'spiffe://example.org/other' })

describe('a budget for', () => {
  test('each agent is its own: what one uses is not missing to another', async () => {
    budgets({ name: 'each', for: { agent: '*' }, grantsPerHour: 1 })
    await h.request('key-00000001')
    await expect(h.request('key-00000002')).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect((await h.request('key-00000001', task(), other)).grant.state).toBe('active')
  })

  test('a team is shared by its agents', async () => {
    budgets({ name: 'data-team', for: { team: 'data' }, liveGrants: 1 })
    await h.request('key-00000001')
    const refused = h.request('key-00000001', task(), other)
    await expect(refused).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED', details: { holder: 'team data' } })
    h.rules.team = 'web'
    expect((await h.request('key-00000001', task(), other)).grant.state).toBe('active')
  })

  test('some agents is no other’s', async () => {
    budgets({ name: 'ci', for: { agent: 'spiffe://example.org/ci/*' }, grantsPerHour: 0 })
    expect((await h.request('key-00000001')).grant.state).toBe('active')
    const ci = caller({ subject: 'spiffe://example.org/ci/deploy' })
    await expect(h.request('key-00000001', task(), ci)).rejects.toMatchObject({ details: { budget: 'ci' } })
  })
})

test('a refusal is on record with the budget and its numbers, and the agent is told when to come back', async () => {
  budgets({ name: 'deletes', for: { owner: 'ann' }, destructiveGrantsPerDay: 1 })
  await h.request('key-00000001', task(DELETE))
  const refused = h.request('key-00000002', task(DELETE))
  await expect(refused).rejects.toMatchObject({
    details: { measure: 'destructiveGrantsPerDay', used: 1, limit: 1, retryAfterMs: expect.any(Number) },
  })
  expect((await h.request('key-00000003', task(WRITE))).grant.state).toBe('active')
  const event = (await recordOf(h.ledger)).find(({ type }) => type === 'grant.refused')
  expect(event?.data).toMatchObject({ code: 'BUDGET_EXCEEDED', budget: 'deletes', used: 1, limit: 1 })
})

test('denials draw on a budget too, until the agent is heard no more', async () => {
  budgets({ name: 'probing', for: { agent: '*' }, deniedPerHour: 2 })
  h.rules.decision = DECISIONS.deny
  for (const n of [1, 2]) await expect(h.request(`key-0000000${n}`)).rejects.toMatchObject({ code: 'POLICY_DENIED' })
  await expect(h.request('key-00000003')).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
  await h.clock.advance(65 * 60_000)
  await expect(h.request('key-00000004')).rejects.toMatchObject({ code: 'POLICY_DENIED' })
})

test('the bytes that requests put on record are counted', async () => {
  budgets({ name: 'record', for: { agent: '*' }, recordBytesPerHour: 1_500 })
  await h.request('key-00000001', task(WRITE, { purpose: 'to look '.repeat(50).trim() }))
  await h.request('key-00000002').catch(() => undefined)
  await expect(h.request('key-00000003')).rejects.toMatchObject({ details: { measure: 'recordBytesPerHour' } })
})

describe('a cap on reach refuses a plan', () => {
  test.each([
    { reach: { classes: ['list', 'read'] }, measure: 'reach.classes' },
    { reach: { accounts: ['999999999999'] }, measure: 'reach.accounts' },
    { reach: { actions: 0 }, measure: 'reach.actions' },
    { reach: { resourcePatterns: 0 }, measure: 'reach.resourcePatterns' },
  ] as const)('beyond $measure', async ({ reach, measure }) => {
    budgets({ name: 'narrow', for: { agent: '*' }, reach })
    await expect(h.request('key-00000001', task(WRITE))).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      details: { budget: 'narrow', measure },
    })
    expect(await h.events()).toContain('grant.refused')
  })

  test('and none within it; a grant from before can still be asked for again', async () => {
    const { grant } = await h.request('key-00000001', task(WRITE))
    budgets({ name: 'narrow', for: { agent: '*' }, reach: { classes: ['read'] } })
    expect((await h.request('key-00000001', task(WRITE))).grant.id).toBe(grant.id)
    expect((await h.request('key-00000002')).grant.state).toBe('active')
  })
})
