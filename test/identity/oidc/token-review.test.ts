import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import { takeTokenApart } from '../../../src/identity/jwt/jwt-token.ts'
import { createOidcVerifier, lookAtReview } from '../../../src/start/identity/issuers.ts'
import { recordOf } from '../../support/audit-record.ts'
import { bearer, caller, type Harness, openConnection, openHarness, task } from '../../support/grant-harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type RunningIssuer, startIssuer } from '../../support/oidc-issuer.ts'
import { keySet, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { AUDIENCE, KINDS } from '../../vectors/identity/oidc.ts'

const NAME = 'https://kubernetes.default.svc.cluster.local'
const SA_UID = 'c0ffee00-1111-4222-8333-444455556666'
const POD_UID = 'deadbeef-1111-4222-8333-444455556666'

/** What kube-apiserver 1.35 answers for a good token of a pod. */
const GOOD = {
  authenticated: true,
  user: {
    username: 'system:serviceaccount:data:reporter',
    uid: SA_UID,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:data', 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/pod-name': ['reporter-5d'],
      'authentication.kubernetes.io/pod-uid': [POD_UID],
    },
  },
  audiences: [AUDIENCE],
}

let folder: string
let server: RunningIssuer
let clock: ManualClock
let outcomes: (string | undefined)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-review-'))
  server = await startIssuer()
  server.behaviour.bearer = 'broker'
  server.behaviour.review = () => GOOD
  clock = new ManualClock(new Date().toISOString())
  outcomes = []
})

afterEach(async () => {
  await server.stop().catch(() => undefined)
  await rm(folder, { recursive: true, force: true })
})

describe('a cluster that is asked whether a token still counts', () => {
  test('gets the token and the audience, from the broker by its own token', async () => {
    const token = clusterToken()
    let asked: unknown
    server.behaviour.review = (spec) => {
      asked = spec
      return GOOD
    }
    await ask(token)
    expect(asked).toEqual({ token, audiences: [AUDIENCE] })
    expect(outcomes).toEqual([undefined])
  })

  for (const { name, status } of [
    { name: 'says no', status: { authenticated: false, error: 'service account token has been invalidated' } },
    { name: 'says nothing', status: {} },
    { name: 'says yes as a text', status: { ...GOOD, authenticated: 'true' } },
    { name: 'knows no audiences', status: { ...GOOD, audiences: undefined } },
    { name: 'names another audience', status: { ...GOOD, audiences: ['https://kubernetes.default.svc'] } },
    { name: 'names another service account', status: changed({ username: 'system:serviceaccount:data:other' }) },
    { name: 'names a service account made anew', status: changed({ uid: 'another' }) },
    { name: 'names another pod', status: changed({ extra: { 'authentication.kubernetes.io/pod-uid': ['another'] } }) },
    { name: 'names nobody', status: { ...GOOD, user: undefined } },
  ]) {
    test(`and ${name} ends what the token is good for`, async () => {
      server.behaviour.review = () => status
      await expect(ask(clusterToken())).rejects.toMatchObject({
        code: 'TOKEN_INVALID',
        details: { check: 'token-review' },
      })
    })
  }

  for (const { name, set } of [
    { name: 'refuses the broker’s token (401)', set: () => writeFile(join(folder, 'token'), 'old') },
    { name: 'is something else (404)', set: () => delete server.behaviour.review },
    { name: 'answers 500', set: () => intercept((response) => response.writeHead(500).end()) },
    { name: 'answers no JSON', set: () => intercept((response) => response.writeHead(201).end('<html>')) },
    {
      name: 'answers another kind',
      set: () => intercept((response) => response.writeHead(201).end('{"kind":"Status"}')),
    },
    {
      name: 'answers 200 bytes too many',
      set: () => intercept((response) => response.end(Buffer.alloc(1_048_776, 32))),
    },
    { name: 'is away', set: () => server.stop() },
    {
      name: 'sends it elsewhere',
      set: () => intercept((response) => response.writeHead(307, { location: 'https://169.254.169.254/' }).end()),
    },
  ]) {
    test(`and ${name} can be asked again later, and nothing is given until then`, async () => {
      const review = await reviewOf(clusterToken())
      await set()
      await expect(review()).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE', retryable: true })
      expect(outcomes).toEqual([expect.stringMatching(/ISSUER_INVALID|FETCH_FAILED/)])
    })
  }

  test('is one of several servers, of which the first that answers decides', async () => {
    const other = await startIssuer()
    other.behaviour.bearer = 'broker'
    other.behaviour.review = () => GOOD
    const review = await reviewOf(clusterToken(), [server, other])
    await server.stop()
    await review()
    await other.stop()
    await expect(review()).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
  })

  test('says to the doctor whether it would answer', async () => {
    server.behaviour.review = () => ({ authenticated: false })
    await lookAtReview(await settings([server]))
    server.behaviour.bearer = 'another'
    await expect(lookAtReview(await settings([server]))).rejects.toMatchObject({ details: { check: 'token-review' } })
  })
})

