import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { decodeAwsChunked } from './aws-chunked.ts'
import { AwsFault } from './aws-fault.ts'
import type { SignatureClaim, WireRequest } from './wire-request.ts'

/**
 * Reads the claim from the Authorization header or, for a presigned URL, from the query.
 *
 * @throws {AwsFault} MissingAuthenticationToken, IncompleteSignature.
 * @see IAM User Guide, "AWS Signature Version 4 for API requests"
 */
export function readClaim(request: WireRequest): SignatureClaim {
  const header = request.headers.get('authorization')
  if (header === undefined) return readPresignedClaim(request)
  const match = /^AWS4-HMAC-SHA256 +Credential=([^, ]+), *SignedHeaders=([^, ]+), *Signature=([^, ]+)$/.exec(header)
  if (match === null)
    throw incomplete(
      'Authorization header is not of the form AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=….',
    )
  const [, credential = '', signedHeaders = '', signature = ''] = match
  const timestamp = request.headers.get('x-amz-date') ?? ''
  return toClaim({
    credential,
    signedHeaders,
    signature,
    timestamp,
    sessionToken: request.headers.get('x-amz-security-token'),
  })
}

/**
 * Proves that the caller holds the secret and that the request is the one that was signed.
 *
 * @returns the body with any aws-chunked framing taken off and its checksums verified.
 * @throws {AwsFault} SignatureDoesNotMatch, RequestTimeTooSkewed, XAmzContentSHA256Mismatch and other codes of AWS.
 */
export function verifySignature(
  request: WireRequest,
  claim: SignatureClaim,
  secretAccessKey: string,
  nowMs: number,
): Buffer {
  checkDate(claim, nowMs)
  checkSignedHeaders(request, claim)
  const payloadHash = requirePayloadHash(request, claim)
  const key = signingKey(secretAccessKey, claim)
  const canonical = canonicalRequest(request, claim, payloadHash)
  const text = `AWS4-HMAC-SHA256\n${claim.timestamp}\n${claim.scope}\n${hash('sha256', canonical)}`
  const expected = createHmac('sha256', key).update(text).digest()
  const given = Buffer.from(claim.signature, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new AwsFault(
      'SignatureDoesNotMatch',
      403,
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    )
  if (!payloadHash.startsWith('STREAMING-')) return request.body
  return decodeAwsChunked(request, { mode: payloadHash, key, claim })
}

function readPresignedClaim(request: WireRequest): SignatureClaim {
  const query = new Map(parseQuery(request.query))
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256')
    throw new AwsFault('MissingAuthenticationToken', 403, 'Missing Authentication Token')
  const seconds = Number(query.get('X-Amz-Expires'))
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 604_800)
    throw incomplete('X-Amz-Expires must be 1 to 604800 seconds.')
  const claim = toClaim({
    credential: query.get('X-Amz-Credential') ?? '',
    signedHeaders: query.get('X-Amz-SignedHeaders') ?? '',
    signature: query.get('X-Amz-Signature') ?? '',
    timestamp: query.get('X-Amz-Date') ?? '',
    sessionToken: query.get('X-Amz-Security-Token'),
  })
  if (claim.service !== 's3') throw incomplete('Only S3 takes presigned requests here.')
  return { ...claim, presignedSeconds: seconds }
}

function toClaim(parts: {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  readonly timestamp: string
  readonly sessionToken: string | undefined
}): SignatureClaim {
  const match = /^([A-Z0-9]{16,32})\/((\d{8})\/([a-z0-9-]{1,32})\/(s3|sts|iam)\/aws4_request)$/.exec(parts.credential)
  if (match === null) throw incomplete('Credential must be KEY/DATE/REGION/SERVICE/aws4_request for s3, sts or iam.')
  const [, accessKeyId = '', scope = '', day = '', region = '', service = ''] = match
  if (!/^\d{8}T\d{6}Z$/.test(parts.timestamp)) throw incomplete('X-Amz-Date must be of the form YYYYMMDDTHHMMSSZ.')
  if (!/^[0-9a-f]{64}$/.test(parts.signature)) throw incomplete('Signature must be 64 hexadecimal digits.')
  const { timestamp, signature, sessionToken } = parts
  const claim = {
    accessKeyId,
    scope,
    day,
    region,
    service,
    timestamp,
    signature,
    signedHeaders: parts.signedHeaders.split(';'),
  }
  return sessionToken === undefined ? claim : { ...claim, sessionToken }
}

