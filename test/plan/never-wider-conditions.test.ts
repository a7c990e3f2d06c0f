import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withLeaseEnd } from '../../src/aws/session-policy.ts'
import { StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-ops'
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const planner = createPlanner({ labels: NO_LABELS, roles: new Map([[ROLE, {}]]), limits })
const END = new Date('2026-11-21T12:00:00Z')
const BEFORE = { 'aws:CurrentTime': '2026-11-21T11:59:59Z' }

type Context = Readonly<Record<string, string | readonly string[]>>
interface Condition {
  readonly key: string
  readonly operator: string
  readonly values: readonly string[]
}
interface Entry {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly conditions: readonly Condition[]
}

/** What belongs together: every action takes every resource and knows every key. */
const FAMILIES = [
  {
    actions: ['ec2:StopInstances', 'ec2:StartInstances', 'ec2:RebootInstances', 'ec2:TerminateInstances'],
    resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/*', 'arn:aws:ec2:eu-west-1:123456789012:instance/i-1'],
    keys: ['aws:ResourceTag/env', 'aws:ResourceTag/team', 'aws:RequestedRegion'],
  },
  {
    actions: ['ec2:CreateTags'],
    resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/*', 'arn:aws:ec2:eu-west-1:123456789012:instance/i-?'],
    keys: ['aws:TagKeys', 'aws:RequestTag/env', 'aws:ResourceTag/env', 'ec2:CreateAction', 'aws:RequestedRegion'],
  },
  {
    actions: ['dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
    resources: ['arn:aws:dynamodb:eu-west-1:123456789012:table/a*', 'arn:aws:dynamodb:eu-west-1:123456789012:table/ab'],
    keys: ['dynamodb:LeadingKeys', 'aws:RequestedRegion'],
  },
  {
    actions: ['s3:ListBucket', 's3:ListBucketVersions'],
    resources: ['arn:aws:s3:::data', 'arn:aws:s3:::dat?'],
    keys: ['s3:prefix', 'aws:RequestedRegion'],
  },
]
const SEVERAL = ['aws:TagKeys', 'dynamodb:LeadingKeys']
const VALUES = ['dev', 'de', 'prod', 'env', 'team']
const PATTERNS = ['d*', 'de?', '*d*', 'prod']

const condition = (key: string) =>
  fc.oneof(
    fc.record({
      key: fc.constant(key),
      operator: fc.constant('StringEquals'),
      values: fc.subarray(VALUES, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      key: fc.constant(key),
      operator: fc.constant('StringLike'),
      values: fc.subarray(PATTERNS, { minLength: 1, maxLength: 2 }),
    }),
  )
const entry = fc.constantFrom(...FAMILIES).chain(({ actions, resources, keys }) =>
  fc.record({
    actions: fc.subarray(actions, { minLength: 1 }),
    resources: fc.subarray(resources, { minLength: 1 }),
    conditions: fc.subarray(keys, { maxLength: 2 }).chain((some) => fc.tuple(...some.map(condition))),
  }),
)
/** Conditions that every action knows, so that statements of different services may have the same. */
const shared = fc.constantFrom<readonly Condition[]>(
  [],
  [{ key: 'aws:RequestedRegion', operator: 'StringEquals', values: ['dev'] }],
  [{ key: 'aws:RequestedRegion', operator: 'StringLike', values: ['d*'] }],
)
/** Too long for one statement a set of resources: services are merged, and actions shortened. */
const longEntry = fc
  .tuple(entry, shared, fc.integer({ min: 0, max: 40 }))
  .map(([{ actions, resources }, conditions, pad]) => {
    const [first = ''] = resources
    return { actions, resources: [...resources, `${first.replace(/[*?]+$/, '')}-long${'-'.repeat(pad)}`], conditions }
  })
const access: fc.Arbitrary<Entry[]> = fc.oneof(
  fc.array(entry, { minLength: 1, maxLength: 4 }),
  fc.array(longEntry, { minLength: 10, maxLength: 16 }),
)

const value = fc.constantFrom(...VALUES)
const context: fc.Arbitrary<Context> = fc
  .record(
    {
      'aws:ResourceTag/env': value,
      'aws:ResourceTag/team': value,
      'aws:RequestTag/env': value,
      'aws:RequestedRegion': value,
      'ec2:CreateAction': value,
      's3:prefix': value,
      'aws:TagKeys': fc.array(value, { maxLength: 3 }),
      'dynamodb:LeadingKeys': fc.array(value, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  )
  .map((keys) => ({ ...keys }) as Context)

/** What docs/conditions.md says of a condition, in words of its own. */
function meets({ key, operator, values }: Condition, request: Context): boolean {
  const present = [request[key] ?? []].flat()
  const among = (actual: string) =>
    values.some((wanted) => (operator === 'StringLike' ? regexOf(wanted).test(actual) : wanted === actual))
  return present.length > 0 && (SEVERAL.includes(key) ? present.every(among) : among(present[0] ?? ''))
}

/** Text as wide as a pattern of IAM; only for the patterns above. */
function regexOf(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll('/', '[/]').replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

function says(entries: readonly Entry[], action: string, resource: string, request: Context): boolean {
  return entries.some(
    ({ actions, resources, conditions }) =>
      actions.includes(action) &&
      resources.some((pattern) => regexOf(pattern).test(resource)) &&
      conditions.every((each) => meets(each, request)),
  )
}

/** True if a statement has actions of two services. */
function isMerged(policy: string): boolean {
  const { Statement } = JSON.parse(policy) as { Statement: { Action: string | string[] }[] }
  return Statement.some(({ Action }) => new Set([Action].flat().map((action) => action.split(':')[0])).size > 1)
}

function planned(entries: readonly Entry[]): Plan | undefined {
  try {
    const input = { purpose: 'A property test', roleArn: ROLE, access: entries, ttlSeconds: 600 }
    return planner.plan('spiffe://example.org/a', input)
  } catch (error) {
    if (error instanceof StintError && error.code === 'SESSION_POLICY_TOO_LARGE') return undefined
    throw error
  }
}

/** Merging services adds combinations that are no request: an action of one with a resource of another. */
function canAsk(action: string, resource: string): boolean {
  return action.split(':')[0] === resource.split(':')[2]
}

const RESOURCES = [
  'arn:aws:ec2:eu-west-1:123456789012:instance/i-1',
  'arn:aws:ec2:eu-west-1:123456789012:instance/i-22',
  'arn:aws:dynamodb:eu-west-1:123456789012:table/a',
  'arn:aws:dynamodb:eu-west-1:123456789012:table/ab',
  'arn:aws:s3:::data',
  'arn:aws:s3:::dato',
]

test('with conditions and merging, sessions may do what the task declares: nothing wider, nothing lost', () => {
  const seen = { plans: 0, merged: 0, allowed: 0, refused: 0 }
  fc.assert(
    fc.property(access, fc.array(context, { minLength: 3, maxLength: 6 }), (entries, requests) => {
      const plan = planned(entries)
      if (!plan) return
      seen.plans += 1
      const policy = withLeaseEnd(plan.sessionPolicy, END)
      expect(policy).toHaveLength(plan.sessionPolicyCharacters)
      if (isMerged(policy)) seen.merged += 1
      const pairs = plan.pairs.map(({ action, resource, conditions = [] }) => {
        return { actions: [action], resources: [resource], conditions }
      })
      for (const action of new Set(FAMILIES.flatMap(({ actions }) => actions)))
        for (const resource of RESOURCES.filter((each) => canAsk(action, each)))
          for (const request of [{}, ...requests]) {
            const declared = says(entries, action, resource, request)
            const told = `${action} ${resource} ${JSON.stringify(request)} ${policy}`
            expect(says(pairs, action, resource, request), told).toBe(declared)
            const verdict = evaluateIam([policy], { action, resource, context: { ...BEFORE, ...request } })
            expect(verdict === 'allow', told).toBe(declared)
            seen[declared ? 'allowed' : 'refused'] += 1
          }
    }),
    { numRuns: 150 },
  )
  expect(seen.plans).toBeGreaterThan(100)
  expect(seen.merged).toBeGreaterThan(3)
  expect(seen.allowed).toBeGreaterThan(1_000)
  expect(seen.refused).toBeGreaterThan(10_000)
})

test('a request that carries no key at all meets no condition', () => {
  fc.assert(
    fc.property(access, (entries) => {
      const narrowed = entries.filter(({ conditions }) => conditions.length > 0)
      const plan = narrowed.length > 0 ? planned(narrowed) : undefined
      for (const action of FAMILIES.flatMap(({ actions }) => actions))
        for (const resource of RESOURCES)
          for (const empty of [{}, { 'aws:TagKeys': [], 'dynamodb:LeadingKeys': [] }])
            if (plan)
              expect(evaluateIam([plan.sessionPolicy], { action, resource, context: empty })).toBe('implicit_deny')
    }),
    { numRuns: 50 },
  )
})
