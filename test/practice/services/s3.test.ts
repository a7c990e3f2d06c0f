import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterEach, expect, test } from 'vitest'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { ACCOUNT, assume, outcome, policy, startStage } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage() {
  const made = await startStage()
  cloud = made.cloud
  return { ...made, client: made.s3(made.broker) }
}

const awkward = 'a b/é+*(1)!\'&<x>".txt'

/** Bodies the SDK frames differently: hashed with a CRC-32 header, or aws-chunked with a trailing CRC-32. */
const chunks = [Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)]
for (const { name, content, extra } of [
  { name: 'text', content: Buffer.from('hello'), extra: { Body: 'hello' } },
  { name: 'bytes', content: Buffer.alloc(300_000, 7), extra: { Body: Buffer.alloc(300_000, 7) } },
  { name: 'nothing', content: Buffer.alloc(0), extra: { Body: Buffer.alloc(0) } },
  {
    name: 'a stream in chunks',
    content: Buffer.concat(chunks),
    extra: { Body: Readable.from(chunks), ContentLength: 200_000 },
  },
  {
    name: 'text with its SHA-256',
    content: Buffer.from('hello'),
    extra: { Body: 'hello', ChecksumAlgorithm: 'SHA256' as const },
  },
])
  test(`PutObject of ${name} with the checksums of the SDK is read back whole`, async () => {
    const { client } = await stage()
    await client.send(new PutObjectCommand({ Bucket: 'invoices', Key: awkward, ...extra }))
    const read = await client.send(new GetObjectCommand({ Bucket: 'invoices', Key: awkward, ChecksumMode: 'ENABLED' }))
    expect(digest(Buffer.from((await read.Body?.transformToByteArray()) ?? []))).toBe(digest(content))
    const head = await client.send(new HeadObjectCommand({ Bucket: 'invoices', Key: awkward }))
    expect(head.ContentLength).toBe(content.length)
  })

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

test('objects are listed by prefix and delimiter, in pages, and deleted', async () => {
  const { cloud, client } = await stage()
  await client.send(new CreateBucketCommand({ Bucket: 'other' }))
  expect((await client.send(new ListBucketsCommand({}))).Buckets?.map((bucket) => bucket.Name)).toEqual([
    'invoices',
    'other',
  ])
  for (const key of ['a/1', 'a/2', 'b', awkward]) cloud.putObject('other', key, key)
  const top = await client.send(new ListObjectsV2Command({ Bucket: 'other', Delimiter: '/' }))
  expect([top.Contents?.map((row) => row.Key), top.CommonPrefixes?.map((row) => row.Prefix)]).toEqual([
    ['b'],
    ['a b/', 'a/'],
  ])
  const first = await client.send(new ListObjectsV2Command({ Bucket: 'other', Prefix: 'a/', MaxKeys: 1 }))
  expect([first.Contents?.[0]?.Key, first.IsTruncated]).toEqual(['a/1', true])
  const second = await client.send(
    new ListObjectsV2Command({ Bucket: 'other', Prefix: 'a/', ContinuationToken: first.NextContinuationToken }),
  )
  expect([second.Contents?.map((row) => row.Key), second.IsTruncated]).toEqual([['a/2'], false])
  await client.send(new DeleteObjectCommand({ Bucket: 'other', Key: 'b' }))
  await client.send(
    new DeleteObjectsCommand({ Bucket: 'other', Delete: { Objects: [{ Key: awkward }, { Key: 'a/1' }] } }),
  )
  expect((await client.send(new ListObjectsV2Command({ Bucket: 'other' }))).Contents?.map((row) => row.Key)).toEqual([
    'a/2',
  ])
})

test('what is missing is not found, or denied to those who may not list', async () => {
  const { broker, client, sts, s3 } = await stage()
  expect(await outcome(client.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'none' })))).toBe('NoSuchKey')
  expect(await outcome(client.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'none' })))).toBe('NoSuchBucket')
  const { keys } = await assume(sts(broker), { Policy: policy({ Action: 's3:GetObject' }) })
  expect(await outcome(s3(keys).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'none' })))).toBe('AccessDenied')
})

