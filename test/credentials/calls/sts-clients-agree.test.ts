import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import { STS_CLIENTS, type StsClientKind } from '../../../src/credentials/aws-sts/calls/assume-role-call.ts'
import { createMintClient } from '../../../src/credentials/aws-sts/calls/clients.ts'
import type { FailedCall } from '../../../src/credentials/aws-sts/calls/observer.ts'
import { createAwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import { type MintRequest, ProviderReply } from '../../../src/credentials/provider.ts'
import { readClaim, verifySignature } from '../../../src/practice/wire/sigv4.ts'
import type { WireRequest } from '../../../src/practice/wire/wire-request.ts'
import { HurriedClock } from '../../support/hurried-clock.ts'
import { mintRequest, PLAIN_ROLE } from '../harness.ts'
import {
  type Answer,
  errorXml,
  grantedXml,
  granting,
  HostileSts,
  head,
  parametersOf,
  REQUEST_ID,
  replying,
} from './hostile-sts.ts'

const SECRET = 'canary-broker-secret'
const KEYS = { accessKeyId: 'AKIAEXAMPLE123456789', secretAccessKey: SECRET, sessionToken: 'canary-broker-token==' }
const HTTP = { connectionTimeoutMs: 300, requestTimeoutMs: 300 }
const never = new AbortController().signal

/** The machine's own time, which the SDK signs with. Each client begins there. */
let startedAt: string
let clock: HurriedClock
let hostile: HostileSts
beforeEach(async () => {
  startedAt = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString()
  clock = new HurriedClock(startedAt)
  hostile = await HostileSts.start(() => clock)
})
afterEach(() => hostile.stop())

/** All that can be seen of mints by one of the clients. */
interface Seen {
  readonly results: readonly object[]
  readonly requests: readonly object[]
  readonly failures: readonly FailedCall[]
  readonly skews: readonly number[]
  readonly connections: number
  /** What would show a secret that got out. */
  readonly printed: string
}

async function see(kind: StsClientKind, mints: readonly MintRequest[], answer: (n: number) => Answer): Promise<Seen> {
  clock = new HurriedClock(startedAt)
  hostile.requests.length = 0
  hostile.connections = 0
  hostile.answer = answer
  const failures: FailedCall[] = []
  const skews: number[] = []
  const provider = createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint: hostile.endpoint,
    stsClient: kind,
    credentials: KEYS,
    roles: [{ arn: PLAIN_ROLE, revocation: { kind: 'none' } }],
    clock,
    random: () => 0,
    http: HTTP,
    observer: { callFailed: (call) => failures.push(call), clockSkewed: (skewMs) => skews.push(skewMs) },
  })
  try {
    const results: object[] = []
    let printed = ''
    for (const mint of mints)
      await provider.mint(mint, never).then(
        ({ secretAccessKey, sessionToken, ...rest }) =>
          results.push({ ...rest, secret: secretAccessKey.reveal(), tokenCharacters: sessionToken.reveal().length }),
        (error: unknown) => {
          results.push(readable(error))
          printed += inspect(error, { depth: 9, showHidden: true })
        },
      )
    printed += inspect(failures)
    const { requests, connections } = hostile
    return {
      results,
      requests: requests.map(canonical),
      failures: failures.map(withoutOwnWords),
      skews,
      connections,
      printed,
    }
  } finally {
    provider.close()
  }
}

/** What was asked, once the signature is known to be right. */
function canonical(request: WireRequest): object {
  const claim = readClaim(request)
  verifySignature(request, claim, SECRET, Date.now())
  const header = (name: string) => request.headers.get(name)
  return {
    line: [request.method, request.path, request.query],
    body: request.body.toString('utf8'),
    token: claim.sessionToken,
    signer: [claim.accessKeyId, claim.region, claim.service],
    headers: ['host', 'content-type', 'content-length', 'x-amz-user-agent', 'x-amz-content-sha256'].map(header),
    agent: header('user-agent')?.replace(/ m\/\S*/, ''),
    connection: header('connection'),
  }
}

const OWN_WORDS = ['TimeoutError', 'ETIMEDOUT']

