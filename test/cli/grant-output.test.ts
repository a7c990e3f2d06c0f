import { expect, test } from 'vitest'
import { decisionFacts, planFacts } from '../../src/cli/grant-output.ts'
import type { Plan, PlanPair } from '../../src/plan/plan.ts'
import type { Task } from '../../src/plan/task.ts'
import type { PlanInfo } from '../../src/sdk/types.ts'

function plan({ purpose, resource }: { purpose: string; resource: string }): PlanInfo {
  return {
    hash: 'a'.repeat(64),
    task: { purpose, roleArn: 'arn:aws:iam::123456789012:role/x', access: [], ttlSeconds: 600 },
    pairs: [{ action: 's3:GetObject', resource, class: 'read', flags: [], within: [], touches: [] }],
    sessionPolicy: '{}',
    sessionPolicyCharacters: 2,
  } as unknown as PlanInfo
}
const lookAlikesOf = (shown: PlanInfo) => planFacts(shown).find(([name]) => name === 'Look-alikes')?.[1]

test('an approver is told of words that look like others, in the purpose and in resources', () => {
  const shown = lookAlikesOf(plan({ purpose: 'Read the p\u0430yments', resource: 'arn:aws:s3:::invoices-pr\u03bfd/*' }))
  expect(shown).toEqual([expect.stringContaining('p\u0430yments'), expect.stringContaining('pr\u03bfd')])
})

test('a plan of plain words has nothing to point out', () => {
  expect(lookAlikesOf(plan({ purpose: 'Read the payments', resource: 'arn:aws:s3:::invoices/*' }))).toBeUndefined()
})

test('marks of labels and waived approvals are shown with their reasons', () => {
  const marked = {
    ...plan({ purpose: 'Load', resource: 'arn:aws:s3:::a' }),
    labelMarks: { 'env:prod': ['production'] },
  }
  expect(Object.fromEntries(planFacts(marked)).Marks).toEqual(['env:prod: production'])
  const decision = {
    outcome: 'permit' as const,
    determiningPolicies: ['nightly'],
    failedPairs: [],
    approval: [],
    policySetHash: 'a'.repeat(64),
    waivers: [{ policy: 'nightly', reason: 'Reviewed by Mara', because: ['label:env:prod'] }],
  }
  expect(Object.fromEntries(decisionFacts(decision))['Approval waived']).toEqual([
    'by nightly (label:env:prod): Reviewed by Mara',
  ])
})

test('warnings of a plan are shown in their own words', () => {
  const warnings = [{ kind: 'cannot_revoke', explanation: 'Sessions of this role cannot be revoked.' }]
  const shown = { ...plan({ purpose: 'Load', resource: 'arn:aws:s3:::a' }), warnings }
  expect(Object.fromEntries(planFacts(shown)).Warnings).toEqual(['Sessions of this role cannot be revoked.'])
})

test('the riskiest access comes first, and many plain reads of one wildcard share a line', () => {
  const named = (actions: string[], others: object = {}) =>
    actions.map((action) => ({ action, resource: '*', class: 'list', flags: [], within: [], touches: [], ...others }))
  const reads = ['Addresses', 'Hosts', 'Images', 'Regions', 'Subnets', 'Vpcs'].map((name) => `ec2:Describe${name}`)
  const shown = {
    ...plan({ purpose: 'Plan', resource: '*' }),
    task: { access: [{ actions: ['ec2:describe*', 's3:List*', 'ec2:Delete*'], resources: ['*'] }] },
    pairs: [
      ...named(reads),
      ...named(['ec2:DescribeVpnConnections'], { flags: ['secret'] }),
      ...named(['s3:ListAllMyBuckets']),
      ...named(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `ec2:Delete${name}`),
        { class: 'destructive' },
      ),
    ],
  } as unknown as PlanInfo
  expect(Object.fromEntries(planFacts(shown)).Access).toEqual([
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `ec2:Delete${name} on * [destructive]`),
    '6 actions of ec2:describe* on * [list]',
    'ec2:DescribeVpnConnections on * [list, secret]',
    's3:ListAllMyBuckets on * [list]',
  ])
})

test('a pair that is not allowed is shown with its class', () => {
  const pair = { action: 's3:GetObject', resource: 'arn:aws:s3:::a', reason: 'no_permit', policies: [] }
  const decision = {
    outcome: 'deny' as const,
    determiningPolicies: [],
    failedPairs: [pair],
    approval: [],
    policySetHash: '',
  }
  const facts = decisionFacts(decision, plan({ purpose: 'Load', resource: 'arn:aws:s3:::a' }))
  expect(Object.fromEntries(facts)['Not allowed']).toEqual(['s3:GetObject on arn:aws:s3:::a [read] (no_permit)'])
})

