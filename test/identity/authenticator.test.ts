import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Authenticator } from '../../src/identity/authenticator.ts'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../src/identity/bundle/trust-bundle.ts'
import { createJwtSvidVerifier } from '../../src/identity/jwt/jwt-svid.ts'
import { VerifiedConnection } from '../../src/identity/verified-connection.ts'
import type { PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { NOW, storeOf } from '../support/pki.ts'

const AUDIENCE = 'spiffe://a.test/stint'
const VIA = { id: 'con_1', closed: new AbortController().signal }
let domain: PracticeTrustDomain
let bundles: BundleStore
let connection: VerifiedConnection
let verifications = 0

beforeAll(async () => {
  domain = await createTrustDomain('a.test', { now: NOW })
})

beforeEach(async () => {
  bundles = storeOf(domain)
  const { chain } = await domain.issueX509Svid({ path: '/x', now: NOW })
  connection = new VerifiedConnection({ chain, bundles, now: NOW, peer: 'test' })
})

describe('Authenticator', () => {
  test('names the agent of a certificate, without a replay key', async () => {
    const identity = await make().authenticate({ connection }, NOW)
    expect(identity).toEqual({
      subject: 'spiffe://a.test/x',
      trustDomain: 'a.test',
      authMethod: 'x509-svid',
      expiresAt: new Date(NOW.getTime() + 3_600_000),
      evidence: { certificateFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
  })

  test('J33 names the agent of a token alone with the key that the replay guard needs', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW, claims: { jti: 'id-1' } })
    const until = new Date(NOW.getTime() + 310_000)
    expect(await make().authenticate({ via: VIA, authorization: [`Bearer ${token}`] }, NOW)).toMatchObject({
      authMethod: 'jwt-svid',
      expiresAt: until,
      evidence: { tokenId: 'id-1' },
      token: { key: expect.stringMatching(/^[0-9a-f]{64}$/), until, connection: VIA },
    })
  })

  test('takes no token alone from a connection that has closed', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW })
    const proofs = { via: undefined, authorization: [`Bearer ${token}`] }
    await expect(make().authenticate(proofs, NOW)).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('with both proofs keeps the earlier end and needs no replay guard', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW })
    const identity = await make().authenticate({ connection, authorization: [`bearer ${token}`] }, NOW)
    expect(identity).toMatchObject({ authMethod: 'x509-svid+jwt-svid', expiresAt: new Date(NOW.getTime() + 310_000) })
    expect(identity.token).toBeUndefined()
  })

  test('is not swayed by a good proof beside a bad one', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW, ttlSeconds: 3600 })
    const late = new Date(NOW.getTime() + 3_600_001)
    const authorization = [`Bearer ${token}`]
    await expect(make().authenticate({ connection, authorization }, late)).rejects.toMatchObject({
      code: 'SVID_EXPIRED',
    })
    await expect(make().authenticate({ connection, authorization: ['Bearer x.y.z'] }, NOW)).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    })
    const other = await domain.issueJwtSvid({ path: '/y', audience: AUDIENCE, now: NOW })
    await expect(make().authenticate({ connection, authorization: [`Bearer ${other}`] }, NOW)).rejects.toMatchObject({
      code: 'IDENTITY_MISMATCH',
    })
  })

  for (const { name, values, check } of [
    { name: 'two values', values: ['Bearer a.b.c', 'Bearer a.b.c'], check: 'several' },
    { name: 'another scheme', values: ['Basic abc'], check: 'scheme' },
    { name: 'two values in one', values: ['Bearer a.b.c, Bearer a.b.c'], check: 'scheme' },
    { name: 'an empty value', values: [''], check: 'scheme' },
    { name: 'bytes', values: [Buffer.from('Bearer a.b.c')], check: 'scheme' },
  ]) {
    test(`refuses ${name}, also beside a certificate`, async () => {
      for (const proofs of [{ authorization: values }, { authorization: values, connection }]) {
        await expect(make().authenticate(proofs, NOW)).rejects.toMatchObject({
          code: 'TOKEN_INVALID',
          details: { check },
        })
      }
    })
  }

  test('refuses a call without proof, and a token alone where certificates are required', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW })
    const verifier = createJwtSvidVerifier({ audience: AUDIENCE })
    const strict = new Authenticator({ bundles, tokens: () => verifier })
    await expect(strict.authenticate({}, NOW)).rejects.toMatchObject({ code: 'IDENTITY_REQUIRED' })
    for (const authenticator of [strict, new Authenticator({ bundles })]) {
      const proofs = { authorization: [`Bearer ${token}`] }
      await expect(authenticator.authenticate(proofs, NOW)).rejects.toMatchObject({
        details: { check: 'not-accepted' },
      })
    }
  })

  test('checks a token once, and again when the bundles change or its time is over', async () => {
    const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW })
    const [authenticator, proofs] = [make(), { via: VIA, authorization: [`Bearer ${token}`] }]
    for (let i = 0; i < 3; i++) await authenticator.authenticate(proofs, NOW)
    expect(verifications).toBe(1)
    await expect(authenticator.authenticate(proofs, new Date(NOW.getTime() + 310_000))).rejects.toMatchObject({
      code: 'TOKEN_EXPIRED',
    })
    const rolled = await createTrustDomain('a.test', { now: NOW })
    bundles.replace('a.test', parseSpiffeBundle('a.test', rolled.bundleJson({ sequence: 2 })).bundle)
    await expect(authenticator.authenticate(proofs, NOW)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  })
})

describe('VerifiedConnection', () => {
  test('stays good through a change of another domain, and comes back when its root does', async () => {
    const other = await createTrustDomain('b.test', { now: NOW })
    const before = connection.svid(NOW)
    bundles.replace('b.test', parseSpiffeBundle('b.test', other.bundleJson()).bundle)
    expect(connection.svid(NOW)).toBe(before)
    bundles.remove('a.test')
    expect(() => connection.svid(NOW)).toThrow(expect.objectContaining({ code: 'TRUST_DOMAIN_UNKNOWN' }))
    bundles.replace('a.test', parseSpiffeBundle('a.test', domain.bundleJson()).bundle)
    expect(connection.svid(NOW).id.path).toBe('/x')
  })
})

/** Takes tokens alone, and counts how often one is verified. */
function make(): Authenticator {
  verifications = 0
  const real = createJwtSvidVerifier({ audience: AUDIENCE })
  const tokens: typeof real = {
    verify: (token, context) => {
      verifications += 1
      return real.verify(token, context)
    },
  }
  return new Authenticator({ bundles, tokens: () => tokens, bearerAlone: true })
}
