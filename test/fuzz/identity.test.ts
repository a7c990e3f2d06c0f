import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { guardUrl } from '../../src/core/net/url-guard.ts'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { parsePemBundle, parseSpiffeBundle } from '../../src/identity/bundle/trust-bundle.ts'
import { createJwtSvidVerifier } from '../../src/identity/jwt/jwt-svid.ts'
import { spiffeIdText } from '../../src/identity/spiffe-id.ts'
import { verifyX509Svid } from '../../src/identity/x509/x509-svid.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../src/practice/stage/pki.ts'
import { storeOf } from '../support/pki.ts'
import { answersOrRefuses, FUZZ_TIMEOUT_MS, fuzz, mutated, mutatedText } from './fuzz.ts'

const AUDIENCE = 'spiffe://a.test/stint'

describe('damaged proofs of identity', () => {
  let domain: PracticeTrustDomain
  let bundles: BundleStore
  const now = new Date()
  beforeAll(async () => {
    domain = await createTrustDomain('a.test', { intermediate: true })
    bundles = storeOf(domain)
  })

  test(
    'a certificate chain: refused, or it is the one that was signed',
    async () => {
      const { chain, spiffeId } = await domain.issueX509Svid({ path: '/x' })
      const [leaf = new Uint8Array(), intermediate = new Uint8Array()] = chain
      const damaged = fc.oneof(
        mutated(leaf).map((bytes) => [bytes, intermediate]),
        mutated(intermediate).map((bytes) => [leaf, bytes]),
        fc.tuple(mutated(leaf), mutated(intermediate)),
        fc.array(fc.constantFrom(leaf, intermediate), { maxLength: 12 }),
      )
      await fuzz('certificate verifier', damaged, async (bytes) => {
        const svid = await answersOrRefuses(() => verifyX509Svid(bytes, { bundles: bundles.snapshot, now }))
        if (svid) expect(spiffeIdText(svid.id)).toBe(spiffeId)
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'a token: refused, or it says what was signed',
    async () => {
      const token = await domain.issueJwtSvid({ path: '/x', audience: AUDIENCE })
      const verifier = createJwtSvidVerifier({ audience: AUDIENCE })
      const [head = '', body = '', signature = ''] = token.split('.')
      const json = (part: string) => Buffer.from(part, 'base64url').toString()
      const encode = (part: string) => Buffer.from(part).toString('base64url')
      const pieces = [
        '"',
        '{',
        '}',
        '[',
        ',',
        ':',
        'null',
        '1e400',
        '-1',
        '"alg":"none"',
        '"sub":"spiffe://a.test/y",',
        '\\u0000',
      ]
      const damaged = fc.oneof(
        mutatedText(token, ['.', '=', '-', ' ', '..', 'A']),
        mutatedText(json(head), pieces).map((text) => `${encode(text)}.${body}.${signature}`),
        mutatedText(json(body), pieces).map((text) => `${head}.${encode(text)}.${signature}`),
      )
      await fuzz('token verifier', damaged, async (text) => {
        const svid = await answersOrRefuses(() => verifier.verify(text, { bundles: bundles.snapshot, now }))
        if (svid) expect(spiffeIdText(svid.id)).toBe('spiffe://a.test/x')
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'a bundle: refused, or its roots are whole',
    async () => {
      const pieces = [
        '"',
        '{',
        '}',
        '[',
        ']',
        ',',
        '"use":"x509-svid",',
        '"kty":"oct"',
        '1e999',
        '__proto__',
        '\\ud800',
        'AAAA',
      ]
      const pem = domain.rootCertPem
      const damaged = fc.oneof(
        mutatedText(domain.bundleJson(), pieces).map((text) => () => parseSpiffeBundle('a.test', text)),
        mutatedText(pem, [pem, '-----BEGIN CERTIFICATE-----', '-----END', '\n', '=']).map(
          (text) => () => parsePemBundle('a.test', text),
        ),
      )
      await fuzz('bundle parser', damaged, async (parse) => {
        const parsed = await answersOrRefuses(parse)
        if (parsed) expect(parsed.bundle.trustDomain).toBe('a.test')
      })
    },
    FUZZ_TIMEOUT_MS,
  )

  test(
    'a URL: refused, or https to a host that is not of this network',
    async () => {
      const host = fc.oneof(
        fc.ipV4(),
        fc.ipV4Extended(),
        fc.ipV6().map((ip) => `[${ip}]`),
        fc.domain(),
        fc.constantFrom(
          '169.254.169.254',
          '[::ffff:169.254.169.254]',
          '0x7f.1',
          '2130706433',
          'localhost',
          '[64:ff9b::a9fe:a9fe]',
          '127。0。0。1',
          'metadata.google.internal.',
        ),
      )
      const url = fc
        .tuple(
          fc.constantFrom('https', 'http', 'HTTPS', 'file', 'gopher'),
          fc.constantFrom('://', ':\\\\', ':/', ':////'),
          fc.constantFrom('', 'a@', 'a:b@', '@'),
          host,
          fc.constantFrom('', ':443', ':0', ':99999', '/..//', '#x', '\n', '?a=b'),
        )
        .map((parts) => parts.join(''))
      await fuzz('URL guard', fc.oneof(url, fc.webUrl(), fc.string()), async (text) => {
        const guarded = await answersOrRefuses(() => guardUrl(text))
        if (!guarded) return
        expect(guarded.url.protocol).toBe('https:')
        expect([guarded.url.username, guarded.url.password, guarded.url.hash]).toEqual(['', '', ''])
        for (const address of ['127.0.0.1', '::1', '169.254.169.254', '10.0.0.1', '::ffff:10.0.0.1', 'fd00:ec2::254'])
          expect(guarded.allows(address)).toBe(false)
      })
    },
    FUZZ_TIMEOUT_MS,
  )
})
