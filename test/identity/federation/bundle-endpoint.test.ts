import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { createGuardedFetch } from '../../../src/core/net/guarded-fetch.ts'
import { Secret } from '../../../src/core/secret.ts'
import { parseSpiffeBundle, type TrustBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { type BundleEndpoint, startBundleEndpoint } from '../../../src/identity/federation/bundle-endpoint.ts'
import { type ServerIdentity, serverIdentity } from '../../../src/identity/server-identity.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'

let a: PracticeTrustDomain
let bundle: TrustBundle | undefined
let change: (identity: ServerIdentity | undefined) => void
let endpoint: BundleEndpoint

beforeAll(async () => {
  a = await createTrustDomain('a.test')
})

afterEach(() => endpoint.stop())

async function open({
  hint = 300,
  ...options
}: {
  requestWithinMs?: number
  refreshHintSeconds?: number
  hint?: number
} = {}) {
  bundle = parseSpiffeBundle('a.test', a.bundleJson({ sequence: 2n ** 60n, refreshHintSeconds: hint })).bundle
  endpoint = await startBundleEndpoint({
    host: '127.0.0.1',
    port: 0,
    path: '/bundle',
    bundle: () => bundle,
    clock: systemClock,
    ...options,
    identity: {
      start: async (onChange) => {
        change = onChange
        return pair()
      },
      stop: async () => undefined,
    },
  })
}

const pair = async (): Promise<ServerIdentity> => {
  const { certPem, keyPem } = await a.issueX509Svid({ path: '/stint', ipAddresses: ['127.0.0.1'] })
  return serverIdentity(certPem, new Secret(keyPem))
}

const get = (path = '/bundle') =>
  createGuardedFetch({ allowPrivate: ['127.0.0.1'], ca: [a.rootCertPem] })(`https://${endpoint.address}${path}`)

/** The status of a request with another method. */
const ask = (method: string) =>
  new Promise((resolve, reject) => {
    const sent = request(`https://${endpoint.address}/bundle`, { method, ca: a.rootCertPem }, (response) => {
      response.resume()
      resolve([response.statusCode, response.headers.allow])
    })
    sent.on('error', reject)
    sent.end()
  })

describe('a bundle endpoint', () => {
  test('serves a bundle that reads as the one it has, to whoever asks', async () => {
    await open()
    const { status, body, headers } = await get()
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    const read = parseSpiffeBundle('a.test', body)
    expect(read.notes).toEqual([])
    expect(read.bundle).toMatchObject({ digest: bundle?.digest, sequence: 2n ** 60n, refreshHintSeconds: 300 })
    expect(Object.keys(JSON.parse(body).keys[0])).not.toContain('kid')
    expect(body).not.toMatch(/"d"|PRIVATE/)
  })

  for (const { name, options, says } of [
    { name: 'the hint of the bundle', options: { hint: 900 }, says: 900 },
    { name: 'its own hint before that of the bundle', options: { hint: 900, refreshHintSeconds: 60 }, says: 60 },
  ]) {
    test(`passes on ${name}`, async () => {
      await open(options)
      expect(JSON.parse((await get()).body).spiffe_refresh_hint).toBe(says)
    })
  }

  for (const { name, sent } of [
    { name: 'sends nothing', sent: '' },
    { name: 'stays within its headers', sent: 'GET /bundle HTTP/1.1\r\nhost: x\r\n' },
  ]) {
    test(`is done with a client that ${name}`, async () => {
      await open({ requestWithinMs: 1_000 })
      const [host, port] = endpoint.address.split(':')
      const socket = connect({ host, port: Number(port), ca: a.rootCertPem })
      socket.on('error', () => {})
      await once(socket, 'secureConnect')
      socket.write(sent)
      await once(socket.resume(), 'close')
    })
  }

  test('answers nothing else, and nothing without a bundle', async () => {
    await open()
    expect((await get('/')).status).toBe(404)
    expect((await get('/bundle?x')).status).toBe(404)
    expect(await Promise.all(['POST', 'HEAD', 'DELETE'].map(ask))).toEqual(Array(3).fill([405, 'GET']))
    bundle = undefined
    expect((await get()).status).toBe(503)
  })

  test('shows a new identity, and refuses every handshake without one', async () => {
    await open()
    change(await pair())
    expect((await get()).status).toBe(200)
    change(undefined)
    await expect(get()).rejects.toMatchObject({ code: 'FETCH_FAILED' })
    change(await pair())
    expect((await get()).status).toBe(200)
  })
})
