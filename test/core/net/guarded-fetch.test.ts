import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGuardedFetch, type GuardedFetchOptions } from '../../../src/core/net/guarded-fetch.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { startHttpsServer, type TestHttpsServer } from '../../support/https-server.ts'

let server: TestHttpsServer
let ca: string[]

const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  '/ok': (response) => response.end('{"a":"ü"}'),
  '/teapot': (response) => response.writeHead(418).end('no'),
  '/away': (response) => response.writeHead(302, { location: 'https://169.254.169.254/' }).end(),
  '/gzip': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('xx'),
  '/latin': (response) => response.end(Buffer.from([0xe4])),
  '/large': (response) => response.end('x'.repeat(2_000)),
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': '50' })
    response.write('half', () => response.socket?.destroy())
  },
  '/drip': (response) => void response.write('{'),
}

beforeAll(async () => {
  const domain = await createTrustDomain('a.test')
  ca = [domain.rootCertPem]
  const svid = await domain.issueX509Svid({ path: '/web', dnsNames: ['bundles.test'], ipAddresses: ['127.0.0.1'] })
  server = await startHttpsServer(svid, ({ url = '' }, response) => ANSWERS[url]?.(response))
})

afterAll(() => server.close())

const fetchWith = (options: GuardedFetchOptions = {}) =>
  createGuardedFetch({ ca, allowPrivate: ['127.0.0.1', 'bundles.test'], ...options })
const at = (path: string, host = '127.0.0.1') => `https://${host}:${server.port}${path}`
const loopback = async () => [{ address: '127.0.0.1', family: 4 }]

describe('a guarded fetch', () => {
  test('gives status, body and headers, whatever the status', async () => {
    expect(await fetchWith()(at('/ok'))).toMatchObject({ status: 200, body: '{"a":"ü"}' })
    expect(await fetchWith()(at('/teapot'))).toMatchObject({ status: 418, body: 'no' })
  })

  for (const { name, path, check, options } of [
    { name: 'a redirect', path: '/away', check: 'redirect', options: {} },
    { name: 'a compressed body', path: '/gzip', check: 'encoding', options: {} },
    { name: 'a body that is not UTF-8', path: '/latin', check: 'encoding', options: {} },
    { name: 'a body over the limit', path: '/large', check: 'size', options: { maxBytes: 1_999 } },
    { name: 'a body that is cut off', path: '/cut', check: 'connection', options: {} },
    { name: 'an answer that never ends', path: '/drip', check: 'timeout', options: { timeoutMs: 200 } },
    { name: 'a server under unknown roots', path: '/ok', check: 'tls', options: { ca: [] } },
  ]) {
    test(`refuses ${name}`, async () => {
      const error = { code: 'FETCH_FAILED', details: { check, host: '127.0.0.1' } }
      await expect(fetchWith(options)(at(path))).rejects.toMatchObject(error)
    })
  }

  test('checks the name of the server', async () => {
    const named = fetchWith({ lookup: loopback, allowPrivate: ['other.test', 'bundles.test'] })
    expect(await named(at('/ok', 'bundles.test'))).toMatchObject({ status: 200 })
    await expect(named(at('/ok', 'other.test'))).rejects.toMatchObject({ details: { check: 'tls' } })
  })

  test('calls no host of which some address is not allowed', async () => {
    const before = server.requests()
    const lookup = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    const refusal = fetchWith({ lookup, allowPrivate: [] })(at('/ok', 'bundles.test'))
    await expect(refusal).rejects.toMatchObject({ code: 'URL_REFUSED', details: { check: 'address' } })
    expect(server.requests()).toBe(before)
  })

  test('asks the DNS once, so that a second answer cannot lead elsewhere', async () => {
    const answers = ['127.0.0.1', '169.254.169.254']
    const lookup = async () => [{ address: answers.shift() ?? '', family: 4 }]
    expect(await fetchWith({ lookup })(at('/ok', 'bundles.test'))).toMatchObject({ status: 200 })
    expect(answers).toEqual(['169.254.169.254'])
  })

  test('says which host has no address', async () => {
    const lookup = async () => Promise.reject(new Error('ENOTFOUND'))
    await expect(fetchWith({ lookup })(at('/ok', 'bundles.test'))).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      details: { check: 'dns', host: 'bundles.test' },
    })
  })

  test('asks checkServer for every connection, since none is a resumed one', async () => {
    let asked = 0
    const accept = () => {
      asked += 1
      return undefined
    }
    const fetch = fetchWith({ checkServer: accept })
    for (let i = 0; i < 3; i += 1) await fetch(at('/ok'))
    expect(asked).toBe(3)
    const refusing = fetchWith({ checkServer: () => new Error('another') })
    await expect(refusing(at('/ok'))).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  })

  test('ends when the signal does, also while a name is being resolved', async () => {
    const stop = new AbortController()
    const waiting = fetchWith({ lookup: () => new Promise(() => undefined) })(at('/ok', 'bundles.test'), {
      signal: stop.signal,
    })
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
