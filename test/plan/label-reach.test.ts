import { describe, expect, test } from 'vitest'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

// Staging is 111…, prod is 222….
const ROLE = 'arn:aws:iam::111111111111:role/stint/agent'
const labels = parseLabels({
  labels: [
    { label: 'account:prod', resources: ['arn:aws:*:*:222222222222:*'] },
    { label: 'account:staging', resources: ['arn:aws:*:*:111111111111:*'] },
    { label: 'buckets:prod', resources: ['arn:aws:s3:::prod-*'] },
    { label: 'ec2:prod', resources: ['arn:aws:ec2:*:222222222222:instance/*'] },
    { label: 'ec2:staging', resources: ['arn:aws:ec2:eu-west-1:111111111111:instance/i-*'] },
    { label: 'queue:prod', resources: ['arn:aws:sqs:*:222222222222:orders'] },
    { label: 'roles:prod', resources: ['arn:aws:iam::222222222222:role/deploy'] },
    { label: 'subnets:prod', resources: ['arn:aws:ec2:*:222222222222:subnet/*'] },
    { label: 'tables:staging', resources: ['arn:aws:dynamodb:*:111111111111:table/*'] },
    { label: 'zones', resources: ['arn:aws:route53:::hostedzone/*'] },
  ],
})
const planner = createPlanner({
  labels,
  roles: new Map([[ROLE, { allowWildcard: true }]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
})

const labelsOf = (action: string, resource: string) =>
  planner.plan('spiffe://example.org/a', {
    purpose: 'Look around',
    roleArn: ROLE,
    access: [{ actions: [action], resources: [resource] }],
    ttlSeconds: 600,
  }).pairs[0] ?? { within: [], touches: [] }

describe('* and wide patterns touch what the action can reach:', () => {
  for (const { action, resource, touches, why } of [
    {
      action: 'ec2:DescribeInstances',
      resource: '*',
      touches: ['account:staging', 'ec2:staging'],
      why: 'labels of its service in the account of the role',
    },
    {
      action: 'ec2:StopInstances',
      resource: 'arn:aws:ec2:*:*:instance/i-*',
      touches: ['account:staging', 'ec2:staging'],
      why: 'the account of the role, although the pattern names none',
    },
    {
      action: 'ec2:RunInstances',
      resource: '*',
      touches: ['account:prod', 'account:staging', 'ec2:prod', 'ec2:staging', 'subnets:prod'],
      why: 'subnets and images can be shared with other accounts',
    },
    {
      action: 'rds:DescribeDBInstances',
      resource: '*',
      touches: ['account:staging'],
      why: 'no label of its own service',
    },
    {
      action: 'dynamodb:ListTables',
      resource: '*',
      touches: ['account:staging', 'tables:staging'],
      why: 'a list shows the own account',
    },
    {
      action: 'sqs:SendMessage',
      resource: '*',
      touches: ['account:prod', 'account:staging', 'queue:prod'],
      why: 'a queue of another account can let the role in',
    },
    {
      action: 'sts:AssumeRole',
      resource: 'arn:aws:iam::*:role/deploy',
      touches: ['account:prod', 'account:staging', 'roles:prod'],
      why: 'a role of another account can trust the role',
    },
    {
      action: 'iam:PassRole',
      resource: 'arn:aws:iam::*:role/deploy',
      touches: ['account:staging'],
      why: 'own roles only',
    },
    {
      action: 's3:GetObject',
      resource: '*',
      touches: ['account:prod', 'account:staging', 'buckets:prod'],
      why: 'a bucket names no account',
    },
    {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::prod-data/*',
      touches: ['account:prod', 'account:staging', 'buckets:prod'],
      why: 'a bucket may be in any account',
    },
    {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::test/*',
      touches: ['account:prod', 'account:staging'],
      why: 'likewise',
    },
    {
      action: 'route53:GetHostedZone',
      resource: 'arn:aws:route53:::hostedzone/Z1',
      touches: ['account:staging', 'zones'],
      why: 'hosted zones are of the own account',
    },
    {
      action: 'ssm:GetDocument',
      resource: 'arn:aws:ssm:eu-west-1::document/AWS-RunShellScript',
      touches: [],
      why: "AWS's own",
    },
    {
      action: 'tag:GetResources',
      resource: '*',
      touches: labels.labels.map(({ label }) => label),
      why: 'it looks at all services',
    },
    {
      action: 'ec2:StopInstances',
      resource: 'arn:aws:ec2:eu-west-1:222222222222:instance/i-1',
      touches: ['account:prod', 'ec2:prod'],
      why: 'an account that is spelt is taken at its word',
    },
    {
      action: 'ec2:StopInstances',
      resource: 'arn:aws:ec2:eu-west-1:111111111111:instance/*',
      touches: ['account:staging', 'ec2:staging'],
      why: 'an account that is spelt is no other, whatever the last * lets cross',
    },
    {
      action: 'dynamodb:PutItem',
      resource: 'arn:aws:dynamodb:eu-west-1:222222222222:table/*',
      touches: ['account:prod'],
      why: 'nor is what is below a resource of another account',
    },
    {
      action: 'ec2:StopInstances',
      resource: 'arn:aws:ec2:*:111111111111:instance/*',
      touches: ['account:prod', 'account:staging', 'ec2:prod', 'ec2:staging', 'subnets:prod'],
      why: 'a * in the region may cross a colon',
    },
  ])
    test(`${action} on ${resource}: ${why}`, () => {
      expect(labelsOf(action, resource).touches).toEqual([...touches].sort())
    })
})

test('a whole account may be labelled', () => {
  const { within } = labelsOf('ec2:StopInstances', 'arn:aws:ec2:eu-west-1:222222222222:instance/i-1')
  expect(within).toEqual(['account:prod', 'ec2:prod'])
  expect(labelsOf('s3:GetObject', 'arn:aws:s3:::prod-data/*').within).toEqual(['buckets:prod'])
})
