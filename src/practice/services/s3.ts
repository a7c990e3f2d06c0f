import { createHash, hash } from 'node:crypto'
import { evaluate } from '../policies/evaluate.ts'
import { checkChecksums, crc32Base64 } from '../wire/aws-chunked.ts'
import { AwsFault, xmlText } from '../wire/aws-fault.ts'
import { accessDenied, element } from '../wire/query-protocol.ts'
import { decodePart, parseQuery, uriEncode } from '../wire/sigv4.ts'
import type { WireRequest } from '../wire/wire-request.ts'
import { type Caller, createContext, identifyCaller, type PracticeState } from './state.ts'

/** An object with what a reader of it is told. */
export interface StoredObject {
  readonly content: Buffer
  readonly contentType: string
  readonly etag: string
  readonly modifiedAt: Date
}

interface Bucket {
  readonly accountId: string
  readonly createdAt: Date
  readonly objects: Map<string, StoredObject>
  readonly tags: Readonly<Record<string, string>>
}

/** The answer of S3; `body` is '' for HEAD and for success without content. */
export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** One signed request to S3, its body already freed of any framing. */
export interface S3Call {
  readonly state: PracticeState
  readonly store: ObjectStore
  readonly caller: Caller
  readonly region: string
  readonly nowMs: number
  readonly request: WireRequest
}

/** The operation of a request, before anything is looked up. `resource` is the ARN that is authorized. */
export interface S3Route {
  readonly operation: string
  readonly bucket: string
  readonly key: string
  readonly query: ReadonlyMap<string, string>
}

/** Buckets and objects in memory, bounded in number and bytes. */
export class ObjectStore {
  readonly buckets = new Map<string, Bucket>()
  #bytes = 0

  /** @throws {AwsFault} InvalidBucketName, BucketAlreadyOwnedByYou, TooManyBuckets. */
  createBucket(name: string, accountId: string, createdAt: Date, tags: Readonly<Record<string, string>> = {}): void {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
      throw new AwsFault('InvalidBucketName', 400, 'The specified bucket is not valid.')
    if (this.buckets.has(name))
      throw new AwsFault('BucketAlreadyOwnedByYou', 409, 'The bucket you tried to create already exists.')
    if (this.buckets.size >= 100)
      throw new AwsFault('TooManyBuckets', 400, 'You have attempted to create more buckets than allowed.')
    this.buckets.set(name, { accountId, createdAt, objects: new Map(), tags })
  }

  /** @throws {AwsFault} NoSuchBucket; InvalidRequest when the store is full. */
  put(
    bucketName: string,
    key: string,
    object: { readonly content: Buffer; readonly contentType: string; readonly modifiedAt: Date },
  ): StoredObject {
    const { objects } = this.bucket(bucketName)
    if (Buffer.byteLength(key) > 1_024) throw new AwsFault('KeyTooLongError', 400, 'Your key is too long')
    const bytes = this.#bytes - (objects.get(key)?.content.length ?? 0) + object.content.length
    if (bytes > MAX_STORED_BYTES || (objects.size >= MAX_OBJECTS && !objects.has(key)))
      throw new AwsFault('InvalidRequest', 400, 'The practice cloud is full.')
    const stored = { ...object, etag: `"${createHash('md5').update(object.content).digest('hex')}"` }
    objects.set(key, stored)
    this.#bytes = bytes
    return stored
  }

  delete(bucketName: string, key: string): void {
    const { objects } = this.bucket(bucketName)
    this.#bytes -= objects.get(key)?.content.length ?? 0
    objects.delete(key)
  }

  /** @throws {AwsFault} NoSuchBucket. */
  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (bucket === undefined) throw new AwsFault('NoSuchBucket', 404, 'The specified bucket does not exist')
    return bucket
  }
}

const MAX_STORED_BYTES = 64 * 1024 * 1024
const MAX_OBJECTS = 10_000

/**
 * Tells which operation a request is; path-style only.
 *
 * @throws {AwsFault} NotImplemented for everything that is not played here: ACLs, copies, tags, versions, multipart.
 */