/** Timeouts are told in each client's own words. */
function withoutOwnWords<C extends { awsCode: string; awsMessage?: string }>({ awsMessage, ...call }: C) {
  const own = OWN_WORDS.includes(call.awsCode)
  return { ...call, ...(own ? { awsCode: 'timeout' } : awsMessage && { awsMessage: awsMessage.trim() }) } as C
}

function readable(error: unknown): object {
  if (!(error instanceof StintError)) throw new Error(`expected a StintError, got ${inspect(error)}`)
  const { awsCode = '', ...details } = error.details
  const { cause } = error
  const words = cause instanceof ProviderReply ? { awsCode: cause.code, awsMessage: cause.message } : { awsCode: '' }
  return {
    code: error.code,
    details,
    awsCode: OWN_WORDS.includes(String(awsCode)) ? 'timeout' : awsCode,
    cause: withoutOwnWords(words),
    requestId: cause instanceof ProviderReply ? cause.requestId : undefined,
  }
}

/** Both clients meet the same and must do the same. @returns what that was */
async function agree(answer: (n: number) => Answer, mints = 1): Promise<Seen> {
  const requests = Array.from({ length: mints }, () => mintRequest(clock.now(), { roleArn: PLAIN_ROLE }))
  const [direct, sdk] = [await see('direct', requests, answer), await see('sdk', requests, answer)]
  const { printed: _, ...shown } = direct
  const { printed: __, ...expected } = sdk
  expect(shown).toEqual(expected)
  for (const { printed } of [direct, sdk]) expect(printed).not.toContain('canary-')
  return direct
}

const always = (answer: Answer) => () => answer
const inTurn =
  (...answers: Answer[]) =>
  (n: number) =>
    answers[Math.min(n, answers.length - 1)] as Answer

describe('the direct and the SDK client send the same request', () => {
  const inputs = {
    RoleArn: PLAIN_ROLE,
    RoleSessionName: '01J000000000000000000000.1.agent',
    SourceIdentity: '01J000000000000000000000',
    DurationSeconds: 900,
    Policy: '{"Version":"2012-10-17","Statement":[]}',
    Tags: [{ Key: 'stint:agent', Value: 'x' }],
  }

  async function bodies(change: object): Promise<readonly [string, string]> {
    const sent: string[] = []
    hostile.answer = always(granting())
    for (const kind of STS_CLIENTS) {
      const { client, assumeRole } = createMintClient(
        { region: 'eu-west-1', endpoint: hostile.endpoint, credentials: KEYS, http: HTTP, maxSockets: 2 },
        kind,
      )
      await assumeRole({ ...inputs, ...change }, { timeoutMs: 5_000, signal: never, exchange: { sent: false } })
      client.destroy()
      const request = hostile.requests.at(-1) as WireRequest
      canonical(request)
      sent.push(request.body.toString('utf8'))
    }
    return sent as unknown as readonly [string, string]
  }

  // API_Tag: [\p{L}\p{Z}\p{N}_.:/=+\-@]*, and the marks that are easy to get wrong in a form.
  const allowed = ' _.:/=+-@azAZ09\u00a0\u2028\u3000éßЖ中𝒜'
  for (const [name, change] of [
    ['every kind of character that a tag may have', { Tags: [{ Key: allowed, Value: allowed }] }],
    ['an empty tag value', { Tags: [{ Key: 'k', Value: '' }] }],
    ['fifty tags', { Tags: Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: `v${n}` })) }],
    ['no tag at all', { Tags: [] }],
    ['a policy with every character up to U+00FF', { Policy: latin1() }],
    ["a policy with what forms and URIs differ in: ~!*'()", { Policy: `{"a":"~!*'()%20+&=#?"}` }],
    ['an external id with every allowed mark', { ExternalId: 'a+=,.@:/-_Z' }],
    ['a session name with every allowed mark', { RoleSessionName: 'a+=,.@-_Z' }],
  ] as const)
    test(`with ${name}`, async () => {
      const [direct, sdk] = await bodies(change)
      expect(direct).toBe(sdk)
      const parameters = Object.fromEntries(new URLSearchParams(direct))
      for (const [key, value] of Object.entries(change))
        if (typeof value === 'string') expect(parameters[key]).toBe(value)
      const { Tags = [] } = change as { Tags?: { Key: string; Value: string }[] }
      for (const [n, { Key, Value }] of Tags.entries())
        expect([parameters[`Tags.member.${n + 1}.Key`], parameters[`Tags.member.${n + 1}.Value`]]).toEqual([Key, Value])
    })

  test('with any text', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 64 }).filter((value) => value.isWellFormed())
    await fc.assert(
      fc.asyncProperty(text, text, text, async (Policy, Key, Value) => {
        const [direct, sdk] = await bodies({ Policy, Tags: [{ Key, Value }] })
        expect(direct).toBe(sdk)
        expect(new URLSearchParams(direct).get('Policy') ?? '').toBe(Policy)
      }),
      { numRuns: 40 },
    )
  })
})

