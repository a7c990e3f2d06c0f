import { describe, expect, test } from 'vitest'
import { parseResourcePattern } from '../../../src/aws/arn.ts'
import { findAction } from '../../../src/aws/classify.ts'
import { type ConditionInput, conditionElement, readConditions } from '../../../src/aws/conditions/condition.ts'
import { findUnknownKey } from '../../../src/aws/conditions/known-keys.ts'

const env = { key: 'aws:ResourceTag/env', values: ['dev'] }
const like = (key: string, ...values: string[]): ConditionInput => ({ key, operator: 'StringLike', values })

describe('a condition', () => {
  for (const { name, input, expected } of [
    {
      name: 'without an operator asks for equality',
      input: { key: 'aws:ResourceTag/env', values: ['test', 'dev', 'dev'] },
      expected: { key: 'aws:ResourceTag/env', operator: 'StringEquals', values: ['dev', 'test'] },
    },
    {
      // IAM User Guide, "IAM JSON policy elements: Condition": keys are compared without regard to case.
      name: "has AWS's spelling whatever the case, and the tag key as written",
      input: { key: 'AWS:resourcetag/Env', operator: 'StringEquals', values: ['dev'] },
      expected: { key: 'aws:ResourceTag/Env', operator: 'StringEquals', values: ['dev'] },
    },
    {
      name: 'may have patterns with StringLike',
      input: like('s3:prefix', 'in/*'),
      expected: { key: 's3:prefix', operator: 'StringLike', values: ['in/*'] },
    },
    {
      name: 'of an encryption context names its key behind a colon',
      input: { key: 'kms:EncryptionContext:AppName', values: ['pay'] },
      expected: { key: 'kms:EncryptionContext:AppName', operator: 'StringEquals', values: ['pay'] },
    },
  ])
    test(name, () => expect(readConditions([input])).toEqual({ conditions: [expected], problems: [] }))

  for (const { name, input, at, rule } of [
    {
      name: 'with a key that is not in the list',
      input: [{ key: 'aws:SourceIp', values: ['10.0.0.1'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'with a key that only begins like one of the list',
      input: [{ key: 'aws:TagKeysX', values: ['a'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'without a tag key',
      input: [{ key: 'aws:ResourceTag/', values: ['dev'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'with a wildcard in the tag key',
      input: [{ key: 'aws:ResourceTag/e*', values: ['dev'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'with a policy variable in the key',
      input: [{ key: 'aws:ResourceTag/\u0024{aws:username}', values: ['dev'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'with a tag key of 129 characters',
      input: [{ key: `aws:ResourceTag/${'k'.repeat(129)}`, values: ['dev'] }],
      at: '[0].key',
      rule: 'key_unknown',
    },
    {
      name: 'with a negative operator',
      input: [{ ...env, operator: 'StringNotEquals' }],
      at: '[0].operator',
      rule: 'operator',
    },
    {
      name: 'with IfExists',
      input: [{ ...env, operator: 'StringEqualsIfExists' }],
      at: '[0].operator',
      rule: 'operator',
    },
    {
      name: 'with a set operator',
      input: [{ key: 'aws:TagKeys', operator: 'ForAnyValue:StringEquals', values: ['env'] }],
      at: '[0].operator',
      rule: 'operator',
    },
    {
      name: 'with an operator in another case',
      input: [{ ...env, operator: 'stringequals' }],
      at: '[0].operator',
      rule: 'operator',
    },
    {
      name: 'with an operator that ignores case',
      input: [{ ...env, operator: 'StringEqualsIgnoreCase' }],
      at: '[0].operator',
      rule: 'operator',
    },
    { name: 'without a value', input: [{ ...env, values: [] }], at: '[0].values', rule: 'empty' },
    { name: 'with an empty value', input: [{ ...env, values: ['dev', ''] }], at: '[0].values[1]', rule: 'empty' },
    {
      name: 'with 51 values',
      input: [{ ...env, values: Array.from({ length: 51 }, (_, at) => `v${at}`) }],
      at: '[0].values',
      rule: 'too_many',
    },
    {
      name: 'with more than 1,000 characters',
      input: [{ key: 's3:prefix', values: ['a'.repeat(992)] }],
      at: '',
      rule: 'too_long',
    },
    { name: 'that is one of eleven', input: Array(11).fill(env), at: '', rule: 'too_many' },
    {
      name: 'with a star that StringEquals would compare as it is',
      input: [{ ...env, values: ['d*'] }],
      at: '[0].values[0]',
      rule: 'wildcard',
    },
    {
      name: 'with a question mark that StringEquals would compare as it is',
      input: [{ ...env, values: ['de?'] }],
      at: '[0].values[0]',
      rule: 'wildcard',
    },
    {
      name: 'with a pattern for anything',
      input: [like('aws:ResourceTag/env', '*')],
      at: '[0].values[0]',
      rule: 'wildcard',
    },
    {
      name: 'with a pattern for anything that is not empty',
      input: [like('aws:ResourceTag/env', '?*')],
      at: '[0].values[0]',
      rule: 'wildcard',
    },
    {
      name: 'with a policy variable',
      input: [{ ...env, values: ['\u0024{aws:PrincipalTag/env}'] }],
      at: '[0].values[0]',
      rule: 'variable',
    },
    {
      name: 'with a policy variable that stands for a star',
      input: [like('s3:prefix', 'a\u0024{*}')],
      at: '[0].values[0]',
      rule: 'variable',
    },
    {
      name: 'with a character that STS does not take',
      input: [{ ...env, values: ['dév\u0142'] }],
      at: '[0].values[0]',
      rule: 'form',
    },
    {
      name: 'with a region in capitals',
      input: [{ key: 'aws:RequestedRegion', values: ['EU-WEST-1'] }],
      at: '[0].values[0]',
      rule: 'form',
    },
    // Route 53 Developer Guide, "Using IAM policy conditions for fine-grained access control": lower case, no trailing dot.
    {
      name: 'with a record name that ends in a dot',
      input: [{ key: 'route53:ChangeResourceRecordSetsNormalizedRecordNames', values: ['a.example.com.'] }],
      at: '[0].values[0]',
      rule: 'form',
    },
    {
      name: 'with a record name in capitals',
      input: [{ key: 'route53:ChangeResourceRecordSetsNormalizedRecordNames', values: ['A.example.com'] }],
      at: '[0].values[0]',
      rule: 'form',
    },
    {
      name: 'with an action that no record change has',
      input: [{ key: 'route53:ChangeResourceRecordSetsActions', values: ['upsert'] }],
      at: '[0].values[0]',
      rule: 'form',
    },
    {
      name: 'that repeats the key of another',
      input: [env, { ...env, values: ['test'] }],
      at: '[1].key',
      rule: 'key_repeated',
    },
    {
      name: 'that repeats the key of another in another case',
      input: [env, like('aws:RESOURCETAG/ENV', 'd*')],
      at: '[1].key',
      rule: 'key_repeated',
    },
  ] as { name: string; input: ConditionInput[]; at: string; rule: string }[])
    test(`${name} is refused: ${rule}`, () => {
      const { problems } = readConditions(input)
      expect(problems).toEqual([{ at, rule, message: expect.stringMatching(/^(must|contains|repeats) /) }])
    })

  test('of several tells all that is wrong with each', () => {
    const { conditions, problems } = readConditions([
      env,
      { key: 'aws:SourceVpc', operator: 'StringNotLike', values: [] },
      { key: 'aws:RequestedRegion', values: ['eu-west-1', '*'] },
    ])
    expect(conditions).toHaveLength(1)
    expect(problems.map(({ at, rule }) => `${at} ${rule}`)).toEqual([
      '[1].key key_unknown',
      '[1].operator operator',
      '[1].values empty',
      '[2].values[1] wildcard',
    ])
  })
})

for (const [key, near] of [
  ['ec2:ResourceTag/env', ': aws:ResourceTag/… (got ec2:ResourceTag/env)'],
  ['s3:Prefixes', ': s3:prefix (got s3:Prefixes)'],
  ['prefix', 'route53:ChangeResourceRecordSets… (got prefix)'],
] as const)
  test(`${key} is told what would be right`, () => {
    expect(readConditions([{ key, values: ['a'] }]).problems[0]?.message).toContain(near)
  })

test('keys with several values are asked of all of them, and must be there', () => {
  const { conditions } = readConditions([
    { key: 'aws:TagKeys', values: ['team', 'cost'] },
    env,
    like('dynamodb:LeadingKeys', 'user-1*'),
    { key: 'aws:RequestedRegion', values: ['eu-west-1'] },
  ])
  // IAM User Guide, "Set operators for multivalued context keys": ForAllValues holds for a request without the key.
  expect(conditionElement(conditions)).toEqual({
    StringEquals: { 'aws:RequestedRegion': 'eu-west-1', 'aws:ResourceTag/env': 'dev' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': ['cost', 'team'] },
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': 'user-1*' },
    Null: { 'aws:TagKeys': 'false', 'dynamodb:LeadingKeys': 'false' },
  })
})

describe('an action knows', () => {
  // The Service Authorization Reference's tables of actions and of resource types, as of the table's version.
  for (const [action, key, resource, known] of [
    ['ec2:StopInstances', 'aws:ResourceTag/env', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', true],
    ['ec2:StopInstances', 'ec2:InstanceType', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', true],
    ['ec2:StopInstances', 's3:prefix', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', false],
    ['ec2:RunInstances', 'ec2:InstanceType', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', true],
    ['ec2:RunInstances', 'ec2:InstanceType', 'arn:aws:ec2:eu-west-1:111122223333:subnet/*', false],
    ['ec2:RunInstances', 'aws:ResourceTag/env', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', false],
    ['ec2:RunInstances', 'aws:ResourceTag/env', 'arn:aws:ec2:eu-west-1:111122223333:subnet/*', true],
    ['ec2:RunInstances', 'aws:RequestTag/env', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', true],
    ['ec2:CreateTags', 'ec2:CreateAction', 'arn:aws:ec2:eu-west-1:111122223333:instance/*', true],
    ['ec2:CreateTags', 'aws:TagKeys', '*', true],
    ['ec2:DescribeInstances', 'aws:ResourceTag/env', '*', false],
    ['ec2:DescribeInstances', 'aws:RequestedRegion', '*', true],
    ['s3:ListBucket', 's3:prefix', 'arn:aws:s3:::data', true],
    ['s3:GetObject', 's3:prefix', 'arn:aws:s3:::data/*', false],
    ['kms:Decrypt', 'kms:ViaService', 'arn:aws:kms:eu-west-1:111122223333:key/1', true],
    ['kms:Decrypt', 'kms:EncryptionContext:app', 'arn:aws:kms:eu-west-1:111122223333:key/1', true],
    ['kms:DisableKey', 'kms:EncryptionContext:app', 'arn:aws:kms:eu-west-1:111122223333:key/1', false],
    ['iam:PassRole', 'iam:PassedToService', 'arn:aws:iam::111122223333:role/x', true],
    ['dynamodb:GetItem', 'dynamodb:LeadingKeys', 'arn:aws:dynamodb:eu-west-1:111122223333:table/t', true],
    ['dynamodb:Scan', 'dynamodb:LeadingKeys', 'arn:aws:dynamodb:eu-west-1:111122223333:table/t', false],
    ['cloudwatch:PutMetricData', 'cloudwatch:namespace', '*', true],
    ['secretsmanager:GetSecretValue', 'secretsmanager:VersionStage', '*', true],
    ['secretsmanager:DescribeSecret', 'secretsmanager:VersionStage', '*', false],
    ['bedrock:InvokeModel', 'bedrock:InferenceProfileArn', '*', true],
    ['bedrock:ListFoundationModels', 'bedrock:InferenceProfileArn', '*', false],
    [
      'route53:ChangeResourceRecordSets',
      'route53:ChangeResourceRecordSetsRecordTypes',
      'arn:aws:route53:::hostedzone/Z1',
      true,
    ],
    ['rds:StopDBInstance', 'aws:ResourceTag/env', 'arn:aws:rds:eu-west-1:111122223333:db:orders', true],
  ] as const)
    test(`${key}: ${known ? '' : 'not '}${action} on ${resource}`, () => {
      const value = key.endsWith('Types') ? 'TXT' : 'a'
      const { conditions, problems } = readConditions([{ key, values: [value] }])
      expect(problems).toEqual([])
      const unknown = findUnknownKey(findAction(action), parseResourcePattern(resource), conditions)
      expect(unknown?.key).toBe(known ? undefined : key)
    })
})
