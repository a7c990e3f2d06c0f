import assert from 'node:assert/strict'
import { test } from 'vitest'
import { ACTION_CLASSES } from '../../src/aws/action-classes.ts'
import { loadCedarEngine } from '../../src/policy/cedar/cedar-engine.ts'
import { CedarJudge } from '../../src/policy/cedar/cedar-judge.ts'
import { DEFAULT_APPROVALS_REQUIRED_FOR, decide } from '../../src/policy/decide.ts'
import { type InputChanges, inputOf, pairOf, setOf } from './policy-fixtures.ts'

// Three policies of the three usual kinds; the same as in docs/policy.md.
const EXAMPLE = `
// The data team's agents may read invoices, in working hours, for at most 20 minutes.
@id("invoices-read")
permit (
  principal in Stint::Team::"data",
  action in Stint::Action::"read",
  resource
) when {
  resource.within.contains("data:invoices") && context.ttlSeconds <= 1200 && context.hourUtc >= 6 && context.hourUtc < 20
};

// Deleting in staging needs one of the owners.
@id("staging-delete") @approval("owners:1")
permit (principal in Stint::Team::"data", action in Stint::Action::"destructive", resource)
when { resource.within.contains("env:staging") };

// Whatever else says yes: no agent touches production permissions.
@id("prod-permissions-never")
forbid (principal, action in Stint::Action::"permissions", resource)
when { resource.touches.contains("env:prod") };
`
const example = setOf(EXAMPLE)
const at = (time: string): InputChanges => ({ context: { now: new Date(time) } })

for (const { name, pairs, changes, outcome, policies } of [
  { name: 'reads invoices at noon', pairs: [pairOf()], outcome: 'permit', policies: ['invoices-read'] },
  { name: 'reads at 20:00', pairs: [pairOf()], changes: at('2026-11-21T20:00:00Z'), outcome: 'deny', policies: [] },
  {
    name: 'reads for 1,201 s',
    pairs: [pairOf()],
    changes: { context: { ttlSeconds: 1201 } },
    outcome: 'deny',
    policies: [],
  },
  { name: 'is of another team', pairs: [pairOf()], changes: { agent: { team: 'web' } }, outcome: 'deny', policies: [] },
  {
    name: 'is of a team with a longer name',
    pairs: [pairOf()],
    changes: { agent: { team: 'data2' } },
    outcome: 'deny',
    policies: [],
  },
  { name: 'lists', pairs: [pairOf({ class: 'list', action: 's3:ListBucket' })], outcome: 'deny', policies: [] },
  {
    name: 'only touches invoices',
    pairs: [pairOf({ within: [], touches: ['data:invoices'] })],
    outcome: 'deny',
    policies: [],
  },
  {
    name: 'reads one thing too many',
    pairs: [pairOf(), pairOf({ resource: '*', within: [] })],
    outcome: 'deny',
    policies: [],
  },
  {
    name: 'deletes in staging',
    pairs: [pairOf({ class: 'destructive', within: ['env:staging'] })],
    outcome: 'approval',
    policies: ['staging-delete'],
  },
  {
    name: 'deletes in production',
    pairs: [pairOf({ class: 'destructive', within: ['env:prod'] })],
    outcome: 'deny',
    policies: [],
  },
  {
    name: 'touches production permissions',
    pairs: [pairOf({ class: 'permissions', within: [], touches: ['env:prod'] })],
    outcome: 'deny',
    policies: ['prod-permissions-never'],
  },
  { name: 'asks for nothing', pairs: [], outcome: 'deny', policies: [] },
])
  test(`by the example set, an agent that ${name} gets ${outcome}`, () => {
    const decision = decide(example, inputOf(pairs, changes))
    assert.equal(decision.outcome, outcome)
    assert.deepEqual(decision.determiningPolicies, policies)
    assert.equal(decision.policySetHash, example.hash)
    assert.equal(decision.approval.length > 0, outcome === 'approval')
  })

