import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Operator } from '../../../src/grants/operators/operator.ts'
import type { ApprovalRequirement } from '../../../src/policy/decision.ts'
import { caller, DECISIONS, DELETE, type Harness, OLGA, openHarness, task } from '../../support/grant-harness.ts'

const OTTO: Operator = { ...OLGA, name: 'otto' }
const ODA: Operator = { ...OLGA, name: 'oda' }
const SAM: Operator = { ...OLGA, name: 'sam', groups: ['security'] }
const TWO_OWNERS: ApprovalRequirement[] = [{ anyOf: ['owners'], count: 2, because: ['p'] }]
const OWNER_AND_SECURITY: ApprovalRequirement[] = [
  { anyOf: ['owners'], because: ['p'] },
  { anyOf: ['security'], because: ['p'] },
]

let h: Harness
beforeEach(async () => {
  h = await openHarness()
  h.people.push(OLGA, OTTO, ODA, SAM)
})
afterEach(async () => {
  await h.close()
  h.remove()
})

/** A grant that waits for these approvals. */
async function ask(approval: readonly ApprovalRequirement[], key = 'key-00000001') {
  h.rules.decision = { ...DECISIONS.approval, approval }
  const { grant } = await h.request(key, task(DELETE))
  return grant.id
}

async function vote(grantId: string, who: Operator, over: object = {}) {
  const approval = await h.ledger.findApproval(grantId)
  const answer = { verdict: 'approve' as const, planHash: approval?.planHash ?? '', note: 'read it', ...over }
  return h.operators.decideApproval(who, approval?.id ?? '', answer)
}

const stateOf = async (grantId: string) => (await h.ledger.getGrant(grantId))?.state
const eventsOf = async (grantId: string) => (await h.ledger.trail(grantId)).map(({ type }) => type).slice(2)

describe('a question for several people', () => {
  test('waits until the last vote that it needs, and its agent can claim it then', async () => {
    const id = await ask(TWO_OWNERS)
    const first = await vote(id, OLGA)
    expect(first).toMatchObject({ approval: { state: 'pending', votes: [{ voter: 'olga' }] } })
    expect(await h.request('key-00000001', task(DELETE))).not.toHaveProperty('lease')
    await h.clock.advance(60_000)
    const second = await vote(id, OTTO)
    expect(second).toMatchObject({
      approval: { state: 'approved', decidedBy: 'operator:otto' },
      grant: { state: 'active', activeAt: h.clock.now() },
    })
    expect(await h.request('key-00000001', task(DELETE))).toHaveProperty('lease')
    expect((await h.ledger.trail(id)).filter(({ type }) => type.startsWith('approval.'))).toMatchObject([
      { type: 'approval.requested' },
      { type: 'approval.voted', actor: 'operator:olga', data: { assurance: 'no_step_up', channel: 'token' } },
      { type: 'approval.voted', actor: 'operator:otto' },
      { type: 'approval.approved', actor: 'operator:otto', data: { voters: ['olga', 'otto'] } },
    ])
  })

  test('counts one person towards several requirements, and several people towards one each', async () => {
    const both = await ask(OWNER_AND_SECURITY)
    expect((await vote(both, { ...OLGA, groups: ['owners', 'security'] })).grant.state).toBe('active')
    const each = await ask(OWNER_AND_SECURITY, 'key-00000002')
    expect((await vote(each, SAM)).grant.state).toBe('awaiting_approval')
    expect((await vote(each, OLGA)).grant.state).toBe('active')
  })

  // A person who lost the answer asks again; a second event would look like a second vote.
  test('a repeated vote has the same answer, and is on record once', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    expect(await vote(id, OLGA, { note: 'again' })).toMatchObject({
      approval: { state: 'pending', votes: [{ voter: 'olga', note: 'read it' }] },
    })
    expect(await vote(id, { ...OLGA, name: 'OLGA' })).toMatchObject({ approval: { votes: [{ voter: 'olga' }] } })
    await vote(id, OTTO)
    expect(await vote(id, OTTO)).toMatchObject({ approval: { state: 'approved' }, grant: { state: 'active' } })
    expect(await eventsOf(id)).toEqual(['approval.voted', 'approval.voted', 'approval.approved', 'grant.active'])
  })

  test('a rejection ends it, also of somebody who approved before', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    const rejected = await vote(id, OLGA, { verdict: 'reject', note: 'on second thoughts' })
    expect(rejected).toMatchObject({
      approval: { state: 'rejected', votes: [{ voter: 'olga', verdict: 'reject' }], note: 'on second thoughts' },
      grant: { state: 'rejected' },
    })
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'APPROVAL_DECIDED' })
    expect(await vote(id, OLGA, { verdict: 'reject' })).toMatchObject({ approval: { state: 'rejected' } })
  })
})

