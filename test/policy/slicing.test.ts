import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { ACTION_CLASSES } from '../../src/aws/action-classes.ts'
import { CEDAR_SCHEMA, loadCedarEngine } from '../../src/policy/cedar/cedar-engine.ts'
import type { CedarRequest } from '../../src/policy/cedar/cedar-judge.ts'
import { decide } from '../../src/policy/decide.ts'
import type { PolicySet } from '../../src/policy/policy-set.ts'
import { inputOf, pairOf, SUBJECT, setOf } from './policy-fixtures.ts'

const LABELS = ['env:prod', 'env:dev', 'data:invoices']
const TEAMS = ['data', 'web']
const SUBJECTS = [SUBJECT, 'spiffe://example.org/ci/other']

const labelSet = fc.constantFrom('within', 'touches')
const label = fc.constantFrom(...LABELS)
const scopePrincipal = fc.oneof(
  fc.constantFrom('principal', 'principal is Stint::Agent'),
  fc.constantFrom(...TEAMS).map((team) => `principal in Stint::Team::"${team}"`),
  fc.constantFrom(...TEAMS).map((team) => `principal is Stint::Agent in Stint::Team::"${team}"`),
  fc.constantFrom(...SUBJECTS).map((subject) => `principal == Stint::Agent::"${subject}"`),
  fc.constantFrom(...SUBJECTS).map((subject) => `principal in Stint::Agent::"${subject}"`),
)
const actionUid = fc.constantFrom(...ACTION_CLASSES).map((name) => `Stint::Action::"${name}"`)
const scopeAction = fc.oneof(
  fc.constant('action'),
  actionUid.map((uid) => `action == ${uid}`),
  actionUid.map((uid) => `action in ${uid}`),
  fc.array(actionUid, { minLength: 1, maxLength: 3 }).map((uids) => `action in [${uids.join(', ')}]`),
)
const condition = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(labelSet, label).map(([set, name]) => `resource.${set}.contains("${name}")`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'principal.owner == "mara@example.org"',
      'principal in Stint::Team::"web"',
      'context has action && context.action like "s3:*"',
      'resource has region && principal has team',
      'context.ttlSeconds <= 900',
      'context.hourUtc < 12',
      'context.flags.contains("secret")',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'true',
      'context.ttlSeconds * 9223372036854775807 > 0',
      '(resource.touches.contains("env:prod") || true)',
    ),
  },
)
const clause = fc
  .tuple(fc.constantFrom('when', 'when', 'when', 'unless'), fc.array(condition, { minLength: 1, maxLength: 3 }))
  .map(([kind, conditions]) => `${kind} { ${conditions.join(' && ')} }`)
// Only the sound patterns pass as forbids, and the others are of no matter here: such sets are skipped.
const policy = fc
  .tuple(fc.constantFrom('permit', 'permit', 'forbid'), scopePrincipal, scopeAction, fc.array(clause, { maxLength: 2 }))
  .map(([effect, principal, action, clauses]) => {
    const sound = effect === 'permit' ? clauses : clauses.map((text) => soundInForbid(text))
    return `${effect} (${principal}, ${action}, resource) ${sound.join(' ')};`
  })
const soundInForbid = (text: string) =>
  text.startsWith('when') ? text.replaceAll('.within.', '.touches.') : text.replaceAll('.touches.', '.within.')

const request = fc.record({
  class: fc.constantFrom(...ACTION_CLASSES),
  team: fc.constantFrom(...TEAMS),
  subject: fc.constantFrom(...SUBJECTS),
  within: fc.subarray(LABELS),
  more: fc.subarray(LABELS),
  secret: fc.boolean(),
  ttlSeconds: fc.constantFrom(1, 900, 901),
})

/** What Cedar alone says with the whole set, by the same request. */
function wholeSetVerdict(set: PolicySet, asked: CedarRequest) {
  const answer = loadedEngine.isAuthorized({
    principal: asked.agent.uid,
    action: { type: 'Stint::Action', id: asked.class },
    resource: asked.resource.uid,
    context: asked.context,
    schema: CEDAR_SCHEMA,
    policies: { staticPolicies: Object.fromEntries(set.policies.map(({ id, text }) => [id, text])) },
    entities: [asked.agent, asked.resource],
  })
  assert.ok(answer.type === 'success')
  const { decision, diagnostics } = answer.response
  return {
    allowed: decision === 'allow',
    applied: [...diagnostics.reason].sort(),
    erring: diagnostics.errors.map(({ policyId }) => policyId).sort(),
  }
}
const loadedEngine = loadCedarEngine()

