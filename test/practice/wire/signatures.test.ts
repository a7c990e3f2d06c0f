import { createHash, createHmac } from 'node:crypto'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, expect, test } from 'vitest'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { assume, clientsOf, type Keys, outcome, startStage, TASK_ROLE } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage(options: Parameters<typeof startStage>[0] = {}) {
  const made = await startStage(options)
  cloud = made.cloud
  return made
}

/** Codes: IAM User Guide, "Common errors"; Amazon S3 API Reference, "Error responses". */
test('wrong credentials are refused with the code of the service', async () => {
  const { broker, sts, s3 } = await stage()
  const { keys } = await assume(sts(broker))
  const cases: { name: string; keys: Keys; sts: string; s3: string }[] = [
    { name: 'the right keys', keys, sts: 'ok', s3: 'ok' },
    {
      name: 'a wrong secret',
      keys: { ...broker, secretAccessKey: 'x'.repeat(40) },
      sts: 'SignatureDoesNotMatch',
      s3: 'SignatureDoesNotMatch',
    },
    {
      name: 'an unknown access key',
      keys: { ...broker, accessKeyId: 'UNKNOWNEXAMPLEKEY123' },
      sts: 'InvalidClientTokenId',
      s3: 'InvalidAccessKeyId',
    },
    {
      name: 'a session without its token',
      keys: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
      sts: 'InvalidClientTokenId',
      s3: 'InvalidToken',
    },
    {
      name: 'a session with another token',
      keys: { ...keys, sessionToken: `${keys.sessionToken.slice(0, -4)}AAAA` },
      sts: 'InvalidClientTokenId',
      s3: 'InvalidToken',
    },
    {
      name: 'a token that does not belong to these keys',
      keys: { ...broker, sessionToken: keys.sessionToken },
      sts: 'InvalidClientTokenId',
      s3: 'InvalidToken',
    },
  ]
  for (const { name, keys, ...codes } of cases) {
    expect([name, await outcome(sts(keys).send(new GetCallerIdentityCommand({})))]).toEqual([name, codes.sts])
    expect([name, await outcome(s3(keys).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })))]).toEqual(
      [name, codes.s3],
    )
  }
})

test('an expired session is refused as such', async () => {
  const { clock, cloud, broker, sts } = await stage()
  const { keys } = await assume(sts(broker))
  await clock.advance(900_000)
  const later = clientsOf(cloud, clock)
  expect((await outcome(later.sts(keys).send(new GetCallerIdentityCommand({})))).replace('Exception', '')).toBe(
    'ExpiredToken',
  )
  expect(await outcome(later.s3(keys).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })))).toBe(
    'ExpiredToken',
  )
})

for (const { name, offMs, sts: stsCode, s3: s3Code } of [
  { name: '4 minutes behind', offMs: -240_000, sts: 200, s3: 200 },
  { name: '6 minutes behind', offMs: -360_000, sts: 403, s3: 200 },
  { name: '6 minutes ahead', offMs: 360_000, sts: 403, s3: 200 },
  { name: '14 minutes behind', offMs: -840_000, sts: 403, s3: 200 },
  { name: '16 minutes behind', offMs: -960_000, sts: 403, s3: 403 },
  { name: '16 minutes ahead', offMs: 960_000, sts: 403, s3: 403 },
])
  test(`a signature ${name} gets ${stsCode} from STS and ${s3Code} from S3`, async () => {
    const { cloud, broker, clock } = await stage()
    const at = new Date(clock.now().getTime() + offMs)
    expect(await signedStatus(cloud, broker, { service: 'sts', at })).toBe(stsCode)
    expect(await signedStatus(cloud, broker, { service: 's3', at })).toBe(s3Code)
  })