test('each failed pair is named with its reason, and the others are not', () => {
  const set = setOf(`
    @id("all") permit (principal, action, resource) when { resource.within.contains("ok") };
    @id("no-prod") forbid (principal, action, resource) when { resource.touches.contains("env:prod") };
    @id("no-secrets") forbid (principal, action, resource) when { context.flags.contains("secret") };`)
  const { failedPairs, determiningPolicies } = decide(
    set,
    inputOf([
      pairOf({ within: ['ok'] }),
      pairOf({ within: [], resource: 'arn:aws:s3:::a' }),
      pairOf({ within: ['ok'], touches: ['env:prod', 'ok'], resource: 'arn:aws:s3:::b' }),
      pairOf({ within: ['ok'], touches: ['env:prod', 'ok'], flags: ['secret'], resource: 'arn:aws:s3:::c' }),
    ]),
  )
  assert.deepEqual(
    failedPairs.map(({ resource, reason, policies }) => [resource, reason, policies]),
    [
      ['arn:aws:s3:::a', 'no_permit', []],
      ['arn:aws:s3:::b', 'forbidden', ['no-prod']],
      ['arn:aws:s3:::c', 'forbidden', ['no-prod', 'no-secrets']],
    ],
  )
  assert.deepEqual(determiningPolicies, ['no-prod', 'no-secrets'])
})

// Cedar skips a policy that fails to evaluate: https://docs.cedarpolicy.com/auth/authorization.html
const OVERFLOW = 'context.ttlSeconds * 9223372036854775807 > 0'
for (const { name, broken } of [
  { name: 'forbid', broken: `@id("broken") forbid (principal, action, resource) when { ${OVERFLOW} };` },
  { name: 'permit', broken: `@id("broken") permit (principal, action, resource) when { ${OVERFLOW} };` },
  {
    name: 'later condition of a forbid',
    broken: `@id("broken") forbid (principal, action, resource) when { resource.touches.contains("data:invoices") } when { ${OVERFLOW} };`,
  },
  {
    name: 'condition before a label that the request has not',
    broken: `@id("broken") forbid (principal, action, resource) when { ${OVERFLOW} && resource.touches.contains("env:prod") };`,
  },
  {
    name: 'clause before a label that the request has not',
    broken: `@id("broken") forbid (principal, action, resource) when { ${OVERFLOW} } when { resource.touches.contains("env:prod") };`,
  },
])
  test(`a ${name} that fails to evaluate denies, whatever permits`, () => {
    const set = setOf(`@id("all") permit (principal, action, resource) when { true };${broken}`)
    const decision = decide(set, inputOf([pairOf()]))
    assert.equal(decision.outcome, 'deny')
    assert.deepEqual(decision.determiningPolicies, ['broken'])
    assert.equal(decision.failedPairs[0]?.reason, 'evaluation_error')
  })

test('a request that does not fit the schema denies and is not remembered', () => {
  const set = setOf('@id("all") permit (principal, action, resource) when { true };')
  assert.equal(decide(set, inputOf([pairOf()], { context: { ttlSeconds: 0.5 } })).outcome, 'deny')
  assert.equal(
    decide(set, inputOf([pairOf()], { context: { now: new Date(Number.NaN) } })).failedPairs[0]?.reason,
    'evaluation_error',
  )
  assert.equal(decide(set, inputOf([pairOf()])).outcome, 'permit')
})

for (const { condition, changes, pair } of [
  { condition: 'principal.subject == "spiffe://example.org/ci/deploy" && principal.trustDomain == "example.org"' },
  {
    condition:
      'principal.owner == "mara@example.org" && principal.registration == "ci-deploy" && principal.team == "data"',
  },
  { condition: 'principal == Stint::Agent::"spiffe://example.org/ci/deploy"' },
  { condition: 'resource.arn like "arn:aws:s3:::invoices/*" && resource.service == "s3" && resource.account == ""' },
  {
    condition: 'resource.region == "eu-west-1" && resource.account == "123456789012"',
    pair: { resource: 'arn:aws:sqs:eu-west-1:123456789012:q*' },
  },
  {
    condition: 'resource.region == "" && resource.account == "123456789012"',
    pair: { resource: 'arn:aws:sqs:eu-*:123456789012:q' },
  },
  { condition: 'resource.service == "" && resource.region == "" && resource.account == ""', pair: { resource: '*' } },
  { condition: 'context.action == "s3:GetObject" && context.service == "s3"' },
  { condition: 'context.flags == ["secret", "shares"]', pair: { flags: ['shares', 'secret'] as const } },
  {
    condition:
      'context.roleArn like "*:role/stint/*" && context.ttlSeconds == 900 && context.authMethod == "x509-svid"',
  },
  { condition: 'context.hourUtc == 12 && context.weekdayUtc == 6' },
  { condition: 'context.hourUtc == 0 && context.weekdayUtc == 7', changes: at('2026-11-22T00:59:59.999Z') },
  { condition: 'context.weekdayUtc == 1', changes: at('2026-11-23T00:00:00Z') },
])
  test(`a policy can read ${condition}`, () => {
    const set = setOf(`@id("p") permit (principal, action, resource) when { ${condition} };`)
    assert.equal(decide(set, inputOf([pairOf(pair)], changes)).outcome, 'permit')
  })

