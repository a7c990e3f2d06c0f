import { AssumeRoleCommand, type AssumeRoleCommandInput, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, expect, test } from 'vitest'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { ACCOUNT, assume, BROKER, outcome, policy, startStage, TASK_ROLE, TRUST } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage(options: Parameters<typeof startStage>[0] = {}) {
  const made = await startStage(options)
  cloud = made.cloud
  return made
}

test('AssumeRole mints a session that says who it is, and the cloud remembers it without its secrets', async () => {
  const { cloud, broker, clock, sts } = await stage()
  const { keys, answer, expiration } = await assume(sts(broker), {
    SourceIdentity: 'grant-1',
    Tags: [{ Key: 'stint:agent', Value: 'a' }],
    Policy: policy({ Action: 's3:GetObject' }),
  })
  expect(answer.AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/task/g-1`)
  expect(answer.SourceIdentity).toBe('grant-1')
  expect(expiration).toEqual(new Date(clock.now().getTime() + 900_000))
  expect((await sts(keys).send(new GetCallerIdentityCommand({}))).Arn).toBe(
    `arn:aws:sts::${ACCOUNT}:assumed-role/task/g-1`,
  )
  const [session, ...others] = cloud.liveSessions()
  expect(others).toEqual([])
  expect(session).toMatchObject({
    sessionName: 'g-1',
    sourceIdentity: 'grant-1',
    roleArn: TASK_ROLE,
    issuedTo: BROKER,
    tags: { 'stint:agent': 'a' },
  })
  const told = JSON.stringify([cloud.sessions(), cloud.calls()])
  for (const secret of [keys.secretAccessKey, keys.sessionToken, broker.secretAccessKey])
    expect(told).not.toContain(secret)
})

/** Field rules: the STS service model and API reference of AssumeRole. */
const fields: { name: string; input: Partial<AssumeRoleCommandInput>; code: string }[] = [
  { name: 'a session name of one character', input: { RoleSessionName: 'g' }, code: 'ValidationError' },
  { name: 'a session name of 65 characters', input: { RoleSessionName: 'g'.repeat(65) }, code: 'ValidationError' },
  { name: 'a session name with a slash', input: { RoleSessionName: 'a/b' }, code: 'ValidationError' },
  { name: 'a source identity that starts with aws:', input: { SourceIdentity: 'aws:x' }, code: 'ValidationError' },
  { name: '899 seconds', input: { DurationSeconds: 899 }, code: 'ValidationError' },
  { name: '43201 seconds', input: { DurationSeconds: 43_201 }, code: 'ValidationError' },
  { name: 'more seconds than the role allows', input: { DurationSeconds: 3_601 }, code: 'ValidationError' },
  { name: 'an external id of one character', input: { ExternalId: 'x' }, code: 'ValidationError' },
  {
    name: 'a policy of 2049 characters',
    input: { Policy: JSON.stringify(policy({})).padEnd(2_049) },
    code: 'ValidationError',
  },
  { name: 'an empty policy', input: { Policy: '' }, code: 'ValidationError' },
  { name: 'a policy that is not JSON', input: { Policy: '{' }, code: 'MalformedPolicyDocument' },
  {
    name: 'a policy with a misspelt element',
    input: { Policy: JSON.stringify(policy({ Conditions: {} })) },
    code: 'MalformedPolicyDocument',
  },
  {
    name: 'a policy with a character beyond U+00FF',
    input: { Policy: JSON.stringify(policy({ Resource: 'arn:aws:s3:::\u0100' })) },
    code: 'MalformedPolicyDocument',
  },
  {
    name: '51 tags',
    input: { Tags: Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: 'v' })) },
    code: 'ValidationError',
  },
  {
    name: 'two tags that differ in case only',
    input: {
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'A', Value: '2' },
      ],
    },
    code: 'InvalidParameterValue',
  },
  { name: 'a tag with the aws: prefix', input: { Tags: [{ Key: 'aws:x', Value: '1' }] }, code: 'ValidationError' },
  { name: 'a transitive key without its tag', input: { TransitiveTagKeys: ['a'] }, code: 'ValidationError' },
  {
    name: 'policy and tags that do not pack',
    input: {
      Policy: JSON.stringify(policy({})).padEnd(2_048),
      Tags: Array.from({ length: 9 }, (_, i) => ({ Key: `k${i}`, Value: 'v'.repeat(250) })),
    },
    code: 'PackedPolicyTooLargeException',
  },
  { name: 'a role that does not exist', input: { RoleArn: `${TASK_ROLE}x` }, code: 'AccessDenied' },
]
test('AssumeRole refuses fields that break the rules of the service model', async () => {
  const { cloud, broker, sts } = await stage()
  const client = sts(broker)
  for (const { name, input, code } of fields) {
    const refused = await outcome(
      client.send(new AssumeRoleCommand({ RoleArn: TASK_ROLE, RoleSessionName: 'g-1', ...input })),
    )
    expect([name, refused.replace(/Exception$/, '')]).toEqual([name, code.replace(/Exception$/, '')])
  }
  expect(cloud.sessions()).toEqual([])
})

test('AssumeRole takes a policy of exactly 2048 characters and 50 tags', async () => {
  const { broker, sts } = await stage()
  const client = sts(broker)
  await client.send(
    new AssumeRoleCommand({
      RoleArn: TASK_ROLE,
      RoleSessionName: 'g-1',
      Policy: JSON.stringify(policy({})).padEnd(2_048),
    }),
  )
  await assume(client, { Tags: Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: 'v' })) })
})

const trust = (...statements: object[]) => ({
  Version: '2012-10-17',
  Statement: statements.map((extra) => ({ Effect: 'Allow', Principal: { AWS: BROKER }, ...extra })),
})
const mint = (Condition: object) => trust({ Action: 'sts:AssumeRole', Condition })

/** Which condition key belongs to which action: service authorization reference for AWS STS. */
const trusts: { name: string; trustPolicy: object; input?: Partial<AssumeRoleCommandInput>; result: string }[] = [
  {
    name: 'the right external id',
    trustPolicy: mint({ StringEquals: { 'sts:ExternalId': 'id-1' } }),
    input: { ExternalId: 'id-1' },
    result: 'ok',
  },
  {
    name: 'a wrong external id',
    trustPolicy: mint({ StringEquals: { 'sts:ExternalId': 'id-1' } }),
    input: { ExternalId: 'id-2' },
    result: 'AccessDenied',
  },
  { name: 'no external id', trustPolicy: mint({ StringEquals: { 'sts:ExternalId': 'id-1' } }), result: 'AccessDenied' },
  {
    name: 'a session name of the right form',
    trustPolicy: mint({ StringLike: { 'sts:RoleSessionName': 'g-*' } }),
    result: 'ok',
  },
  {
    name: 'a session name of another form',
    trustPolicy: mint({ StringLike: { 'sts:RoleSessionName': 'x-*' } }),
    result: 'AccessDenied',
  },
  {
    name: 'a required source identity that is absent',
    trustPolicy: mint({ Null: { 'sts:SourceIdentity': 'false' } }),
    result: 'AccessDenied',
  },
  {
    name: 'a source identity without sts:SetSourceIdentity',
    trustPolicy: mint({}),
    input: { SourceIdentity: 'g-1' },
    result: 'AccessDenied',
  },
  {
    name: 'a source identity with it',
    trustPolicy: trust({ Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'] }),
    input: { SourceIdentity: 'g-1' },
    result: 'ok',
  },
  {
    name: 'an external id demanded of sts:SetSourceIdentity, which has no such key',
    trustPolicy: trust({
      Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'],
      Condition: { StringEquals: { 'sts:ExternalId': 'id-1' } },
    }),
    input: { SourceIdentity: 'g-1', ExternalId: 'id-1' },
    result: 'AccessDenied',
  },
  {
    name: 'tags without sts:TagSession',
    trustPolicy: mint({}),
    input: { Tags: [{ Key: 'k', Value: 'v' }] },
    result: 'AccessDenied',
  },
  {
    name: 'tags of the allowed keys',
    trustPolicy: trust({
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['k', 'l'] } },
    }),
    input: { Tags: [{ Key: 'k', Value: 'v' }] },
    result: 'ok',
  },
  {
    name: 'a tag of another key',
    trustPolicy: trust({
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['k', 'l'] } },
    }),
    input: { Tags: [{ Key: 'm', Value: 'v' }] },
    result: 'AccessDenied',
  },
  {
    name: 'a tag with another value',
    trustPolicy: trust({
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: { StringEquals: { 'aws:RequestTag/tenant': 't1' } },
    }),
    input: { Tags: [{ Key: 'tenant', Value: 't2' }] },
    result: 'AccessDenied',
  },
  {
    name: 'a condition key that the stage does not know',
    trustPolicy: mint({ StringEquals: { 'aws:SourceVpc': 'vpc-1' } }),
    result: 'AccessDenied',
  },
  {
    name: 'a caller that is not named',
    trustPolicy: {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/other` },
        Action: 'sts:AssumeRole',
      },
    },
    result: 'AccessDenied',
  },
  {
    name: 'the account, to which the caller adds its own rights',
    trustPolicy: {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' },
    },
    result: 'ok',
  },
  {
    name: 'an explicit deny of the caller',
    trustPolicy: {
      Version: '2012-10-17',
      Statement: [...TRUST.Statement, { Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole' }],
    },
    result: 'AccessDenied',
  },
]
test('a role is assumed only as its trust policy says, each action by its own condition keys', async () => {
  const { cloud, broker, sts } = await stage()
  const client = sts(broker)
  for (const [index, { name, trustPolicy, input, result }] of trusts.entries()) {
    const { arn } = cloud.createRole({ arn: `arn:aws:iam::${ACCOUNT}:role/t${index}`, trustPolicy })
    expect([
      name,
      await outcome(client.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'g-1', ...input }))),
    ]).toEqual([name, result])
  }
})

