import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { MintRequest } from '../../src/credentials/provider.ts'
import { ROLE } from '../support/fake-provider.ts'
import { caller, openHarness } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Fault, StsServer } from '../support/sts-server.ts'
import { type AwsHarness, BOUNDARY_POLICY, mintRequest, startAws } from './harness.ts'

const never = new AbortController().signal
let aws: AwsHarness
let provider: AwsStsProvider
const ended: string[] = []

beforeEach(async () => {
  aws = await startAws()
  ended.length = 0
  const callEnded = (call: { operation: string; error: Error | undefined }) => {
    if (call.error) ended.push(call.operation)
  }
  provider = aws.with({ mintBy: 'scoped-credentials', observer: { callEnded } })
})
afterEach(() => aws.close())

const mint = (request: MintRequest) => provider.mint(request, never)
const failure = (request: MintRequest) =>
  mint(request).then(
    () => undefined,
    (error) => error,
  )

/** The next lease of the same grant. */
function next({ grant, lease, plan }: MintRequest, number: number): MintRequest {
  const now = aws.clock.now()
  const ends = Math.min(now.getTime() + 300_000, grant.deadline?.getTime() ?? Number.POSITIVE_INFINITY)
  const sessionName = provider.nameSession({ grantId: grant.id, number, agent: grant.subject })
  return { grant, plan, lease: { ...lease, number, sessionName, intendedAt: now, notAfter: new Date(ends) } }
}

describe('a grant', () => {
  test('has one session, which ends by its deadline, and each lease has its own policy and end', async () => {
    const first = mintRequest(aws.clock.now())
    const one = await mint(first)
    await aws.clock.advance(200_000)
    const second = next(first, 2)
    const two = await mint(second)
    const [session] = aws.server.sessions
    expect(aws.server.sessions).toHaveLength(1)
    expect(session?.sessionName).toBe(first.lease.sessionName)
    expect(session?.policy).toContain(first.grant.deadline?.toISOString().slice(0, 19))
    for (const [at, { lease }, { sessionExpiresAt }] of [
      [0, first, one],
      [1, second, two],
    ] as const) {
      expect(aws.server.scoped[at]?.policy).toContain(lease.notAfter.toISOString().slice(0, 19))
      expect(sessionExpiresAt.getTime() - lease.notAfter.getTime()).toBeLessThanOrEqual(31_000)
    }
    const [asked] = aws.server.calls('GetScopedCredentials')
    expect(asked?.parameters).toMatchObject({ Version: '2011-06-15', DurationSeconds: '330' })
    expect(asked?.headers['x-amz-security-token']).toBe(session?.sessionToken)
    const given = [one, two].map(({ accessKeyId }) => accessKeyId)
    expect(given).toEqual(aws.server.scoped.map(({ accessKeyId }) => accessKeyId))
    expect(given).not.toContain(session?.accessKeyId)
    expect(inspect(provider, { depth: 10, showHidden: true })).not.toContain(session?.secretAccessKey)
  })

  test('never shares its session with another grant', async () => {
    const requests = [mintRequest(aws.clock.now()), mintRequest(aws.clock.now())]
    for (const request of requests) await mint(request)
    expect(aws.server.sessions.map((session) => session.sourceIdentity)).toHaveLength(2)
    expect(new Set(aws.server.scoped.map(({ parentKeyId }) => parentKeyId)).size).toBe(2)
  })

  test('has two known sessions when two first leases are minted at once', async () => {
    const first = mintRequest(aws.clock.now())
    const second = next(first, 2)
    await Promise.all([mint(first), mint(second)])
    const names = aws.server.sessions.map((session) => session.sessionName)
    expect(names.sort()).toEqual([first.lease.sessionName, second.lease.sessionName].sort())
    await mint(next(first, 3))
    expect(aws.server.sessions).toHaveLength(2)
  })

  for (const [name, forget] of [
    ['its last lease is over', () => aws.clock.advance(300_000)],
    ['a deny list names it', (grant: string) => provider.writeDenyList(KEY, { grants: [grant] }, never)],
    [
      'a watermark is past its session',
      () => provider.writeDenyList(KEY, { grants: [], watermark: new Date(aws.clock.now().getTime() + 2_000) }, never),
    ],
    [
      'the broker has started anew',
      () => {
        provider = aws.with({ mintBy: 'scoped-credentials' })
      },
    ],
  ] as [string, (grant: string) => unknown][]) {
    test(`gets another session when ${name}`, async () => {
      const first = mintRequest(aws.clock.now())
      await mint(first)
      await forget(first.grant.id)
      const again = next(first, 2)
      await mint(again)
      expect(aws.server.sessions.map((session) => session.sessionName)).toEqual([
        first.lease.sessionName,
        again.lease.sessionName,
      ])
    })
  }
})

const KEY = `boundary:${BOUNDARY_POLICY}`
const times = (count: number, fault: Fault) => Array.from({ length: count }, () => fault)
const without = (element: string): Fault => ({
  kind: 'edit',
  edit: (xml) => xml.replace(new RegExp(`<${element}>[^<]*</${element}>`), ''),
})