function latin1(): string {
  return String.fromCharCode(9, 10, 13, ...Array.from({ length: 0xe0 }, (_, n) => n + 0x20))
}

describe('the direct and the SDK client read an answer alike', () => {
  test('that grants what was asked for, with entities in the secret', async () => {
    const { results, requests } = await agree(always(granting()))
    expect(results).toEqual([
      expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X', secret: 'canary-secret/aB1+x&AB' }),
    ])
    expect(requests).toHaveLength(1)
  })

  // Each is still the same answer to an XML parser.
  for (const [name, edit, change] of [
    ['behind an XML declaration and a comment', (xml) => `<?xml version="1.0"?>\n<!-- <Credentials> -->\n${xml}`],
    ['behind a document type', (xml) => `<!DOCTYPE a [<!ENTITY b "c">]>${xml}`],
    ['with CDATA', (xml) => xml.replace('ASIAEXAMPLE12345678X', '<![CDATA[ASIAEXAMPLE12345678X]]>')],
    ['with comments inside', (xml) => xml.replace('<AccessKeyId>', '<!-- x --><AccessKeyId>')],
    ['with members that nobody knows', (xml) => xml.replace('<Credentials>', '<New><A>1</A></New><Credentials>')],
    ['on one line', (xml) => xml.replace(/\n\s*/g, '')],
    ['with Windows line ends', (xml) => xml.replaceAll('\n', '\r\n')],
    ['of another content type', (xml) => xml, { headers: { 'Content-Type': 'application/json' } }],
    ['without a content type', (xml) => xml, { headers: { 'Content-Type': null } }],
    ['of status 202', (xml) => xml, { status: 202 }],
    ['that closes the connection', (xml) => xml, { headers: { Connection: 'close' } }],
    [
      'without a length, to the end of the connection',
      (xml) => xml,
      { headers: { 'Content-Length': null, Connection: 'close' } },
    ],
  ] as const satisfies readonly (readonly [string, (xml: string) => string, object?])[])
    test(name, async () => {
      const answer = granting(edit, change)
      const { results } = await agree(
        always((socket, ...rest) => {
          answer(socket, ...rest)
          if (name.includes('without a length')) socket.end()
        }),
      )
      expect(results).toEqual([expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })])
    })

  test('that comes in pieces', async () => {
    const { results } = await agree(
      always((socket, request, at) => {
        const xml = Buffer.from(grantedXml(request, at))
        void drip(socket, [
          head(200, 0, at, { headers: { 'Content-Length': null, 'Transfer-Encoding': 'chunked' } }),
          ...[xml.subarray(0, 700), xml.subarray(700, 701), xml.subarray(701)].map(
            (part) => `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`,
          ),
          '0\r\n\r\n',
        ])
      }),
    )
    expect(results).toEqual([expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })])
  })

  test('behind 100 Continue', async () => {
    const { results } = await agree(
      always((socket, request, at) => {
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
        granting()(socket, request, at)
      }),
    )
    expect(results).toEqual([expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })])
  })

  test('twice over the same connection', async () => {
    const { requests, connections } = await agree(always(granting()), 3)
    expect([requests.length, connections]).toEqual([3, 1])
  })
})

