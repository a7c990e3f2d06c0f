import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { type TokenParts, takeTokenApart } from '../../../src/identity/jwt/jwt-token.ts'
import { defineIssuer } from '../../../src/identity/oidc/issuer.ts'
import { judgeToken } from '../../../src/identity/oidc/judge-token.ts'
import { loadKeys } from '../../../src/identity/oidc/keys/discovery.ts'
import { keyPlaces } from '../../../src/identity/oidc/keys/key-places.ts'
import { OidcVerifier } from '../../../src/identity/oidc/oidc-verifier.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { documentsOf, OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { NOW } from '../../support/pki.ts'
import { AUDIENCE, IAT, KINDS } from '../../vectors/identity/oidc.ts'

const RUNS = Number(process.env.STINT_FUZZ_RUNS ?? 100)
const kinds = Object.values(KINDS)
const verifiers = kinds.map(({ settings }) => {
  const issuer = defineIssuer(settings)
  const fetchFor = () => documentsOf(issuer.issuer)
  return { issuer, verifier: new OidcVerifier({ issuers: [issuer], fetchFor, clock: new ManualClock() }) }
})
const GOOD_HEADER = { alg: 'RS256', typ: 'JWT', kid: 'rsa' }

describe('whatever an issuer’s key has signed', () => {
  for (const [index, { claims, subject }] of kinds.entries()) {
    const good = { aud: AUDIENCE, iat: IAT, exp: IAT + 300, ...claims }
    const name = fc.constantFrom(
      ...Object.keys(good),
      'nbf',
      'jti',
      'cnf',
      'azp',
      'crit',
      'typ',
      'alg',
      'kid',
      '__proto__',
    )
    const change = fc.record({ part: fc.constantFrom('header', 'claims'), name, value: fc.jsonValue() })

    test(`with a member changed, it is refused by a code or is still ${subject.split(':', 2).join(':')}`, async () => {
      await fc.assert(
        fc.asyncProperty(change, async ({ part, name: member, value }) => {
          const over = JSON.parse(`{${JSON.stringify(member)}:${JSON.stringify(value)}}`) as object
          const header = part === 'header' ? { ...GOOD_HEADER, ...over } : GOOD_HEADER
          const payload = part === 'claims' ? { ...good, ...over } : good
          const token = apart(signedToken({ ...header, alg: header.alg ?? null }, payload, OIDC_KEYS.rsa.privateKey))
          if (!token) return
          const of = verifiers[index]
          const outcome = await of?.verifier.verify(token, NOW).catch((error: unknown) => error)
          const judgement = of && (await judgeToken(token, { issuer: of.issuer, now: NOW }))
          const failed = judgement?.checks.some(({ verdict }) => verdict === 'fail')
          if (outcome instanceof Error) {
            expect(outcome).toBeInstanceOf(StintError)
            if (!failed)
              expect(outcome).toMatchObject({ details: { check: expect.stringMatching(/kid|algorithm-key/) } })
          } else {
            expect(outcome).toMatchObject({ trustDomain: of?.issuer.trustDomain })
            expect(failed).toBe(false)
          }
        }),
        { numRuns: RUNS },
      )
    })
  }

  test('any text is a token or refused by a code', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void apart(text)),
      { numRuns: RUNS },
    )
  })
})

test('whatever an issuer publishes is keys or refused by a code', async () => {
  const of = { issuer: 'https://issuer.example', showsToken: false }
  const [at] = keyPlaces(of)
  if (!at) throw new Error('no place')
  const document = fc.oneof(
    fc.jsonValue(),
    fc.record({ issuer: fc.constant(of.issuer), jwks_uri: fc.oneof(fc.webUrl(), fc.constant(`${of.issuer}/keys`)) }),
    fc.record({ keys: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())) }),
  )
  await fc.assert(
    fc.asyncProperty(document, document, async (first, second) => {
      const answers = [first, second]
      const fetch = async () => ({ status: 200, headers: {}, body: JSON.stringify(answers.shift()) })
      const outcome = await loadKeys(of, at, { fetch }).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ISSUER_INVALID' })
    }),
    { numRuns: RUNS },
  )
})

test('an issuer is trusted while its keys count, and no other is', async () => {
  const clock = new ManualClock()
  const issuer = defineIssuer(KINDS.plain.settings)
  const verifier = new OidcVerifier({ issuers: [issuer], fetchFor: () => documentsOf(issuer.issuer), clock })
  expect(verifier.isTrusted('oidc:corp')).toBe(false)
  const good = { aud: AUDIENCE, iat: IAT, exp: IAT + 300, ...KINDS.plain.claims }
  await verifier.verify(takeTokenApart(signedToken(GOOD_HEADER, good, OIDC_KEYS.rsa.privateKey)), NOW)
  expect(verifier.isTrusted('oidc:corp')).toBe(true)
  expect(verifier.isTrusted('oidc:other')).toBe(false)
  expect(verifier.isTrusted('corp')).toBe(false)
  await clock.advance(issuer.maxKeyAgeMs)
  expect(verifier.isTrusted('oidc:corp')).toBe(false)
})

function apart(text: string): TokenParts | undefined {
  try {
    return takeTokenApart(text)
  } catch (error) {
    expect(error).toMatchObject({ code: 'TOKEN_INVALID' })
    return undefined
  }
}
