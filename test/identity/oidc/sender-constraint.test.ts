import { beforeAll, describe, expect, test } from 'vitest'
import { Authenticator, refusedTokenId } from '../../../src/identity/authenticator.ts'
import type { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { createJwtSvidVerifier } from '../../../src/identity/jwt/jwt-svid.ts'
import { takeTokenApart } from '../../../src/identity/jwt/jwt-token.ts'
import { defineIssuer } from '../../../src/identity/oidc/issuer.ts'
import { OidcVerifier } from '../../../src/identity/oidc/oidc-verifier.ts'
import { VerifiedConnection } from '../../../src/identity/verified-connection.ts'
import type { PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { documentsOf, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { NOW, storeOf } from '../../support/pki.ts'
import { AUDIENCE, IAT, KINDS } from '../../vectors/identity/oidc.ts'

const VIA = { id: 'con_1', closed: new AbortController().signal }
let domain: PracticeTrustDomain
let bundles: BundleStore
let connection: VerifiedConnection
let other: VerifiedConnection

beforeAll(async () => {
  domain = await createTrustDomain('a.test', { now: NOW })
  bundles = storeOf(domain)
  const connect = async () => {
    const { chain } = await domain.issueX509Svid({ path: '/x', now: NOW })
    return new VerifiedConnection({ chain, bundles, now: NOW, peer: 'test' })
  }
  connection = await connect()
  other = await connect()
})

describe('a token of an OIDC issuer', () => {
  test('alone names its agent, and what the replay guard needs', async () => {
    const { subject } = KINDS.plain
    expect(await bearer().authenticate({ via: VIA, authorization: [oidc({ jti: 'id-1' })] }, NOW)).toEqual({
      subject,
      trustDomain: 'oidc:corp',
      authMethod: 'oidc',
      expiresAt: new Date((IAT + 310) * 1000),
      evidence: { tokenId: 'id-1' },
      token: {
        key: expect.stringMatching(/^[0-9a-f]{64}$/),
        until: new Date((IAT + 310) * 1000),
        connection: VIA,
      },
    })
  })

  test('is refused alone on the port for certificates', async () => {
    await expect(mutual().authenticate({ authorization: [oidc()] }, NOW)).rejects.toMatchObject({
      details: { check: 'not-accepted' },
    })
  })

  test('is refused where no issuer is configured', async () => {
    const authenticator = new Authenticator({ bundles, tokens: svids, bearerAlone: true })
    await expect(authenticator.authenticate({ authorization: [oidc()] }, NOW)).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      details: { check: 'issuer' },
    })
  })

  test('is not taken for a JWT-SVID, nor a JWT-SVID for one', async () => {
    const svid = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW })
    expect(await bearer().authenticate({ via: VIA, authorization: [`Bearer ${svid}`] }, NOW)).toMatchObject({
      authMethod: 'jwt-svid',
    })
    const only = new Authenticator({ bundles, oidc: issuers(), bearerAlone: true })
    await expect(only.authenticate({ authorization: [`Bearer ${svid}`] }, NOW)).rejects.toMatchObject({
      details: { check: 'issuer' },
    })
    const named = oidc({ sub: 'spiffe://a.test/x' })
    expect(await bearer().authenticate({ via: VIA, authorization: [named] }, NOW)).toMatchObject({
      subject: 'oidc:corp:tenant=t1;sub=spiffe://a.test/x',
      trustDomain: 'oidc:corp',
    })
  })

  test('beside a certificate that it is not bound to is a mismatch', async () => {
    const proofs = { connection, authorization: [oidc()] }
    await expect(mutual().authenticate(proofs, NOW)).rejects.toMatchObject({ code: 'IDENTITY_MISMATCH' })
  })

  test('bound to the certificate of the connection names the agent, until the first of both ends', async () => {
    const proofs = { connection, authorization: [oidc({ cnf: bound(connection) })] }
    const identity = await mutual().authenticate(proofs, NOW)
    expect(identity).toMatchObject({
      subject: KINDS.plain.subject,
      trustDomain: 'oidc:corp',
      authMethod: 'x509-svid+oidc',
      expiresAt: new Date((IAT + 310) * 1000),
      evidence: { certificateFingerprint: connection.svid(NOW).fingerprint, tokenId: expect.any(String) },
    })
    expect(identity.token).toBeUndefined()
  })

  test('RFC 8705 3.1: bound to a certificate is refused over another connection, and as a bearer token', async () => {
    const authorization = [oidc({ cnf: bound(other) })]
    for (const [authenticator, proofs] of [
      [mutual(), { connection, authorization }],
      [bearer(), { authorization }],
    ] as const) {
      await expect(authenticator.authenticate(proofs, NOW)).rejects.toMatchObject({ code: 'TOKEN_BINDING_MISMATCH' })
    }
  })

  test('of an issuer whose keys are withdrawn is refused on the next call', async () => {
    const clock = new ManualClock()
    let keys = JSON.stringify({ keys: [{ ...OIDC_KEYS.rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa' }] })
    const fetchFor = ({ issuer }: { issuer: string }) => documentsOf(issuer, () => keys)
    const verifier = new OidcVerifier({ issuers: [defineIssuer(KINDS.plain.settings)], fetchFor, clock })
    const authenticator = new Authenticator({ bundles, oidc: verifier, bearerAlone: true })
    const proofs = { via: VIA, authorization: [oidc()] }
    await authenticator.authenticate(proofs, NOW)
    keys = keys.replace('"rsa"', '"next"')
    await clock.advance(30_000)
    await verifier.verify(takeTokenApart(text({}, { kid: 'next' })), NOW)
    await expect(authenticator.authenticate(proofs, NOW)).rejects.toMatchObject({ details: { check: 'kid' } })
  })
})

describe('a JWT-SVID that is bound', () => {
  const svid = async (cnf: unknown) =>
    `Bearer ${await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE, now: NOW, claims: { cnf } })}`

  test('passes over the connection of its certificate', async () => {
    const proofs = { connection, authorization: [await svid(bound(connection))] }
    expect(await mutual().authenticate(proofs, NOW)).toMatchObject({ authMethod: 'x509-svid+jwt-svid' })
  })

  test('is refused over another connection of the same agent, and alone', async () => {
    const authorization = [await svid(bound(other))]
    await expect(mutual().authenticate({ connection, authorization }, NOW)).rejects.toMatchObject({
      code: 'TOKEN_BINDING_MISMATCH',
    })
    await expect(bearer().authenticate({ via: VIA, authorization }, NOW)).rejects.toMatchObject({
      code: 'TOKEN_BINDING_MISMATCH',
    })
  })

  test('to a key that cannot be proved here is refused', async () => {
    const authorization = [await svid({ jkt: 'abc' })]
    await expect(bearer().authenticate({ via: VIA, authorization }, NOW)).rejects.toMatchObject({
      details: { check: 'confirmation' },
    })
  })
})

describe('refusedTokenId', () => {
  test('is the same for every signature, and holds nothing of the token', () => {
    const id = refusedTokenId(['Bearer aaa.bbb.ccc'])
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(refusedTokenId(['Bearer aaa.bbb.ddd'])).toBe(id)
    expect(refusedTokenId(['Bearer aaa.bbc.ccc'])).not.toBe(id)
    for (const values of [[], ['Basic x'], ['Bearer a.b.c', 'Bearer a.b.c']])
      expect(refusedTokenId(values)).toBeUndefined()
  })
})

function issuers(): OidcVerifier {
  const fetchFor = ({ issuer }: { issuer: string }) => documentsOf(issuer)
  return new OidcVerifier({ issuers: [defineIssuer(KINDS.plain.settings)], fetchFor, clock: new ManualClock() })
}

function svids() {
  return createJwtSvidVerifier({ audience: AUDIENCE })
}

function bearer(): Authenticator {
  return new Authenticator({ bundles, tokens: svids, oidc: issuers(), bearerAlone: true })
}

function mutual(): Authenticator {
  return new Authenticator({ bundles, tokens: svids, oidc: issuers() })
}

function text(claims: Record<string, unknown>, header: Record<string, unknown>): string {
  const merged = { aud: AUDIENCE, iat: IAT, exp: IAT + 300, ...KINDS.plain.claims, ...claims }
  return signedToken({ alg: 'RS256', typ: 'JWT', kid: 'rsa', ...header }, merged, OIDC_KEYS.rsa.privateKey)
}

function oidc(claims: Record<string, unknown> = {}): string {
  return `Bearer ${text(claims, {})}`
}

function bound(to: VerifiedConnection): Record<string, string> {
  return { 'x5t#S256': Buffer.from(to.svid(NOW).fingerprint, 'hex').toString('base64url') }
}