for (const actionClass of ACTION_CLASSES)
  test(`a permit for ${actionClass} lets no other class through`, () => {
    const set = setOf(`@id("p") permit (principal, action in Stint::Action::"${actionClass}", resource) when { true };`)
    const permitted = ACTION_CLASSES.filter(
      (other) => decide(set, inputOf([pairOf({ class: other })])).outcome === 'permit',
    )
    assert.deepEqual(permitted, [actionClass])
  })

const APPROVALS = setOf(`
  @id("plain") permit (principal, action, resource) when { resource.within.contains("plain") };
  @id("owners") @approval("owners:1") permit (principal, action, resource) when { resource.within.contains("owners") };
  @id("security") @approval("security:1") permit (principal, action, resource) when { resource.within.contains("security") };
  @id("anyone") @approval("any:1") permit (principal, action, resource) when { resource.within.contains("anyone") };
  @id("two") @approval("owners:2") permit (principal, action, resource) when { resource.within.contains("two") };
  @id("both") @approval("security:1, owners:2") permit (principal, action, resource) when { resource.within.contains("both") };
  @id("strict") @approval("owners:1") @exclude("owner") permit (principal, action, resource) when { resource.within.contains("strict") };
  @id("again") @approval("owners:1") @reuse("3 in 8h") permit (principal, action, resource) when { resource.within.contains("again") };
  @id("twice") @approval("owners:1") @reuse("2 in 1d") permit (principal, action, resource) when { resource.within.contains("twice") };`)
