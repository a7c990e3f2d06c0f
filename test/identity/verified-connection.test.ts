import { expect, test } from 'vitest'
import type { BundleStore } from '../../src/identity/bundle/bundle-store.ts'
import { VerifiedConnection } from '../../src/identity/verified-connection.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { NOW, storeOf } from '../support/pki.ts'

test('a check that fails in an unforeseen way after a change of bundles is a refusal, on the next call as well', async () => {
  const domain = await createTrustDomain('a.test', { now: NOW })
  const { chain } = await domain.issueX509Svid({ path: '/x', now: NOW })
  const { snapshot } = storeOf(domain)
  const broken = { get: () => ({ ...snapshot.get('a.test'), x509Authorities: undefined }) }
  const bundles = { snapshot } as { snapshot: unknown }
  const connection = new VerifiedConnection({ chain, bundles: bundles as BundleStore, now: NOW, peer: 'peer' })
  bundles.snapshot = { ...broken, generation: snapshot.generation + 1 }
  for (const _ of [1, 2]) expect(() => connection.svid(NOW)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
})
