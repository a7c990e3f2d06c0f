import { describe, expect, test } from 'vitest'
import { takeTokenApart } from '../../../src/identity/jwt/jwt-token.ts'
import { defineIssuer } from '../../../src/identity/oidc/issuer.ts'
import { OidcVerifier } from '../../../src/identity/oidc/oidc-verifier.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { documentsOf, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { NOW } from '../../support/pki.ts'
import type { OidcVector } from '../../vectors/identity/oidc.ts'
import { AUDIENCE, BAD_SETTINGS, IAT, KINDS, OIDC_VECTORS } from '../../vectors/identity/oidc.ts'

describe('OidcVerifier', () => {
  for (const vector of OIDC_VECTORS) {
    test(`${vector.id} ${vector.check ? 'refuses' : 'accepts'} ${vector.name}`, async () => {
      const result = verify(vector)
      if (!vector.check) {
        const subject = vector.subject ?? KINDS[vector.kind ?? 'plain'].subject
        return expect(await result).toMatchObject({ subject })
      }
      const code = vector.code ?? 'TOKEN_INVALID'
      await expect(result).rejects.toMatchObject({ code, details: { check: vector.check } })
    })
  }

  test('keeps the names of two issuers apart whose claims are the same', async () => {
    const two = ['one', 'two'].map((alias) => ({ ...KINDS.plain.settings, alias, issuer: `https://${alias}.example` }))
    const verifier = verifierOf(...two)
    const subjects = await Promise.all(
      two.map(
        async ({ issuer }) =>
          (await verifier.verify(token({ id: '', name: '', source: '', claims: { iss: issuer } }), NOW)).subject,
      ),
    )
    expect(new Set(subjects).size).toBe(2)
  })

  test('does not take the key of one issuer for a token of another', async () => {
    const evil = { ...KINDS.plain.settings, alias: 'evil', issuer: 'https://evil.example' }
    const issuers = [KINDS.plain.settings, evil].map(defineIssuer)
    const keys = JSON.stringify({ keys: [{ ...OIDC_KEYS.other.publicKey.export({ format: 'jwk' }), kid: 'rsa' }] })
    const verifier = new OidcVerifier({
      issuers,
      fetchFor: ({ issuer }) => (issuer === evil.issuer ? documentsOf(issuer, () => keys) : documentsOf(issuer)),
      clock: new ManualClock(),
    })
    const own = token({ id: '', name: '', source: '', claims: { iss: evil.issuer }, signedBy: 'other' })
    expect(await verifier.verify(own, NOW)).toMatchObject({ trustDomain: 'oidc:evil' })
    const forged = token({ id: '', name: '', source: '', signedBy: 'other' })
    await expect(verifier.verify(forged, NOW)).rejects.toMatchObject({ details: { check: 'signature' } })
  })

  test('takes any of several audiences, and shows both sides when none is named', async () => {
    const settings = { audience: ['https://stint.example.org', 'api://stint'] }
    for (const aud of ['api://stint', ['https://stint.example.org'], ['api://stint', 'https://stint.example.org']])
      expect(await verify({ id: '', name: '', source: '', settings, claims: { aud } })).toBeDefined()
    const refused = verify({ id: '', name: '', source: '', settings, claims: { aud: 'https://else.example' } })
    const both = /"https:\/\/else\.example".*"https:\/\/stint\.example\.org" or "api:\/\/stint"/
    await expect(refused).rejects.toMatchObject({
      details: { check: 'audience', explanation: expect.stringMatching(both) },
    })
  })

  test('names two EC tokens apart whose signatures alone differ', async () => {
    const keys = await Promise.all(
      [1, 2].map(
        async () =>
          (
            await verify({
              id: '',
              name: '',
              source: '',
              header: { alg: 'ES384', kid: 'ec' },
              settings: { algorithms: ['ES384'] },
            })
          ).replay.key,
      ),
    )
    expect(new Set(keys).size).toBe(2)
  })

  test('names a token to the replay guard by issuer and jti, else by what was signed', async () => {
    const by = async (claims: Record<string, unknown>) =>
      (await verify({ id: '', name: '', source: '', claims })).replay.key
    expect(await by({ jti: 'a', tenant: 't1' })).toBe(await by({ jti: 'a', tenant: 't2' }))
    expect(await by({ jti: 'a' })).not.toBe(await by({ jti: 'b' }))
    expect(await by({ tenant: 't1' })).not.toBe(await by({ tenant: 't2' }))
    const [first, second] = ['one', 'two'].map((alias) => ({
      ...KINDS.plain.settings,
      alias,
      issuer: `https://${alias}.example`,
    }))
    const keys = await Promise.all(
      [first, second].map(async (settings) => {
        const made = token({ id: '', name: '', source: '', claims: { iss: settings?.issuer, jti: 'a' } })
        return (await verifierOf(settings ?? KINDS.plain.settings).verify(made, NOW)).replay.key
      }),
    )
    expect(new Set(keys).size).toBe(2)
  })

  test('remembers a token until it could not be used any more, also when its age ends first', async () => {
    const verified = await verify({ id: '', name: '', source: '', claims: { exp: IAT + 3_000 } })
    expect(verified.acceptedUntil).toEqual(new Date((IAT + 610) * 1000))
    expect(verified.replay.until).toEqual(new Date((IAT + 3_010) * 1000))
  })

  test('keeps the facets of an Entra agent identity for the record', async () => {
    expect((await verify({ id: '', name: '', source: '', kind: 'entra' })).facets).toEqual({
      actorFacets: '3 11',
      parentApp: 'cccccccc-dddd-4eee-8fff-000000000000',
    })
  })

  test('cuts a long facet to whole characters, which can go on record', async () => {
    const claims = { xms_par_app_azp: `${'x'.repeat(199)}\u{1f600}${'x'.repeat(50)}` }
    const { facets } = await verify({ id: '', name: '', source: '', kind: 'entra', claims })
    expect(facets?.parentApp).toMatch(/^x{199}\ufffd$/)
  })
})

