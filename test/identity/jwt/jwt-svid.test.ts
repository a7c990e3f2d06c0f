import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import type { JwtSvidRules, VerifiedJwtSvid } from '../../../src/identity/jwt/jwt-svid.ts'
import { createJwtSvidVerifier } from '../../../src/identity/jwt/jwt-svid.ts'
import { NOW } from '../../support/pki.ts'
import type { JwtVector } from '../../vectors/identity/jwt-svids.ts'
import { AUDIENCE, IAT, JWT_VECTORS } from '../../vectors/identity/jwt-svids.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const KEYS = { good: ec('P-256'), other: ec('P-256'), b: ec('P-256'), p384: ec('P-384'), p521: ec('P-521'), rsa }
const store = new BundleStore()

beforeAll(() => {
  const bundle = (...kids: (keyof typeof KEYS)[]): string =>
    JSON.stringify({
      keys: kids.map((kid) => ({ ...KEYS[kid].publicKey.export({ format: 'jwk' }), use: 'jwt-svid', kid })),
    })
  const load = (domain: string, text: string): unknown => store.replace(domain, parseSpiffeBundle(domain, text).bundle)
  load('a.test', bundle('good', 'other', 'p384', 'p521', 'rsa'))
  load('b.test', bundle('b'))
})

describe('a JWT-SVID verifier', () => {
  for (const vector of JWT_VECTORS) {
    const refused = vector.code ?? (vector.check ? 'TOKEN_INVALID' : undefined)
    test(`${vector.id} ${refused ? 'refuses' : 'accepts'} ${vector.name}`, async () => {
      const result = verify(makeToken(vector), vector.rules)
      if (!refused) return expect(await result).toMatchObject({ id: { trustDomain: 'a.test', path: '/x' } })
      await expect(result).rejects.toMatchObject({ code: refused })
      if (vector.check) await expect(result).rejects.toMatchObject({ details: { check: vector.check } })
    })
  }

  for (const [alg, kid] of [
    ['RS256', 'rsa'],
    ['RS384', 'rsa'],
    ['RS512', 'rsa'],
    ['PS256', 'rsa'],
    ['PS384', 'rsa'],
    ['PS512', 'rsa'],
    ['ES256', 'good'],
    ['ES384', 'p384'],
    ['ES512', 'p521'],
  ] as const) {
    test(`J2 accepts ${alg}`, async () => {
      const claims = { sub: 'spiffe://a.test/x', aud: AUDIENCE, exp: IAT + 60 }
      const token = await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(KEYS[kid].privateKey)
      expect((await verify(token)).expiresAt).toEqual(new Date((IAT + 60) * 1000))
    })
  }

  test('J6 refuses none, HMAC with the public key, EdDSA and ES256K', async () => {
    const pem = KEYS.rsa.publicKey.export({ type: 'spki', format: 'pem' })
    const hmac = (input: string): Buffer => createHmac('sha256', pem).update(input).digest()
    const ed = generateKeyPairSync('ed25519').privateKey
    const forged = [
      build({ alg: 'none', kid: 'good' }, plainClaims(), () => Buffer.from('x')),
      build({ alg: 'HS256', kid: 'rsa' }, plainClaims(), hmac),
      build({ alg: 'EdDSA', kid: 'good' }, plainClaims(), (input) => sign(null, Buffer.from(input), ed)),
      build({ alg: 'ES256K', kid: 'good' }, plainClaims(), (input) =>
        sign('sha256', Buffer.from(input), ec('secp256k1').privateKey),
      ),
      build({ kid: 'good' }, plainClaims(), () => Buffer.from('x')),
    ]
    for (const token of forged) await expect(verify(token)).rejects.toMatchObject({ details: { check: 'algorithm' } })
  })

  test('J15 refuses crit, known or not, and b64', async () => {
    for (const more of [{ crit: ['exp'] }, { crit: ['b64'], b64: false }, { b64: false }]) {
      const token = makeToken({ header: more })
      await expect(verify(token)).rejects.toMatchObject({ details: { check: 'header' } })
    }
  })

  test('takes any of several audiences, and those of a trust domain in the place of the common ones', async () => {
    const rules = { audience: ['old', 'new'], audienceByDomain: new Map([['b.test', ['partner']]]) }
    for (const aud of ['old', 'new', ['new', 'old']]) await verify(makeToken({ claims: { aud } }), rules)
    const ofPartner = build(
      { alg: 'ES256', kid: 'b' },
      { ...plainClaims(), sub: 'spiffe://b.test/x', aud: 'partner' },
      (input) => sign('sha256', Buffer.from(input), { key: KEYS.b.privateKey, dsaEncoding: 'ieee-p1363' }),
    )
    expect(await verify(ofPartner, rules)).toMatchObject({ id: { trustDomain: 'b.test' } })
    for (const aud of ['partner', ['old', 'partner'], ['old', 'old'], ['old', 'other']]) {
      const refused = verify(makeToken({ claims: { aud } }), rules)
      await expect(refused).rejects.toMatchObject({ details: { check: 'audience' } })
    }
    const only = { audience: undefined, audienceByDomain: new Map([['b.test', ['partner']]]) }
    await expect(verify(makeToken({}), only)).rejects.toMatchObject({ details: { check: 'audience' } })
  })

  test('shows the audiences of both sides, short and escaped, when they differ', async () => {
    const aud = ['https://old.example', `\u202e\n${'x'.repeat(3_000)}`, 'a', 'b', 'c', 'd', 'e']
    const error: unknown = await verify(makeToken({ claims: { aud } })).catch((caught: unknown) => caught)
    const { explanation } = (error as { details: { explanation: string } }).details
    expect(explanation).toContain(`"https://old.example" or "\\u202e\\nxxx`)
    expect(explanation).toContain(`... and 2 more`.slice(4))
    expect(explanation).toContain(`"${AUDIENCE}"`)
    expect(explanation.length).toBeLessThan(1_000)
    expect(explanation).toMatch(/^[ -~]*$/)
  })

  for (const audience of [
    '',
    ' ',
    undefined as unknown as string,
    [] as unknown as string,
    ['a', ''] as unknown as string,
  ]) {
    test(`J24 cannot be set up for the audience ${JSON.stringify(audience)}`, () => {
      expect(() => createJwtSvidVerifier({ audience })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    })
  }

  test('cannot be set up with more than 30 s of leeway or without a longest life', () => {
    for (const rules of [
      { leewaySeconds: 31 },
      { leewaySeconds: -1 },
      { leewaySeconds: Number.NaN },
      { maxLifetimeSeconds: 0 },
      { maxLifetimeSeconds: Number.POSITIVE_INFINITY },
    ]) {
      expect(() => createJwtSvidVerifier({ audience: AUDIENCE, ...rules })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      )
    }
  })

  for (const [alg, kid, order] of [
    ['ES256', 'good', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'],
    ['ES384', 'p384', `${'f'.repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`],
    ['ES512', 'p521', `1${'f'.repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`],
  ] as const) {
    test(`J33 names an ${alg} token the same when the thief spells its signature in the other way (SEC 1, 4.1.4)`, async () => {
      const token = await new SignJWT(plainClaims()).setProtectedHeader({ alg, kid }).sign(KEYS[kid].privateKey)
      const spelled = otherSpelling(token, BigInt(`0x${order}`))
      expect(spelled).not.toBe(token)
      const [one, two] = [await verify(token), await verify(spelled)]
      expect(two.replayKey).toBe(one.replayKey)
    })

    test(`J33 keeps two ${alg} tokens apart that two SPIRE agents give in one second: only the signature differs`, async () => {
      const sign = () => new SignJWT(plainClaims()).setProtectedHeader({ alg, kid }).sign(KEYS[kid].privateKey)
      const [one, two] = [await verify(await sign()), await verify(await sign())]
      expect(two.tokenId).toBe(one.tokenId)
      expect(two.replayKey).not.toBe(one.replayKey)
    })
  }

  test('J33 names a PS256 token the same when the thief leaves out the zero byte that its signature begins with', async () => {
    const token = pssTokenWithLeadingZero()
    const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')
    const spelled = `${token.slice(0, token.lastIndexOf('.'))}.${signature.subarray(1).toString('base64url')}`
    const [one, two] = [await verify(token), await verify(spelled)]
    expect(two.replayKey).toBe(one.replayKey)
  })

  test('J33 names a token to the replay guard by its jti, and lasts to the end of its leeway', async () => {
    const one = await verify(makeToken({}))
    expect(one.tokenId).toMatch(/^[0-9a-f]{64}$/)
    expect(one.replayUntil).toEqual(new Date((IAT + 310) * 1000))
    const named = await verify(makeToken({ claims: { jti: 'n-1' } }))
    const again = await verify(makeToken({ claims: { jti: 'n-1', nonce: 2 } }))
    expect(named).toMatchObject({ tokenId: 'n-1', replayKey: again.replayKey })
    expect(named.replayKey).not.toBe(one.replayKey)
  })

  test('shows nothing of a refused token in the error', async () => {
    const secret = makeToken({ header: { kid: 'other' } })
    const error: unknown = await verify(secret).catch((caught: unknown) => caught)
    for (const part of secret.split('.')) expect(JSON.stringify(error) + String(error)).not.toContain(part)
  })

  test('refuses every token with a character changed', async () => {
    const token = makeToken({})
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019-_.= \n"'), async (at, character) => {
        fc.pre(token[at] !== character)
        const mutant = token.slice(0, at) + character + token.slice(at + 1)
        await expect(verify(mutant)).rejects.toMatchObject({ code: expect.stringMatching(/^(TOKEN_|TRUST_DOMAIN_)/) })
      }),
      { numRuns: 500, interruptAfterTimeLimit: 2000 },
    )
  })
})

