import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { spiffeIdText } from '../../../src/identity/spiffe-id.ts'
import { verifyX509Svid } from '../../../src/identity/x509/x509-svid.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { NOW, storeOf } from '../../support/pki.ts'
import { X509_VECTORS } from '../../vectors/identity/x509-svids.ts'

describe('verifyX509Svid', () => {
  for (const { id, name, code, check, make } of X509_VECTORS) {
    const refused = code ?? (check ? 'SVID_INVALID' : undefined)
    test(`${id} ${refused ? 'refuses' : 'accepts'} ${name}`, async () => {
      const { chain, bundles } = await make()
      const store = new BundleStore()
      for (const [domain, text] of Object.entries(bundles))
        store.replace(domain, parseSpiffeBundle(domain, text).bundle)
      const verify = (): unknown => verifyX509Svid(chain, { bundles: store.snapshot, now: NOW })
      if (!refused) {
        expect(verify()).toMatchObject({ id: { trustDomain: 'a.test', path: '/x' }, generation: 1 })
      } else {
        expect(verify).toThrow(expect.objectContaining({ code: refused }))
        if (check) expect(verify).toThrow(expect.objectContaining({ details: expect.objectContaining({ check }) }))
      }
    })
  }

  test('gives the validity of the whole path, not of the leaf', async () => {
    const domain = await createTrustDomain('a.test', { now: NOW, ttlMs: 60_000, intermediate: true })
    const svid = await domain.issueX509Svid({ path: '/x', now: NOW, ttlMs: 3_600_000 })
    const verified = verifyX509Svid(svid.chain, { bundles: storeOf(domain).snapshot, now: NOW })
    expect(verified.notAfter).toEqual(new Date(NOW.getTime() + 60_000))
    expect(spiffeIdText(verified.id)).toBe(svid.spiffeId)
    expect(verified.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  })

  test('accepts the last moment of the validity, and not the next', async () => {
    const domain = await createTrustDomain('a.test', { now: NOW })
    const { chain } = await domain.issueX509Svid({ path: '/x', now: NOW, ttlMs: 60_000 })
    const at = (ms: number): unknown =>
      verifyX509Svid(chain, { bundles: storeOf(domain).snapshot, now: new Date(NOW.getTime() + ms) })
    expect(at(60_000)).toBeDefined()
    expect(() => at(60_001)).toThrow(expect.objectContaining({ code: 'SVID_EXPIRED' }))
  })

  test('refuses every leaf with a byte changed, by a code of its own', async () => {
    const domain = await createTrustDomain('a.test', { now: NOW })
    const [leaf = new Uint8Array()] = (await domain.issueX509Svid({ path: '/x', now: NOW })).chain
    const { snapshot } = storeOf(domain)
    fc.assert(
      fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(3), (at, flip, cut) => {
        const mutant = Uint8Array.from(leaf)
        mutant[at] = (mutant[at] ?? 0) ^ flip
        const chain = [mutant.subarray(0, leaf.length - cut)]
        expect(codeOf(() => verifyX509Svid(chain, { bundles: snapshot, now: NOW }))).toMatch(/^(SVID_|TRUST_DOMAIN_)/)
      }),
      { numRuns: 1000, interruptAfterTimeLimit: 2000 },
    )
  })

  test('refuses bytes that are no certificate', () => {
    const { snapshot } = new BundleStore()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(() => verifyX509Svid([bytes], { bundles: snapshot, now: NOW }))).toBe('SVID_INVALID')
      }),
    )
  })
})

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'accepted'
  } catch (error) {
    return error instanceof StintError ? error.code : String(error)
  }
}
