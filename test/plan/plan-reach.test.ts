import { expect, test } from 'vitest'
import { parsePolicyDocument } from '../../src/aws/role-policies/policy-document.ts'
import { createRoleReach } from '../../src/aws/role-policies/role-reach.ts'
import { planHash } from '../../src/plan/assemble-plan.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/data'
const SUBJECT = 'spiffe://example.org/bot'
const labels = parseLabels({ labels: [{ label: 'env:prod', resources: ['arn:aws:s3:::prod', 'arn:aws:s3:::prod/*'] }] })
const TASK = {
  purpose: 'Clean the loads of the day',
  roleArn: ROLE,
  ttlSeconds: 600,
  access: [
    { actions: ['s3:GetObject', 's3:DeleteObject'], resources: ['arn:aws:s3:::prod/*'] },
    { actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::prod'] },
  ],
}

function planBy(actions: string[], resource = '*', roleArn = ROLE) {
  const Statement = [{ Effect: 'Allow', Action: actions, Resource: resource }]
  const reach = createRoleReach({
    documents: {
      roleArn: ROLE,
      identity: [{ name: 'data', document: parsePolicyDocument({ Version: '2012-10-17', Statement }, 'identity') }],
      unreadIdentity: [],
      readAt: new Date('2026-11-21T12:00:00Z'),
    },
  })
  return createPlanner({
    labels,
    roles: new Map([[ROLE, {}]]),
    limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
    findReach: (arn) => (arn === roleArn ? reach : undefined),
  }).plan(SUBJECT, TASK)
}

test('a plan says what the role lets it do, and warns of what AWS will refuse', () => {
  const plan = planBy(['s3:Get*', 's3:List*'], 'arn:aws:s3:::prod/2026/*')
  expect(plan.reach).toMatchObject({
    ...{ yes: 0, yesIf: 1, no: 2 },
    byClass: { read: 1 },
    byLabel: { 'env:prod': 1 },
    limited: [
      { pair: 0, verdict: 'no', reason: 'not_allowed' },
      { pair: 1, verdict: 'yes-if', within: ['arn:aws:s3:::prod/2026/*'] },
      { pair: 2, verdict: 'no', reason: 'not_allowed' },
    ],
  })
  expect(plan.warnings).toEqual([
    {
      kind: 'role_refuses',
      explanation: expect.stringContaining(
        'AWS will refuse 2 of 3 pairs, such as s3:DeleteObject on arn:aws:s3:::prod/*',
      ),
    },
  ])
  expect(plan.blastRadius.unknown).toEqual([
    'service control policies',
    'resource control policies',
    'other resource policies',
  ])
})

test("the role's own policies are in the plan's hash", () => {
  const plan = planBy(['s3:*'])
  expect(planHash(plan)).toBe(plan.hash)
  expect(plan.reach).toMatchObject({ yes: 3, no: 0, yesIf: 0, limited: [] })
  expect(plan.warnings).toBeUndefined()
  expect(planBy(['s3:*', 'ec2:*']).hash).not.toBe(plan.hash)
})

test('a plan of a role whose policies are not known has no reach, and says that they are unknown', () => {
  const plan = planBy(['s3:*'], '*', 'arn:aws:iam::123456789012:role/stint/other')
  expect(plan.reach).toBeUndefined()
  expect(plan.blastRadius.unknown).toContain('role policies')
})