describe('an answer to GetScopedCredentials', () => {
  test('that refuses a lease as too large is remembered, so that no session is made for another one', async () => {
    aws.server.script('GetScopedCredentials', { kind: 'error', status: 400, code: 'PackedPolicyTooLarge' })
    expect(await failure(mintRequest(aws.clock.now()))).toMatchObject({
      code: 'SESSION_POLICY_TOO_LARGE',
      details: { outcome: 'unknown' },
    })
    expect(await failure(mintRequest(aws.clock.now()))).toMatchObject({
      code: 'SESSION_POLICY_TOO_LARGE',
      details: { outcome: 'not_minted' },
    })
    expect(aws.server.sessions).toHaveLength(1)
  })

  for (const [name, faults, code] of [
    ['refuses', [{ kind: 'error', status: 403, code: 'AccessDenied' }], 'PROVIDER_REFUSED'],
    ['throttles', times(3, { kind: 'error', status: 400, code: 'Throttling' }), 'PROVIDER_THROTTLED'],
    ['fails', times(3, { kind: 'error', status: 503, code: 'ServiceUnavailable' }), 'PROVIDER_UNAVAILABLE'],
    ['is lost', times(3, { kind: 'answer_lost' }), 'PROVIDER_UNAVAILABLE'],
    ['is cut short', [{ kind: 'garbage', body: '<GetScopedCredentialsResponse><GetSco' }], 'PROVIDER_ANSWER_INVALID'],
    ['has no expiry', [without('Expiration')], 'PROVIDER_ANSWER_INVALID'],
    ['has no token', [without('SessionToken')], 'PROVIDER_ANSWER_INVALID'],
    [
      'ends with the session instead of the lease',
      [{ kind: 'edit', edit: (xml) => xml.replace(/<Expiration>[^<]*/, '<Expiration>2099-01-01T00:00:00Z') }],
      'PROVIDER_ANSWER_INVALID',
    ],
    [
      'is the session itself',
      [{ kind: 'edit', edit: (xml) => xml.replace(/ASIA\w+/, () => aws.server.sessions[0]?.accessKeyId ?? '') }],
      'PROVIDER_ANSWER_INVALID',
    ],
  ] as [string, Fault[], string][]) {
    test(`that ${name} leaves the lease counted as minted, and the next one uses the session`, async () => {
      aws.server.script('GetScopedCredentials', ...faults)
      const request = mintRequest(aws.clock.now())
      const error = await failure(request)
      expect(error).toMatchObject({ code, details: { outcome: 'unknown' } })
      const { secretAccessKey = '', sessionToken = '' } = aws.server.sessions[0] ?? {}
      const said = inspect(error, { depth: 10 })
      expect(said).not.toContain(secretAccessKey)
      expect(said).not.toContain(sessionToken)
      await mint(next(request, 2))
      expect(aws.server.sessions).toHaveLength(1)
    })
  }

  test('that refuses a later lease made no session, and says so', async () => {
    const first = mintRequest(aws.clock.now())
    await mint(first)
    aws.server.script('GetScopedCredentials', { kind: 'error', status: 403, code: 'AccessDenied' })
    expect(await failure(next(first, 2))).toMatchObject({ details: { outcome: 'not_minted' } })
  })

  test('that the session has expired makes another session, named after the lease', async () => {
    const first = mintRequest(aws.clock.now())
    await mint(first)
    aws.server.script('GetScopedCredentials', { kind: 'error', status: 403, code: 'ExpiredToken' })
    const second = next(first, 2)
    await mint(second)
    expect(aws.server.sessions[1]?.sessionName).toBe(second.lease.sessionName)
    expect(ended).toEqual([])
  })

  test('that rejects even a new session is no fault of the credentials of the broker', async () => {
    aws.server.script('GetScopedCredentials', { kind: 'error', status: 403, code: 'InvalidClientTokenId' })
    const error = await failure(mintRequest(aws.clock.now()))
    expect(error).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      details: { fault: 'grant_session', outcome: 'unknown' },
    })
    expect(ended).toEqual([])
  })
})

test('a session of unknown outcome is never called not minted', async () => {
  aws.server.script('AssumeRole', ...times(3, { kind: 'answer_lost' }))
  expect(await failure(mintRequest(aws.clock.now()))).toMatchObject({ details: { outcome: 'unknown' } })
  expect(aws.server.scoped).toHaveLength(0)
})

test('a deny lasts until the end of the lease, by whichever call it was minted', () => {
  const { lease, plan } = mintRequest(aws.clock.now())
  const issued = [{ ...lease, issuedAt: aws.clock.now() }]
  const until = (which: AwsStsProvider) => which.denyWindow(issued, plan).until.getTime() - aws.clock.now().getTime()
  expect([until(aws.provider), until(provider)]).toEqual([360_000, 360_000])
})

test('a whole grant lives and ends by one session', async () => {
  const clock = new ManualClock()
  const server = await StsServer.start({ clock })
  server.addManagedPolicy(BOUNDARY_POLICY)
  const real = createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint: server.endpoint,
    iamEndpoint: server.endpoint,
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'none' },
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: BOUNDARY_POLICY } }],
    mintBy: 'scoped-credentials',
    clock,
  })
  const harness = await openHarness({ clock, provider: real })
  try {
    const { grant, lease } = await harness.request('scoped-1')
    await clock.advance(200_000)
    await harness.grants.renewLease(caller(), grant.id, harness.signal)
    expect([server.sessions.length, server.scoped.length]).toEqual([1, 2])
    expect(lease?.credentials.id).toBe(server.scoped[0]?.accessKeyId)
    await harness.grants.completeGrant(caller(), grant.id, 'done')
    await clock.advance(300_000)
    await harness.sweeper.sweep()
    expect(await harness.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'completed' })
    const { accessKeyId, secretAccessKey } = server.sessions[0] ?? {}
    const record = JSON.stringify(await harness.ledger.listLeases(grant.id))
    expect(record).not.toContain(accessKeyId)
    expect(record).not.toContain(secretAccessKey)
  } finally {
    await harness.close()
    harness.remove()
    real.close()
    await server.stop()
  }
})
