import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { randomIds } from '../../src/core/ids.ts'
import { TokenBucket } from '../../src/core/limits/token-bucket.ts'
import { Secret } from '../../src/core/secret.ts'
import { assumeRevoker, type RevokerSessionDeps } from '../../src/credentials/aws-sts/accounts/revoker-session.ts'
import { createStsClient } from '../../src/credentials/aws-sts/calls/clients.ts'
import type { ObservedCall } from '../../src/credentials/aws-sts/calls/observer.ts'
import { ExternalIds } from '../../src/credentials/aws-sts/mint/external-ids.ts'
import { BrokerCredentials } from '../../src/credentials/aws-sts/own-credentials/broker-credentials.ts'
import type { AwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { AwsStsProviderOptions } from '../../src/credentials/aws-sts/provider-options.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RecordedRequest } from '../support/sts-server.ts'
import { type AwsHarness, BROKER_SECRET, mintRequest, startAws } from './harness.ts'

const [DEV, STAGING, PROD] = ['111111111111', '222222222222', '333333333333']
const roleIn = (account: string, name = 'stint/deployer') => `arn:aws:iam::${account}:role/${name}`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`
const revokerIn = (account: string) => `arn:aws:iam::${account}:role/stint/revoker`
const ROLES: AwsStsProviderOptions['roles'] = [
  {
    arn: roleIn('*', 'stint/*'),
    accounts: [DEV, STAGING, PROD],
    revocation: {
      kind: 'boundary',
      policyArn: boundaryIn('{account}'),
      revoker: { roleArn: revokerIn('{account}') },
    },
  },
]

const never = new AbortController().signal
let aws: AwsHarness
let provider: AwsStsProvider
const ended: ObservedCall[] = []
beforeEach(async () => {
  aws = await startAws()
  for (const account of [DEV, STAGING, PROD]) aws.server.addManagedPolicy(boundaryIn(account))
  ended.length = 0
  provider = aws.with({ roles: ROLES, observer: { callEnded: (call) => ended.push(call) } })
})
afterEach(() => aws.close())

const grant = () => randomIds.next('grt', aws.clock.now())
const write = (account: string, grants: string[] = [grant()]) =>
  provider.writeDenyList(`boundary:${boundaryIn(account)}`, { grants }, never)
const mint = (roleArn: string) => provider.mint(mintRequest(aws.clock.now(), { roleArn }), never)
const writesIn = (account: string) =>
  aws.server.calls('CreatePolicyVersion').filter(({ parameters }) => parameters.PolicyArn === boundaryIn(account))
const isIn = (account: string) => (request: RecordedRequest) =>
  Object.values(request.parameters).some((value) => value.includes(`:${account}:`)) ||
  aws.server.sessionOf(request)?.roleArn.includes(`:${account}:`) === true

describe('roles of a pattern', () => {
  test('are minted from in each account, and say which list denies them', async () => {
    for (const account of [DEV, PROD]) {
      await mint(roleIn(account))
      expect(provider.findDenyList(roleIn(account))?.key).toBe(`boundary:${boundaryIn(account)}`)
    }
    expect(aws.server.sessions.map(({ roleArn }) => roleArn)).toEqual([roleIn(DEV), roleIn(PROD)])
  })

  for (const [name, roleArn] of [
    ['another account', roleIn('999999999999')],
    ['another path', roleIn(DEV, 'admin')],
    ['the revoker of an account, through which an agent could lift its revocation', revokerIn(DEV)],
  ] as const) {
    test(`do not include ${name}`, async () => {
      await expect(mint(roleArn)).rejects.toMatchObject({ code: 'ROLE_UNKNOWN' })
      expect(aws.server.requests).toEqual([])
      expect(provider.findDenyList(roleArn)).toBeUndefined()
    })
  }
})

describe('a deny list of another account', () => {
  test('is written through the revoker of that account, whose session may do nothing but that', async () => {
    await write(STAGING)
    const [written] = writesIn(STAGING)
    expect(written && aws.server.sessionOf(written)?.roleArn).toBe(revokerIn(STAGING))
    const [assumed] = aws.server.calls('AssumeRole')
    expect(assumed?.parameters).toMatchObject({
      RoleArn: revokerIn(STAGING),
      RoleSessionName: 'stint-revoker',
      DurationSeconds: '900',
    })
    // A source identity cannot be changed along a chain, so one here would collide with that of a broker that has one.
    expect(
      Object.keys(assumed?.parameters ?? {}).filter((name) => /SourceIdentity|Tags|ExternalId/.test(name)),
    ).toEqual([])
    expect(JSON.parse(assumed?.parameters.Policy ?? '')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: [
            'iam:CreatePolicyVersion',
            'iam:DeletePolicyVersion',
            'iam:GetPolicy',
            'iam:GetPolicyVersion',
            'iam:ListPolicyVersions',
          ],
          Resource: boundaryIn(STAGING),
        },
      ],
    })
  })

  test('that is inline is one for all spellings of its role, once a session has shown which is right', async () => {
    provider = aws.with({ roles: [{ arn: roleIn('*', '*'), accounts: [DEV], revocation: { kind: 'inline' } }] })
    const [real, made] = [roleIn(DEV, 'Deployer'), roleIn(DEV, 'deployer')]
    const isServed = (roleArn: string) => provider.fits(`inline:${roleArn}`, { grants: [] }, 0)
    expect([real, made].map(isServed)).toEqual([true, true])
    await mint(real)
    expect([real, made].map((roleArn) => provider.findDenyList(roleArn)?.key)).toEqual(Array(2).fill(`inline:${real}`))
    // IAM finds the policy by the name of the role in any case: a second list would replace what the first one denies.
    expect([real, made].map(isServed)).toEqual([true, false])
  })

  test('that is inline is written through a session for that role alone', async () => {
    aws.server.addRole('deployer')
    provider = aws.with({
      roles: [
        { ...ROLES[0], arn: roleIn('*'), revocation: { kind: 'inline', revoker: { roleArn: revokerIn('{account}') } } },
      ],
    })
    await provider.writeDenyList(`inline:${roleIn(DEV)}`, { grants: [grant()] }, never)
    const policy = JSON.parse(aws.server.calls('AssumeRole')[0]?.parameters.Policy ?? '')
    expect(policy.Statement).toMatchObject([{ Resource: roleIn(DEV) }])
    expect(aws.server.inlineDocument('deployer', 'StintDeny')).toContain('StintDeny')
  })

  test('keeps its session, and takes another before that one ends', async () => {
    await write(DEV)
    await write(DEV)
    expect(aws.server.calls('AssumeRole')).toHaveLength(1)
    await aws.clock.advance(899_000)
    await write(DEV)
    await aws.clock.advance(1_000)
    await write(DEV)
    expect(new Set(writesIn(DEV).map((each) => aws.server.sessionOf(each)?.accessKeyId)).size).toBeGreaterThan(1)
    for (const each of writesIn(DEV)) expect(aws.server.sessionOf(each)).toBeDefined()
  })

  test('is written with another session when AWS refuses the first', async () => {
    await write(DEV)
    await aws.clock.advance(60_000)
    aws.server.script('ListPolicyVersions', { kind: 'error', status: 403, code: 'ExpiredToken' })
    await write(DEV)
    expect(writesIn(DEV)).toHaveLength(2)
    expect(aws.server.calls('AssumeRole')).toHaveLength(2)
  })

  test('follows the external id of its revoker', async () => {
    let externalId = 'first-id'
    const revoker = { roleArn: revokerIn('{account}'), externalId: async () => new Secret(externalId) }
    provider = aws.with({
      roles: [
        {
          ...ROLES[0],
          arn: roleIn('*'),
          revocation: { kind: 'boundary', policyArn: boundaryIn('{account}'), revoker },
        },
      ],
    })
    await write(DEV)
    externalId = 'second-id'
    await aws.clock.advance(20_000)
    aws.server.script('ListPolicyVersions', { kind: 'error', status: 403, code: 'ExpiredToken' })
    await write(DEV)
    expect(aws.server.calls('AssumeRole').map(({ parameters }) => parameters.ExternalId)).toEqual([
      'first-id',
      'second-id',
    ])
  })

  test('is refused for a list that no rule has', async () => {
    await expect(write('999999999999')).rejects.toMatchObject({ code: 'PROVIDER_REFUSED' })
    expect(aws.server.requests).toEqual([])
  })
})

describe('a revoker without rights', () => {
  test('that does not take the broker is named', async () => {
    aws.server.script('AssumeRole', { kind: 'error', status: 403, code: 'AccessDenied' })
    await expect(write(DEV)).rejects.toMatchObject({
      code: 'PROVIDER_REFUSED',
      details: {
        roleArn: revokerIn(DEV),
        explanation: expect.stringContaining(`could not assume the revoker ${revokerIn(DEV)}`),
      },
    })
    expect(ended).toMatchObject([
      { operation: 'AssumeRole', roleArn: revokerIn(DEV) },
      { service: 'iam', accountId: DEV },
    ])
  })

  test('that may not write is named with what it lacks', async () => {
    const message = `User: x is not authorized to perform: iam:CreatePolicyVersion on resource: y`
    aws.server.script('CreatePolicyVersion', { kind: 'error', status: 403, code: 'AccessDenied', message })
    await expect(write(DEV)).rejects.toMatchObject({
      code: 'PROVIDER_REFUSED',
      details: {
        revokerArn: revokerIn(DEV),
        explanation: expect.stringContaining(`denies iam:CreatePolicyVersion to the revoker ${revokerIn(DEV)}`),
      },
    })
  })

  test('answers without credentials: nothing is written', async () => {
    aws.server.script('AssumeRole', {
      kind: 'edit',
      edit: (xml) => xml.replace(/<SessionToken>.*<\/SessionToken>/, ''),
    })
    await expect(write(DEV)).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_INVALID' })
    expect(writesIn(DEV)).toEqual([])
  })
})

describe('an account that fails', () => {
  for (const fault of [
    { kind: 'hang' },
    { kind: 'cut' },
    { kind: 'error', status: 400, code: 'Throttling' },
    { kind: 'error', status: 403, code: 'AccessDenied' },
    { kind: 'error', status: 500, code: 'InternalFailure' },
  ] as const) {
    const what = fault.kind === 'error' ? fault.code : fault.kind
    test(`by ${what} holds up no write of another`, async () => {
      aws.server.whenever((request) => (isIn(DEV)(request) ? fault : undefined))
      const stop = new AbortController()
      const failing = Array.from({ length: 80 }, () =>
        provider.writeDenyList(`boundary:${boundaryIn(DEV)}`, { grants: [grant()] }, stop.signal).catch(() => 'failed'),
      )
      await Promise.all([STAGING, PROD].map((account) => write(account)))
      expect([writesIn(STAGING).length, writesIn(PROD).length]).toEqual([1, 1])
      stop.abort()
      expect(new Set(await Promise.all(failing))).toEqual(new Set(['failed']))
    })
  }

  test('again and again is left alone for ten seconds, and written when it answers', async () => {
    await write(DEV)
    aws.server.whenever(({ action }) =>
      action === 'ListPolicyVersions' ? { kind: 'error', status: 500, code: 'InternalFailure' } : undefined,
    )
    await expect(write(DEV)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    const calls = aws.server.requests.length
    await expect(write(DEV)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(aws.server.requests).toHaveLength(calls)
    aws.server.whenever(undefined)
    await write(PROD)
    await aws.clock.advance(10_000)
    await write(DEV)
    expect(writesIn(DEV)).toHaveLength(2)
  })

  test('by hanging holds up no mint in another, however many wait for it', async () => {
    aws.server.whenever((request) => (isIn(DEV)(request) ? { kind: 'hang' } : undefined))
    const stop = new AbortController()
    // Those beyond an account's share of the sockets wait, on this clock for ever.
    provider = aws.with({ roles: ROLES, clock: new ManualClock() })
    // More than all sockets to STS.
    const waiting = Array.from({ length: 1_100 }, () =>
      provider.mint(mintRequest(aws.clock.now(), { roleArn: roleIn(DEV) }), stop.signal).catch(() => 'stopped'),
    )
    expect((await mint(roleIn(PROD))).kind).toBe('aws')
    stop.abort()
    await Promise.all(waiting)
  })
})

test('no credential of a revoker is in an error or an event', async () => {
  const said: unknown[] = []
  provider = aws.with({
    roles: ROLES,
    observer: { callEnded: (call) => said.push(call), callFailed: (call) => said.push(call) },
  })
  await write(DEV)
  const [session] = aws.server.sessions
  const secrets = [session?.secretAccessKey ?? '', session?.sessionToken ?? '', BROKER_SECRET]
  for (const secret of secrets) {
    const message = `you sent ${secret}`
    aws.server.script('CreatePolicyVersion', { kind: 'error', status: 403, code: 'AccessDenied', message })
    await write(DEV).catch((error) => said.push(error, error.details, error.cause, error.cause?.message))
  }
  const text = said
    .map((each) => (each instanceof Error ? `${each.stack} ${each.message}` : JSON.stringify(each)))
    .join()
  for (const secret of secrets) expect(text).not.toContain(secret)
  expect(said.length).toBeGreaterThan(6)
})

test('revokers are assumed at a pace of their own', async () => {
  const { clock, server } = aws
  const http = { connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 }
  const credentials = new BrokerCredentials({
    read: async () => ({ accessKeyId: 'BROKEREXAMPLE', secretAccessKey: BROKER_SECRET }),
    clock,
  })
  const deps: RevokerSessionDeps = {
    service: 'sts',
    client: createStsClient({
      region: 'eu-west-1',
      endpoint: server.endpoint,
      credentials: credentials.source,
      http,
      maxSockets: 8,
    }),
    credentials,
    clock,
    random: () => 0.5,
    attemptTimeoutMs: 7_000,
    observer: {},
    bucket: new TokenBucket({ clock, ratePerSecond: 2 }),
    externalIds: new ExternalIds({ find: () => undefined, clock }),
  }
  const assume = (account: string) =>
    assumeRevoker(deps, { roleArn: revokerIn(account), externalId: undefined, target: 'x', sessionPolicy: '{}' }, never)
  for (const account of [DEV, STAGING, PROD]) await assume(account)
  // Two at once, and the third half a second later.
  expect(clock.slept).toEqual([500])
  deps.client.destroy()
})