describe('the direct and the SDK client hand nothing out, and count the lease as minted, when an answer', () => {
  // Whoever answers 200 may have made a session.
  for (const [name, edit, change] of [
    ['is empty', () => ''],
    ['is blank', () => ' \n'],
    ['is plain text', () => 'OK'],
    [
      'is plain text with a request id of S3',
      () => 'OK',
      { headers: { 'x-amzn-RequestId': null, 'x-amz-request-id': '17A8F4B2C0DE' } },
    ],
    ['is JSON', () => '{"Credentials":{"AccessKeyId":"ASIAEXAMPLE12345678X"}}'],
    ['is HTML', () => '<html><body><p>Sign in<br>here</p></body></html>', { headers: { 'Content-Type': 'text/html' } }],
    ['is the XML of an error', () => errorXml('AccessDenied')],
    ['is of another operation', (xml) => xml.replaceAll('AssumeRole', 'AssumeRoot')],
    ['ends early', (xml) => xml.slice(0, -30)],
    ['ends inside the token', (xml) => xml.slice(0, xml.indexOf('</SessionToken>') - 5)],
    ['begins late', (xml) => xml.slice(20)],
    ['has tags that cross', (xml) => xml.replace('</Credentials>', '</Credentialz>')],
    ['has two sets of credentials', (xml) => xml.replace(/<Credentials>[\s\S]*<\/Credentials>/, '$&$&')],
    ['has two access key ids', (xml) => xml.replace(/<AccessKeyId>.*<\/AccessKeyId>/, '$&$&')],
    [
      'has its credentials in the wrong place',
      (xml) =>
        xml.replace(
          /(<AssumedRoleUser>[\s\S]*<\/AssumedRoleUser>)\s*(<Credentials>[\s\S]*<\/Credentials>)/,
          (_, user, keys) => user.replace('</Assumed', `${keys}</Assumed`),
        ),
    ],
    ['has no access key id', without('AccessKeyId')],
    ['has no secret', without('SecretAccessKey')],
    ['has no token', without('SessionToken')],
    ['has no expiry', without('Expiration')],
    ['has an empty expiry', (xml) => xml.replace(/(<Expiration>).*(<)/, '$1$2')],
    ['has an expiry that is no time', (xml) => xml.replace(/(<Expiration>).*(<)/, '$1soon$2')],
    ['has an expiry in seconds since 1970', (xml) => xml.replace(/(<Expiration>).*(<)/, '$14102444800$2')],
    ['expires in a year', (xml) => xml.replace(/(<Expiration>)\d{4}/, '$12099')],
    ['names no role', without('AssumedRoleUser')],
    ['names another role', (xml) => xml.replace('assumed-role/plain/', 'assumed-role/other/')],
    ['names another account', (xml) => xml.replace(':123456789012:', ':210987654321:')],
    ['names another session', (xml) => xml.replace(/(<Arn>.*?\/plain\/)[^<]*/, '$101J.1.other')],
    ['has another session in the role id', (xml) => xml.replace(/AROAEXAMPLE:[^<]*/, 'AROAEXAMPLE:other')],
    ['has another source identity', (xml) => xml.replace(/(<SourceIdentity>)[^<]*/, '$1other')],
    [
      'is compressed, though nobody asked for it',
      (xml) => gzipSync(xml).toString('latin1'),
      { headers: { 'Content-Encoding': 'gzip' } },
    ],
    ['is nested 5,000 deep', (xml) => `${'<a>'.repeat(5_000)}${xml}${'</a>'.repeat(5_000)}`],
    [
      'has a member __proto__',
      (xml) =>
        xml.replace(/<Credentials>([\s\S]*)<\/Credentials>/, '<__proto__><Credentials>$1</Credentials></__proto__>'),
    ],
    ['is in UTF-16', (xml) => Buffer.from(xml, 'utf16le').toString('latin1')],
    ['has no content (204)', () => '', { status: 204, headers: { 'Content-Length': null } }],
  ] as const satisfies readonly (readonly [string, (xml: string) => string, object?])[])
    test(name, async () => {
      const { results, requests } = await agree(always(granting(edit, change)))
      expect(results).toEqual([
        expect.objectContaining({
          code: 'PROVIDER_ANSWER_INVALID',
          details: expect.objectContaining({ outcome: 'unknown' }),
        }),
      ])
      expect(requests).toHaveLength(1)
    })
})

function without(member: string) {
  return (xml: string) => xml.replace(new RegExp(`<${member}>[^]*</${member}>`), '')
}