export function routeS3(request: WireRequest): S3Route {
  const [, bucket = '', ...rest] = request.path.split('/').map(decodePart)
  const key = rest.join('/')
  const query = new Map(parseQuery(request.query))
  for (const name of query.keys())
    if (!PLAYED_QUERY.has(name) && !name.startsWith('X-Amz-'))
      throw notImplemented(`the query parameter ${name.slice(0, 64)}`)
  for (const name of UNPLAYED_HEADERS) if (request.headers.has(name)) throw notImplemented(`the header ${name}`)
  const shape = `${request.method} ${bucket === '' ? '/' : key === '' ? '/bucket' : '/bucket/key'}`
  const operation =
    shape === 'POST /bucket' && query.has('delete')
      ? 'DeleteObjects'
      : shape === 'GET /bucket' && query.has('location')
        ? 'GetBucketLocation'
        : OPERATIONS[shape]
  if (operation === undefined) throw notImplemented(shape)
  return { operation, bucket, key, query }
}

/** Authorizes and carries out one request. @throws {AwsFault} with S3's codes. */
export function answerS3(call: S3Call, route: S3Route): S3Answer {
  const handler = HANDLERS[route.operation]
  if (handler === undefined) throw notImplemented(route.operation)
  return handler(call, route)
}

/** @see Amazon S3 API Reference, "REST error responses" */
export function s3Error(fault: AwsFault, path: string, requestId: string): string {
  return `${XML}<Error>${element('Code', fault.code)}${element('Message', fault.message)}${element('Resource', path)}<RequestId>${requestId}</RequestId><HostId>practice</HostId></Error>`
}

const HANDLERS: Readonly<Record<string, (call: S3Call, route: S3Route) => S3Answer>> = {
  ListBuckets: (call) => {
    authorizeS3(call, 's3:ListAllMyBuckets', '*')
    const { accountId } = identifyCaller(call.caller)
    const mine = [...call.store.buckets]
      .filter(([, bucket]) => bucket.accountId === accountId)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const items = mine.map(
      ([name, bucket]) =>
        `<Bucket>${element('Name', name)}${element('CreationDate', bucket.createdAt.toISOString())}</Bucket>`,
    )
    return xml(
      `<ListAllMyBucketsResult ${NS}><Owner>${element('ID', accountId)}</Owner><Buckets>${items.join('')}</Buckets></ListAllMyBucketsResult>`,
    )
  },
  CreateBucket: (call, { bucket }) => {
    authorizeS3(call, 's3:CreateBucket', bucketArn(bucket))
    call.store.createBucket(bucket, identifyCaller(call.caller).accountId, new Date(call.nowMs))
    return { status: 200, headers: { location: `/${bucket}` }, body: '' }
  },
  DeleteBucket: (call, { bucket }) => {
    authorizeS3(call, 's3:DeleteBucket', bucketArn(bucket), bucket)
    if (call.store.bucket(bucket).objects.size > 0)
      throw new AwsFault('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty')
    call.store.buckets.delete(bucket)
    return EMPTY
  },
  HeadBucket: (call, { bucket }) => {
    authorizeS3(call, 's3:ListBucket', bucketArn(bucket), bucket)
    call.store.bucket(bucket)
    return { status: 200, headers: { 'x-amz-bucket-region': call.region }, body: '' }
  },
  GetBucketLocation: (call, { bucket }) => {
    authorizeS3(call, 's3:GetBucketLocation', bucketArn(bucket), bucket)
    call.store.bucket(bucket)
    return xml(`<LocationConstraint ${NS}>${xmlText(call.region)}</LocationConstraint>`)
  },
  ListObjects: listObjects,
  PutObject: (call, { bucket, key }) => {
    authorizeS3(call, 's3:PutObject', objectArn(bucket, key), bucket)
    const { headers, body } = call.request
    checkChecksums(headers, body)
    const md5 = headers.get('content-md5')
    if (md5 !== undefined && md5 !== hash('md5', body, 'base64'))
      throw new AwsFault('BadDigest', 400, 'The Content-MD5 you specified did not match what we received.')
    const contentType = headers.get('content-type') ?? 'binary/octet-stream'
    const stored = call.store.put(bucket, key, { content: body, contentType, modifiedAt: new Date(call.nowMs) })
    return { status: 200, headers: { etag: stored.etag }, body: '' }
  },
  GetObject: (call, route) => {
    const object = readable(call, route)
    return { status: 200, headers: objectHeaders(call, object), body: object.content }
  },
  HeadObject: (call, route) => {
    const object = readable(call, route)
    return {
      status: 200,
      headers: { ...objectHeaders(call, object), 'content-length': String(object.content.length) },
      body: '',
    }
  },
  DeleteObject: (call, { bucket, key }) => {
    authorizeS3(call, 's3:DeleteObject', objectArn(bucket, key), bucket)
    call.store.delete(bucket, key)
    return EMPTY
  },
  DeleteObjects: deleteObjects,
}

