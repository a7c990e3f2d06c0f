import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Operator } from '../../../src/grants/operators/operator.ts'
import { countAnswerers, countInGroup } from '../../../src/grants/operators/who-can-answer.ts'
import type { ApprovalRequirement } from '../../../src/policy/decision.ts'
import { caller, type Harness, openHarness, task } from '../../support/grant-harness.ts'

const SUBJECT = 'spiffe://example.org/ci/deploy'
const GRANT = {
  ...{ subject: SUBJECT, owner: 'ann', team: 'data' },
  roleArn: 'arn:aws:iam::123456789012:role/deploy',
}
const person = (name: string, over: Partial<Operator> = {}): Operator => ({
  name,
  role: 'approver',
  groups: ['owners'],
  subjects: [],
  ...over,
})
const asked = (...anyOf: string[]): ApprovalRequirement[] => [{ anyOf, because: ['a-policy'] }]
interface Case {
  readonly name: string
  readonly people: readonly Operator[]
  readonly requirements: readonly ApprovalRequirement[]
  readonly count: number
}

// Who may answer is what decide-approval asks: the role, a group of each requirement, and not the agent's own operator.
for (const { name, people, requirements, count } of [
  {
    name: 'two members of the group',
    people: [person('olga'), person('otto')],
    requirements: asked('owners'),
    count: 2,
  },
  { name: 'a higher role', people: [person('ada', { role: 'admin' })], requirements: asked('owners'), count: 1 },
  { name: 'a viewer', people: [person('vera', { role: 'viewer' })], requirements: asked('owners'), count: 0 },
  { name: 'another group', people: [person('sam', { groups: ['security'] })], requirements: asked('owners'), count: 0 },
  { name: 'any approver', people: [person('sam', { groups: [] })], requirements: asked('any'), count: 1 },
  {
    name: 'one of two requirements, and nobody for the other',
    people: [person('olga')],
    requirements: [...asked('owners'), ...asked('security')],
    count: 0,
  },
  {
    name: 'one person for each of two requirements',
    people: [person('olga'), person('sam', { groups: ['security'] })],
    requirements: [...asked('owners'), ...asked('security')],
    count: 2,
  },
  {
    name: 'one of the two people that are needed',
    people: [person('olga')],
    requirements: [{ anyOf: ['owners'], count: 2, because: ['p'] }],
    count: 0,
  },
  {
    name: 'an owner, who is excluded',
    people: [person('ann'), person('olga')],
    requirements: [{ anyOf: ['owners'], exclude: ['owner'], because: ['p'] }],
    count: 1,
  },
  {
    name: 'a demand that no vote can meet today',
    people: [person('olga')],
    requirements: [{ anyOf: ['owners'], assurance: 'step_up', because: ['p'] }],
    count: 0,
  },
  {
    name: 'the operator of the agent',
    people: [person('olga', { subjects: ['spiffe://example.org/ci/*'] })],
    requirements: asked('owners'),
    count: 0,
  },
  {
    name: 'somebody with the scope of another team, and somebody with that of this one',
    people: [person('olga', { scope: { teams: ['web'] } }), person('otto', { scope: { teams: ['data'] } })],
    requirements: asked('owners'),
    count: 1,
  },
  {
    name: 'somebody with the scope of another account',
    people: [person('olga', { scope: { teams: ['data'], accounts: ['210987654321'] } })],
    requirements: asked('owners'),
    count: 0,
  },
] satisfies Case[] as Case[])
  test(`${name}: ${count} could answer`, () => {
    expect(countAnswerers(people, GRANT, requirements)).toBe(count)
  })

test('a group counts its approvers, and any counts all of them', () => {
  const people = [person('olga'), person('sam', { groups: ['security'] }), person('vera', { role: 'viewer' })]
  expect([countInGroup(people, 'owners'), countInGroup(people, 'any'), countInGroup(people, 'none')]).toEqual([1, 2, 0])
})

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(async () => {
  await harness.close()
  harness.remove()
})

test('a plan that waits for a person says how many could answer now, and any other plan does not', async () => {
  const plan = () => harness.grants.planTask(caller(), task(), harness.signal)
  expect(await plan()).not.toHaveProperty('couldApprove')
  const approval = asked('owners')
  harness.rules.decision = { ...harness.rules.decision, outcome: 'approval', approval }
  expect(await plan()).toMatchObject({ couldApprove: 0 })
  harness.people.push(person('olga'))
  expect(await plan()).toMatchObject({ couldApprove: 1 })
})
