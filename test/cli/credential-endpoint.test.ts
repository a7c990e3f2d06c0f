import { request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CredentialEndpoint, serveCredentials } from '../../src/cli/exec/credential-endpoint.ts'
import { StintError } from '../../src/core/errors.ts'
import type { AwsCredentials } from '../../src/sdk/types.ts'

const CREDENTIALS: AwsCredentials = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiration: new Date('2026-11-21T12:04:30.999Z'),
}

let endpoint: CredentialEndpoint
let ended: AbortController
let answer: () => Promise<AwsCredentials>

beforeEach(async () => {
  ended = new AbortController()
  answer = async () => CREDENTIALS
  endpoint = await serveCredentials({ credentials: () => answer(), ended: ended.signal })
})

afterEach(() => endpoint.close())

function call(options: {
  method?: string
  path?: string
  headers?: Record<string, string>
}): Promise<{ status: number; body: Record<string, string> }> {
  const { hostname, port } = new URL(endpoint.url)
  const { method = 'GET', path = '/credentials', headers = {} } = options
  const all = { authorization: endpoint.authorization.reveal(), ...headers }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers: all }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text ? JSON.parse(text) : {} }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('the holder of the token gets the four texts that AWS SDKs ask for', async () => {
  expect(await call({})).toEqual({
    status: 200,
    body: {
      AccessKeyId: 'ASIAEXAMPLE',
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: '2026-11-21T12:04:30Z',
    },
  })
})

test('it listens on loopback, where all SDKs accept plain HTTP', () => {
  expect(new URL(endpoint.url).hostname).toBe('127.0.0.1')
})

for (const { name, change, status } of [
  { name: 'no token', change: { headers: { authorization: '' } }, status: 401 },
  { name: 'another token', change: { headers: { authorization: `Bearer ${'A'.repeat(43)}` } }, status: 401 },
  {
    name: 'a host name of the same port (DNS rebinding)',
    change: { headers: { host: 'evil.example:1' } },
    status: 403,
  },
  { name: 'localhost in place of the address', change: { headers: { host: 'localhost' } }, status: 403 },
  { name: 'an Origin', change: { headers: { origin: 'http://127.0.0.1' } }, status: 403 },
  { name: 'an opaque Origin', change: { headers: { origin: 'null' } }, status: 403 },
  { name: "a browser's fetch", change: { headers: { 'sec-fetch-site': 'same-origin' } }, status: 403 },
  { name: 'another path', change: { path: '/' }, status: 404 },
  { name: 'a path with a query', change: { path: '/credentials?x' }, status: 404 },
  { name: 'POST', change: { method: 'POST' }, status: 405 },
  { name: 'HEAD', change: { method: 'HEAD' }, status: 405 },
]) {
  test(`${name} is refused with ${status} and no credentials`, async () => {
    const refused = await call(change)
    expect(refused.status).toBe(status)
    expect(JSON.stringify(refused.body)).not.toContain('secret')
  })
}

test('a grant that is over is 403 GrantRevoked', async () => {
  ended.abort()
  answer = () => Promise.reject(new StintError('GRANT_NOT_ACTIVE', { explanation: 'It was revoked.' }))
  const refused = await call({})
  expect([refused.status, refused.body.Code]).toEqual([403, 'GrantRevoked'])
  expect(refused.body.Message).toContain('It was revoked.')
})

test('a broker that is away for a moment is 503 with its code', async () => {
  answer = () => Promise.reject(new StintError('BROKER_UNAVAILABLE'))
  const refused = await call({})
  expect([refused.status, refused.body.Code]).toEqual([503, 'BROKER_UNAVAILABLE'])
})
