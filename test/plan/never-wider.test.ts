import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withLeaseEnd } from '../../src/aws/session-policy.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { entriesAllow, planIfAccepted } from '../support/declared-access.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const labels = parseLabels({ labels: [{ label: 'l', resources: ['arn:aws:s3:::a*', 'arn:aws:s3:::b/x/*'] }] })
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const planner = createPlanner({ labels, roles: new Map([[ROLE, {}]]), limits })
const END = new Date('2026-11-21T12:00:00Z')
const BEFORE = { 'aws:CurrentTime': '2026-11-21T11:59:59Z' }

const ACTIONS = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:ListBucket',
  's3:GetBucketPolicy',
  's3:ListAllMyBuckets',
  's3:GetObjectTagging',
  's3:GetObjectVersion',
  'dynamodb:GetItem',
  'iam:PassRole',
]
const TEXTS = ['a', 'ab', 'b', 'c', 'a/k', 'a/x/k', 'ab/k', 'b/k', 'b/x/k', 'b/x/', 'a/', 'c/*'].map(
  (key) => `arn:aws:s3:::${key}`,
)
const RESOURCES = [
  ...TEXTS,
  '*',
  'arn:aws:dynamodb:eu-west-1:123456789012:table/t',
  'arn:aws:iam::123456789012:role/admin',
]

const actionPattern = fc.oneof(
  fc.constantFrom(...ACTIONS.slice(0, 8)),
  fc.constantFrom('s3:GetObject*', 's3:Get*', 's3:*Object', 's3:?etObject'),
)
const resourcePattern = fc
  .array(fc.constantFrom('a', 'b', '/', 'x', 'k', '*', '?'), { minLength: 1, maxLength: 5 })
  .map((chars) => `arn:aws:s3:::${chars.join('')}`)
const task = fc
  .array(
    fc.record({
      actions: fc.array(actionPattern, { minLength: 1, maxLength: 3 }),
      resources: fc.array(fc.oneof({ weight: 9, arbitrary: resourcePattern }, fc.constant('*')), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((access) => ({ purpose: 'A property test', roleArn: ROLE, access, ttlSeconds: 600 }))

test('the session policy allows the pairs of the plan and nothing else, and the plan nothing that was not declared', () => {
  let plans = 0
  fc.assert(
    fc.property(task, (input) => {
      const plan = planIfAccepted(planner, input)
      if (!plan) return
      plans += 1
      const policy = withLeaseEnd(plan.sessionPolicy, END)
      expect(policy).toHaveLength(plan.sessionPolicyCharacters)
      const entries = plan.pairs.map(({ action, resource }) => ({ actions: [action], resources: [resource] }))
      for (const action of new Set([...ACTIONS, ...plan.pairs.slice(0, 5).map((pair) => pair.action)])) {
        for (const resource of RESOURCES) {
          const allowed = evaluateIam([policy], { action, resource, context: BEFORE }) === 'allow'
          const inPlan = entriesAllow(entries, action, resource)
          expect(allowed, `${action} ${resource}`).toBe(inPlan)
          if (inPlan) expect(entriesAllow(input.access, action, resource), `${action} ${resource}`).toBe(true)
        }
        const after = { 'aws:CurrentTime': '2026-11-21T12:00:01Z' }
        expect(evaluateIam([policy], { action, resource: 'arn:aws:s3:::a/k', context: after })).toBe('explicit_deny')
      }
    }),
    { numRuns: 300 },
  )
  // About a quarter of such tasks has a plan; far fewer would try nothing.
  expect(plans).toBeGreaterThan(40)
})

test('labels hold for what the pattern stands for: within for all of it, touches for any of it', () => {
  const inLabel = (resource: string): boolean =>
    entriesAllow(
      [{ actions: ['s3:*'], resources: ['arn:aws:s3:::a*', 'arn:aws:s3:::b/x/*'] }],
      's3:GetObject',
      resource,
    )
  fc.assert(
    fc.property(task, (input) => {
      for (const { resource, within, touches } of planIfAccepted(planner, input)?.pairs ?? []) {
        for (const text of TEXTS.filter((each) =>
          entriesAllow([{ actions: ['s3:*'], resources: [resource] }], 's3:GetObject', each),
        )) {
          if (within.includes('l')) expect(inLabel(text), `${resource} ${text}`).toBe(true)
          if (inLabel(text)) expect(touches, `${resource} ${text}`).toContain('l')
        }
      }
    }),
    { numRuns: 300 },
  )
})
