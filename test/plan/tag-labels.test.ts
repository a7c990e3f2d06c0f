import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const ACCOUNT = '123456789012'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/agent-ops`
const TEAM_ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/agent-team`
const SUBJECT = 'spiffe://example.org/ops'
const INSTANCES = `arn:aws:ec2:eu-west-1:${ACCOUNT}:instance/*`
const labels = parseLabels({
  labels: [
    { label: 'env:dev', tags: [{ key: 'env', values: ['dev', 'development'] }] },
    {
      label: 'env:prod',
      resources: ['arn:aws:s3:::prod-*'],
      tags: [{ key: 'Env', values: ['prod'], services: ['ec2', 'rds'] }],
    },
    { label: 'shared', tags: [{ key: 'shared', values: ['yes'], services: ['ec2'], accounts: ['222222222222'] }] },
    { label: 'theirs', tags: [{ key: 'env', values: ['qa'], services: ['kms', 'ecs'], accounts: ['222222222222'] }] },
  ],
})
const roles = new Map([
  [ROLE, {}],
  [TEAM_ROLE, { tagKeys: ['Team'] }],
])
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const planner = createPlanner({ labels, roles, limits })

interface Asked {
  readonly actions: string[]
  readonly resources: string[]
  readonly conditions?: readonly object[]
  readonly roleArn?: string
}
function planOf({ roleArn = ROLE, ...entry }: Asked): Plan {
  return planner.plan(SUBJECT, { purpose: 'Stop what nobody uses', roleArn, access: [entry], ttlSeconds: 600 })
}
const tag = (key: string, ...values: string[]) => ({ key: `aws:ResourceTag/${key}`, values })
const like = (key: string, ...values: string[]) => ({ ...tag(key, ...values), operator: 'StringLike' })