describe('the direct and the SDK client take an error alike', () => {
  // API_AssumeRole, "Errors", and "Common errors" of the STS API reference.
  for (const [status, code, expected, outcome, tries] of [
    [400, 'ExpiredTokenException', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [403, 'ExpiredTokenException', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [400, 'MalformedPolicyDocument', 'PROVIDER_REFUSED', 'not_minted', 1],
    [400, 'PackedPolicyTooLarge', 'SESSION_POLICY_TOO_LARGE', 'not_minted', 1],
    [403, 'RegionDisabledException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [403, 'AccessDenied', 'PROVIDER_REFUSED', 'not_minted', 1],
    [400, 'AccessDeniedException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [403, 'IncompleteSignature', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [500, 'InternalFailure', 'PROVIDER_UNAVAILABLE', 'unknown', 3],
    [400, 'InvalidAction', 'PROVIDER_REFUSED', 'not_minted', 1],
    [403, 'InvalidClientTokenId', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [400, 'MalformedHttpRequestException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [401, 'NotAuthorized', 'PROVIDER_REFUSED', 'not_minted', 1],
    [403, 'OptInRequired', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [400, 'RequestAbortedException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [413, 'RequestEntityTooLargeException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [400, 'RequestExpired', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [408, 'RequestTimeoutException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [503, 'ServiceUnavailable', 'PROVIDER_UNAVAILABLE', 'unknown', 3],
    [403, 'SignatureDoesNotMatch', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [400, 'ThrottlingException', 'PROVIDER_THROTTLED', 'not_minted', 3],
    [400, 'Throttling', 'PROVIDER_THROTTLED', 'not_minted', 3],
    [503, 'SlowDown', 'PROVIDER_THROTTLED', 'not_minted', 3],
    [404, 'UnknownOperationException', 'PROVIDER_REFUSED', 'not_minted', 1],
    [403, 'UnrecognizedClientException', 'PROVIDER_UNAVAILABLE', 'not_minted', 1],
    [400, 'ValidationError', 'PROVIDER_REFUSED', 'not_minted', 1],
    [400, 'IDPCommunicationError', 'PROVIDER_UNAVAILABLE', 'not_minted', 3],
    [418, 'NobodyKnowsThis', 'PROVIDER_REFUSED', 'not_minted', 1],
  ] as const)
    test(`${code} with status ${status}`, async () => {
      const { results, requests } = await agree(always(replying(status, errorXml(code))))
      expect(results).toEqual([
        expect.objectContaining({
          code: expected,
          requestId: REQUEST_ID,
          details: expect.objectContaining({ outcome }),
        }),
      ])
      expect(requests).toHaveLength(tries)
    })

  for (const [name, status, body, change, expected, outcome, tries] of [
    ['429 without a word', 429, '', {}, 'PROVIDER_THROTTLED', 'not_minted', 3],
    [
      '502 with a page of a proxy',
      502,
      '<html><body><hr>Bad gateway</body></html>',
      { headers: { 'Content-Type': 'text/html' } },
      'PROVIDER_UNAVAILABLE',
      'unknown',
      3,
    ],
    ['503 without a word', 503, '', {}, 'PROVIDER_UNAVAILABLE', 'unknown', 3],
    ['504 in JSON', 504, '{"message":"timed out"}', {}, 'PROVIDER_UNAVAILABLE', 'unknown', 3],
    ['403 without a word', 403, '', {}, 'PROVIDER_REFUSED', 'not_minted', 1],
    ['403 in plain text', 403, 'Forbidden', {}, 'PROVIDER_REFUSED', 'not_minted', 1],
    ['404 without a word', 404, '', {}, 'PROVIDER_REFUSED', 'not_minted', 1],
    [
      'an error in the list form of EC2',
      403,
      `<Response><Errors>${errorXml('AccessDenied').match(/<Error>[\s\S]*<\/Error>/)?.[0]}</Errors></Response>`,
      {},
      'PROVIDER_REFUSED',
      'not_minted',
      1,
    ],
    [
      'an error without a code',
      400,
      '<ErrorResponse><Error><Message>no</Message></Error></ErrorResponse>',
      {},
      'PROVIDER_REFUSED',
      'not_minted',
      1,
    ],
    ['an error with two codes', 400, errorXml('A</Code><Code>B'), {}, 'PROVIDER_REFUSED', 'not_minted', 1],
    ['an error that ends early', 400, errorXml('AccessDenied').slice(0, -20), {}, 'PROVIDER_REFUSED', 'not_minted', 1],
    [
      'an error without a request id in the headers',
      403,
      errorXml('AccessDenied'),
      { headers: { 'x-amzn-RequestId': null } },
      'PROVIDER_REFUSED',
      'not_minted',
      1,
    ],
    [
      'an error that repeats the secret and the token',
      403,
      errorXml('AccessDenied', `${SECRET} ${KEYS.sessionToken}`),
      {},
      'PROVIDER_REFUSED',
      'not_minted',
      1,
    ],
  ] as const)
    test(name, async () => {
      const { results, requests } = await agree(always(replying(status, body, change)))
      expect(results).toEqual([
        expect.objectContaining({ code: expected, details: expect.objectContaining({ outcome, httpStatus: status }) }),
      ])
      expect(requests).toHaveLength(tries)
    })

  for (const status of [301, 302, 303, 307, 308])
    test(`a redirect with status ${status}, which nobody follows`, async () => {
      let followed = 0
      const elsewhere = createServer((socket) => {
        followed += 1
        socket.destroy()
      }).listen(0, '127.0.0.1')
      await once(elsewhere, 'listening')
      const { port } = elsewhere.address() as { port: number }
      const { results, requests } = await agree(
        always(replying(status, '', { headers: { Location: `http://127.0.0.1:${port}/` } })),
      )
      elsewhere.close()
      expect(results).toEqual([expect.objectContaining({ code: 'PROVIDER_ANSWER_INVALID' })])
      expect([requests.length, followed]).toEqual([1, 0])
    })

  test('of the first try, when the second is answered', async () => {
    const { results, requests } = await agree(inTurn(replying(400, errorXml('Throttling')), granting()))
    expect(results).toEqual([expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })])
    expect(requests).toHaveLength(2)
    expect(requests[0]).toEqual(requests[1])
  })

  test('and say that a session may exist when a refusal follows a lost answer', async () => {
    const { results } = await agree(inTurn((socket) => socket.destroy(), replying(403, errorXml('AccessDenied'))))
    expect(results).toEqual([
      expect.objectContaining({
        code: 'PROVIDER_REFUSED',
        details: expect.objectContaining({ outcome: 'unknown', attempts: 2 }),
      }),
    ])
  })
})

describe('the direct and the SDK client take a broken connection alike', () => {
  const down = (outcome: 'unknown' | 'not_minted') =>
    expect.objectContaining({
      code: 'PROVIDER_UNAVAILABLE',
      details: expect.objectContaining({ outcome, attempts: 3 }),
    })

  for (const [name, answer] of [
    ['that is closed without an answer', (socket) => socket.end()],
    ['that is reset without an answer', (socket) => socket.resetAndDestroy()],
    ['that is closed inside the headers', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Ty')],
    [
      'that is reset inside the body',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        socket.write(head(200, xml.length, at) + xml.slice(0, 500), () => socket.resetAndDestroy())
      },
    ],
    [
      'that is closed inside the body',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        socket.end(head(200, xml.length, at) + xml.slice(0, 500))
      },
    ],
    [
      'that is closed one byte before the end',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        socket.end(head(200, xml.length + 1, at) + xml)
      },
    ],
    [
      'that is closed inside a chunk',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        socket.end(
          `${head(200, 0, at, { headers: { 'Content-Length': null, 'Transfer-Encoding': 'chunked' } })}${xml.length.toString(16)}\r\n${xml.slice(0, 100)}`,
        )
      },
    ],
    [
      'that is closed before the last chunk',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        socket.end(
          `${head(200, 0, at, { headers: { 'Content-Length': null, 'Transfer-Encoding': 'chunked' } })}${xml.length.toString(16)}\r\n${xml}\r\n`,
        )
      },
    ],
    [
      'that is closed inside the body of a refusal',
      (socket, _, at) => socket.end(head(403, 5_000, at) + errorXml('AccessDenied')),
    ],
  ] as const satisfies readonly (readonly [string, Answer])[])
    test(name, async () => {
      const { results, requests } = await agree(always(answer))
      expect(results).toEqual([down('unknown')])
      expect(requests).toHaveLength(3)
    })

  // What is no HTTP cannot be told from a session that was made.
  for (const [name, text] of [
    ['an answer that is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`],
    ['another protocol to switch to', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ] as const)
    test(`with ${name}`, async () => {
      const { results } = await agree(always((socket) => socket.write(text)))
      expect(results).toEqual([
        expect.objectContaining({
          code: 'PROVIDER_UNAVAILABLE',
          details: expect.objectContaining({ outcome: 'unknown' }),
        }),
      ])
    })

  test('that is reset before anything is read', async () => {
    hostile.onConnection = (socket) => socket.resetAndDestroy()
    const { results, requests } = await agree(always(granting()))
    expect(results).toEqual([down('unknown')])
    expect(requests).toHaveLength(0)
  })

  test('that is refused, where no session can exist', async () => {
    const { endpoint } = hostile
    await hostile.stop()
    const found = await Promise.all(STS_CLIENTS.map((kind) => mintAt(endpoint, kind)))
    expect(found).toEqual([down('not_minted'), down('not_minted')])
    hostile = await HostileSts.start(() => clock)
  })

  test('that was kept and is lost with the next request: another one is made, and the lease counts as minted', async () => {
    const { results, connections } = await agree(
      inTurn(granting(), (socket) => socket.destroy(), granting()),
      2,
    )
    expect(results).toHaveLength(2)
    expect(connections).toBe(2)
  })

  test('with an answer that nobody asked for: the next call does not take it for its own', async () => {
    const { results, connections } = await agree(
      inTurn((socket, request, at) => {
        granting()(socket, request, at)
        granting((xml) => xml.replace('ASIAEXAMPLE', 'ASIAFORGED0'))(socket, request, at)
      }, granting()),
      2,
    )
    const mine = expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })
    expect(results).toEqual([mine, mine])
    expect(connections).toBe(2)
  })
})

async function mintAt(stsEndpoint: string, stsClient: StsClientKind): Promise<object> {
  const provider = createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint,
    stsClient,
    credentials: KEYS,
    roles: [{ arn: PLAIN_ROLE, externalId: new Secret('an-id'), revocation: { kind: 'none' } }],
    clock,
    random: () => 0,
    http: HTTP,
  })
  try {
    return await provider.mint(mintRequest(clock.now(), { roleArn: PLAIN_ROLE }), never).catch(readable)
  } finally {
    provider.close()
  }
}

describe('the direct and the SDK client wait alike', () => {
  for (const [name, answer] of [
    ['for an answer that does not come', () => undefined],
    [
      'for headers that do not end',
      (socket) => void drip(socket, ['HTTP/1.1 200 OK\r\n', ...Array(50).fill('X: y\r\n')], 50),
    ],
    [
      'for a body that trickles',
      (socket, request, at) => {
        const xml = grantedXml(request, at)
        void drip(socket, [head(200, xml.length, at), ...xml], 50)
      },
    ],
  ] as const satisfies readonly (readonly [string, Answer])[])
    test(name, async () => {
      const { results, requests } = await agree(always(answer))
      expect(results).toEqual([
        expect.objectContaining({
          code: 'PROVIDER_UNAVAILABLE',
          awsCode: 'timeout',
          details: expect.objectContaining({ outcome: 'unknown', attempts: 3 }),
        }),
      ])
      expect(requests).toHaveLength(3)
    })

  test('no longer than the caller, whose connection is not used again', { timeout: 30_000 }, async () => {
    for (const kind of STS_CLIENTS) {
      const { client, assumeRole } = createMintClient(
        {
          region: 'eu-west-1',
          endpoint: hostile.endpoint,
          credentials: KEYS,
          http: { connectionTimeoutMs: 60_000, requestTimeoutMs: 60_000 },
          maxSockets: 2,
        },
        kind,
      )
      const caller = new AbortController()
      const closed = Promise.withResolvers<void>()
      hostile.answer = always((socket) => {
        socket.once('close', () => closed.resolve())
        caller.abort()
      })
      const exchange = { sent: false }
      const input = { RoleArn: PLAIN_ROLE, RoleSessionName: 'x', Policy: '{}' }
      await expect(assumeRole(input, { timeoutMs: 5_000, signal: caller.signal, exchange })).rejects.toMatchObject({
        code: 'CANCELLED',
      })
      expect(exchange.sent).toBe(true)
      await closed.promise
      client.destroy()
    }
  })
})

/** Writes piece after piece, until the other side has gone. */
async function drip(socket: Socket, pieces: readonly string[], everyMs = 5): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return
    socket.write(piece, 'latin1')
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

describe('the direct and the SDK client take the time of an answer alike', () => {
  const signedAt = ({ headers }: WireRequest) => {
    const t = headers.get('x-amz-date') ?? ''
    return Date.parse(`${t.slice(0, 4)}-${t.slice(4, 6)}-${t.slice(6, 11)}:${t.slice(11, 13)}:${t.slice(13)}`)
  }
  const dated = (skewMs: number, headers: Readonly<Record<string, string>> = {}): Answer => {
    return (socket, request, at) => {
      const Date_ = new Date(at.now().getTime() + skewMs).toUTCString()
      granting((xml) => xml, { headers: { Date: Date_, ...headers } })(socket, request, at)
    }
  }

  for (const [name, answer, shiftMs] of [
    ['two minutes ahead', dated(120_000), 120_000],
    ['two minutes behind', dated(-120_000), -120_000],
    ['two minutes ahead out of a cache', dated(120_000, { Age: '30' }), 0],
    ['that is none', dated(0, { Date: 'yesterday' }), 0],
  ] as const)
    test(`a Date ${name}: the next call is signed ${shiftMs / 1_000} s later than by our own clock`, async () => {
      const { results } = await agree(always(answer), 2)
      const mine = expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })
      expect(results).toEqual([mine, mine])
      for (const kind of STS_CLIENTS) {
        await see(
          kind,
          [mintRequest(clock.now(), { roleArn: PLAIN_ROLE }), mintRequest(clock.now(), { roleArn: PLAIN_ROLE })],
          always(answer),
        )
        const [first, second] = hostile.requests.map(signedAt)
        expect(Math.abs((second ?? 0) - (first ?? 0) - shiftMs)).toBeLessThan(30_000)
      }
    })

  for (const skewMs of [-400_000, 400_000])
    test(`a Date ${skewMs / 1_000} s off, which is refused`, async () => {
      const { results, skews } = await agree(always(dated(skewMs)))
      expect(results).toEqual([
        expect.objectContaining({ code: 'CLOCK_UNSTABLE', details: expect.objectContaining({ outcome: 'unknown' }) }),
      ])
      expect(skews).toEqual([skewMs])
    })

  test('a refusal for the time, with the time of AWS', async () => {
    const { results, skews } = await agree(
      always((socket, request, at) =>
        replying(403, errorXml('RequestTimeTooSkewed'), {
          headers: { Date: new Date(at.now().getTime() + 400_000).toUTCString() },
        })(socket, request, at),
      ),
    )
    expect(results).toEqual([
      expect.objectContaining({ code: 'CLOCK_UNSTABLE', details: expect.objectContaining({ outcome: 'not_minted' }) }),
    ])
    expect(skews).toEqual([400_000])
  })
})

test('they differ in one thing: the direct client refuses an answer of more than a megabyte, as minted', async () => {
  const request = mintRequest(clock.now(), { roleArn: PLAIN_ROLE })
  const huge = always(
    granting((xml) => xml.replace('<AssumeRoleResult>', `<AssumeRoleResult>${' '.repeat(1_100_000)}`)),
  )
  const [direct, sdk] = [await see('direct', [request], huge), await see('sdk', [request], huge)]
  expect(sdk.results).toEqual([expect.objectContaining({ accessKeyId: 'ASIAEXAMPLE12345678X' })])
  expect(direct.results).toEqual([
    expect.objectContaining({
      code: 'PROVIDER_ANSWER_INVALID',
      details: expect.objectContaining({ outcome: 'unknown' }),
    }),
  ])
  expect(direct.requests).toHaveLength(1)
  expect(parametersOf(hostile.requests[0] as WireRequest).RoleArn).toBe(PLAIN_ROLE)
})