describe('defineIssuer', () => {
  for (const { name, kind = 'plain', settings, path } of BAD_SETTINGS) {
    test(`refuses ${name}`, () => {
      const define = () => defineIssuer({ ...KINDS[kind].settings, ...settings })
      expect(define).toThrowError(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          details: expect.objectContaining({ problems: expect.arrayContaining([expect.objectContaining({ path })]) }),
        }),
      )
    })
  }

  test('lists every problem at once', () => {
    const define = () => defineIssuer({ alias: 'X', issuer: 'http://a', audience: '', algorithms: [], subject: [] })
    const paths = ['alias', 'issuer', 'audience', 'algorithms', 'subject']
    const problems = paths.map((path) => expect.objectContaining({ path }))
    expect(define).toThrowError(expect.objectContaining({ details: expect.objectContaining({ problems }) }))
  })
})

async function verify(vector: OidcVector) {
  const settings = { ...KINDS[vector.kind ?? 'plain'].settings, ...vector.settings }
  return verifierOf(settings).verify(token(vector), NOW)
}

function verifierOf(...settings: Parameters<typeof defineIssuer>[0][]): OidcVerifier {
  const fetchFor = ({ issuer }: { issuer: string }) => documentsOf(issuer)
  return new OidcVerifier({ issuers: settings.map(defineIssuer), fetchFor, clock: new ManualClock() })
}

function token({ kind = 'plain', claims, header, payload, signedBy }: OidcVector) {
  const merged = { aud: AUDIENCE, iat: IAT, exp: IAT + 300, ...KINDS[kind].claims, ...claims }
  const full = { alg: 'RS256', typ: 'JWT', kid: 'rsa', ...header }
  const signer = signedBy ? OIDC_KEYS.other : full.kid === 'ec' ? OIDC_KEYS.ec : OIDC_KEYS.rsa
  return takeTokenApart(signedToken(full, payload ?? merged, signer.privateKey))
}
