import { afterEach, beforeEach, expect, test } from 'vitest'
import { planHash } from '../../src/plan/assemble-plan.ts'
import { DECISIONS, type Harness, openHarness, task } from '../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const LIST = { actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::data'] }
const prefix = (...values: string[]) => ({
  ...LIST,
  conditions: [{ key: 's3:prefix', operator: 'StringLike', values }],
})

test('the plan of a conditional grant is kept whole, and the session gets its conditions', async () => {
  const { grant } = await h.request('key-00000001', task(prefix('in/*')))
  await h.close()
  const again = await openHarness({ folder: h.folder })
  const plan = await again.ledger.getPlan(grant.planHash)
  expect(plan?.pairs[0]?.conditions).toEqual(prefix('in/*').conditions)
  expect(plan && planHash(plan)).toBe(grant.planHash)
  const [minted] = h.provider.sessions
  expect(minted?.plan.sessionPolicy).toContain('"Condition":{"StringLike":{"s3:prefix":"in/*"}}')
  h = again
})

test('the same key with another condition, or with none, is another task', async () => {
  await h.request('key-00000001', task(prefix('in/*')))
  for (const other of [prefix('*/in'), LIST])
    await expect(h.request('key-00000001', task(other))).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  const spelled = { ...LIST, conditions: [{ key: 'S3:Prefix', operator: 'StringLike', values: ['in/*', 'in/*'] }] }
  expect((await h.request('key-00000001', task(spelled))).grant.leaseCount).toBe(2)
})

test('an approval is of a plan with its conditions', async () => {
  h.rules.decision = DECISIONS.approval
  const first = await h.request('key-00000001', task(prefix('in/*')))
  const second = await h.request('key-00000002', task(prefix('out/*')))
  expect(first.grant.planHash).not.toBe(second.grant.planHash)
})

test('a denial is recorded and told with the conditions of its pairs', async () => {
  const failed = { action: 's3:ListBucket', resource: 'arn:aws:s3:::data', reason: 'no_permit' as const, policies: [] }
  h.rules.decision = { ...DECISIONS.deny, failedPairs: [{ ...failed, conditions: ['s3:prefix StringLike in/*'] }] }
  await expect(h.request('key-00000001', task(prefix('in/*')))).rejects.toMatchObject({
    code: 'POLICY_DENIED',
    details: {
      explanation: expect.stringContaining(
        's3:ListBucket (list) on arn:aws:s3:::data if s3:prefix StringLike in/* for',
      ),
      failedPairs: [{ conditions: ['s3:prefix StringLike in/*'] }],
    },
  })
})