function listObjects(call: S3Call, { bucket, query }: S3Route): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const wanted = query.get('max-keys') ?? '1000'
  if (!/^\d{1,9}$/.test(wanted))
    throw new AwsFault('InvalidArgument', 400, 'Provided max-keys not an integer or within integer range')
  const keys: [string, string][] = ['prefix', 'delimiter', 'max-keys'].flatMap((name) =>
    query.has(name) ? [[`s3:${name}`, query.get(name) ?? '']] : [],
  )
  authorizeS3(call, 's3:ListBucket', bucketArn(bucket), bucket, keys)
  const all = [...call.store.bucket(bucket).objects]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const after = decodeToken(query.get('continuation-token')) ?? query.get('start-after') ?? query.get('marker') ?? ''
  const rows = new Map<string, string>()
  for (const [key, object] of all) {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const name = cut < 0 ? key : key.slice(0, cut + delimiter.length)
    if (name <= after || rows.has(name)) continue
    const shown = shownKey(name, query)
    rows.set(
      name,
      cut < 0
        ? `<Contents>${element('Key', shown)}${element('LastModified', object.modifiedAt.toISOString())}${element('ETag', object.etag)}<Size>${object.content.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
        : `<CommonPrefixes>${element('Prefix', shown)}</CommonPrefixes>`,
    )
  }
  const page = [...rows].slice(0, Math.min(Number(wanted), 1_000))
  const last = page.at(-1)?.[0]
  const truncated = page.length < rows.size && last !== undefined
  const next = truncated
    ? query.has('list-type')
      ? element('NextContinuationToken', Buffer.from(last).toString('base64url'))
      : element('NextMarker', shownKey(last, query))
    : ''
  const encoding = query.has('encoding-type') ? element('EncodingType', 'url') : ''
  return xml(
    `<ListBucketResult ${NS}>${element('Name', bucket)}${element('Prefix', shownKey(prefix, query))}${element('Delimiter', shownKey(delimiter, query))}<KeyCount>${page.length}</KeyCount>${element('MaxKeys', wanted)}` +
      `${encoding}<IsTruncated>${truncated}</IsTruncated>${next}${page.map(([, row]) => row).join('')}</ListBucketResult>`,
  )
}

function deleteObjects(call: S3Call, { bucket }: S3Route): S3Answer {
  checkChecksums(call.request.headers, call.request.body)
  const keys = [...call.request.body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) =>
    unescapeXml(match[1] ?? ''),
  )
  if (keys.length === 0 || keys.length > 1_000)
    throw new AwsFault(
      'MalformedXML',
      400,
      'The XML you provided was not well-formed or did not validate against our published schema',
    )
  const rows = keys.map((key) => {
    try {
      authorizeS3(call, 's3:DeleteObject', objectArn(bucket, key), bucket)
      call.store.delete(bucket, key)
      return `<Deleted>${element('Key', key)}</Deleted>`
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error
      return `<Error>${element('Key', key)}${element('Code', error.code)}${element('Message', error.message)}</Error>`
    }
  })
  return xml(`<DeleteResult ${NS}>${rows.join('')}</DeleteResult>`)
}

/** A missing object is AccessDenied to those who may not list the bucket, as with S3. */
function readable(call: S3Call, { bucket, key }: S3Route): StoredObject {
  authorizeS3(call, 's3:GetObject', objectArn(bucket, key), bucket)
  const object = call.store.bucket(bucket).objects.get(key)
  if (object !== undefined) return object
  authorizeS3(call, 's3:ListBucket', bucketArn(bucket), bucket)
  throw new AwsFault('NoSuchKey', 404, 'The specified key does not exist.')
}

function objectHeaders(call: S3Call, object: StoredObject): Record<string, string> {
  const headers: Record<string, string> = {
    etag: object.etag,
    'content-type': object.contentType,
    'last-modified': object.modifiedAt.toUTCString(),
  }
  if (call.request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    headers['x-amz-checksum-crc32'] = crc32Base64(object.content)
    headers['x-amz-checksum-type'] = 'FULL_OBJECT'
  }
  return headers
}

/** @param owned a bucket that must be in the caller's account, if it exists. @throws {AwsFault} AccessDenied. */
function authorizeS3(
  call: S3Call,
  action: string,
  resource: string,
  owned?: string,
  extra: Iterable<readonly [string, string]> = [],
): void {
  const bucket = call.store.buckets.get(owned ?? '')
  const context = createContext(call.caller, call.nowMs, [
    ['aws:requestedregion', call.region],
    ...tagKeys(resource, owned, bucket),
    ...extra,
  ])
  const verdict = evaluate(call.state.policyLayers(call.caller, call.nowMs), { action, resource, context })
  const request = { action, resource: `"${resource}"` }
  if (!verdict.allowed) throw accessDenied(call.caller, request, verdict.because)
  if (bucket !== undefined && bucket.accountId !== identifyCaller(call.caller).accountId)
    throw accessDenied(call.caller, request, `because no resource-based policy allows the ${action} action`)
}

/**
 * The tags of a bucket as condition keys: for what acts on the bucket itself, not for what acts on its objects.
 *
 * @see Service Authorization Reference, Amazon S3, resource types: aws:ResourceTag is a key of `bucket`, not of `object`
 */
function tagKeys(resource: string, name: string | undefined, bucket: Bucket | undefined): [string, string][] {
  if (name === undefined || bucket === undefined || resource !== bucketArn(name)) return []
  return Object.entries(bucket.tags).map(([key, value]) => [`aws:resourcetag/${key.toLowerCase()}`, value])
}

function shownKey(text: string, query: ReadonlyMap<string, string>): string {
  return query.get('encoding-type') === 'url' ? uriEncode(text).replaceAll('%2F', '/') : text
}

function decodeToken(token: string | undefined): string | undefined {
  return token === undefined ? undefined : Buffer.from(token, 'base64url').toString()
}

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`
}

function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`
}

function xml(body: string): S3Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: XML + body }
}

function notImplemented(what: string): AwsFault {
  return new AwsFault('NotImplemented', 501, `The practice cloud does not play ${what}.`)
}

const OPERATIONS: Readonly<Record<string, string>> = {
  'GET /': 'ListBuckets',
  'PUT /bucket': 'CreateBucket',
  'DELETE /bucket': 'DeleteBucket',
  'HEAD /bucket': 'HeadBucket',
  'GET /bucket': 'ListObjects',
  'PUT /bucket/key': 'PutObject',
  'GET /bucket/key': 'GetObject',
  'HEAD /bucket/key': 'HeadObject',
  'DELETE /bucket/key': 'DeleteObject',
}
const PLAYED_QUERY = new Set([
  'x-id',
  'x-amz-content-sha256',
  'x-amz-checksum-mode',
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'continuation-token',
  'start-after',
  'marker',
  'encoding-type',
  'fetch-owner',
  'delete',
  'location',
])
const UNPLAYED_HEADERS = [
  'x-amz-copy-source',
  'x-amz-acl',
  'x-amz-tagging',
  'range',
  'if-match',
  'if-none-match',
] as const
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
const NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const EMPTY: S3Answer = { status: 204, headers: {}, body: '' }
