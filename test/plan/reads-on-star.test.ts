import { describe, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const STRICT_ROLE = 'arn:aws:iam::123456789012:role/stint/agent-strict'
const roles = new Map([
  [ROLE, {}],
  [STRICT_ROLE, { allowWildcardReads: false }],
])
const planner = createPlanner({ labels: NO_LABELS, roles, limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 } })

function plan(actions: string[], resources: string[], roleArn = ROLE) {
  return planner.plan('spiffe://example.org/a', {
    purpose: 'Look around',
    roleArn,
    access: [{ actions, resources }],
    ttlSeconds: 600,
  })
}
function refusal(actions: string[], resources: string[], roleArn = ROLE): StintError {
  try {
    plan(actions, resources, roleArn)
  } catch (error) {
    return error as StintError
  }
  throw new Error('expected a refusal')
}

describe('reads of configuration take *', () => {
  for (const { action, takes, not } of [
    { action: 'ec2:Describe*', takes: 'ec2:DescribeVpcAttribute', not: 'ec2:DescribeInstanceAttribute' }, // user data
    { action: 'rds:Describe*', takes: 'rds:DescribeDBInstances' },
    { action: 'cloudwatch:GetMetricData', takes: 'cloudwatch:GetMetricData' },
    { action: 'ce:Get*', takes: 'ce:GetCostAndUsage' },
    { action: 'logs:GetQueryResults', takes: 'logs:GetQueryResults' },
    { action: 'autoscaling:Describe*', takes: 'autoscaling:DescribeAutoScalingGroups' },
    { action: 'iam:Get*', takes: 'iam:GetAccountSummary', not: 'iam:GetRole' },
    { action: 'kms:List*', takes: 'kms:ListKeys', not: 'kms:ListGrants' },
  ])
    test(`${action}: ${takes}${not ? `, not ${not}` : ''}`, () => {
      const { pairs, classes } = plan([action], ['*'])
      const actions = pairs.map((pair) => pair.action)
      expect(pairs.every(({ resource }) => resource === '*')).toBe(true)
      expect(actions).toContain(takes)
      expect(actions).not.toContain(not)
      expect(['list', 'read']).toEqual(expect.arrayContaining([...classes]))
    })

  test('in a session policy that fits even for hundreds of them', () => {
    expect(plan(['ec2:Describe*'], ['*']).sessionPolicyCharacters).toBeLessThanOrEqual(2_048)
  })

  test('and a pattern of all of a kind', () => {
    const all = 'arn:aws:rds:*:*:db:*'
    expect(plan(['rds:DescribeDBInstances'], [all]).pairs).toHaveLength(1)
    expect(refusal(['rds:StartDBInstance'], [all]).code).toBe('RESOURCE_TOO_WIDE')
  })

  test('a switch of the role turns it off, but for actions that take nothing narrower', () => {
    expect(refusal(['rds:DescribeDBInstances'], ['*'], STRICT_ROLE).code).toBe('RESOURCE_TOO_WIDE')
    expect(plan(['sts:GetCallerIdentity', 'ec2:DescribeInstances'], ['*'], STRICT_ROLE).pairs).toHaveLength(2)
  })
})

describe('these stay refused on *', () => {
  for (const action of [
    's3:GetObject',
    's3:ListBucket',
    's3:GetBucketPolicy',
    'dynamodb:Scan',
    'dynamodb:Query',
    'sqs:ReceiveMessage',
    'kinesis:GetRecords',
    'logs:GetLogEvents',
    'es:ESHttpGet',
    'apigateway:GET',
    'secretsmanager:GetSecretValue',
    'ssm:GetParameter',
    'kms:Decrypt',
    'kms:GetKeyPolicy',
    'iam:GetRole',
    'athena:GetQueryResults',
    'cloudformation:DescribeStacks',
    'states:DescribeExecution',
    'ec2:StopInstances',
    'cloudwatch:PutMetricData',
  ])
    test(action, () => expect(refusal([action], ['*']).code).toBe('RESOURCE_TOO_WIDE'))
})

// Service Authorization Reference: these have no resource types, so `*` is all that a policy can say.
describe('actions that take nothing narrower than *, and do more than read, take it', () => {
  for (const action of ['acm:RequestCertificate', 'xray:PutTraceSegments', 'ec2:EnableEbsEncryptionByDefault'])
    test(`${action}, if the task names it`, () => {
      expect(plan([action], ['*']).pairs).toMatchObject([{ action, resource: '*' }])
      expect(refusal([`${action.slice(0, -3)}*`], ['*']).code).toBe('RESOURCE_TOO_WIDE')
    })

  test('no wildcard brings them along, unless the role allows it', () => {
    const { pairs, dropped = [] } = plan(['xray:*'], ['*'])
    expect(pairs.map(({ action }) => action)).not.toContain('xray:PutTraceSegments')
    expect(dropped).toContainEqual(expect.objectContaining({ reason: 'star_not_allowed' }))
  })
})

test('a refusal says what may be named', () => {
  expect(refusal(['dynamodb:Scan'], ['*']).details.explanation).toContain(':table/')
})
