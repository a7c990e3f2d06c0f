import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { AwsFault } from './aws-fault.ts'
import type { SignatureClaim, WireRequest } from './wire-request.ts'

/**
 * Takes the aws-chunked framing off a body, checking chunk signatures (signed modes) and trailing checksums.
 *
 * @param options.mode the value of `x-amz-content-sha256`, a `STREAMING-…` constant.
 * @throws {AwsFault} IncompleteBody, SignatureDoesNotMatch, BadDigest, NotImplemented.
 * @see Amazon S3 API Reference, "Signature calculations: Transferring payload in multiple chunks"
 */
export function decodeAwsChunked(
  request: WireRequest,
  options: { readonly mode: string; readonly key: Buffer; readonly claim: SignatureClaim },
): Buffer {
  const { body } = request
  const signed = options.mode.startsWith('STREAMING-AWS4-')
  const chain = { previous: options.claim.signature, ...options }
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const header = readLine(body, at)
    const match = /^([0-9a-f]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(header.text)
    if (match === null || signed !== (match[2] !== undefined)) throw brokenBody()
    const size = Number.parseInt(match[1] ?? '', 16)
    const data = body.subarray(header.next, header.next + size)
    if (data.length !== size) throw brokenBody()
    if (signed) checkChunk(chain, data, match[2] ?? '')
    at = header.next + size
    if (size === 0) break
    if (body.toString('latin1', at, at + 2) !== '\r\n') throw brokenBody()
    at += 2
    chunks.push(data)
  }
  const content = Buffer.concat(chunks)
  const declared = request.headers.get('x-amz-decoded-content-length')
  if (declared !== undefined && Number(declared) !== content.length) throw brokenBody()
  if (options.mode.endsWith('-TRAILER')) checkTrailers(chain, signed, readTrailers(body, at), content)
  return content
}

/**
 * Checks `x-amz-checksum-…` headers (or trailers) against the content.
 *
 * @throws {AwsFault} BadDigest if one differs; NotImplemented for an algorithm that is not played here.
 */
export function checkChecksums(headers: Iterable<readonly [string, string]>, content: Buffer): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-checksum-') || name === 'x-amz-checksum-mode' || name === 'x-amz-checksum-type')
      continue
    const compute = CHECKSUMS[name]
    if (compute === undefined)
      throw new AwsFault(
        'NotImplemented',
        501,
        `The practice cloud does not know ${name.slice(0, 64)}; use crc32, sha1 or sha256.`,
      )
    if (compute(content) !== value)
      throw new AwsFault('BadDigest', 400, `The ${name} you specified did not match the calculated checksum.`)
  }
}

/** Base64 CRC-32, as S3 writes it in `x-amz-checksum-crc32`. */
export function crc32Base64(content: Buffer): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(content))
  return bytes.toString('base64')
}

const CHECKSUMS: Readonly<Record<string, (content: Buffer) => string>> = {
  'x-amz-checksum-crc32': crc32Base64,
  'x-amz-checksum-sha1': (content) => hash('sha1', content, 'base64'),
  'x-amz-checksum-sha256': (content) => hash('sha256', content, 'base64'),
}

interface SignatureChain {
  previous: string
  readonly key: Buffer
  readonly claim: SignatureClaim
}

function checkChunk(chain: SignatureChain, data: Buffer, given: string): void {
  checkLink(
    chain,
    `AWS4-HMAC-SHA256-PAYLOAD\n${chain.claim.timestamp}\n${chain.claim.scope}\n${chain.previous}\n${hash('sha256', '')}\n${hash('sha256', data)}`,
    given,
  )
}

function checkTrailers(chain: SignatureChain, signed: boolean, trailers: Map<string, string>, content: Buffer): void {
  const given = trailers.get('x-amz-trailer-signature')
  trailers.delete('x-amz-trailer-signature')
  if (signed) {
    const canonical = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('')
    checkLink(
      chain,
      `AWS4-HMAC-SHA256-TRAILER\n${chain.claim.timestamp}\n${chain.claim.scope}\n${chain.previous}\n${hash('sha256', canonical)}`,
      given ?? '',
    )
  }
  checkChecksums(trailers, content)
}

function checkLink(chain: SignatureChain, text: string, given: string): void {
  const expected = createHmac('sha256', chain.key).update(text).digest()
  const actual = Buffer.from(given, 'hex')
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected))
    throw new AwsFault(
      'SignatureDoesNotMatch',
      403,
      'The chunk signature we calculated does not match the one you provided.',
    )
  chain.previous = given
}

function readTrailers(body: Buffer, from: number): Map<string, string> {
  const trailers = new Map<string, string>()
  for (let at = from; at < body.length; ) {
    const line = readLine(body, at)
    at = line.next
    if (line.text === '') continue
    const colon = line.text.indexOf(':')
    if (colon < 1 || trailers.size >= 16) throw brokenBody()
    trailers.set(line.text.slice(0, colon).toLowerCase(), line.text.slice(colon + 1).trim())
  }
  return trailers
}

function readLine(body: Buffer, from: number): { readonly text: string; readonly next: number } {
  const end = body.indexOf('\r\n', from)
  if (end < 0 || end - from > 1_024) throw brokenBody()
  return { text: body.toString('latin1', from, end), next: end + 2 }
}

function brokenBody(): AwsFault {
  return new AwsFault(
    'IncompleteBody',
    400,
    'The body does not follow the aws-chunked framing that its headers declare.',
  )
}
