import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { StintError } from '../../src/core/errors.ts'
import type { LeaseSession } from '../../src/credentials/aws-sts/mint/lease-session.ts'
import { sessionRequest } from '../../src/credentials/aws-sts/mint/session-request.ts'
import type { Fault } from '../support/sts-server.ts'
import {
  ACCOUNT,
  type AwsHarness,
  BOUNDARY_ROLE,
  BROKER_SECRET,
  EXTERNAL_ID,
  INLINE_ROLE,
  leaseSession,
  type MintChange,
  mintRequest,
  sessionOf,
  sessionPolicy,
  startAws,
} from './harness.ts'

const never = new AbortController().signal
let aws: AwsHarness
beforeEach(async () => {
  aws = await startAws()
})
afterEach(() => aws.close())

const request = (change: MintChange = {}) => mintRequest(aws.clock.now(), change)
/** Makes the call's input for a session as no grant has one. */
const sending = async (change: Partial<LeaseSession>) => {
  const now = aws.clock.now()
  return sessionRequest(leaseSession(now, change), undefined, now, PROFILES.aws.policy.leaseEnd)
}
const calls = () => aws.server.calls('AssumeRole')

async function failure(promise: Promise<unknown>): Promise<StintError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof StintError)) throw new Error(`expected a StintError, got ${inspect(error)}`)
  return error
}

