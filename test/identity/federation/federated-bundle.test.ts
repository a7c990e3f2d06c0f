import type { ServerResponse } from 'node:http'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { FederatedBundle, type FederatedBundleOptions } from '../../../src/identity/federation/federated-bundle.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { startHttpsServer, type TestHttpsServer } from '../../support/https-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { until } from '../../support/settle.ts'
import { TokenJudge } from '../../support/token-judge.ts'
import { FAILURES } from '../../vectors/identity/federation.ts'

const ENDPOINT_ID = 'spiffe://b.test/spire/server'
const HOUR_MS = 3_600_000

let b: PracticeTrustDomain
let rolled: PracticeTrustDomain
let web: PracticeTrustDomain
let server: TestHttpsServer
/** What the endpoint answers with. */
let document = ''
/** Overrides the path that is asked for. */
let path = '/bundle'
const closing: (() => Promise<unknown>)[] = []

const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  '/bundle': (response) => response.end(document),
  '/500': (response) => response.writeHead(500).end(document),
  '/204': (response) => response.writeHead(204).end(),
  '/large': (response) => response.end(' '.repeat(2 * 1_048_576)),
  '/away': (response) => response.writeHead(302, { location: '/bundle' }).end(),
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': '50' })
    response.write('{', () => response.socket?.destroy())
  },
  '/text': (response) => response.end('<html>'),
  '/keyless': (response) => response.end('{"spiffe_sequence":9}'),
  '/older': (response) => response.end(rolled.bundleJson({ sequence: 4 })),
  '/unnumbered': (response) => response.end(rolled.bundleJson().replace('"spiffe_sequence":1,', '')),
}

beforeAll(async () => {
  ;[b, rolled, web] = (await Promise.all(
    ['b.test', 'b.test', 'web'].map((name) => createTrustDomain(name, { intermediate: true })),
  )) as [PracticeTrustDomain, PracticeTrustDomain, PracticeTrustDomain]
})

const identityOf = (domain: PracticeTrustDomain, at = '/spire/server') =>
  domain.issueX509Svid({ path: at, ipAddresses: ['127.0.0.1'] })

beforeEach(async () => {
  document = b.bundleJson({ sequence: 5, refreshHintSeconds: 300 })
  path = '/bundle'
  server = await startHttpsServer(await identityOf(web), (_request, response) => ANSWERS[path]?.(response))
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await server.close()
})

/** A source that has started, with everything that it says. */
async function follow(options: Partial<FederatedBundleOptions> = {}) {
  const clock = new ManualClock(new Date().toISOString())
  const store = new BundleStore()
  const states: (StintError | undefined)[] = []
  const source = new FederatedBundle({
    store,
    trustDomain: 'b.test',
    url: `https://127.0.0.1:${server.port}/bundle`,
    profile: { kind: 'https_web', ca: [web.rootCertPem] },
    maxStalenessMs: HOUR_MS,
    allowPrivate: ['127.0.0.1'],
    clock,
    onState: (_component, problem) => states.push(problem),
    onNotes: () => undefined,
    ...options,
  })
  closing.push(() => source.stop())
  await source.start()
  return { clock, store, states, source }
}

const spiffe = (bootstrap: PracticeTrustDomain | undefined, endpointSpiffeId = ENDPOINT_ID) => ({
  profile: { kind: 'https_spiffe' as const, endpointSpiffeId },
  ...(bootstrap && { bootstrap: parseSpiffeBundle('b.test', bootstrap.bundleJson()).bundle }),
})

/** Moves on to the next refresh and lets it end. */
async function nextRefresh({ clock, states }: { clock: ManualClock; states: unknown[] }, ms = 300_000): Promise<void> {
  const before = states.length
  for (let left = ms; left > 0; left -= 60_000) await clock.advance(Math.min(left, 60_000))
  await until(() => states.length > before)
}