test('DeleteObjects asks for each key', async () => {
  const { cloud, broker, sts, s3 } = await stage()
  cloud.putObject('invoices', 'out/1.txt', 'x')
  const { keys } = await assume(sts(broker), {
    Policy: policy({ Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::invoices/out/*' }),
  })
  const { Deleted, Errors } = await s3(keys).send(
    new DeleteObjectsCommand({ Bucket: 'invoices', Delete: { Objects: [{ Key: 'in/1.txt' }, { Key: 'out/1.txt' }] } }),
  )
  expect([Deleted?.map((row) => row.Key), Errors?.map((row) => [row.Key, row.Code])]).toEqual([
    ['out/1.txt'],
    [['in/1.txt', 'AccessDenied']],
  ])
  expect(cloud.object('invoices', 'in/1.txt')?.toString()).toBe('one')
})

test('a listing is judged by its prefix', async () => {
  const { broker, sts, s3 } = await stage()
  const { keys } = await assume(sts(broker), {
    Policy: policy({ Action: 's3:ListBucket', Condition: { StringLike: { 's3:prefix': 'in/*' } } }),
  })
  expect(await outcome(s3(keys).send(new ListObjectsV2Command({ Bucket: 'invoices', Prefix: 'in/' })))).toBe('ok')
  expect(await outcome(s3(keys).send(new ListObjectsV2Command({ Bucket: 'invoices' })))).toBe('AccessDenied')
})

test('a bucket of another account is denied', async () => {
  const { cloud, s3 } = await stage()
  const stranger = cloud.addPrincipal({ arn: 'arn:aws:iam::444455556666:user/stranger', policies: [policy({})] })
  expect(await outcome(s3(stranger).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })))).toBe(
    'AccessDenied',
  )
})

test('what is not played is refused, not half done', async () => {
  const { client } = await stage()
  expect(
    await outcome(
      client.send(new CopyObjectCommand({ Bucket: 'invoices', Key: 'copy', CopySource: 'invoices/in/1.txt' })),
    ),
  ).toBe('NotImplemented')
  expect(
    await outcome(client.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt', Range: 'bytes=0-0' }))),
  ).toBe('NotImplemented')
})

/** Raw requests that no SDK sends. */
for (const { name, method, path, headers, body, status } of [
  { name: 'no signature at all', method: 'GET', path: '/invoices/in/1.txt', headers: {}, body: '', status: 403 },
  {
    name: 'a header that is not a signature',
    method: 'GET',
    path: '/',
    headers: { authorization: 'Bearer x' },
    body: '',
    status: 400,
  },
  { name: 'a broken percent escape', method: 'GET', path: '/invoices/%zz', headers: {}, body: '', status: 403 },
  {
    name: 'a form without a signature',
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=AssumeRole',
    status: 403,
  },
  {
    name: 'a body over the limit',
    method: 'PUT',
    path: '/invoices/x',
    headers: {},
    body: 'x'.repeat(1_200_000),
    status: 413,
  },
  {
    name: 'the control path where none was asked for',
    method: 'POST',
    path: '/_practice/sessions',
    headers: {},
    body: '{}',
    status: 403,
  },
])
  test(`a request with ${name} gets status ${status} and the cloud goes on`, async () => {
    const { cloud, client } = await stage()
    expect(await rawStatus(cloud.endpoint, { method, path, headers, body })).toBe(status)
    expect(await outcome(client.send(new ListBucketsCommand({})))).toBe('ok')
    expect(cloud.liveSessions()).toEqual([])
    expect(ACCOUNT).toBe(cloud.accountId)
  })

function rawStatus(
  endpoint: string,
  options: { method: string; path: string; headers: Record<string, string>; body: string },
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(endpoint)
    const sent = httpRequest({ hostname, port, agent: false, ...options }, (answer) =>
      resolve(answer.resume().statusCode),
    )
    sent.on('error', reject)
    sent.end(options.body)
  })
}