test('a slice gives the verdict, the reasons and the failures of the whole set', () => {
  let informative = 0
  fc.assert(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 12 }),
      fc.array(request, { minLength: 1, maxLength: 6 }),
      (texts, requests) => {
        const set = setOf(texts.map((text, index) => `@id("p${index}") ${text}`).join('\n'))
        for (const { more, secret, ttlSeconds, team, subject, ...rest } of requests) {
          const touches = [...new Set([...rest.within, ...more])].sort()
          const pair = pairOf({ ...rest, touches, flags: secret ? ['secret'] : [] })
          const seen = capture(set, () =>
            decide(set, inputOf([pair], { agent: { team, subject }, context: { ttlSeconds } })),
          )
          for (const { asked, verdict } of seen) {
            const ids = (policies: readonly { id: string }[]) => policies.map(({ id }) => id).sort()
            const sliced = { allowed: verdict.allowed, applied: ids(verdict.applied), erring: ids(verdict.erring) }
            assert.deepEqual(sliced, wholeSetVerdict(set, asked))
            if (set.judge.candidateIds(asked).length < set.policies.length && verdict.applied.length > 0)
              informative += 1
          }
        }
      },
    ),
    { numRuns: 80 },
  )
  assert.ok(informative > 20, `only ${informative} requests left policies out and still met some`)
})

test('of 1,000 policies only those that can bear on a request reach Cedar, and forbids for everybody always do', () => {
  const texts = Array.from(
    { length: 998 },
    (_, index) =>
      `@id("p${index}") permit (principal in Stint::Team::"team${index % 100}", action in Stint::Action::"read", resource) when { resource.within.contains("label:${index}") };`,
  )
  texts.push('@id("never") forbid (principal, action, resource) when { context.flags.contains("audit") };')
  texts.push('@id("no-prod") forbid (principal, action, resource) when { resource.touches.contains("env:prod") };')
  const set = setOf(texts.join('\n'))
  const shape = {
    class: 'read' as const,
    subject: SUBJECT,
    team: 'team7',
    within: ['label:107'],
    touches: ['env:prod', 'label:107'],
  }
  assert.deepEqual(set.judge.candidateIds(shape).sort(), ['never', 'no-prod', 'p107'])
  const agent = { team: 'team7' }
  assert.equal(decide(set, inputOf([pairOf({ within: ['label:107'] })], { agent })).outcome, 'permit')
  assert.equal(decide(set, inputOf([pairOf({ within: ['label:107'], flags: ['audit'] })], { agent })).outcome, 'deny')
  assert.equal(
    decide(set, inputOf([pairOf({ within: ['label:107'], touches: shape.touches })], { agent })).outcome,
    'deny',
  )
})

test('more kinds of requests than slices are kept are still judged right', () => {
  const labels = Array.from({ length: 300 }, (_, index) => `l${index}`)
  const set = setOf(
    labels
      .map(
        (name, index) =>
          `@id("p${index}") permit (principal, action, resource) when { resource.within.contains("${name}") && context.hourUtc == ${index % 24} };`,
      )
      .join('\n'),
  )
  for (const round of [1, 2])
    for (const [index, name] of labels.entries()) {
      const now = new Date(Date.UTC(2026, 10, round, index % 24))
      const decision = decide(set, inputOf([pairOf({ within: [name] })], { context: { now, ttlSeconds: round } }))
      assert.deepEqual(decision.determiningPolicies, [`p${index}`])
    }
})

function capture(set: PolicySet, action: () => unknown) {
  const seen: { asked: CedarRequest; verdict: ReturnType<PolicySet['judge']['judge']> }[] = []
  const judge = set.judge.judge.bind(set.judge)
  set.judge.judge = (asked) => {
    const verdict = judge(asked)
    seen.push({ asked, verdict })
    return verdict
  }
  action()
  set.judge.judge = judge
  return seen
}
