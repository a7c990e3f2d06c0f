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

test('a new plan of a known shape asks Cedar nothing', () => {
  const set = setOf('@id("p") permit (principal, action, resource) when { resource.within.contains("data:ok") };')
  const calls = countJudgements(set)
  const outcomes = ['arn:aws:s3:::a', 'arn:aws:s3:::b'].map(
    (resource) => decide(set, inputOf([pairOf({ resource, within: ['data:ok'], touches: ['data:ok'] })])).outcome,
  )
  assert.deepEqual(outcomes, ['permit', 'permit'])
  assert.equal(calls(), 1)
})

// Each is read by the policy, so a verdict on the one is none on the other.
for (const { name, when, changes = {}, pair = {} } of [
  { name: 'owner', when: 'principal.owner == "jo@example.org"', changes: { agent: { owner: 'jo@example.org' } } },
  { name: 'registration', when: 'principal.registration == "other"', changes: { agent: { registration: 'other' } } },
  { name: 'team', when: 'principal in Stint::Team::"web"', changes: { agent: { team: 'web' } } },
  {
    name: 'subject',
    when: 'principal == Stint::Agent::"spiffe://example.org/ci/other"',
    changes: { agent: { subject: 'spiffe://example.org/ci/other' } },
  },
  {
    name: 'proof',
    when: 'context.authMethod == "jwt-svid"',
    changes: { context: { authMethod: 'jwt-svid' as const } },
  },
  { name: 'time limit', when: 'context.ttlSeconds > 1200', changes: { context: { ttlSeconds: 1201 } } },
  {
    name: 'role',
    when: 'context.roleArn like "*/other"',
    changes: { context: { roleArn: 'arn:aws:iam::123456789012:role/other' } },
  },
  { name: 'hour', when: 'context.hourUtc == 20', changes: at('2026-11-21T20:00:00Z') },
  { name: 'day', when: 'context.weekdayUtc == 7', changes: at('2026-11-22T12:00:00Z') },
  { name: 'action', when: 'context.action == "s3:GetObjectAcl"', pair: { action: 's3:GetObjectAcl' } },
  { name: 'class', when: 'action == Stint::Action::"list"', pair: { class: 'list' as const } },
  { name: 'flags', when: 'context.flags.contains("secret")', pair: { flags: ['secret' as const] } },
  { name: 'resource', when: 'resource.arn like "*-other"', pair: { resource: 'arn:aws:s3:::b-other' } },
  { name: 'label', when: 'resource.touches.contains("data:x")', pair: { touches: ['data:x'] } },
  {
    name: 'conditions',
    when: 'context.conditions.hasTag("aws:ResourceTag/env")',
    pair: { conditions: [{ key: 'aws:ResourceTag/env', operator: 'StringEquals', values: ['dev'] }] },
  },
] satisfies { name: string; when: string; changes?: InputChanges; pair?: Parameters<typeof pairOf>[0] }[])
  test(`another ${name} is judged by itself where policy reads it`, () => {
    const set = setOf(`@id("p") permit (principal, action, resource) when { ${when} };`)
    assert.equal(decide(set, inputOf([pairOf()])).outcome, 'deny')
    assert.equal(decide(set, inputOf([pairOf(pair)], changes)).outcome, 'permit')
    assert.equal(decide(set, inputOf([pairOf({ resource: 'arn:aws:s3:::again' })])).outcome, 'deny')
  })

test('a verdict that failed is not remembered', () => {
  const set = setOf(
    '@id("p") permit (principal, action, resource) when { context.ttlSeconds * 9223372036854775807 > 0 };',
  )
  const calls = countJudgements(set)
  for (const resource of ['arn:aws:s3:::a', 'arn:aws:s3:::b'])
    assert.equal(decide(set, inputOf([pairOf({ resource })])).failedPairs[0]?.reason, 'evaluation_error')
  assert.equal(calls(), 2)
})