describe('a bundle from an https_web endpoint', () => {
  test('is in the store after the start, and follows the endpoint by its hint', async () => {
    const at = await follow()
    expect(at.store.get('b.test')?.sequence).toBe(5n)
    document = rolled.bundleJson({ sequence: 6, refreshHintSeconds: 60 })
    await at.clock.advance(299_999)
    expect(server.requests()).toBe(1)
    await nextRefresh(at, 1)
    expect(at.store.get('b.test')?.sequence).toBe(6n)
    await nextRefresh(at, 60_000)
    expect(server.requests()).toBe(3)
  })

  test('a token that is here before its key is told when to come again, however often it is shown', async () => {
    const at = await follow()
    const judge = new TokenJudge(at)
    const [early, invented] = [await judge.issue(rolled), await judge.issue(b, { header: { kid: 'invented' } })]
    await at.clock.advance(60_000)
    for (const token of [early, invented, early, invented]) {
      expect(await judge.answer(token)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 240000')
    }
    expect(server.requests()).toBe(1)
    document = rolled.bundleJson({ sequence: 6, refreshHintSeconds: 300 })
    await nextRefresh(at, 240_000)
    expect(await judge.answer(early)).toBe('accepted')
    expect(await judge.answer(invented)).toBe('TOKEN_INVALID kid')
    // Somebody has shown this kid before; a token that comes now waits for a fetch of its own all the same.
    expect(await judge.answer(await judge.issue(b, { header: { kid: 'invented' } }))).toBe(
      'TRUST_DOMAIN_UNAVAILABLE kid 300000',
    )
    expect(server.requests()).toBe(2)
  })

  test('a fetch that fails refuses no token for good, nor does one that was under way when the token came', async () => {
    const at = await follow()
    const judge = new TokenJudge(at)
    const token = await judge.issue(rolled)
    path = '/500'
    expect(await judge.answer(token)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 300000')
    await nextRefresh(at)
    expect(await judge.answer(token)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 300000')
    const asked = Promise.withResolvers<ServerResponse>()
    path = '/held'
    ANSWERS['/held'] = asked.resolve
    const before = at.states.length
    for (let minutes = 0; minutes < 5; minutes += 1) await at.clock.advance(60_000)
    const response = await asked.promise
    const during = await judge.issue(rolled)
    expect(await judge.answer(during)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 1000')
    response.end(document)
    await until(() => at.states.length > before)
    expect(await judge.answer(token)).toBe('TOKEN_INVALID kid')
    expect(await judge.answer(during)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 300000')
  })

  test('B15 is asked for every 5 min without a hint, and never later than a third of what may be stale', async () => {
    document = b.bundleJson().replace('"spiffe_refresh_hint":300,', '')
    const plain = await follow()
    await nextRefresh(plain)
    document = b.bundleJson({ refreshHintSeconds: 86_400 })
    const rare = await follow()
    const before = server.requests()
    await nextRefresh(rare, HOUR_MS / 3)
    expect(server.requests()).toBe(before + 1)
  })

  for (const { id, name, path: answer, check } of FAILURES) {
    test(`${id} stays as it is through ${name}, without a hot retry`, async () => {
      const at = await follow()
      path = answer
      await nextRefresh(at)
      expect(at.states.at(-1)?.details.check).toBe(check)
      expect(at.store.get('b.test')?.digest).toBe(parseSpiffeBundle('b.test', document).bundle.digest)
      const requests = server.requests()
      for (let i = 0; i < 4; i += 1) await at.clock.advance(60_000)
      expect(server.requests()).toBe(requests)
      path = '/bundle'
      await nextRefresh(at, 60_000)
      expect(at.states.at(-1)).toBeUndefined()
    })
  }

  test('F6 is dropped when it has been stale for too long, by either clock, and comes back with a good answer', async () => {
    for (const age of [
      (clock: ManualClock) => clock.advance(HOUR_MS),
      async (clock: ManualClock) => clock.jump(HOUR_MS),
    ]) {
      path = '/bundle'
      const at = await follow()
      path = '/500'
      await age(at.clock)
      await at.clock.advance(60_000)
      await until(() => at.store.get('b.test') === undefined)
      expect(at.states.some((state) => state?.details.check === 'stale')).toBe(true)
      path = '/older'
      await nextRefresh(at)
      expect(at.store.get('b.test')).toBeUndefined()
      path = '/bundle'
      await nextRefresh(at)
      await until(() => at.store.get('b.test')?.sequence === 5n)
    }
  })

  test('does not keep the broker from starting while its endpoint is away', async () => {
    path = '/500'
    const at = await follow()
    expect([at.store.get('b.test'), at.states.at(-1)?.code]).toEqual([undefined, 'FETCH_FAILED'])
    path = '/bundle'
    await nextRefresh(at)
    expect(at.store.get('b.test')).toBeDefined()
  })

  test('refuses a server under other roots, or with the name of another', async () => {
    for (const ca of [[rolled.rootCertPem], []]) {
      const { store, states } = await follow({ profile: { kind: 'https_web', ca } })
      expect([store.get('b.test'), states.at(-1)?.details.check]).toEqual([undefined, 'tls'])
    }
    server.setIdentity(await web.issueX509Svid({ path: '/x', dnsNames: ['other.test'] }))
    expect((await follow()).states.at(-1)?.details.check).toBe('tls')
    expect(server.requests()).toBe(0)
  })
})

describe('a bundle from an https_spiffe endpoint', () => {
  test('is taken from a server with exactly the configured SPIFFE ID', async () => {
    server.setIdentity(await identityOf(b))
    const { store } = await follow(spiffe(b))
    expect(store.get('b.test')?.sequence).toBe(5n)
  })

  test('F3 is refused from another SPIFFE ID of the same trust domain', async () => {
    server.setIdentity(await identityOf(b, '/spire/server2'))
    const { store, states } = await follow(spiffe(b))
    expect([store.get('b.test'), states.at(-1)?.details.check]).toEqual([undefined, 'endpoint-id'])
    expect(server.requests()).toBe(0)
  })

  test('F4 is refused from a server with a certificate of the Web PKI', async () => {
    const { store, states } = await follow(spiffe(b))
    expect([store.get('b.test'), states.at(-1)?.details.check]).toEqual([undefined, 'tls'])
  })

  test('F4 is refused from a server of the right CA whose certificate is no SVID', async () => {
    const { certPem } = await identityOf(b)
    const other = await identityOf(b)
    expect(certPem).not.toBe(other.certPem)
    const svid = await b.issueX509Svid({ path: '', ipAddresses: ['127.0.0.1'] })
    server.setIdentity(svid)
    const { states } = await follow(spiffe(b))
    expect(states.at(-1)?.code).toBe('SVID_INVALID')
  })

  test('F7 is checked with the bundle fetched last, once there is one, and no more with the first', async () => {
    server.setIdentity(await identityOf(b))
    document = rolled.bundleJson({ sequence: 6 })
    const at = await follow(spiffe(b))
    await nextRefresh(at)
    expect(at.states.at(-1)?.details.check).toBe('tls')
    server.setIdentity(await identityOf(rolled))
    document = rolled.bundleJson({ sequence: 7 })
    await nextRefresh(at)
    expect(at.store.get('b.test')?.sequence).toBe(7n)
  })

  test('of an endpoint in a third trust domain is checked with the bundle of that one', async () => {
    server.setIdentity(await identityOf(web, '/federator'))
    const store = new BundleStore()
    const third = spiffe(undefined, 'spiffe://web/federator')
    expect((await follow({ ...third, store })).states.at(-1)?.details.check).toBe('bootstrap')
    store.replace('web', parseSpiffeBundle('web', web.bundleJson()).bundle)
    expect((await follow({ ...third, store })).states.at(-1)).toBeUndefined()
    expect(store.get('b.test')?.sequence).toBe(5n)
  })

  test('is checked on every connection, not only on the first', async () => {
    server.setIdentity(await identityOf(b))
    const at = await follow(spiffe(b))
    server.setIdentity(await identityOf(b, '/other'))
    await nextRefresh(at)
    expect(at.states.at(-1)?.details.check).toBe('endpoint-id')
  })
})