const needs = (anyOf: string[], because: string[]) => ({ anyOf, because })
for (const { name, pairs, required = [], more = {}, approval } of [
  { name: 'a permit without approval', pairs: [['plain']], approval: [] },
  { name: 'a permit with approval', pairs: [['owners']], approval: [needs(['owners'], ['owners'])] },
  { name: 'one permit with and one without', pairs: [['owners', 'plain']], approval: [] },
  {
    name: 'two permits with approval: either group',
    pairs: [['owners', 'security']],
    approval: [needs(['owners', 'security'], ['owners', 'security'])],
  },
  {
    name: 'two pairs with approval: both groups',
    pairs: [['owners'], ['security']],
    approval: [needs(['owners'], ['owners']), needs(['security'], ['security'])],
  },
  {
    name: 'a pair that needs none beside one that does',
    pairs: [['plain'], ['owners']],
    approval: [needs(['owners'], ['owners'])],
  },
  {
    name: 'pairs that need the same',
    pairs: [['owners'], ['owners'], ['owners']],
    approval: [needs(['owners'], ['owners'])],
  },
  {
    name: 'a group beside every approver',
    pairs: [['anyone', 'owners']],
    approval: [needs(['any'], ['anyone', 'owners'])],
  },
  {
    name: 'a class that always needs it',
    pairs: [['plain']],
    required: ['write'] as const,
    approval: [needs(['any'], ['class:write'])],
  },
  {
    name: 'such a class, with a group named',
    pairs: [['owners']],
    required: ['write'] as const,
    approval: [needs(['owners'], ['owners'])],
  },
  {
    name: 'such a class, with a permit without approval too',
    pairs: [['owners', 'plain']],
    required: ['write'] as const,
    approval: [needs(['any'], ['class:write'])],
  },
  { name: 'another class that always needs it', pairs: [['plain']], required: ['destructive'] as const, approval: [] },
  {
    name: 'two people of a group',
    pairs: [['two']],
    approval: [{ anyOf: ['owners'], count: 2, because: ['two'] }],
  },
  {
    name: 'several groups: all of them',
    pairs: [['both']],
    approval: [{ anyOf: ['owners'], count: 2, because: ['both'] }, needs(['security'], ['both'])],
  },
  {
    name: 'pairs that need different numbers: the larger one',
    pairs: [['owners'], ['two']],
    approval: [{ anyOf: ['owners'], count: 2, because: ['owners', 'two'] }],
  },
  // Either permit would do; mixed, one owner and one of security would pass for two owners.
  {
    name: 'two permits for different numbers: the one that asks for fewer people',
    pairs: [['security', 'two']],
    approval: [needs(['security'], ['security'])],
  },
  {
    name: 'an exclusion',
    pairs: [['strict']],
    approval: [{ anyOf: ['owners'], exclude: ['owner' as const], because: ['strict'] }],
  },
  {
    name: 'an exclusion beside a permit without one: either would do',
    pairs: [['owners', 'strict']],
    approval: [needs(['owners'], ['owners'])],
  },
  {
    name: 'a number for the class, besides what policies ask',
    pairs: [['security']],
    more: { byClass: { write: { anyOf: ['owners'], count: 2 } } },
    approval: [{ anyOf: ['owners'], count: 2, because: ['class:write'] }, needs(['security'], ['security'])],
  },
  {
    name: 'an assurance for the class: of every vote',
    pairs: [['owners'], ['security']],
    more: { minimumAssurance: { write: 'step_up' as const } },
    approval: [
      { anyOf: ['owners'], because: ['owners'], assurance: 'step_up' as const },
      { anyOf: ['security'], because: ['security'], assurance: 'step_up' as const },
    ],
  },
  {
    name: 'an assurance for a class of which nothing waits',
    pairs: [['plain']],
    more: { minimumAssurance: { write: 'step_up' as const } },
    approval: [],
  },
])
  test(`approval: ${name}`, () => {
    const asked = pairs.map((within, index) =>
      pairOf({ within: [...within].sort(), class: 'write', resource: `arn:aws:s3:::b${index}` }),
    )
    const decision = decide(APPROVALS, inputOf(asked, { approvalsRequiredFor: required, ...more }))
    assert.equal(decision.outcome, approval.length > 0 ? 'approval' : 'permit')
    assert.deepEqual(decision.approval, approval)
  })

for (const { name, pairs, actionClass = 'write', action = 's3:PutObject', more = {}, reuse } of [
  { name: 'a policy that says nothing: none', pairs: ['owners'] },
  { name: 'a policy that allows it', pairs: ['again'], reuse: { uses: 3, withinMs: 28_800_000 } },
  {
    name: 'two that allow it: the stricter of both',
    pairs: ['again', 'twice'],
    reuse: { uses: 2, withinMs: 28_800_000 },
  },
  { name: 'one that allows it beside one that does not: none', pairs: ['again', 'owners'] },
  {
    name: 'a class that people must approve besides: none',
    pairs: ['again'],
    more: { byClass: { write: { anyOf: ['owners'], count: 2 } } },
  },
  { name: 'a destructive pair: none', pairs: ['again'], actionClass: 'destructive', action: 's3:DeleteObject' },
  { name: 'a destructive pair that an operator calls a write: none', pairs: ['again'], action: 's3:DeleteObject' },
  {
    name: 'a pair that changes permissions: none',
    pairs: ['again'],
    actionClass: 'permissions',
    action: 's3:PutBucketPolicy',
  },
  { name: 'a pair that escalates: none', pairs: ['again'], actionClass: 'escalation', action: 'iam:PassRole' },
] as const)
  test(`reuse of an approval, ${name}`, () => {
    const asked = pairs.map((label, index) =>
      pairOf({ within: [label], class: actionClass, action, resource: `arn:aws:s3:::b${index}` }),
    )
    assert.deepEqual(decide(APPROVALS, inputOf(asked, { approvalsRequiredFor: [], ...more })).reuse, reuse)
  })