/** Each part of a plan as it must be seen before somebody approves it, or why it need not be. */
const PAIR = {
  action: 's3:DeleteObject',
  resource: 'arn:aws:s3:::loads/*',
  class: 'destructive',
  flags: 'audit',
  within: 'within env:prod',
  touches: 'touches env:prod',
  conditions: 'only if s3:prefix StringLike day/*',
} satisfies Record<keyof PlanPair, string>
const TASK = {
  purpose: 'Load the day',
  roleArn: 'arn:aws:iam::123456789012:role/load',
  ttlSeconds: '600 s',
  reference: 'OPS-17',
  access: { because: 'its pairs are shown' },
  strict: { because: 'it refuses plans and changes none' },
  change: 'delete aws_s3_bucket data.aws_s3_bucket.old',
} satisfies Record<keyof Task, string | { because: string }>
const PLAN = {
  hash: 'a'.repeat(64),
  subject: { because: 'it is the agent of the grant' },
  task: { because: 'see TASK' },
  pairs: { because: 'see PAIR' },
  classes: 'destructive 1',
  flags: 'audit',
  sessionPolicy: '{"Version":"2012-10-17"}',
  sessionPolicyCharacters: '(24 of 2048 characters)',
  blastRadius: '1 action on 1 resource pattern',
  reach:
    's3:DeleteObject on arn:aws:s3:::loads/*: within arn:aws:s3:::loads/2026/*; depends on aws:RequestedRegion StringEquals eu-west-1',
  onward: 'iam:PassRole on arn:aws:iam::123456789012:role/x: that role can be handed on',
  labelMarks: 'env:prod: production',
  dropped: '20 of 34 actions of iam:Get* need a resource: iam:GetRole …',
  warnings: 'The wildcard s3:Del* could come to mean more.',
  actionTableVersion: { because: 'the classes that it led to are shown' },
} satisfies Record<keyof Plan, string | { because: string }>

test('every part of a plan that an approver decides on is shown', () => {
  const full: Plan = {
    ...{ hash: PLAN.hash, subject: 'spiffe://example.org/a', classes: ['destructive'], flags: ['audit'] },
    task: {
      ...{ purpose: TASK.purpose, roleArn: TASK.roleArn, access: [], ttlSeconds: 600, reference: TASK.reference },
      change: {
        ...{ kind: 'terraform_plan', sha256: 'b'.repeat(64), counts: { delete: 1 } },
        resources: [{ action: 'delete', type: 'aws_s3_bucket', address: 'data.aws_s3_bucket.old' }],
      },
    },
    pairs: [
      {
        ...{ action: PAIR.action, resource: PAIR.resource, class: 'destructive', flags: ['audit'] },
        ...{ within: ['env:prod'], touches: ['env:prod'] },
        conditions: [{ key: 's3:prefix', operator: 'StringLike', values: ['day/*'] }],
      },
    ],
    sessionPolicy: PLAN.sessionPolicy,
    sessionPolicyCharacters: 24,
    blastRadius: {
      ...{ actions: 1, resourcePatterns: 1, byClass: { destructive: 1 }, byLabel: { 'env:prod': 1 } },
      byCondition: { 's3:prefix=day/*': 1 },
      ...{ flags: ['audit'], outlives: [{ action: 'x:Y', reason: 'lives on' }], unknown: ['role policies'] },
    },
    reach: {
      policiesDigest: 'b'.repeat(64),
      ...{ yes: 0, no: 0, yesIf: 1, byClass: { destructive: 1 }, byLabel: { 'env:prod': 1 } },
      limited: [
        {
          pair: 0,
          verdict: 'yes-if',
          within: ['arn:aws:s3:::loads/2026/*'],
          conditions: [
            {
              ...{ effect: 'Allow', key: 'aws:RequestedRegion', statement: 'policy-0 Region' },
              text: 'aws:RequestedRegion StringEquals eu-west-1',
            },
          ],
        },
      ],
      unknown: ['service control policies'],
    },
    onward: [
      {
        ...{ action: 'iam:PassRole', resource: 'arn:aws:iam::123456789012:role/x' },
        step: 'that role can be handed on',
      },
    ],
    labelMarks: { 'env:prod': ['production'] },
    dropped: [
      {
        ...{ pattern: 'iam:Get*', members: 34, reason: 'needs_resource', count: 20, actions: ['iam:GetRole'] },
        explanation: '20 of 34 actions of iam:Get* need a resource',
      },
    ],
    warnings: [{ kind: 'actions_shortened', explanation: PLAN.warnings }],
    actionTableVersion: 'test',
  }
  const shown = planFacts(full as unknown as PlanInfo)
    .map(([name, value]) => `${name}: ${[value].flat().join('\n')}`)
    .join('\n')
  const wanted = [...Object.values({ ...PAIR }), ...Object.values(TASK), ...Object.values(PLAN)]
  for (const text of wanted.filter((one) => typeof one === 'string')) expect(shown).toContain(text)
  for (const text of ['env:prod 1', 's3:prefix=day/*: 1', 'x:Y: lives on', 'role policies'])
    expect(shown).toContain(text)
})
