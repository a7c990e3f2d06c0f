import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeTally } from '../../../src/grants/approvals/describe-tally.ts'
import type { Operator } from '../../../src/grants/operators/operator.ts'
import { operatorRowSchema } from '../../../src/grants/operators/operator.ts'
import type { ApprovalRequirement } from '../../../src/policy/decision.ts'
import { DECISIONS, DELETE, type Harness, OLGA, openHarness, task } from '../../support/grant-harness.ts'

const OTTO: Operator = { ...OLGA, name: 'otto' }
const SAM: Operator = { ...OLGA, name: 'sam', groups: ['security'] }
const REQUIREMENTS: ApprovalRequirement[] = [
  { anyOf: ['owners'], count: 2, because: ['p'] },
  { anyOf: ['security'], because: ['q'] },
]

let h: Harness
beforeEach(async () => {
  h = await openHarness()
  h.people.push(OLGA, OTTO, SAM)
})
afterEach(async () => {
  await h.close()
  h.remove()
})

async function ask(): Promise<string> {
  h.rules.decision = { ...DECISIONS.approval, approval: REQUIREMENTS }
  return (await h.request('key-00000001', task(DELETE))).grant.id
}

async function vote(grantId: string, who: Operator, verdict: 'approve' | 'reject' = 'approve') {
  const approval = await h.ledger.findApproval(grantId)
  const answer = { verdict, planHash: approval?.planHash ?? '', note: 'n' }
  return h.operators.decideApproval(who, approval?.id ?? '', answer)
}

async function tallyOf(grantId: string, operator: Operator) {
  const [approval, grant] = [await h.ledger.findApproval(grantId), await h.ledger.getGrant(grantId)]
  if (!approval || !grant) throw new Error('no such grant')
  return describeTally({ approval, grant, people: h.people, now: h.clock.now() }, operator)
}

test('says who has approved, who is missing and who could', async () => {
  const id = await ask()
  await vote(id, OLGA)
  expect(await tallyOf(id, SAM)).toMatchObject({
    isMet: false,
    requirements: [
      { anyOf: ['owners'], count: 2, approvedBy: ['olga'], missing: 1, couldApprove: ['otto'], canBeMet: true },
      { anyOf: ['security'], count: 1, approvedBy: [], missing: 1, couldApprove: ['sam'], canBeMet: true },
    ],
    votes: [{ voter: 'olga', counts: true }],
    you: { approve: { allowed: true }, reject: { allowed: true } },
  })
  expect((await tallyOf(id, OLGA)).you).toMatchObject({ voted: 'approve' })
})

test('says why a vote counts no more, and that those who are left are too few', async () => {
  const id = await ask()
  await vote(id, OLGA)
  h.people.splice(0, 1)
  expect(await tallyOf(id, OTTO)).toMatchObject({
    requirements: [{ approvedBy: [], missing: 2, couldApprove: ['otto'], canBeMet: false }, { canBeMet: true }],
    votes: [{ voter: 'olga', counts: false, obstacle: { reason: 'unknown' } }],
    couldDecide: 0,
  })
})

// What the view says is what the vote finds out: both ask the same function.
for (const { name, who, reason } of [
  { name: 'a viewer', who: { ...OLGA, role: 'viewer' as const }, reason: 'role' },
  { name: 'somebody of another group', who: { ...OLGA, name: 'eve', groups: ['web'] }, reason: 'group' },
  { name: 'whoever runs the agent', who: { ...OLGA, subjects: ['spiffe://example.org/*'] }, reason: 'own_agent' },
])
  test(`tells ${name} the reason that the vote would be refused for`, async () => {
    const id = await ask()
    const { approve } = (await tallyOf(id, who)).you
    expect(approve).toMatchObject({ allowed: false, code: 'APPROVAL_NOT_ELIGIBLE', reason })
    await expect(vote(id, who)).rejects.toMatchObject({ code: approve.code, details: { reason } })
  })

test('of a question that is over lets nobody vote, and says how it ended', async () => {
  const id = await ask()
  await vote(id, OLGA, 'reject')
  const { you, couldDecide } = await tallyOf(id, SAM)
  expect(couldDecide).toBe(0)
  expect(you.approve).toMatchObject({ allowed: false, code: 'APPROVAL_DECIDED' })
})

// A workload identity never votes: no operator can have the name of one.
for (const name of ['spiffe://example.org/bot', 'oidc:github:repository_id=42'])
  test(`no operator is called ${name}`, () => expect(operatorRowSchema.shape.name.safeParse(name).success).toBe(false))
