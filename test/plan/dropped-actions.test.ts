import { describe, expect, test } from 'vitest'
import { PROFILES } from '../../src/aws/store-profile.ts'
import type { StintError } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const ROLE_IN_IAM = 'arn:aws:iam::123456789012:role/app'
const settings = {
  labels: NO_LABELS,
  roles: new Map([[ROLE, {}]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
}
const planner = createPlanner(settings)
const minio = createPlanner({ ...settings, profile: PROFILES.minio })

type Access = readonly { readonly actions: string[]; readonly resources: string[]; readonly conditions?: object[] }[]
const task = (access: Access, more = {}) => ({
  purpose: 'Look around',
  roleArn: ROLE,
  access,
  ttlSeconds: 600,
  ...more,
})
const plan = (access: Access, more = {}, by = planner) => by.plan('spiffe://example.org/a', task(access, more))
function refusal(access: Access, more = {}): StintError {
  try {
    plan(access, more)
  } catch (error) {
    return error as StintError
  }
  throw new Error('expected a refusal')
}

describe('actions of a wildcard that are not in the plan are on it:', () => {
  test('those that need a resource', () => {
    const { dropped = [], pairs } = plan([{ actions: ['iam:Get*'], resources: ['*'] }])
    expect(dropped).toMatchObject([{ pattern: 'iam:Get*', reason: 'needs_resource' }, { reason: 'returns_secret' }])
    const [{ members, count, actions, explanation }] = dropped as [(typeof dropped)[number]]
    expect(pairs).toHaveLength(members - count - 2)
    expect(explanation).toBe(`${count} of ${members} actions of iam:Get* need a resource`)
    expect(actions).toContain('iam:GetGroup')
    expect(actions.length).toBeLessThanOrEqual(20)
  })

  test('those that return a secret, unless they are named as well', () => {
    const every = plan([{ actions: ['ec2:Describe*'], resources: ['*'] }])
    expect(every.dropped).toMatchObject([{ reason: 'needs_resource' }, { reason: 'returns_secret', count: 5 }])
    expect(every.flags).toEqual([])
    // User data of instances is often a secret. Amazon EC2 API Reference, DescribeLaunchTemplateVersions
    const named = plan([{ actions: ['ec2:Describe*', 'ec2:DescribeLaunchTemplateVersions'], resources: ['*'] }])
    expect(named.flags).toEqual(['secret'])
    const found = named.pairs.map(({ action }) => action)
    expect(found).toContain('ec2:DescribeLaunchTemplateVersions')
    expect(found).not.toContain('ec2:DescribeVpnConnections')
  })

  test('those that return a secret, if the role does not allow them', () => {
    expect(refusal([{ actions: ['ecr:GetAuth*'], resources: ['*'] }]).code).toBe('RESOURCE_TOO_WIDE')
    expect(plan([{ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }]).flags).toContain('secret')
  })

  test('those that apply to no resource of their entry', () => {
    const { dropped = [] } = plan([{ actions: ['iam:Get*'], resources: [ROLE_IN_IAM] }])
    expect(dropped).toMatchObject([{ reason: 'no_resource_fits' }])
  })

  test('those that do more than read and take nothing narrower', () => {
    const { dropped = [] } = plan([{ actions: ['acm:*AccountConfiguration'], resources: ['*'] }])
    expect(dropped).toMatchObject([{ reason: 'star_not_allowed', count: 1, actions: ['acm:PutAccountConfiguration'] }])
  })

  test('those that do not know a condition', () => {
    const conditions = [{ key: 's3:prefix', values: ['in/'] }]
    const { dropped = [] } = plan([{ actions: ['s3:*Bucket'], resources: ['arn:aws:s3:::data'], conditions }])
    expect(dropped).toMatchObject([{ reason: 'condition_unknown' }])
  })

  test('those that the store does not know', () => {
    const { dropped = [] } = plan([{ actions: ['s3:Get*'], resources: ['arn:aws:s3:::data/*'] }], {}, minio)
    expect(dropped.map(({ reason }) => reason)).toEqual(['no_resource_fits', 'unknown_to_store'])
  })

  test('nothing else: an action as written, or a member that another resource of its entry takes', () => {
    expect(plan([{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] }]).dropped).toBeUndefined()
    const { dropped } = plan([{ actions: ['s3:ListBucket*'], resources: ['arn:aws:s3:::data', 'arn:aws:s3:::other'] }])
    expect(dropped).toBeUndefined()
  })

  test('and in its hash', () => {
    const one = plan([{ actions: ['iam:GetAccountP*', 'iam:GetRole'], resources: ['*', ROLE_IN_IAM] }])
    expect(one.dropped).toBeUndefined()
    expect(plan([{ actions: ['iam:Get*'], resources: ['*'] }]).hash).not.toBe(one.hash)
  })
})

describe('a strict task', () => {
  test('is refused if any is left out, by its place', () => {
    const { code, details } = refusal([{ actions: ['ec2:DescribeInstances', 'iam:Get*'], resources: ['*'] }], {
      strict: true,
    })
    expect(code).toBe('RESOURCE_TOO_WIDE')
    expect(details.explanation).toMatch(/^task\.access\[0\]\.actions\[1\].* of iam:Get\* need a resource/)
  })

  test('is planned if none is, and is another task than one that is not strict', () => {
    const access = [{ actions: ['rds:Describe*'], resources: ['*'] }]
    const { task: planned, dropped, hash } = plan(access, { strict: true })
    expect(planned.strict).toBe(true)
    expect(dropped).toBeUndefined()
    expect(plan(access, { strict: false }).task).not.toHaveProperty('strict')
    expect(hash).not.toBe(plan(access).hash)
  })
})

describe('all mistakes of an entry come in one answer', () => {
  const errorsOf = (access: Access) => refusal(access).details.errors as readonly { field: string; code: string }[]

  test('actions that find no resource, beside misspelt actions', () => {
    const actions = ['s3:GetObjekt', 'dynamodb:GetItem', 's3:PutObject']
    expect(
      errorsOf([{ actions, resources: ['arn:aws:s3:::data/*'] }]).map(({ field, code }) => `${field} ${code}`),
    ).toEqual(['task.access[0].actions[0] ACTION_UNKNOWN', 'task.access[0].actions[1] ACTION_RESOURCE_MISMATCH'])
  })

  test('resources that find no action, beside misspelt resources; but not what the misspelt one may be meant for', () => {
    const resources = ['arn:aws:s3:::data/*', 's3://data', 'arn:aws:sns:eu-west-1:123456789012:t']
    const actions = ['s3:GetObject', 's3:ListBucket']
    expect(errorsOf([{ actions, resources }]).map(({ field, code }) => `${field} ${code}`)).toEqual([
      'task.access[0].resources[1] RESOURCE_INVALID',
      'task.access[0].resources[2] ACTION_RESOURCE_MISMATCH',
    ])
  })
})