/** The same signature as (r, order - s), which verifies as well. */
function otherSpelling(token: string, order: bigint): string {
  const [header, payload, signature] = token.split('.')
  const bytes = Buffer.from(signature ?? '', 'base64url')
  const half = bytes.length / 2
  const s = (order - BigInt(`0x${bytes.subarray(half).toString('hex')}`)).toString(16).padStart(2 * half, '0')
  return `${header}.${payload}.${Buffer.concat([bytes.subarray(0, half), Buffer.from(s, 'hex')]).toString('base64url')}`
}

/** PSS is random: one signature in 256 begins with a zero byte. */
function pssTokenWithLeadingZero(): string {
  const settings = { key: KEYS.rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  return build({ alg: 'PS256', kid: 'rsa' }, plainClaims(), (input) => {
    for (;;) {
      const signature = sign('sha256', Buffer.from(input), settings)
      if (signature[0] === 0) return signature
    }
  })
}

function verify(token: string, rules: Partial<JwtSvidRules> = {}): Promise<VerifiedJwtSvid> {
  return createJwtSvidVerifier({ audience: AUDIENCE, ...rules }).verify(token, { bundles: store.snapshot, now: NOW })
}

function plainClaims(): { readonly [name: string]: unknown } {
  return { sub: 'spiffe://a.test/x', aud: AUDIENCE, iat: IAT, exp: IAT + 300 }
}

/** Signed by the key `good` as ES256, whatever the header says. */
function makeToken({ header, claims, payload, spell }: Partial<JwtVector>): string {
  const body = payload ?? { ...plainClaims(), ...claims }
  const token = build({ alg: 'ES256', kid: 'good', typ: 'JWT', ...header }, body, (input) =>
    sign('sha256', Buffer.from(input), { key: KEYS.good.privateKey, dsaEncoding: 'ieee-p1363' }),
  )
  return spell ? spell(token) : token
}

function build(header: object, payload: object | string, signature: (input: string) => Uint8Array): string {
  const encode = (part: object | string): string =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${Buffer.from(signature(input)).toString('base64url')}`
}
