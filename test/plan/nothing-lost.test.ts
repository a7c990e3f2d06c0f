import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expandActions, findAction } from '../../src/aws/classify.ts'
import { withLeaseEnd } from '../../src/aws/session-policy.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { entriesAllow, planIfAccepted } from '../support/declared-access.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const OWN = '111111111111'
const OTHER = '222222222222'
const ROLE = `arn:aws:iam::${OWN}:role/stint/agent`
const labels = parseLabels({
  labels: [
    { label: 'account:other', resources: [`arn:aws:*:*:${OTHER}:*`] },
    { label: 'account:own', resources: [`arn:aws:*:*:${OWN}:*`] },
    { label: 'buckets', resources: ['arn:aws:s3:::b*'] },
    { label: 'instances', resources: [`arn:aws:ec2:*:${OWN}:instance/*`] },
    { label: 'queues', resources: [`arn:aws:sqs:*:*:q*`] },
  ],
})
const planner = createPlanner({
  labels,
  roles: new Map([[ROLE, { allowWildcard: ['sqs:*', 'ec2:St*', 's3:Get*'] }]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
})
const END = new Date('2026-11-21T12:00:00Z')
const context = { 'aws:CurrentTime': '2026-11-21T11:59:59Z' }

/** Wildcards with and without exceptions, of services that may be shortened and of some that never are. */
const ACTIONS = [
  'ec2:Describe*',
  'ec2:DescribeInstanceAttribute',
  'ec2:DescribeI*',
  'ec2:St*Instances',
  'ec2:Get*',
  'rds:Describe*',
  'iam:Get*',
  'iam:List*',
  'kms:List*',
  's3:Get*',
  's3:List*',
  'sqs:*Message*',
  'logs:Describe*',
  'ce:Get*',
  'elasticloadbalancing:Describe*',
]
/** What requests name: of each kind one in the role's account, and one elsewhere where it can be reached. */
const REQUESTED = [
  '*',
  `arn:aws:ec2:eu-west-1:${OWN}:instance/i-1`,
  `arn:aws:ec2:eu-west-1:${OWN}:volume/v-1`,
  `arn:aws:rds:eu-west-1:${OWN}:db:d`,
  `arn:aws:iam::${OWN}:role/app`,
  `arn:aws:kms:eu-west-1:${OWN}:key/k`,
  `arn:aws:sqs:eu-west-1:${OWN}:q1`,
  `arn:aws:sqs:eu-west-1:${OTHER}:q2`,
  'arn:aws:s3:::b',
  'arn:aws:s3:::b/k',
  'arn:aws:s3:::c',
]
const RESOURCES = [
  ...REQUESTED,
  `arn:aws:ec2:*:*:instance/*`,
  `arn:aws:ec2:*:${OWN}:instance/i-*`,
  `arn:aws:rds:*:*:db:*`,
  `arn:aws:iam::*:role/*`,
  `arn:aws:sqs:*:*:q*`,
  'arn:aws:s3:::*',
  'arn:aws:s3:::b*',
]

const entry = fc.record({
  actions: fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1, maxLength: 5 }),
  resources: fc.oneof(
    { weight: 2, arbitrary: fc.constant(['*']) },
    { weight: 3, arbitrary: fc.uniqueArray(fc.constantFrom(...RESOURCES), { minLength: 1, maxLength: 4 }) },
  ),
})
const task = fc
  .array(entry, { minLength: 1, maxLength: 3 })
  .map((access) => ({ purpose: 'A property test', roleArn: ROLE, access, ttlSeconds: 600 }))

/** Too long with every action spelled, so that a wildcard with exceptions comes of it. */
const MANY_READS = {
  purpose: 'A property test',
  roleArn: ROLE,
  access: [{ actions: ['ec2:Describe*'], resources: ['*'] }],
  ttlSeconds: 600,
}

test('the session policy allows what is planned and nothing else, wildcards with exceptions included', () => {
  let exceptions = 0
  fc.assert(
    fc.property(task, (input) => {
      const plan = planIfAccepted(planner, input)
      if (!plan) return
      const policy = withLeaseEnd(plan.sessionPolicy, END)
      if (/"Effect":"Deny","Action":\[/.test(plan.sessionPolicy)) exceptions += 1
      const entries = plan.pairs.map(({ action, resource }) => ({ actions: [action], resources: [resource] }))
      const declared = [
        ...new Set(input.access.flatMap(({ actions }) => actions.flatMap((text) => expandActions(text)))),
      ]
      // Whatever a wildcard of the policy could stand for begins as some declared action does.
      for (const action of [
        ...declared,
        'ec2:StopInstances',
        'ec2:TerminateInstances',
        'iam:GetRole',
        'kms:GetKeyPolicy',
      ]) {
        for (const resource of ['*', ...REQUESTED.filter((text) => text.includes(`:${action.split(':')[0]}:`))]) {
          const allowed = evaluateIam([policy], { action, resource, context }) === 'allow'
          const isPlanned = entriesAllow(entries, action, resource)
          expect(allowed, `${action} ${resource}`).toBe(isPlanned)
          if (isPlanned) expect(entriesAllow(input.access, action, resource), `${action} ${resource}`).toBe(true)
        }
      }
    }),
    { numRuns: 60, examples: [[MANY_READS]] },
  )
  expect(exceptions).toBeGreaterThan(0)
})

test('each action of a wildcard is in the plan, or is counted as dropped', () => {
  let dropped = 0
  fc.assert(
    fc.property(entry, ({ actions, resources }) => {
      const plan = planIfAccepted(planner, {
        purpose: 'A property test',
        roleArn: ROLE,
        access: [{ actions, resources }],
        ttlSeconds: 600,
      })
      if (!plan) return
      const inPlan = new Set(plan.pairs.map(({ action }) => action))
      for (const pattern of actions) {
        const members = expandActions(pattern)
        const missing = members.filter((action) => !inPlan.has(action))
        const rows = (plan.dropped ?? []).filter((row) => row.pattern === pattern)
        expect(
          rows.reduce((sum, { count }) => sum + count, 0),
          pattern,
        ).toBe(missing.length)
        for (const row of rows) {
          expect(row.members).toBe(members.length)
          expect(missing).toEqual(expect.arrayContaining([...row.actions]))
        }
        dropped += missing.length
      }
    }),
    { numRuns: 150 },
  )
  expect(dropped).toBeGreaterThan(0)
})

test('a label is touched by whatever the role could meet in it', () => {
  let met = 0
  fc.assert(
    fc.property(task, (input) => {
      for (const { action, resource, touches, within } of planIfAccepted(planner, input)?.pairs ?? []) {
        const types = findAction(action).resourceTypes.map(({ template }) => template.split(':')[2])
        for (const text of REQUESTED) {
          if (
            text === '*' ||
            !types.includes(text.split(':')[2]) ||
            !entriesAllow([{ actions: ['*'], resources: [resource] }], action, text)
          )
            continue
          for (const { label, patterns } of labels.labels) {
            const isIn = entriesAllow(
              [{ actions: ['*'], resources: patterns.map((pattern) => pattern.text) }],
              action,
              text,
            )
            if (isIn) expect(touches, `${action} ${resource} meets ${text}`).toContain(label)
            if (within.includes(label))
              expect(isIn, `${action} ${resource} is within ${label}, ${text} is not`).toBe(true)
            met += isIn ? 1 : 0
          }
        }
      }
    }),
    { numRuns: 40 },
  )
  expect(met).toBeGreaterThan(0)
})