describe('what is sent to STS', () => {
  test('carries session name, source identity, tags, policy and the external id of the role, for 900 seconds', async () => {
    const asked = request()
    await aws.provider.mint(asked, never)
    const [session] = aws.server.sessions
    const { sessionName, sourceIdentity, sessionPolicy: policy, tags } = sessionOf(asked)
    const named = { roleArn: BOUNDARY_ROLE, sessionName, sourceIdentity, tags }
    expect(session).toMatchObject({ ...named, policy, externalId: EXTERNAL_ID })
    expect(calls()[0]?.parameters.DurationSeconds).toBe('900')
  })

  test('carries no external id for a role that has none', async () => {
    await aws.provider.mint(request({ roleArn: INLINE_ROLE }), never)
    expect(calls()[0]?.parameters.ExternalId).toBeUndefined()
  })

  test('asks for a longer session when the lease needs one, so that the session never ends first', async () => {
    const notAfter = new Date(aws.clock.now().getTime() + 900_000)
    await aws.provider.mint(request({ notAfter }), never)
    expect(calls()[0]?.parameters.DurationSeconds).toBe('960')
  })

  // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
  const long = (length: number) => 'x'.repeat(length)
  for (const [name, change, field, code] of [
    ['a session name of one character', { sessionName: 'x' }, 'RoleSessionName'],
    ['a session name of 65 characters', { sessionName: long(65) }, 'RoleSessionName'],
    ['a session name with a slash', { sessionName: 'a/b' }, 'RoleSessionName'],
    ['a session name with a line end', { sessionName: 'ab\n' }, 'RoleSessionName'],
    ['a source identity with aws: in front', { sourceIdentity: 'aws:x' }, 'SourceIdentity'],
    ['a source identity of 65 characters', { sourceIdentity: long(65) }, 'SourceIdentity'],
    ['51 tags', { tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v'])) }, 'Tags'],
    ['a tag key of 129 characters', { tags: { [long(129)]: 'v' } }, 'Tags'],
    ['an empty tag key', { tags: { '': 'v' } }, 'Tags'],
    ['a tag value of 257 characters', { tags: { k: long(257) } }, 'Tags'],
    ['a tag value with a comma', { tags: { k: 'a,b' } }, 'Tags'],
    ['a tag key with aws: in front', { tags: { 'AWS:k': 'v' } }, 'Tags'],
    ['tag keys that differ in case only', { tags: { k: 'a', K: 'b' } }, 'Tags'],
    [
      'a session policy of 2049 characters',
      { sessionPolicy: `{"x":"${long(2041)}"}` },
      'Policy',
      'SESSION_POLICY_TOO_LARGE',
    ],
    ['a session policy with a character above U+00FF', { sessionPolicy: '{"Statement":["\u0100"]}' }, 'Policy'],
    ['a session policy that is no JSON', { sessionPolicy: '{' }, 'Policy'],
    ['a session policy that is null', { sessionPolicy: 'null' }, 'Policy'],
    ['a session policy without statements', { sessionPolicy: '{"Statement":{}}' }, 'Policy'],
    [
      'a session policy that does not end',
      { sessionPolicy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' },
      'Policy',
    ],
  ] as const satisfies readonly (readonly [string, Partial<LeaseSession>, string, string?])[]) {
    test(`is not sent with ${name}`, async () => {
      const error = await failure(sending(change))
      expect(error.code).toBe(code ?? 'PROVIDER_REFUSED')
      expect(error.details).toMatchObject({ field, outcome: 'not_minted' })
    })
  }

  test('is not sent when the session policy ends after the lease, or only for some actions or under more conditions', async () => {
    const notAfter = new Date(aws.clock.now().getTime() + 300_000)
    const late = sessionPolicy(new Date(notAfter.getTime() + 1_000))
    const partial = sessionPolicy(notAfter).replace('"Deny","Action":"*"', '"Deny","Action":"s3:*"')
    const more = '"StringEquals":{"aws:PrincipalTag/x":"y"}'
    const narrowedBefore = sessionPolicy(notAfter).replace('"Condition":{', `"Condition":{${more},`)
    const narrowedAfter = sessionPolicy(notAfter).replace(/("aws:CurrentTime":"[^"]+"\})/, `$1,${more}`)
    const narrowedInside = sessionPolicy(notAfter).replace(
      /("aws:CurrentTime":"([^"]+)")/,
      '$1,"aws:TokenIssueTime":"$2"',
    )
    for (const policy of [late, partial, narrowedBefore, narrowedAfter, narrowedInside]) {
      const error = await failure(sending({ notAfter, sessionPolicy: policy }))
      expect(() => JSON.parse(policy)).not.toThrow()
      expect(error.details).toMatchObject({ field: 'Policy', outcome: 'not_minted' })
    }
  })

  for (const [name, leaseMs, end] of [
    ['that is over', 0, 'DurationSeconds'],
    ['of more than an hour', 3_601_000, 'DurationSeconds'],
    ['whose end is no time', Number.NaN, 'Policy'],
  ] as const) {
    test(`is not sent for a lease ${name}`, async () => {
      const notAfter = new Date(aws.clock.now().getTime() + leaseMs)
      const error = await failure(aws.provider.mint(request({ notAfter }), never))
      expect(error.details).toMatchObject({ field: end, outcome: 'not_minted' })
      expect(calls()).toHaveLength(0)
    })
  }
})

describe('what STS answers', () => {
  const edits: [string, string, (xml: string) => string][] = [
    ['another role', 'AssumedRoleUser.Arn', (xml) => xml.replace('assumed-role/reader/', 'assumed-role/writer/')],
    ['another account', 'AssumedRoleUser.Arn', (xml) => xml.replace(`::${ACCOUNT}:`, '::999999999999:')],
    ['another session', 'AssumedRoleUser.Arn', (xml) => xml.replace(/(<Arn>[^<]*)\.1\./, '$1.2.')],
    [
      'another session in its id',
      'AssumedRoleUser.AssumedRoleId',
      (xml) => xml.replace(/(<AssumedRoleId>.*)\.1\./, '$1.2.'),
    ],
    ['no session', 'AssumedRoleUser.Arn', (xml) => xml.replace(/<AssumedRoleUser>.*<\/AssumedRoleUser>/, '')],
    [
      'another source identity',
      'SourceIdentity',
      (xml) => xml.replace(/<SourceIdentity>[^<]*/, '<SourceIdentity>stranger'),
    ],
    ['no source identity', 'SourceIdentity', (xml) => xml.replace(/<SourceIdentity>.*<\/SourceIdentity>/, '')],
    ['a long-term key id', 'Credentials.AccessKeyId', (xml) => xml.replace('>ASIA', '>AKIX')],
    ['no key id', 'Credentials.AccessKeyId', (xml) => xml.replace(/<AccessKeyId>.*<\/AccessKeyId>/, '')],
    ['no secret', 'Credentials.SecretAccessKey', (xml) => xml.replace(/<SecretAccessKey>.*<\/SecretAccessKey>/, '')],
    ['no token', 'Credentials.SessionToken', (xml) => xml.replace(/<SessionToken>.*<\/SessionToken>/, '')],
    ['no credentials', 'Credentials.AccessKeyId', (xml) => xml.replace(/<Credentials>.*<\/Credentials>/, '')],
    ['no expiry', 'Credentials.Expiration', (xml) => xml.replace(/<Expiration>.*<\/Expiration>/, '')],
    ['an expiry two minutes late', 'Credentials.Expiration', (xml) => xml.replace('T12:15:00Z', 'T12:17:00Z')],
    ['an expiry before the lease ends', 'Credentials.Expiration', (xml) => xml.replace('T12:15:00Z', 'T12:04:00Z')],
    ['an expiry in the past', 'Credentials.Expiration', (xml) => xml.replace('T12:15:00Z', 'T11:15:00Z')],
  ]
  for (const [name, field, edit] of edits) {
    test(`is not handed out with ${name}, and counts as minted`, async () => {
      aws.server.script('AssumeRole', { kind: 'edit', edit })
      const error = await failure(aws.provider.mint(request(), never))
      expect(error.code).toBe('PROVIDER_ANSWER_INVALID')
      expect(error.details).toMatchObject({ field, outcome: 'unknown' })
      expect(calls()).toHaveLength(1)
    })
  }

  for (const body of ['', 'not xml', '<html><body>proxy</body></html>', '<AssumeRoleResponse>', '\u0000']) {
    test(`counts as minted when it is ${JSON.stringify(body)} with status 200`, async () => {
      aws.server.script('AssumeRole', { kind: 'garbage', body })
      const error = await failure(aws.provider.mint(request(), never))
      expect(error.code).toBe('PROVIDER_ANSWER_INVALID')
      expect(error.details.outcome).toBe('unknown')
    })
  }

  test('tells the time of issue by the later of two clocks, since a watermark is compared by that of AWS', async () => {
    aws.server.script('AssumeRole', { kind: 'edit', edit: (xml) => xml.replace('T12:15:00Z', 'T12:15:40Z') })
    const issued = await aws.provider.mint(request(), never)
    expect(issued.issuedAt.toISOString()).toBe('2026-11-21T12:00:40.000Z')
  })

  test('tells the time of every answer, a refusal too', async () => {
    const told: string[] = []
    aws.provider.cloudClock?.subscribe((cloudNow) => told.push(cloudNow.toISOString()))
    aws.server.script(
      'AssumeRole',
      { kind: 'date', skewMs: 5_000 },
      { kind: 'error', status: 403, code: 'AccessDenied' },
    )
    await aws.provider.mint(request(), never)
    await failure(aws.provider.mint(request(), never))
    expect(told).toEqual(['2026-11-21T12:00:05.000Z', '2026-11-21T12:00:00.000Z'])
  })

  for (const [skewMs, reported, refused] of [
    [59_000, false, false],
    [-61_000, true, false],
    [299_000, true, false],
    [301_000, true, true],
    [-3_600_000, true, true],
  ] as const) {
    test(`with a clock ${skewMs / 1_000} s apart is ${refused ? 'refused' : 'used'}${reported ? ' and reported' : ''}`, async () => {
      aws.server.script('AssumeRole', { kind: 'date', skewMs })
      const result = await aws.provider.mint(request(), never).catch((error: unknown) => error)
      expect(aws.skews).toEqual(reported ? [skewMs] : [])
      if (!refused) return expect(result).toHaveProperty('accessKeyId')
      expect(result).toMatchObject({ code: 'CLOCK_UNSTABLE', details: { outcome: 'unknown' } })
    })
  }
})

describe('a failed mint', () => {
  test('by a signature that is stale because the clock is astray says so', async () => {
    aws.server.script('AssumeRole', { kind: 'error', status: 403, code: 'SignatureDoesNotMatch', skewMs: 900_000 })
    const thrown = await failure(aws.provider.mint(request(), never))
    expect(thrown.code).toBe('CLOCK_UNSTABLE')
    expect(thrown.details).toMatchObject({ outcome: 'not_minted', skewSeconds: 900 })
  })

  // AWS's codes: AssumeRole errors and common errors of the STS API reference; socket errors of Node.
  const error = (code: string, status = 400): Fault => ({ kind: 'error', status, code })
  for (const [fault, code, tries, outcome] of [
    [error('Throttling'), 'PROVIDER_THROTTLED', 3, 'not_minted'],
    [error('ThrottlingException'), 'PROVIDER_THROTTLED', 3, 'not_minted'],
    [error('RequestLimitExceeded', 503), 'PROVIDER_THROTTLED', 3, 'not_minted'],
    [error('TooManyRequestsException', 429), 'PROVIDER_THROTTLED', 3, 'not_minted'],
    [error('SomethingNew', 429), 'PROVIDER_THROTTLED', 3, 'not_minted'],
    [error('InternalFailure', 500), 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [error('ServiceFailure', 500), 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [error('ServiceUnavailable', 503), 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [error('SomethingNew', 502), 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [error('IDPCommunicationError'), 'PROVIDER_UNAVAILABLE', 3, 'not_minted'],
    [{ kind: 'cut' } as Fault, 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [{ kind: 'answer_lost' } as Fault, 'PROVIDER_UNAVAILABLE', 3, 'unknown'],
    [error('AccessDenied', 403), 'PROVIDER_REFUSED', 1, 'not_minted'],
    [error('PackedPolicyTooLarge'), 'SESSION_POLICY_TOO_LARGE', 1, 'not_minted'],
    [error('MalformedPolicyDocument'), 'PROVIDER_REFUSED', 1, 'not_minted'],
    [error('ValidationError'), 'PROVIDER_REFUSED', 1, 'not_minted'],
    [error('RegionDisabledException', 403), 'PROVIDER_REFUSED', 1, 'not_minted'],
    [error('SomethingNew', 418), 'PROVIDER_REFUSED', 1, 'not_minted'],
    [error('ExpiredToken'), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('ExpiredTokenException'), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('InvalidClientTokenId', 403), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('SignatureDoesNotMatch', 403), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('RequestExpired'), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('InvalidIdentityToken'), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
    [error('IDPRejectedClaim', 403), 'PROVIDER_UNAVAILABLE', 1, 'not_minted'],
  ] as const) {
    const name = fault.kind === 'error' ? `${fault.code} (${fault.status})` : fault.kind
    test(`by ${name} is ${code}, tried ${tries} time(s), ${outcome}`, async () => {
      aws.server.script('AssumeRole', fault, fault, fault, fault)
      const thrown = await failure(aws.provider.mint(request(), never))
      expect(thrown.code).toBe(code)
      expect(thrown.details).toMatchObject({
        outcome,
        attempts: tries,
        operation: 'AssumeRole',
        roleArn: BOUNDARY_ROLE,
      })
      expect(calls()).toHaveLength(tries)
      expect(aws.failures).toHaveLength(tries)
    })
  }

  test('is tried again under the same session name, so that one deny covers every try', async () => {
    aws.server.script('AssumeRole', { kind: 'answer_lost' })
    const asked = request()
    await aws.provider.mint(asked, never)
    const { sessionName, sourceIdentity } = sessionOf(asked)
    expect(aws.server.sessions).toMatchObject([1, 2].map(() => ({ sessionName, sourceIdentity })))
  })

  test('stays unknown when a later try is refused outright', async () => {
    aws.server.script('AssumeRole', { kind: 'answer_lost' }, { kind: 'error', status: 403, code: 'AccessDenied' })
    const thrown = await failure(aws.provider.mint(request(), never))
    expect(thrown.code).toBe('PROVIDER_REFUSED')
    expect(thrown.details.outcome).toBe('unknown')
  })

  test('without any answer ends by the time limit of one try, as unknown', async () => {
    const provider = aws.with({
      http: { connectionTimeoutMs: 50, requestTimeoutMs: 50 },
      mintLimits: { maxAttempts: 1 },
    })
    aws.server.script('AssumeRole', { kind: 'hang' })
    const thrown = await failure(provider.mint(request(), never))
    expect(thrown.code).toBe('PROVIDER_UNAVAILABLE')
    expect(thrown.details.outcome).toBe('unknown')
  })

  test('is cancelled at once when the caller gives up, as unknown once it was sent', async () => {
    const stop = new AbortController()
    aws.server.script('AssumeRole', { kind: 'hang' })
    const minting = failure(aws.provider.mint(request(), stop.signal))
    await expect.poll(() => calls().length).toBe(1)
    stop.abort()
    const thrown = await minting
    expect(thrown.code).toBe('CANCELLED')
    expect(thrown.details.outcome).toBe('unknown')
  })

  test('is not minted when the broker has no credentials of its own', async () => {
    const provider = aws.with({
      credentials: () => Promise.reject(Object.assign(new Error('x'), { name: 'CredentialsProviderError' })),
    })
    const thrown = await failure(provider.mint(request(), never))
    expect(thrown.code).toBe('PROVIDER_UNAVAILABLE')
    expect(thrown.details).toMatchObject({ outcome: 'not_minted', fault: 'broker_credentials' })
    expect(calls()).toHaveLength(0)
  })

  test('is not minted when the credentials of the broker never come', async () => {
    const provider = aws.with({
      credentials: () => new Promise(() => undefined),
      http: { connectionTimeoutMs: 50, requestTimeoutMs: 50 },
      mintLimits: { maxAttempts: 1 },
    })
    const thrown = await failure(provider.mint(request(), never))
    expect(thrown.details.outcome).toBe('not_minted')
  })

  test('tells how full the packed policy was and which right is missing, and nothing else of what AWS wrote', async () => {
    aws.server.script(
      'AssumeRole',
      { kind: 'error', status: 400, code: 'PackedPolicyTooLarge', message: 'Packed size is 127% of the limit' },
      {
        kind: 'error',
        status: 403,
        code: 'AccessDenied',
        message: 'User: arn:aws:sts::1:assumed-role/b/c is not authorized to perform: sts:TagSession on resource: x',
      },
    )
    expect((await failure(aws.provider.mint(request(), never))).details.packedPercent).toBe(127)
    const other = request({ roleArn: INLINE_ROLE })
    expect((await failure(aws.provider.mint(other, never))).details.deniedAction).toBe('sts:TagSession')
  })

  test('pauses with jitter, longer each time, and never past the total limit', async () => {
    const down: Fault = { kind: 'error', status: 503, code: 'ServiceUnavailable' }
    aws.server.script('AssumeRole', down, down, down)
    await failure(aws.provider.mint(request(), never))
    expect(aws.clock.slept).toEqual([50, 100])
    aws.server.clearScript()
    aws.server.script('AssumeRole', down, down)
    const short = aws.with({ mintLimits: { totalMs: 40 } })
    await failure(short.mint(request(), never))
    expect(aws.clock.slept).toEqual([50, 100])
  })
})

describe('a service that keeps failing', () => {
  const down: Fault = { kind: 'error', status: 500, code: 'InternalFailure' }

  test('is left alone for one role, gets one probe after a while, and is used again once it answers', async () => {
    aws.server.script('AssumeRole', down, down, down, down, down)
    await failure(aws.provider.mint(request(), never))
    await failure(aws.provider.mint(request(), never))
    const sent = calls().length
    expect(sent).toBe(5)
    const held = await failure(aws.provider.mint(request(), never))
    expect(held.code).toBe('PROVIDER_UNAVAILABLE')
    expect(held.details.outcome).toBe('not_minted')
    expect(calls()).toHaveLength(sent)
    await aws.provider.mint(request({ roleArn: INLINE_ROLE }), never)

    await aws.clock.advance(10_000)
    aws.server.latencyMs = 20
    const [probe, other] = await Promise.allSettled([
      aws.provider.mint(request(), never),
      aws.provider.mint(request(), never),
    ])
    expect([probe.status, other.status]).toEqual(['fulfilled', 'rejected'])
    await aws.provider.mint(request(), never)
  })

  test('by refusals is not left alone: it is up', async () => {
    const refused: Fault = { kind: 'error', status: 403, code: 'AccessDenied' }
    aws.server.script('AssumeRole', ...Array.from({ length: 10 }, () => refused))
    for (let n = 0; n < 10; n++) await failure(aws.provider.mint(request(), never))
    await aws.provider.mint(request(), never)
  })

  test('is called at the configured pace and no faster, and slower once it throttles', async () => {
    const slow = aws.with({ callsPerSecond: 1, mintLimits: { totalMs: 1_500 } })
    await slow.mint(request(), never)
    await slow.mint(request(), never)
    expect(aws.clock.slept).toEqual([1_000])
    aws.server.script('AssumeRole', { kind: 'error', status: 400, code: 'Throttling' })
    const thrown = await failure(slow.mint(request(), never))
    expect(thrown.code).toBe('PROVIDER_THROTTLED')
    expect(thrown.details.outcome).toBe('not_minted')
  })
})

describe('secrets', () => {
  test('are in no error, whatever AWS answers and the SDK attaches', async () => {
    const leak = `${BROKER_SECRET} ${EXTERNAL_ID}`
    const faults: Fault[] = [
      {
        kind: 'error',
        status: 403,
        code: 'SignatureDoesNotMatch',
        message: `The Canonical String should have been ${leak}`,
      },
      { kind: 'error', status: 403, code: 'AccessDenied', message: leak },
      { kind: 'error', status: 400, code: BROKER_SECRET, message: leak },
      { kind: 'garbage', body: `<Unclosed>${leak}` },
      { kind: 'garbage', status: 500, body: leak },
      { kind: 'edit', edit: (xml) => xml.replace('assumed-role/reader/', 'assumed-role/writer/') },
      { kind: 'edit', edit: (xml) => xml.slice(0, -40) },
      { kind: 'date', skewMs: 400_000 },
      { kind: 'answer_lost' },
    ]
    const provider = aws.with({ mintLimits: { maxAttempts: 1 } })
    let written = ''
    for (const fault of faults) {
      aws.server.script('AssumeRole', fault)
      const thrown = await failure(provider.mint(request(), never))
      written += inspect(thrown, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(thrown) + thrown.stack
      await aws.clock.advance(60_000)
    }
    expect(aws.server.sessions.length).toBeGreaterThan(3)
    expect(written).not.toMatch(/canary-/)
    for (const { secretAccessKey, sessionToken } of aws.server.sessions) {
      expect(written).not.toContain(secretAccessKey)
      expect(written).not.toContain(sessionToken)
    }
    expect(written + aws.failures.join()).not.toContain('canary')
  })
})
