import assert from 'node:assert/strict'
import { test } from 'vitest'
import { decide } from '../../src/policy/decide.ts'
import { type InputChanges, inputOf, pairOf, setOf } from './policy-fixtures.ts'

const ANY_TIME = '@id("p") permit (principal, action, resource) when { context.ttlSeconds <= 1200 };'
const BY_HOUR = '@id("p") permit (principal, action, resource) when { context.hourUtc < 20 };'
const BY_DAY = '@id("p") permit (principal, action, resource) when { context.weekdayUtc < 7 };'
const at = (time: string): InputChanges => ({ context: { now: new Date(time) } })
const pairs = [pairOf()]

test('a repeat is the remembered decision', () => {
  const set = setOf(ANY_TIME)
  assert.equal(decide(set, inputOf(pairs)), decide(set, inputOf(pairs, at('2027-02-03T04:05:06Z'))))
})

test('what depends on the hour is not served stale', () => {
  const set = setOf(BY_HOUR)
  const outcomeAt = (time: string) => decide(set, inputOf(pairs, at(time))).outcome
  assert.equal(outcomeAt('2026-11-21T19:59:59.999Z'), 'permit')
  assert.equal(outcomeAt('2026-11-21T20:00:00.000Z'), 'deny')
  assert.equal(outcomeAt('2026-11-22T19:00:00.000Z'), 'permit')
})

test('what depends on the day is not served stale', () => {
  const set = setOf(BY_DAY)
  assert.equal(decide(set, inputOf(pairs, at('2026-11-21T23:59:59Z'))).outcome, 'permit')
  assert.equal(decide(set, inputOf(pairs, at('2026-11-22T00:00:00Z'))).outcome, 'deny')
})

test('a policy that uses the context as a whole is judged by all of it', () => {
  const secret = [pairOf({ flags: ['secret'] })]
  const whole = inputOf(secret).context
  const set = setOf(`@id("p") permit (principal, action, resource) when { context == {
    action: "s3:GetObject", service: "s3", flags: ["secret"], conditions: Stint::Conditions::"{}", roleArn: "${whole.roleArn}", ttlSeconds: 900,
    hourUtc: 12, weekdayUtc: 6, authMethod: "x509-svid" } };`)
  assert.equal(decide(set, inputOf(secret)).outcome, 'permit')
  assert.equal(decide(set, inputOf(secret, at('2026-11-21T13:00:00Z'))).outcome, 'deny')
})

// Each of these could change the answer, so none may share an entry with the base case.
for (const { name, changes, other } of [
  { name: 'another time limit', changes: { context: { ttlSeconds: 1201 } } },
  { name: 'another role', changes: { context: { roleArn: 'arn:aws:iam::123456789012:role/other' } } },
  { name: 'another proof', changes: { context: { authMethod: 'jwt-svid' as const } } },
  { name: 'another team', changes: { agent: { team: 'web' } } },
  { name: 'another owner', changes: { agent: { owner: 'jo@example.org' } } },
  { name: 'another registration', changes: { agent: { registration: 'other' } } },
  { name: 'another agent', changes: { agent: { subject: 'spiffe://example.org/ci/other' } } },
  { name: 'other classes that need approval', changes: { approvalsRequiredFor: ['read' as const] } },
  { name: 'another plan', other: [pairOf({ resource: 'arn:aws:s3:::other' })] },
])
  test(`${name} is another decision`, () => {
    const set = setOf(ANY_TIME)
    assert.notEqual(decide(set, inputOf(other ?? pairs, changes)), decide(set, inputOf(pairs)))
  })

test('a new set begins with no memory of the old one', () => {
  assert.equal(decide(setOf(ANY_TIME), inputOf(pairs)).outcome, 'permit')
  assert.equal(decide(setOf(BY_HOUR), inputOf(pairs, at('2026-11-21T20:00:00Z'))).outcome, 'deny')
})

test('pairs that differ only in what no policy reads are judged once, and each is answered', () => {
  const set = setOf('@id("p") permit (principal, action, resource) when { resource.within.contains("ok") };')
  const many = Array.from({ length: 40 }, (_, index) => pairOf({ resource: `arn:aws:s3:::b${index}` }))
  const calls = countJudgements(set)
  assert.equal(decide(set, inputOf(many)).failedPairs.length, 40)
  assert.equal(calls(), 1)
})

test('pairs are judged apart as soon as a policy reads what tells them apart', () => {
  const set = setOf('@id("p") permit (principal, action, resource) when { resource.arn like "arn:aws:s3:::b*" };')
  const asked = [pairOf({ resource: 'arn:aws:s3:::b1' }), pairOf({ resource: 'arn:aws:s3:::c1' })]
  assert.deepEqual(
    decide(set, inputOf(asked)).failedPairs.map(({ resource }) => resource),
    ['arn:aws:s3:::c1'],
  )
})

function countJudgements(set: ReturnType<typeof setOf>): () => number {
  const judge = set.judge.judge.bind(set.judge)
  let calls = 0
  set.judge.judge = (request) => {
    calls += 1
    return judge(request)
  }
  return () => calls
}