// The rows of bad input and faults, with the one right outcome of each.
describe('a vote', () => {
  test('two voters at once: both votes are kept, and exactly one completes the question', async () => {
    const id = await ask([{ anyOf: ['owners'], count: 3, because: ['p'] }])
    const answers = await Promise.all([vote(id, OLGA), vote(id, OTTO), vote(id, ODA)])
    expect(answers.filter(({ grant }) => grant.state === 'active')).toHaveLength(1)
    const approval = await h.ledger.findApproval(id)
    expect(approval?.votes.map(({ voter }) => voter).sort()).toEqual(['oda', 'olga', 'otto'])
    expect((await eventsOf(id)).filter((type) => type === 'approval.approved')).toHaveLength(1)
  })

  test('the last one after the expiry: refused, and the first one approves nothing', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    await h.clock.advance(600_000)
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'APPROVAL_EXPIRED' })
    expect(await stateOf(id)).toBe('awaiting_approval')
    await h.sweeper.sweep()
    expect(await stateOf(id)).toBe('approval_expired')
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'APPROVAL_EXPIRED' })
  })

  for (const { name, now } of [
    { name: 'left the group', now: [{ ...OLGA, groups: [] }] },
    { name: 'is no longer an operator', now: [] },
    { name: 'may no longer approve', now: [{ ...OLGA, role: 'viewer' as const }] },
    { name: 'has the scope of another team', now: [{ ...OLGA, scope: { teams: ['web'] } }] },
    { name: 'runs the agent by now', now: [{ ...OLGA, subjects: ['spiffe://example.org/*'] }] },
  ])
    test(`counts no more once its voter ${name}`, async () => {
      const id = await ask(TWO_OWNERS)
      await vote(id, OLGA)
      h.people.splice(0, h.people.length, ...now, OTTO, ODA)
      expect((await vote(id, OTTO)).grant.state).toBe('awaiting_approval')
      expect((await vote(id, ODA)).grant.state).toBe('active')
    })

  test('policy asks for more by now: what holds now and what was asked for must both be met', async () => {
    const id = await ask([{ anyOf: ['owners'], because: ['p'] }])
    h.rules.decision = { ...DECISIONS.approval, approval: [{ anyOf: ['security'], because: ['q'] }] }
    expect((await vote(id, OLGA)).grant.state).toBe('awaiting_approval')
    expect((await vote(id, SAM)).grant.state).toBe('active')
  })

  test('policy asks for less by now: what was asked for holds', async () => {
    const id = await ask(TWO_OWNERS)
    h.rules.decision = DECISIONS.permit
    expect((await vote(id, OLGA)).grant.state).toBe('awaiting_approval')
  })

  test('policy denies by now: refused, on record, and the votes before it stay', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    h.rules.decision = DECISIONS.deny
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'POLICY_DENIED' })
    expect(await h.ledger.findApproval(id)).toMatchObject({ state: 'pending', votes: [{ voter: 'olga' }] })
    expect(await eventsOf(id)).toEqual(['approval.voted', 'approval.refused'])
  })

  test('a clock that jumped back across the expiry approves nothing', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    await h.clock.advance(599_000)
    h.clock.jump(-3_600_000)
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
    expect(await stateOf(id)).toBe('awaiting_approval')
  })

  test('a clock that jumped ahead across the expiry says so, and rejecting is still possible before it', async () => {
    const id = await ask(TWO_OWNERS)
    h.clock.jump(3_600_000)
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'CLOCK_UNSTABLE' })
  })

  test('of the owner does not count where policy excludes it', async () => {
    const id = await ask([{ anyOf: ['owners'], exclude: ['owner'], because: ['p'] }])
    await expect(vote(id, { ...OLGA, name: 'Ann' })).rejects.toMatchObject({
      code: 'APPROVAL_NOT_ELIGIBLE',
      details: { reason: 'owner' },
    })
    // The owner of now is excluded like the one of then.
    h.rules.owner = 'olga'
    await expect(vote(id, OLGA)).rejects.toMatchObject({ details: { reason: 'owner' } })
    expect((await vote(id, OTTO)).grant.state).toBe('active')
  })

  test('needs the assurance that is asked for, whatever its channel; a rejection needs none', async () => {
    const id = await ask([{ anyOf: ['owners'], assurance: 'step_up', because: ['class:destructive'] }])
    for (const channel of ['token', 'cli'] as const) {
      const via = { channel, assurance: 'no_step_up' } as const
      await expect(vote(id, OLGA, { via })).rejects.toMatchObject({ code: 'STEP_UP_REQUIRED' })
    }
    expect((await vote(id, OLGA, { verdict: 'reject' })).approval.state).toBe('rejected')
    const other = await ask([{ anyOf: ['owners'], assurance: 'step_up', because: ['p'] }], 'key-00000002')
    const via = { channel: 'token', assurance: 'step_up' } as const
    expect((await vote(other, OLGA, { via })).grant.state).toBe('active')
  })
})

describe('a plan that changed while it waited', () => {
  test('voids the question: the voter, the agent and the record say what changed', async () => {
    const id = await ask(TWO_OWNERS)
    await vote(id, OLGA)
    const views = h.grants.watchGrant(caller(), id, h.signal)[Symbol.asyncIterator]()
    await views.next()
    const told = views.next()
    h.changePlans()
    await expect(vote(id, OTTO)).rejects.toMatchObject({
      code: 'APPROVAL_VOIDED',
      details: { changes: [expect.stringMatching(/^Other labels: s3:DeleteObject .*touching env:prod/)] },
    })
    expect((await told).value).toMatchObject({ grant: { state: 'rejected' } })
    const approval = await h.ledger.findApproval(id)
    expect(approval).toMatchObject({ state: 'voided', voided: { changes: [expect.stringContaining('env:prod')] } })
    expect(await eventsOf(id)).toEqual(['approval.voted', 'approval.voided'])
    await expect(vote(id, OTTO)).rejects.toMatchObject({ code: 'APPROVAL_VOIDED' })
    expect((await h.ledger.listApprovals({ state: 'voided' }, { limit: 10 })).items).toHaveLength(1)
    expect((await h.ledger.listApprovals({ state: 'rejected' }, { limit: 10 })).items).toHaveLength(0)
  })

  test('does not keep anybody from rejecting', async () => {
    const id = await ask(TWO_OWNERS)
    h.changePlans()
    expect((await vote(id, OTTO, { verdict: 'reject' })).approval.state).toBe('rejected')
  })
})