function checkDate(claim: SignatureClaim, nowMs: number): void {
  const { timestamp: t } = claim
  const atMs = Date.parse(`${t.slice(0, 4)}-${t.slice(4, 6)}-${t.slice(6, 11)}:${t.slice(11, 13)}:${t.slice(13)}`)
  if (!t.startsWith(claim.day) || Number.isNaN(atMs))
    throw incomplete('Date in the credential scope does not match X-Amz-Date.')
  if (claim.presignedSeconds !== undefined) {
    if (nowMs > atMs + claim.presignedSeconds * 1000) throw new AwsFault('AccessDenied', 403, 'Request has expired')
    if (atMs > nowMs + MAX_SKEW_MS.s3) throw new AwsFault('AccessDenied', 403, 'Request is not yet valid')
    return
  }
  if (claim.service === 's3') {
    if (Math.abs(nowMs - atMs) > MAX_SKEW_MS.s3)
      throw new AwsFault(
        'RequestTimeTooSkewed',
        403,
        'The difference between the request time and the current time is too large.',
      )
  } else if (Math.abs(nowMs - atMs) > MAX_SKEW_MS.other) {
    const which = atMs < nowMs ? 'expired' : 'not yet current'
    throw new AwsFault(
      'SignatureDoesNotMatch',
      403,
      `Signature ${which}: ${t} is more than 5 min. from ${new Date(nowMs).toISOString()}`,
    )
  }
}

/** S3 allows a quarter of an hour, STS and IAM five minutes. */
const MAX_SKEW_MS = { s3: 15 * 60_000, other: 5 * 60_000 } as const

function checkSignedHeaders(request: WireRequest, claim: SignatureClaim): void {
  const signed = new Set(claim.signedHeaders)
  if (!signed.has('host')) throw incomplete('The host header must be signed.')
  for (const name of request.headers.keys())
    if (name.startsWith('x-amz-') && !signed.has(name))
      throw new AwsFault(
        'AccessDenied',
        403,
        `There were headers present in the request which were not signed: ${name}`,
      )
}

function requirePayloadHash(request: WireRequest, claim: SignatureClaim): string {
  const declared = request.headers.get('x-amz-content-sha256')
  if (claim.presignedSeconds !== undefined) return declared ?? 'UNSIGNED-PAYLOAD'
  if (claim.service === 's3' && declared === undefined)
    throw new AwsFault('InvalidRequest', 400, 'Missing required header for this request: x-amz-content-sha256')
  if (claim.service === 's3' && declared !== undefined && UNHASHED.has(declared)) return declared
  const actual = hash('sha256', request.body)
  if (declared !== undefined && declared !== actual)
    throw new AwsFault(
      'XAmzContentSHA256Mismatch',
      400,
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
  return actual
}

const UNHASHED: ReadonlySet<string> = new Set([
  'UNSIGNED-PAYLOAD',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
])

function canonicalRequest(request: WireRequest, claim: SignatureClaim, payloadHash: string): string {
  let headers = ''
  for (const name of claim.signedHeaders) {
    const value = request.headers.get(name)
    if (value === undefined)
      throw incomplete(`The signed header ${JSON.stringify(name.slice(0, 64))} is not in the request.`)
    headers += `${name}:${value.trim().replace(/ {2,}/g, ' ')}\n`
  }
  const path =
    request.path === '/'
      ? '/'
      : request.path
          .split('/')
          .map((part) => uriEncode(decodePart(part)))
          .join('/')
  return `${request.method}\n${path}\n${canonicalQuery(request.query)}\n${headers}\n${claim.signedHeaders.join(';')}\n${payloadHash}`
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  return parseQuery(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Splits a query string into decoded pairs, in order; `+` stays `+`, as in the signing rules. */
export function parseQuery(query: string): [string, string][] {
  if (query === '') return []
  return query.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    return equals < 0 ? [decodePart(pair), ''] : [decodePart(pair.slice(0, equals)), decodePart(pair.slice(equals + 1))]
  })
}

/** Percent-decodes one part of a path or query. @throws {AwsFault} InvalidURI. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AwsFault('InvalidURI', 400, "Couldn't parse the specified URI.")
  }
}

/** RFC 3986: everything but unreserved characters is percent-encoded, in upper case. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function signingKey(secret: string, claim: SignatureClaim): Buffer {
  const cached = keyCache.get(claim.accessKeyId)
  if (cached?.scope === claim.scope && cached.secret === secret) return cached.key
  let key: Buffer = Buffer.from(`AWS4${secret}`)
  for (const part of [claim.day, claim.region, claim.service, 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest()
  if (keyCache.size >= MAX_CACHED_KEYS) keyCache.clear()
  keyCache.set(claim.accessKeyId, { scope: claim.scope, secret, key })
  return key
}

const MAX_CACHED_KEYS = 1_000
const keyCache = new Map<string, { readonly scope: string; readonly secret: string; readonly key: Buffer }>()

function incomplete(message: string): AwsFault {
  return new AwsFault('IncompleteSignature', 400, message)
}
