import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { caller, DECISIONS, type Harness, OLGA, OSCAR, openHarness, task, WRITE } from '../../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
  h.people.push(OLGA)
  h.rules.decision = { ...DECISIONS.approval, reuse: { uses: 3, withinMs: 3_600_000 } }
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const request = (key: string) => h.request(key, task(WRITE))

/** A grant that a person has approved, and its agent has completed. */
async function approved() {
  const { grant, approval } = await request('key-00000001')
  const answer = { verdict: 'approve' as const, planHash: grant.planHash, note: 'read it' }
  await h.operators.decideApproval(OLGA, approval?.id ?? '', answer)
  await request('key-00000001')
  await h.grants.completeGrant(caller(), grant.id, '')
  return { grantId: grant.id, approvalId: approval?.id ?? '' }
}

describe('an approval that policy lets be used again', () => {
  test('lets later requests of the same plan through, as often as policy says, and each is on record', async () => {
    const first = await approved()
    const second = await request('key-00000002')
    expect(second).toMatchObject({ grant: { state: 'active' }, lease: {} })
    expect(await h.ledger.findApproval(second.grant.id)).toMatchObject({ state: 'approved', reuseOf: first.approvalId })
    const trail = await h.ledger.trail(second.grant.id)
    expect(trail.find(({ type }) => type === 'approval.reused')?.data).toMatchObject({
      approvalId: first.approvalId,
      ofGrant: first.grantId,
      usesLeft: 1,
    })
    expect((await h.grants.renewLease(caller(), second.grant.id, h.signal)).lease).toBeDefined()
    expect((await request('key-00000003')).grant.state).toBe('active')
    expect((await request('key-00000004')).grant.state).toBe('awaiting_approval')
  })

  test('is not used by a repeat of the same request', async () => {
    const { approvalId } = await approved()
    for (const _ of [1, 2, 3]) expect((await request('key-00000002')).grant.state).toBe('active')
    expect(await h.ledger.getApproval(approvalId)).toMatchObject({ uses: 1 })
  })

  test('gives its last use to one of two requests at once', async () => {
    h.rules.decision = { ...DECISIONS.approval, reuse: { uses: 2, withinMs: 3_600_000 } }
    await approved()
    const both = await Promise.all([request('key-00000002'), request('key-00000003')])
    expect(both.map(({ grant }) => grant.state).sort()).toEqual(['active', 'awaiting_approval'])
  })

  for (const { name, change } of [
    { name: 'its time is over', change: () => h.clock.advance(3_600_000) },
    { name: 'policy no longer allows it', change: () => (h.rules.decision = DECISIONS.approval) },
    { name: 'its voter is no operator any more', change: () => h.people.splice(0) },
    { name: 'its voter has left the group', change: () => h.people.splice(0, 1, { ...OLGA, groups: [] }) },
    {
      name: 'policy asks for more people by now',
      change: () => {
        const approval = [{ anyOf: ['owners'], count: 2, because: ['p'] }]
        h.rules.decision = { ...h.rules.decision, approval }
      },
    },
    {
      name: 'an operator has revoked a grant that rested on it',
      change: async () => {
        const { grant } = await request('key-00000002')
        await h.operators.revokeGrant(OSCAR, grant.id, 'stop')
      },
    },
  ]) {
    test(`is not used once ${name}: a person is asked`, async () => {
      await approved()
      await change()
      expect((await request('key-00000009')).grant.state).toBe('awaiting_approval')
    })
  }

  test('is not used for another plan or by another agent', async () => {
    await approved()
    const other = caller({ subject: 'spiffe://example.org/other' })
    expect((await h.request('key-00000002', task(WRITE), other)).grant.state).toBe('awaiting_approval')
    expect((await h.request('key-00000003', task(WRITE, { ttlSeconds: 900 }))).grant.state).toBe('awaiting_approval')
  })
})

test('without a word of policy an approval is used once', async () => {
  h.rules.decision = DECISIONS.approval
  await approved()
  expect((await request('key-00000002')).grant.state).toBe('awaiting_approval')
})
