import { GetObjectCommand, HeadBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterEach, expect, test } from 'vitest'
import { NO_LABELS } from '../../../src/plan/labels/labels.ts'
import { createPlanner } from '../../../src/plan/planner.ts'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { assume, outcome, policy, startStage, TASK_ROLE } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage() {
  const made = await startStage()
  cloud = made.cloud
  const session = async (document: object) => (await assume(made.sts(made.broker), { Policy: document })).keys
  return { ...made, session }
}

const INSTANCE = 'arn:aws:ec2:eu-central-1:111122223333:instance/i-1'

/** IAM User Guide, "Set operators for multivalued context keys" and "Condition operator to check existence of condition keys". */
const cases: {
  name: string
  condition: object
  keys?: Readonly<Record<string, string | readonly string[]>>
  allowed: boolean
}[] = [
  {
    name: 'a tag of the resource',
    condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
    keys: { 'aws:ResourceTag/env': 'dev' },
    allowed: true,
  },
  {
    name: 'a tag key in another case',
    condition: { StringEquals: { 'aws:ResourceTag/Env': 'dev' } },
    keys: { 'aws:ResourceTag/env': 'dev' },
    allowed: true,
  },
  {
    name: 'a tag with another value',
    condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
    keys: { 'aws:ResourceTag/env': 'Dev' },
    allowed: false,
  },
  { name: 'a resource without the tag', condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } }, allowed: false },
  {
    name: 'a pattern for a tag',
    condition: { StringLike: { 'aws:ResourceTag/env': 'd*' } },
    keys: { 'aws:ResourceTag/env': 'dev' },
    allowed: true,
  },
  {
    name: 'tag keys that are all in the list',
    condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } },
    keys: { 'aws:TagKeys': ['a'] },
    allowed: true,
  },
  {
    name: 'a tag key that is not in the list',
    condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b'] } },
    keys: { 'aws:TagKeys': ['a', 'c'] },
    allowed: false,
  },
  {
    name: 'ForAllValues alone, without tag keys',
    condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } },
    allowed: true,
  },
  {
    name: 'ForAllValues with its guard, without tag keys',
    condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' }, Null: { 'aws:TagKeys': 'false' } },
    allowed: false,
  },
  {
    name: 'ForAllValues with its guard, with an empty list',
    condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' }, Null: { 'aws:TagKeys': 'false' } },
    keys: { 'aws:TagKeys': [] },
    allowed: false,
  },
  {
    name: 'an address in a range',
    condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '203.0.113.7'] } },
    keys: { 'aws:SourceIp': '203.0.113.7' },
    allowed: true,
  },
  {
    name: 'an address outside of the ranges',
    condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
    keys: { 'aws:SourceIp': '203.0.114.1' },
    allowed: false,
  },
  {
    name: 'an address of the other kind',
    condition: { NotIpAddress: { 'aws:SourceIp': '2001:db8::/32' } },
    keys: { 'aws:SourceIp': '203.0.113.7' },
    allowed: true,
  },
  {
    name: 'a range that is none',
    condition: { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/33' } },
    keys: { 'aws:SourceIp': '203.0.113.7' },
    allowed: false,
  },
]

test('conditions on what a request carries hold as IAM documents them', async () => {
  const { cloud, session } = await stage()
  for (const { name, condition, keys = {}, allowed } of cases) {
    const { accessKeyId } = await session(policy({ Action: 'ec2:StopInstances', Condition: condition }))
    expect([name, cloud.allows(accessKeyId, 'ec2:StopInstances', INSTANCE, undefined, keys).allowed]).toEqual([
      name,
      allowed,
    ])
  }
})

test('the tags of a bucket count for the bucket, and not for its objects', async () => {
  const { cloud, session, s3 } = await stage()
  cloud.createBucket('tagged', { env: 'dev' })
  cloud.putObject('tagged', 'one', '1')
  const client = s3(await session(policy({ Condition: { StringEquals: { 'aws:ResourceTag/env': 'dev' } } })))
  expect(await outcome(client.send(new ListObjectsV2Command({ Bucket: 'tagged' })))).toBe('ok')
  expect(await outcome(client.send(new ListObjectsV2Command({ Bucket: 'invoices' })))).toBe('AccessDenied')
  expect(await outcome(client.send(new GetObjectCommand({ Bucket: 'tagged', Key: 'one' })))).toBe('AccessDenied')
})

test('the session policy of a plan with conditions is enforced: no other prefix, and no request without one', async () => {
  const { session, s3 } = await stage()
  const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
  const planner = createPlanner({ labels: NO_LABELS, roles: new Map([[TASK_ROLE, {}]]), limits })
  const conditions = [
    { key: 's3:prefix', operator: 'StringLike', values: ['in/*', 'in/'] },
    { key: 'aws:RequestedRegion', values: ['eu-central-1'] },
  ]
  const { sessionPolicy } = planner.plan('spiffe://example.org/a', {
    purpose: 'List the invoices that came in',
    roleArn: TASK_ROLE,
    access: [{ actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::invoices'], conditions }],
    ttlSeconds: 600,
  })
  const client = s3(await session(JSON.parse(sessionPolicy) as object))
  const list = (Prefix?: string) => outcome(client.send(new ListObjectsV2Command({ Bucket: 'invoices', Prefix })))
  expect([await list('in/'), await list('in/1'), await list('out/'), await list('')]).toEqual([
    'ok',
    'ok',
    'AccessDenied',
    'AccessDenied',
  ])
  expect(await list()).toBe('AccessDenied')
  expect(await outcome(client.send(new HeadBucketCommand({ Bucket: 'invoices' })))).not.toBe('ok')
})

test('a role that is bound to a network works from there alone', async () => {
  const { session, s3 } = await stage()
  const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
  const list = async (range: string) => {
    const roles = new Map([[TASK_ROLE, { network: { sourceIps: [range], sourceVpcs: [] } }]])
    const access = [{ actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::invoices'] }]
    const task = { purpose: 'List the invoices that came in', roleArn: TASK_ROLE, access, ttlSeconds: 600 }
    const { sessionPolicy } = createPlanner({ labels: NO_LABELS, roles, limits }).plan('spiffe://example.org/a', task)
    const client = s3(await session(JSON.parse(sessionPolicy) as object))
    return outcome(client.send(new ListObjectsV2Command({ Bucket: 'invoices' })))
  }
  expect([await list('127.0.0.0/8'), await list('203.0.113.0/24')]).toEqual(['ok', 'AccessDenied'])
})