test('by default what destroys, changes rights or escalates waits for a person', () => {
  const outcomes = ACTION_CLASSES.map((actionClass) => {
    const pair = pairOf({ within: ['plain'], class: actionClass })
    return decide(APPROVALS, inputOf([pair], { approvalsRequiredFor: DEFAULT_APPROVALS_REQUIRED_FOR })).outcome
  })
  assert.deepEqual(outcomes, ['permit', 'permit', 'permit', 'permit', 'approval', 'approval', 'approval'])
})

test('a denial asks for no approval', () => {
  const decision = decide(APPROVALS, inputOf([pairOf({ within: ['owners'] }), pairOf({ within: [], resource: '*' })]))
  assert.equal(decision.outcome, 'deny')
  assert.deepEqual(decision.approval, [])
})

test('an engine that traps denies the request at hand, and the next one gets a new engine', () => {
  const { policies, ...set } = setOf('@id("all") permit (principal, action, resource) when { true };')
  const trapped = {
    ...loadCedarEngine(),
    statefulIsAuthorized: () => {
      throw new Error('memory access out of bounds')
    },
  }
  const judged = { ...set, policies, judge: new CedarJudge(policies, trapped) }
  const first = decide(judged, inputOf([pairOf()]))
  assert.equal(first.outcome, 'deny')
  assert.equal(first.failedPairs[0]?.reason, 'evaluation_error')
  assert.equal(decide(judged, inputOf([pairOf()])).outcome, 'permit')
})

const TAGGED = `
@id("stop-dev") permit (principal, action in Stint::Action::"destructive", resource) when {
  context.conditions.hasTag("aws:ResourceTag/env") &&
  ["dev", "test"].containsAll(context.conditions.getTag("aws:ResourceTag/env"))
};`
for (const { name, conditions, outcome } of [
  { name: 'of a permitted value', conditions: [{ key: 'aws:ResourceTag/env', values: ['dev'] }], outcome: 'permit' },
  {
    name: 'of two permitted values',
    conditions: [{ key: 'aws:ResourceTag/env', values: ['dev', 'test'] }],
    outcome: 'permit',
  },
  {
    name: 'that allows another value too',
    conditions: [{ key: 'aws:ResourceTag/env', values: ['dev', 'prod'] }],
    outcome: 'deny',
  },
  {
    name: 'that allows values by a pattern',
    conditions: [{ key: 'aws:ResourceTag/env', values: ['dev*'] }],
    outcome: 'deny',
  },
  { name: 'on another key', conditions: [{ key: 'aws:ResourceTag/team', values: ['dev'] }], outcome: 'deny' },
  { name: 'that is not there', conditions: undefined, outcome: 'deny' },
])
  test(`policy reads a condition ${name}: ${outcome}`, () => {
    const listed = conditions?.map((each) => ({ ...each, operator: 'StringLike' as const }))
    const pair = pairOf({ action: 'ec2:StopInstances', class: 'destructive', ...(listed && { conditions: listed }) })
    const set = setOf(TAGGED)
    const input = { ...inputOf([pair]), approvalsRequiredFor: [] }
    assert.equal(decide(set, input).outcome, outcome)
    // Pairs that differ in conditions alone are judged apart, within one plan and in memory.
    const other = pairOf({ action: 'ec2:StopInstances', class: 'destructive' })
    assert.equal(decide(set, { ...inputOf([pair, other]), approvalsRequiredFor: [] }).outcome, 'deny')
    assert.equal(decide(set, input).outcome, outcome)
  })

test('a pair that is not allowed is told with its conditions', () => {
  const conditions = [{ key: 'aws:ResourceTag/env', operator: 'StringEquals' as const, values: ['dev', 'prod'] }]
  const pair = pairOf({ action: 'ec2:StopInstances', class: 'destructive', conditions })
  const { failedPairs } = decide(setOf(TAGGED), inputOf([pair, pairOf({ class: 'destructive' })]))
  assert.deepEqual(
    failedPairs.map((failed) => failed.conditions),
    [['aws:ResourceTag/env StringEquals dev, prod'], undefined],
  )
})