/** Each changes one thing after signing (IAM User Guide, "Elements of an AWS API request signature"). */
const tampered: { name: string; change: (request: Signed) => Signed }[] = [
  {
    name: 'another body',
    change: (request) => ({ ...request, body: request.body.replace('GetCallerIdentity', 'AssumeRole') }),
  },
  {
    name: 'another body and its hash',
    change: (request) => ({
      ...request,
      body: `${request.body}&x=1`,
      headers: { ...request.headers, 'x-amz-content-sha256': sha256(`${request.body}&x=1`) },
    }),
  },
  { name: 'another query', change: (request) => ({ ...request, path: '/?a=b' }) },
  {
    name: 'another date',
    change: (request) => ({ ...request, headers: { ...request.headers, 'x-amz-date': '20261121T120001Z' } }),
  },
  {
    name: 'an unsigned x-amz- header',
    change: (request) => ({ ...request, headers: { ...request.headers, 'x-amz-more': '1' } }),
  },
  {
    name: 'a payload declared unsigned to STS',
    change: (request) => ({ ...request, headers: { ...request.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
  },
  {
    name: 'another region in the scope',
    change: (request) => ({
      ...request,
      headers: {
        ...request.headers,
        authorization: (request.headers.authorization ?? '').replace('eu-central-1', 'eu-west-1'),
      },
    }),
  },
]
test('a request that is not the one that was signed is refused', async () => {
  const { cloud, broker, clock } = await stage()
  for (const { name, change } of tampered) {
    const status = await signedStatus(cloud, broker, { service: 'sts', at: clock.now(), change })
    expect([name, status === 400 || status === 403]).toEqual([name, true])
  }
})

test('an empty signed chunk chain is verified link by link', async () => {
  const { cloud, broker, clock } = await stage()
  const put = (flip: boolean) => putSignedChunks(cloud, broker, clock.now(), flip)
  expect(await put(true)).toBe(403)
  expect(cloud.object('invoices', 'chunked')).toBeUndefined()
  expect(await put(false)).toBe(200)
  expect(cloud.object('invoices', 'chunked')?.toString()).toBe('hello world')
})

test('a presigned URL works until it ends, and for nothing but what was signed', async () => {
  const { cloud, broker, clock } = await stage()
  const { host } = new URL(cloud.endpoint)
  const signed = await signer(broker, 's3').presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: Number(host.split(':')[1]),
      path: '/invoices/in/1.txt',
      headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    },
    { expiresIn: 60, signingDate: clock.now() },
  )
  const query = new URLSearchParams(signed.query as Record<string, string>)
  const get = async (path: string) =>
    (await fetch(`${cloud.endpoint}${path}?${query.toString().replaceAll('+', '%20')}`)).status
  expect([await get('/invoices/in/1.txt'), await get('/invoices/in/2.txt')]).toEqual([200, 403])
  await clock.advance(60_001)
  expect(await get('/invoices/in/1.txt')).toBe(403)
})

test('a wrong checksum is refused', async () => {
  const { cloud, broker, s3 } = await stage()
  expect(
    await outcome(
      s3(broker).send(new PutObjectCommand({ Bucket: 'invoices', Key: 'x', Body: 'hello', ChecksumCRC32: 'AAAAAA==' })),
    ),
  ).toBe('BadDigest')
  expect(cloud.object('invoices', 'x')).toBeUndefined()
})

test('without signature checks the access key and token still count', async () => {
  const { broker, sts } = await stage({ verifySignatures: 'none' })
  const call = (keys: Keys) =>
    outcome(sts(keys).send(new AssumeRoleCommand({ RoleArn: TASK_ROLE, RoleSessionName: 'g-1' })))
  expect(await call({ ...broker, secretAccessKey: 'x' })).toBe('ok')
  expect(await call({ ...broker, accessKeyId: 'UNKNOWNEXAMPLEKEY123' })).toBe('InvalidClientTokenId')
})

interface Signed {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The signer of the SDKs, as an independent opinion. */
function signer(credentials: Keys, service: string): SignatureV4 {
  return new SignatureV4({
    credentials,
    region: 'eu-central-1',
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  })
}

async function signedStatus(
  cloud: PracticeCloud,
  keys: Keys,
  options: { service: 'sts' | 's3'; at: Date; change?: (request: Signed) => Signed },
): Promise<number> {
  const body = options.service === 'sts' ? 'Action=GetCallerIdentity&Version=2011-06-15' : ''
  const { host } = new URL(cloud.endpoint)
  const method = options.service === 'sts' ? 'POST' : 'GET'
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded', 'x-amz-content-sha256': sha256(body) }
  const signed = await signer(keys, options.service).sign(
    { method, protocol: 'http:', hostname: '127.0.0.1', path: '/', headers, body },
    { signingDate: options.at },
  )
  const sent = (options.change ?? ((same: Signed) => same))({ path: '/', headers: { ...signed.headers }, body })
  const { host: _, ...rest } = sent.headers
  const answer = await fetch(`${cloud.endpoint}${sent.path}`, {
    method,
    headers: rest,
    ...(method === 'POST' ? { body: sent.body } : {}),
  })
  return answer.status
}

/** @see Amazon S3 API Reference, "Transferring payload in multiple chunks" */
async function putSignedChunks(cloud: PracticeCloud, keys: Keys, at: Date, flip: boolean): Promise<number> {
  const { host } = new URL(cloud.endpoint)
  const headers = {
    host,
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '11',
    'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  }
  const request = await signer(keys, 's3').sign(
    { method: 'PUT', protocol: 'http:', hostname: '127.0.0.1', path: '/invoices/chunked', headers },
    { signingDate: at },
  )
  const { host: _, ...sent } = request.headers
  const timestamp = sent['x-amz-date'] ?? ''
  const scope = `${timestamp.slice(0, 8)}/eu-central-1/s3/aws4_request`
  let key: Buffer = Buffer.from(`AWS4${keys.secretAccessKey}`)
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  let previous = (sent.authorization ?? '').slice(-64)
  let body = ''
  for (const chunk of ['hello ', 'world', '']) {
    previous = createHmac('sha256', key)
      .update(`AWS4-HMAC-SHA256-PAYLOAD\n${timestamp}\n${scope}\n${previous}\n${sha256('')}\n${sha256(chunk)}`)
      .digest('hex')
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${flip ? chunk.replace('w', 'W') : chunk}\r\n`
  }
  return (await fetch(`${cloud.endpoint}/invoices/chunked`, { method: 'PUT', headers: sent, body })).status
}