describe('a call that mints', () => {
  let harness: Harness
  beforeEach(async () => {
    harness = await openHarness()
  })
  afterEach(async () => {
    await harness.close()
    harness.remove()
  })

  const { token } = bearer(openConnection('con_1'))

  test('asks first, and a refusal leaves no grant and is on record', async () => {
    const { grants, ledger, signal } = harness
    const agent = caller({ askIssuer: await reviewOf(clusterToken()), ...(token && { token }) })
    server.behaviour.review = () => ({ authenticated: false })
    const request = { task: task(), idempotencyKey: 'once-0001' }
    await expect(grants.requestGrant(agent, request, signal)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    expect(await ledger.findGrantByKey(agent.subject, request.idempotencyKey)).toBeUndefined()
    const events = await recordOf(ledger)
    expect(events.at(-1)).toMatchObject({ type: 'identity.refused', data: { check: 'token-review' } })
  })

  test('that its cluster refuses over and over makes nobody wait and does not fill the record', async () => {
    const { grants, ledger, signal } = harness
    const agent = caller({ askIssuer: await reviewOf(clusterToken()) })
    server.behaviour.review = () => ({ authenticated: false })
    for (let index = 0; index < 100; index += 1) {
      await harness.clock.advance(200)
      const request = { task: task(), idempotencyKey: `refused-${index}` }
      await expect(grants.requestGrant(agent, request, signal)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    }
    expect((await recordOf(ledger)).length).toBeLessThan(20)
    server.behaviour.review = () => GOOD
    const request = { task: task(), idempotencyKey: 'good-0001' }
    expect((await grants.requestGrant(agent, request, signal)).lease).toBeDefined()
  })

  test('spends no token and is no refusal on record while the cluster cannot be asked', async () => {
    const { grants, ledger, signal } = harness
    const agent = caller({ askIssuer: await reviewOf(clusterToken()), ...(token && { token }) })
    intercept((response) => response.writeHead(503).end())
    const request = { task: task(), idempotencyKey: 'once-0002' }
    await expect(grants.requestGrant(agent, request, signal)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    expect(await recordOf(ledger)).toEqual([])
    delete server.behaviour.intercept
    expect((await grants.requestGrant(agent, request, signal)).lease).toBeDefined()
  })

  test('is refused when it renews after the pod is gone; reading is not', async () => {
    const { grants, signal } = harness
    const agent = caller({ askIssuer: await reviewOf(clusterToken()) })
    const { grant } = await grants.requestGrant(agent, { task: task(), idempotencyKey: 'once-0003' }, signal)
    server.behaviour.review = () => ({ authenticated: false, error: 'pods "reporter-5d" not found' })
    await expect(grants.renewLease(agent, grant.id, signal)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    expect((await grants.getGrant(agent, grant.id)).grant.id).toBe(grant.id)
  })
})

function changed(user: object) {
  return { ...GOOD, user: { ...GOOD.user, ...user } }
}

function intercept(answer: (response: Parameters<NonNullable<RunningIssuer['behaviour']['intercept']>>[1]) => unknown) {
  server.behaviour.intercept = (_, response) => {
    answer(response)
    return true
  }
}

async function ask(token: string): Promise<void> {
  await (await reviewOf(token))()
}

type OidcConfig = Parameters<typeof lookAtReview>[0]

async function settings(servers: readonly RunningIssuer[]): Promise<OidcConfig> {
  const [keysFile, caFile, tokenFile] = ['keys', 'roots', 'token'].map((name) => join(folder, name))
  await writeFile(keysFile ?? '', keySet())
  await writeFile(caFile ?? '', servers.map(({ ca }) => ca).join('\n'))
  await writeFile(tokenFile ?? '', 'broker')
  return {
    alias: 'cluster',
    preset: 'kubernetes',
    issuer: NAME,
    audience: [AUDIENCE],
    keysFile,
    caFile,
    tokenFile,
    allowPrivate: ['127.0.0.1'],
    tokenReviewUrl: servers.map(({ url }) => url),
  }
}

test('an issuer that was taken away while it was asked is no problem any more', async () => {
  const { verifier, askIssuer } = await shown(clusterToken())
  server.behaviour.review = () => {
    verifier.replace({
      issuers: [],
      fetchFor: () => () => Promise.reject(new Error('nobody is asked')),
      kept: new Set(),
    })
    return 'no review'
  }
  await expect(askIssuer()).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
  expect(outcomes).toEqual([])
})

/** What a verified token brings along to be asked. */
async function reviewOf(text: string, servers: readonly RunningIssuer[] = [server]) {
  return (await shown(text, servers)).askIssuer
}

async function shown(text: string, servers: readonly RunningIssuer[] = [server]) {
  const config = { identity: { oidc: [await settings(servers)], reloadEvery: 5_000 } }
  const verifier = await createOidcVerifier(config as unknown as Parameters<typeof createOidcVerifier>[0], {
    clock,
    onReview: (_, problem: StintError | undefined) => outcomes.push(problem?.code),
  })
  const { askIssuer } = await verifier.verify(takeTokenApart(text), clock.now())
  if (!askIssuer) throw new Error('nothing to ask')
  return { verifier, askIssuer: (signal: AbortSignal = new AbortController().signal) => askIssuer(signal) }
}

function clusterToken(): string {
  const iat = Math.floor(clock.now().getTime() / 1_000)
  const claims = { ...KINDS.kubernetes.claims, iss: NAME, aud: [AUDIENCE], iat, exp: iat + 600 }
  return signedToken({ alg: 'RS256', kid: 'rsa' }, claims, OIDC_KEYS.rsa.privateKey)
}