test('a trust policy that names only the account leaves a caller without rights of its own outside', async () => {
  const { cloud, sts } = await stage()
  const poor = cloud.addPrincipal({ arn: BROKER })
  const { arn } = cloud.createRole({
    arn: `arn:aws:iam::${ACCOUNT}:role/r`,
    trustPolicy: {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
    },
  })
  expect(await outcome(sts(poor).send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'g-1' })))).toBe(
    'AccessDenied',
  )
  expect(await outcome(sts(poor).send(new AssumeRoleCommand({ RoleArn: TASK_ROLE, RoleSessionName: 'g-1' })))).toBe(
    'ok',
  )
})

test('a chained session keeps its source identity and transitive tags, and lasts an hour at most', async () => {
  const { cloud, broker, sts } = await stage()
  cloud.createRole({
    arn: `${TASK_ROLE}2`,
    maxSessionSeconds: 43_200,
    trustPolicy: trust({ Principal: { AWS: TASK_ROLE }, Action: 'sts:*' }),
  })
  const { keys } = await assume(sts(broker), {
    SourceIdentity: 'grant-1',
    Tags: [{ Key: 'k', Value: 'v' }],
    TransitiveTagKeys: ['k'],
  })
  const chained = sts(keys)
  await assume(chained, { RoleArn: `${TASK_ROLE}2` })
  expect(cloud.sessions()[1]).toMatchObject({ sourceIdentity: 'grant-1', tags: { k: 'v' } })
  expect(await outcome(assume(chained, { RoleArn: `${TASK_ROLE}2`, SourceIdentity: 'other' }))).toBe('AccessDenied')
  expect(await outcome(assume(chained, { RoleArn: `${TASK_ROLE}2`, DurationSeconds: 3_601 }))).toBe('ValidationError')
})
