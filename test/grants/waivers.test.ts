import { afterEach, beforeEach, expect, test } from 'vitest'
import { caller, DECISIONS, type Harness, OLGA, openHarness } from '../support/grant-harness.ts'

const WAIVER = { policy: 'nightly-load', reason: 'Reviewed by Mara', because: ['label:env:prod'] }
const WAIVED = { ...DECISIONS.permit, waivers: [WAIVER] }

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const waivedEvents = async (grantId: string) =>
  (await h.ledger.trail(grantId)).filter(({ type }) => type === 'approval.waived')

test('a grant whose approval was waived says so, and its record names policy and reason before it is active', async () => {
  h.rules.decision = WAIVED
  const { grant } = await h.request('key-00000001')
  expect(grant.decision.waivers).toEqual([WAIVER])
  expect((await h.grants.getGrant(caller(), grant.id)).grant.decision.waivers).toEqual([WAIVER])
  const types = (await h.ledger.trail(grant.id)).map(({ type }) => type)
  expect(types.indexOf('approval.waived')).toBeLessThan(types.indexOf('grant.active'))
  expect((await waivedEvents(grant.id))[0]?.data).toMatchObject({ planHash: grant.planHash, waivers: [WAIVER] })
})

test('a renewal with the same waiver is not said again, one that a new policy waives is', async () => {
  h.rules.decision = WAIVED
  const { grant } = await h.request('key-00000001')
  await h.grants.renewLease(caller(), grant.id, h.signal)
  expect(await waivedEvents(grant.id)).toHaveLength(1)
  const other = { ...WAIVER, policy: 'newer' }
  h.rules.decision = { ...DECISIONS.permit, waivers: [WAIVER, other] }
  await h.grants.renewLease(caller(), grant.id, h.signal)
  expect((await waivedEvents(grant.id))[1]).toMatchObject({ actor: grant.subject, data: { waivers: [other] } })
})

test('a part that is waived is on record while another part waits, and again if the answer meets another waiver', async () => {
  h.rules.decision = { ...DECISIONS.approval, waivers: [WAIVER] }
  const { grant, approval } = await h.request('key-00000001')
  expect(grant.state).toBe('awaiting_approval')
  expect(await waivedEvents(grant.id)).toHaveLength(1)
  const other = { ...WAIVER, policy: 'newer' }
  h.rules.decision = { ...DECISIONS.approval, waivers: [other] }
  const answer = { verdict: 'approve', planHash: grant.planHash, note: 'seen' } as const
  await h.operators.decideApproval(OLGA, approval?.id ?? '', answer)
  expect((await waivedEvents(grant.id))[1]).toMatchObject({ actor: 'operator:olga', data: { waivers: [other] } })
})