describe('a label by tag', () => {
  for (const { name, actions = ['ec2:StopInstances'], resources = [INSTANCES], conditions, within, touches } of [
    {
      name: 'is touched where no condition says which tag',
      conditions: [],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'has what has one of its values',
      conditions: [tag('env', 'dev')],
      within: ['env:dev'],
      touches: ['env:dev'],
    },
    {
      name: 'has what has any of its values',
      conditions: [tag('env', 'development', 'dev')],
      within: ['env:dev'],
      touches: ['env:dev'],
    },
    // IAM User Guide, "IAM JSON policy elements: Condition": key names are compared without regard to case.
    {
      name: 'has a tag key in another case',
      conditions: [tag('ENV', 'dev')],
      within: ['env:dev'],
      touches: ['env:dev'],
    },
    { name: 'has no value in another case', conditions: [tag('env', 'Dev')], within: [], touches: [] },
    {
      name: 'is touched by one value among others',
      conditions: [tag('env', 'dev', 'prod')],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    { name: 'is touched by a pattern that fits', conditions: [like('env', 'dev*')], within: [], touches: ['env:dev'] },
    {
      name: 'has a pattern without a wildcard',
      conditions: [like('env', 'dev')],
      within: ['env:dev'],
      touches: ['env:dev'],
    },
    { name: 'is not touched by another value', conditions: [tag('env', 'staging')], within: [], touches: [] },
    {
      name: 'is touched where another tag is asked for',
      conditions: [tag('team', 'data')],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'is touched where the request sets the tag',
      actions: ['ec2:CreateTags'],
      conditions: [{ key: 'aws:RequestTag/env', values: ['dev'] }],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'of other services is not touched',
      actions: ['dynamodb:DeleteTable'],
      resources: [`arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/t`],
      conditions: [],
      within: [],
      touches: ['env:dev'],
    },
    {
      name: 'is touched by listings of everything',
      actions: ['ec2:DescribeInstances'],
      resources: ['*'],
      conditions: [],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'counts beside ARN patterns',
      actions: ['s3:ListBucket'],
      resources: ['arn:aws:s3:::prod-data'],
      conditions: [tag('env', 'dev')],
      within: ['env:dev', 'env:prod'],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'of another account is not touched',
      conditions: [tag('shared', 'yes'), tag('env', 'no')],
      within: [],
      touches: [],
    },
    {
      name: 'of an account has what the ARN says is there',
      resources: ['arn:aws:ec2:eu-west-1:222222222222:instance/*'],
      conditions: [tag('shared', 'yes'), tag('env', 'no')],
      within: ['shared'],
      touches: ['shared'],
    },
    {
      name: 'of an account is touched by a pattern for accounts',
      resources: ['arn:aws:ec2:eu-west-1:2*:instance/*'],
      conditions: [tag('shared', 'yes'), tag('env', 'no')],
      within: [],
      touches: ['shared'],
    },
    {
      name: 'is touched by another service that reaches its resources',
      actions: ['ssm:StartSession'],
      conditions: [],
      within: [],
      touches: ['env:dev', 'env:prod'],
    },
    {
      name: 'is touched by another service on what it names by tag',
      actions: ['ssm:StartSession'],
      resources: ['*'],
      conditions: [tag('team', 'data')],
      within: [],
      // A shell on an instance of EC2 or in a task of ECS.
      touches: ['env:dev', 'env:prod', 'shared', 'theirs'],
    },
    // Service Authorization Reference: Route 53 has tags and no aws:ResourceTag.
    {
      name: 'is touched where no policy can ask for the tag',
      actions: ['route53:DeleteHostedZone'],
      resources: ['arn:aws:route53:::hostedzone/Z1'],
      conditions: [],
      within: [],
      touches: ['env:dev'],
    },
    // KMS Developer Guide, "Allowing users in other accounts to use a KMS key".
    {
      name: 'of another account is touched where its resources may let the role in',
      actions: ['kms:DescribeKey'],
      resources: ['*'],
      conditions: [tag('team', 'data')],
      within: [],
      touches: ['env:dev', 'theirs'],
    },
    {
      name: 'of another account is not touched where they cannot',
      actions: ['ecs:StopTask'],
      resources: ['*'],
      conditions: [tag('team', 'data')],
      within: [],
      touches: ['env:dev'],
    },
  ] as (Partial<Asked> & { name: string; within: string[]; touches: string[] })[])
    test(name, () => {
      const [pair] = planOf({ actions, resources, ...(conditions && { conditions }) }).pairs
      expect([pair?.within, pair?.touches]).toEqual([within, touches])
    })

  test('is not touched by a service whose resources have no tags', () => {
    const [pair] = planOf({ actions: ['pricing:GetProducts'], resources: ['*'] }).pairs
    expect(pair?.touches).not.toContain('env:dev')
  })

  test('holds for every request that the session policy allows', () => {
    const values = ['dev', 'development', 'prod', 'de', 'DEV']
    const condition = fc.oneof(
      fc.constant([]),
      fc.subarray(values, { minLength: 1 }).map((some) => [tag('env', ...some)]),
      fc.subarray(['de*', 'dev?lopment', 'p*', '*o*'], { minLength: 1 }).map((some) => [like('env', ...some)]),
    )
    fc.assert(
      fc.property(condition, fc.constantFrom(undefined, ...values), (conditions, value) => {
        const { pairs, sessionPolicy } = planOf({ actions: ['ec2:StopInstances'], resources: [INSTANCES], conditions })
        const context = value === undefined ? {} : { 'aws:ResourceTag/env': value }
        const resource = `arn:aws:ec2:eu-west-1:${ACCOUNT}:instance/i-1`
        if (evaluateIam([sessionPolicy], { action: 'ec2:StopInstances', resource, context }) !== 'allow') return
        const isDev = value === 'dev' || value === 'development'
        if (pairs[0]?.within.includes('env:dev')) expect(isDev).toBe(true)
        if (isDev) expect(pairs[0]?.touches).toContain('env:dev')
      }),
    )
  })
})

describe('setting a tag key on which access rests', () => {
  const keys = (...values: string[]) => ({ key: 'aws:TagKeys', values })
  for (const { name, asked, expected, key } of [
    { name: 'counts as permissions where any key is open', asked: {}, expected: 'permissions', key: 'env' },
    {
      name: 'counts so where only a value is asked for',
      asked: { conditions: [{ key: 'aws:RequestTag/team', values: ['data'] }] },
      expected: 'permissions',
      key: 'env',
    },
    {
      name: 'counts so where the resource has the tag',
      asked: { conditions: [tag('env', 'dev')] },
      expected: 'permissions',
      key: 'env',
    },
    {
      name: 'counts so where it is among the keys',
      asked: { conditions: [keys('cost', 'env')] },
      expected: 'permissions',
      key: 'env',
    },
    { name: 'counts so in another case', asked: { conditions: [keys('ENV')] }, expected: 'permissions', key: 'env' },
    {
      name: 'counts so by a pattern',
      asked: { conditions: [{ ...keys('e*'), operator: 'StringLike' }] },
      expected: 'permissions',
      key: 'env',
    },
    {
      name: 'counts so where it is removed',
      asked: { actions: ['ec2:DeleteTags'] },
      expected: 'permissions',
      key: 'env',
    },
    { name: 'is excluded by other keys', asked: { conditions: [keys('cost', 'owner')] }, expected: 'tag' },
    {
      name: 'is excluded by a pattern for others',
      asked: { conditions: [{ ...keys('cost-*'), operator: 'StringLike' }] },
      expected: 'tag',
    },
    {
      name: "counts so for the keys of the role's own policies",
      asked: { roleArn: TEAM_ROLE, conditions: [keys('team')] },
      expected: 'permissions',
      key: 'Team',
    },
    { name: 'counts so for those of its role alone', asked: { conditions: [keys('team')] }, expected: 'tag' },
    // The tags of objects are no resource tags, but s3:ExistingObjectTag reads them.
    {
      name: 'is not what tags of S3 objects do',
      asked: { actions: ['s3:PutObjectTagging'], resources: ['arn:aws:s3:::data/*'] },
      expected: 'tag',
    },
    {
      name: "is what tags of S3 objects do where a role's policies rest on them",
      asked: { roleArn: TEAM_ROLE, actions: ['s3:PutObjectTagging'], resources: ['arn:aws:s3:::data/*'] },
      expected: 'permissions',
      key: 'Team',
    },
    {
      name: 'counts so for tags of buckets',
      asked: { actions: ['s3:PutBucketTagging'], resources: ['arn:aws:s3:::data'] },
      expected: 'permissions',
      key: 'env',
    },
    // Service Catalog Developer Guide, UpdateProduct: AddTags and RemoveTags.
    {
      name: 'counts so where an update takes tags',
      asked: {
        actions: ['servicecatalog:UpdateProduct'],
        resources: [`arn:aws:catalog:eu-west-1:${ACCOUNT}:product/p`],
      },
      expected: 'permissions',
      key: 'env',
    },
    // CodeBuild API Reference, UpdateReportGroup, tags: "An updated list of tag key and value pairs".
    {
      name: 'is not excluded by other keys where an update replaces all tags',
      asked: {
        actions: ['codebuild:UpdateReportGroup'],
        resources: [`arn:aws:codebuild:eu-west-1:${ACCOUNT}:report-group/r`],
        conditions: [keys('cost')],
      },
      expected: 'permissions',
      key: 'env',
    },
    // API Gateway API Reference, UntagResource: DELETE /tags/<arn>.
    {
      name: 'counts so where tags are resources',
      asked: { actions: ['apigateway:DELETE'], resources: ['arn:aws:apigateway:eu-west-1::/tags/x'] },
      expected: 'permissions',
      key: 'env',
    },
    {
      name: 'is not what deleting other resources does',
      asked: { actions: ['apigateway:DELETE'], resources: ['arn:aws:apigateway:eu-west-1::/restapis/a1'] },
      expected: 'destructive',
    },
  ] as { name: string; asked: Partial<Asked>; expected: string; key?: string }[])
    test(name, () => {
      const plan = planOf({ actions: ['ec2:CreateTags'], resources: [INSTANCES], ...asked })
      expect(plan.pairs.map((pair) => pair.class)).toEqual([expected])
      expect(plan.blastRadius.byClass).toEqual({ [expected]: 1 })
      const told = plan.warnings?.filter(({ kind }) => kind === 'sets_tag_key') ?? []
      expect(told).toHaveLength(key === undefined ? 0 : 1)
      if (key !== undefined) expect(told[0]?.explanation).toContain(`the tag key ${key},`)
    })

  test('is nothing where no label and no role rests on a tag', () => {
    const arnsOnly = parseLabels({ labels: [{ label: 'env:prod', resources: ['arn:aws:s3:::prod-*'] }] })
    const task = { purpose: 'Tag the instances', roleArn: ROLE, ttlSeconds: 600 }
    const access = [{ actions: ['ec2:CreateTags'], resources: [INSTANCES] }]
    const plan = createPlanner({ labels: arnsOnly, roles, limits }).plan(SUBJECT, { ...task, access })
    expect([plan.classes, plan.warnings]).toEqual([['tag'], undefined])
  })
})

for (const { name, label, path } of [
  { name: 'neither resources nor tags', label: {}, path: 'labels.0' },
  { name: 'a tag without values', label: { tags: [{ key: 'env', values: [] }] }, path: 'labels.0.tags.0.values' },
  { name: 'an empty value', label: { tags: [{ key: 'env', values: [''] }] }, path: 'labels.0.tags.0.values.0' },
  {
    name: 'a wildcard in a value',
    label: { tags: [{ key: 'env', values: ['de*'] }] },
    path: 'labels.0.tags.0.values.0',
  },
  { name: 'a wildcard in a tag key', label: { tags: [{ key: 'e*', values: ['dev'] }] }, path: 'labels.0.tags.0.key' },
  {
    name: 'a service in capitals',
    label: { tags: [{ key: 'env', values: ['dev'], services: ['EC2'] }] },
    path: 'labels.0.tags.0.services.0',
  },
  {
    name: 'an account that is none',
    label: { tags: [{ key: 'env', values: ['dev'], accounts: ['1'] }] },
    path: 'labels.0.tags.0.accounts.0',
  },
  { name: 'a tag as a map', label: { tags: { env: 'dev' } }, path: 'labels.0.tags' },
])
  test(`labels with ${name} are refused by place`, () => {
    try {
      parseLabels({ labels: [{ label: 'a', ...label }] })
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof StintError)) throw error
      expect(error.code).toBe('LABELS_INVALID')
      expect((error.details.problems as { path: string }[]).map((problem) => problem.path)).toEqual([path])
    }
  })
