import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'vitest'
import type { Operator } from '../../src/grants/operators/operator.ts'
import { isInScope, scopeLedger } from '../../src/grants/operators/operator-scope.ts'
import { DECISIONS, type Harness, OLGA, OSCAR, openHarness, task } from '../support/grant-harness.ts'

const ROLE_ARN = 'arn:aws:iam::111122223333:role/stint/agent-data'

for (const { what, scope, target, isIn } of [
  { what: 'no scope', scope: undefined, target: { team: 'x' }, isIn: true },
  { what: 'its team', scope: { teams: ['x'] }, target: { team: 'x' }, isIn: true },
  { what: 'another team', scope: { teams: ['y'] }, target: { team: 'x' }, isIn: false },
  { what: 'its account', scope: { accounts: ['111122223333'] }, target: { team: 'x', roleArn: ROLE_ARN }, isIn: true },
  {
    what: 'another account',
    scope: { accounts: ['999999999999'] },
    target: { team: 'x', roleArn: ROLE_ARN },
    isIn: false,
  },
  {
    what: 'its team in another account',
    scope: { teams: ['x'], accounts: ['9'] },
    target: { team: 'x', roleArn: ROLE_ARN },
    isIn: false,
  },
  { what: 'an account, of what has none', scope: { accounts: ['111122223333'] }, target: { team: 'x' }, isIn: false },
])
  test(`scope ${what}: ${isIn ? 'seen' : 'not there'}`, () => {
    assert.equal(isInScope({ scope }, target), isIn)
  })

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(async () => {
  await harness.close()
  harness.remove()
})

const scoped = (operator: Operator, team: string): Operator => ({ ...operator, scope: { teams: [team] } })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

// The harness registers every agent in the team data.
test('an operator of another team cannot end a grant, nor learn that it is there', async () => {
  const { grant } = await harness.request('request-1', task())
  assert.equal(await codeOf(harness.operators.revokeGrant(scoped(OSCAR, 'web'), grant.id, '')), 'GRANT_NOT_FOUND')
  assert.equal((await harness.ledger.getGrant(grant.id))?.state, 'active')
  assert.equal(await codeOf(harness.operators.revokeGrant(scoped(OSCAR, 'data'), grant.id, '')), 'done')
})

test('an approver of another team cannot answer, nor learn that there is a question', async () => {
  harness.rules.decision = DECISIONS.approval
  const { grant } = await harness.request('request-1', task())
  const approval = await harness.ledger.findApproval(grant.id)
  const answer = {
    verdict: 'reject' as const,
    planHash: grant.planHash,
    note: '',
    via: { channel: 'token', assurance: 'no_step_up' } as const,
  }
  const decide = (team: string) => harness.operators.decideApproval(scoped(OLGA, team), approval?.id ?? '', answer)
  assert.equal(await codeOf(decide('web')), 'APPROVAL_NOT_FOUND')
  assert.equal((await harness.ledger.getApproval(approval?.id ?? ''))?.state, 'pending')
  assert.equal(await codeOf(decide('data')), 'done')
})

test('lists and reads have what is in scope', async () => {
  harness.rules.decision = DECISIONS.approval
  await harness.request('request-1', task())
  harness.rules.team = 'web'
  const { grant } = await harness.request('request-2', task())
  const seen = scopeLedger(harness.ledger, scoped(OLGA, 'data'))
  const first = await seen.listGrants({}, { limit: 1 })
  assert.deepEqual([first.items.length, first.nextCursor], [1, undefined])
  assert.equal((await seen.listGrants({}, { limit: 10 })).items.length, 1)
  assert.equal((await seen.listApprovals({}, { limit: 10 })).items.length, 1)
  assert.equal(await seen.getGrant(grant.id), undefined)
  assert.equal(await seen.findApproval(grant.id), undefined)
  assert.deepEqual(await seen.listLeases(grant.id), [])
  assert.deepEqual(await seen.trail(grant.id), [])
})

test('an operator without a scope has the ledger itself', () => {
  assert.equal(scopeLedger(harness.ledger, OLGA), harness.ledger)
})

/** One grant of each of these teams, the oldest first. */
async function askAs(teams: readonly string[]) {
  for (const [index, team] of teams.entries()) {
    harness.rules.team = team
    await harness.request(`request-${index}`, task())
    await harness.clock.advance(1_000)
  }
}

// An empty page with a cursor would tell that the other team has such grants.
test('a list ends where the last grant in scope is, and its pages are full', async () => {
  await askAs(['web', 'data', 'web', 'data', 'data', 'web'])
  const ledger = scopeLedger(harness.ledger, scoped(OSCAR, 'data'))
  const all = await ledger.listGrants({}, { limit: 3 })
  assert.deepEqual([all.items.length, all.nextCursor], [3, undefined])
  const first = await ledger.listGrants({}, { limit: 2 })
  assert.equal(first.items.length, 2)
  const second = await ledger.listGrants({}, { limit: 2, ...(first.nextCursor && { cursor: first.nextCursor }) })
  assert.deepEqual([...first.items, ...second.items], all.items)
  assert.equal(second.nextCursor, undefined)
  const none = scopeLedger(harness.ledger, scoped(OSCAR, 'sales'))
  assert.deepEqual(await none.listGrants({}, { limit: 1 }), { items: [] })
})

test('what an agent was approved for in another team is not compared with', async () => {
  harness.rules.decision = DECISIONS.approval
  const { grant } = await harness.request('request-1', task())
  const approval = await harness.ledger.findApproval(grant.id)
  const answer = { verdict: 'approve', planHash: grant.planHash, note: '' } as const
  await harness.operators.decideApproval(OLGA, approval?.id ?? '', answer)
  harness.rules.team = 'web'
  const { grant: later } = await harness.request('request-2', task())
  const find = (team: string) => scopeLedger(harness.ledger, scoped(OLGA, team)).findLastApproved(later)
  assert.equal((await find('data'))?.grant.id, grant.id)
  assert.equal(await find('web'), undefined)
})
