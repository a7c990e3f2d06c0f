import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../../../src/core/errors.ts'
import { createGuardedFetch } from '../../../../src/core/net/guarded-fetch.ts'
import { loadKeys } from '../../../../src/identity/oidc/keys/discovery.ts'
import { IssuerKeys } from '../../../../src/identity/oidc/keys/issuer-keys.ts'
import { readJwks } from '../../../../src/identity/oidc/keys/jwks.ts'
import { type KeyPlace, keyPlaces } from '../../../../src/identity/oidc/keys/key-places.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import type { RunningIssuer } from '../../../support/oidc-issuer.ts'
import { startIssuer } from '../../../support/oidc-issuer.ts'
import { keySet, OIDC_KEYS, publicJwk } from '../../../support/oidc-tokens.ts'

const HOUR_MS = 3_600_000
let issuer: RunningIssuer
let clock: ManualClock
let problems: string[]
let keys: IssuerKeys

beforeEach(async () => {
  issuer = await startIssuer()
  clock = new ManualClock()
  problems = []
  keys = makeKeys()
})

afterEach(async () => {
  await keys.stop()
  await issuer.stop()
})

describe('IssuerKeys over HTTPS', () => {
  test('are fetched once for many calls at once, and not again while they are known', async () => {
    const found = await Promise.all(Array.from({ length: 50 }, () => keys.keyFor('rsa')))
    expect(new Set(found).size).toBe(1)
    await clock.advance(5 * 60_000)
    await keys.keyFor('ec')
    expect(fetches()).toEqual([1, 1])
  })

  test('a flood of unknown keys asks the issuer once in 30 s, whether that works or fails', async () => {
    await keys.keyFor('rsa')
    await flood('ISSUER_UNAVAILABLE')
    expect(fetches()).toEqual([1, 1])
    await clock.advance(30_000)
    await flood('ISSUER_UNAVAILABLE')
    expect(fetches()).toEqual([2, 2])
    issuer.behaviour.intercept = (_, response) => Boolean(response.writeHead(503).end())
    await clock.advance(30_000)
    await flood('ISSUER_UNAVAILABLE')
    expect(fetches()).toEqual([3, 2])
    await clock.advance(29_999)
    await flood('ISSUER_UNAVAILABLE')
    expect(fetches()).toEqual([3, 2])
  })

  test('right after a rotation a good token is told when to come again, and is then accepted', async () => {
    await keys.keyFor('rsa')
    issuer.behaviour.keys = () => JSON.stringify({ keys: [publicJwk('next', OIDC_KEYS.other.publicKey)] })
    await clock.advance(10_000)
    await expect(keys.keyFor('next')).rejects.toMatchObject({
      code: 'ISSUER_UNAVAILABLE',
      details: { retryAfterMs: 20_000 },
    })
    await clock.advance(20_000)
    expect(await keys.keyFor('next')).toBeDefined()
    expect(fetches()).toEqual([2, 2])
  })

  test('only a look that began after the token came refuses it for good', async () => {
    const answered = Promise.withResolvers<undefined>()
    const asked = Promise.withResolvers<undefined>()
    issuer.behaviour.keys = keySet
    issuer.behaviour.intercept = (path, response) => {
      if (path !== '/keys') return false
      asked.resolve(undefined)
      void answered.promise.then(() => response.end(keySet()))
      return true
    }
    const first = keys.keyFor('unknown').catch((error: unknown) => error)
    await asked.promise
    const during = keys.keyFor('unknown').catch((error: unknown) => error)
    answered.resolve(undefined)
    expect(await first).toMatchObject({ code: 'TOKEN_INVALID', details: { check: 'kid' } })
    expect(await during).toMatchObject({ code: 'ISSUER_UNAVAILABLE', details: { retryAfterMs: 30_000 } })
    await clock.advance(30_000)
    await expect(keys.keyFor('unknown')).rejects.toMatchObject({ code: 'TOKEN_INVALID', details: { check: 'kid' } })
  })

  for (const { discovery, keys: ofKeys, source } of [
    { discovery: 'application/json', keys: 'application/jwk-set+json', source: 'kube-apiserver 1.35' },
    { discovery: 'application/json', keys: 'application/json', source: 'GitHub Actions' },
    {
      discovery: 'application/json;charset=utf-8',
      keys: 'application/jwk-set+json; charset=UTF-8',
      source: 'RFC 9110',
    },
  ]) {
    test(`keys are read from an issuer that has only ${discovery} and ${ofKeys} (${source})`, async () => {
      issuer.behaviour.types = { discovery, keys: ofKeys }
      expect(await keys.keyFor('rsa')).toBeDefined()
    })
  }

  for (const type of ['text/plain', 'application/octet-stream']) {
    test(`keys are read from a file host that says ${type} and does not negotiate`, async () => {
      issuer.behaviour.intercept = (path, response) => {
        if (path === '/keys') response.writeHead(200, { 'content-type': type }).end(keySet())
        return path === '/keys'
      }
      expect(await keys.keyFor('rsa')).toBeDefined()
    })
  }

  test('a new key counts at its first token, and a withdrawn one no longer after the next look', async () => {
    await keys.keyFor('rsa')
    issuer.behaviour.keys = () => JSON.stringify({ keys: [publicJwk('next', OIDC_KEYS.other.publicKey)] })
    await clock.advance(30_000)
    expect((await keys.keyFor('next')).algorithms).toContain('RS256')
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    await clock.advance(30_000)
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'TOKEN_INVALID', details: { check: 'kid' } })
  })

  test('a withdrawn key stops to count by the background look, without any token', async () => {
    keys.start()
    await keys.keyFor('rsa')
    issuer.behaviour.keys = () => JSON.stringify({ keys: [publicJwk('next', OIDC_KEYS.other.publicKey)] })
    await clock.advance(10 * 60_000)
    await keys.keyFor('next')
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    expect(fetches()).toEqual([2, 2])
  })

  test('keys held go on while the issuer is down, for a bounded time, and then nobody gets in', async () => {
    await keys.keyFor('rsa')
    await issuer.stop()
    await clock.advance(HOUR_MS - 1)
    await keys.keyFor('rsa')
    expect(keys.usable).toBe(true)
    await clock.advance(1)
    expect(keys.usable).toBe(false)
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    expect(problems).toEqual(['FETCH_FAILED connection'])
    issuer = await startIssuer()
  })

  test('keys held are too old also when a suspended machine has stopped one of the clocks', async () => {
    await keys.keyFor('rsa')
    issuer.behaviour.intercept = (_, response) => Boolean(response.writeHead(503).end())
    clock.jump(HOUR_MS)
    expect(keys.usable).toBe(false)
    await clock.advance(30_000)
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    delete issuer.behaviour.intercept
    await clock.advance(30_000)
    expect(await keys.keyFor('rsa')).toBeDefined()
  })

  test('an issuer that was down at the start is asked again by itself', async () => {
    issuer.behaviour.intercept = (_, response) => Boolean(response.writeHead(500).end())
    keys.start()
    await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    delete issuer.behaviour.intercept
    await clock.advance(30_000)
    expect(await keys.keyFor('rsa')).toBeDefined()
    expect(fetches()[0]).toBe(2)
  })

  for (const { name, code, set } of [
    { name: 'a slow answer', code: 'FETCH_FAILED timeout', set: () => () => true },
    {
      name: 'a redirect to a metadata address',
      code: 'FETCH_FAILED redirect',
      set: () => (_: string, response: Answer) =>
        Boolean(response.writeHead(302, { location: 'https://169.254.169.254/keys' }).end()),
    },
    {
      name: '10 MB',
      code: 'FETCH_FAILED size',
      set: () => (_: string, response: Answer) => Boolean(response.end(Buffer.alloc(10_000_000, 0x20))),
    },
    {
      name: 'a document that is no JSON',
      code: 'ISSUER_INVALID document',
      set: () => (_: string, response: Answer) => Boolean(response.end('<html>')),
    },
    {
      name: 'a document with a key twice',
      code: 'ISSUER_INVALID document',
      set: () => (_: string, response: Answer) => Boolean(response.end('{"issuer":"a","issuer":"b"}')),
    },
    {
      name: 'status 404',
      code: 'ISSUER_INVALID status',
      set: () => (_: string, response: Answer) => Boolean(response.writeHead(404).end('{}')),
    },
  ]) {
    test(`${name} does not take the place of the keys held`, async () => {
      await keys.keyFor('rsa')
      issuer.behaviour.intercept = set()
      await clock.advance(30_000)
      await expect(keys.keyFor('k9')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
      expect(problems).toEqual([code])
      expect(await keys.keyFor('rsa')).toBeDefined()
    })
  }

  for (const { name, discovery, check } of [
    { name: 'is of another issuer', discovery: () => ({ issuer: 'https://evil.example' }), check: 'issuer' },
    { name: 'has a slash more', discovery: (url: string) => ({ issuer: `${url}/` }), check: 'issuer' },
    { name: 'has no jwks_uri', discovery: (url: string) => ({ issuer: url }), check: 'jwks-uri' },
    {
      name: 'leads to another host',
      discovery: (url: string) => ({ issuer: url, jwks_uri: 'https://evil.example/keys' }),
      check: 'jwks-uri',
    },
    {
      name: 'leads to another port',
      discovery: (url: string) => ({ issuer: url, jwks_uri: 'https://127.0.0.1:1/keys' }),
      check: 'jwks-uri',
    },
    {
      name: 'leads away from TLS',
      discovery: (url: string) => ({ issuer: url, jwks_uri: `${url.replace('https', 'http')}/keys` }),
      check: 'jwks-uri',
    },
  ]) {
    test(`a discovery document that ${name} is not followed`, async () => {
      issuer.behaviour.discovery = discovery
      await expect(keys.keyFor('rsa')).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
      expect(problems).toEqual([`ISSUER_INVALID ${check}`])
      expect(issuer.asked.get('/keys')).toBeUndefined()
    })
  }

  test('a configured host of keys replaces the issuer’s own', async () => {
    const of = { issuer: issuer.url, showsToken: false }
    const [at] = keyPlaces({ issuer: issuer.url, jwksHost: 'keys.example' })
    if (!at) throw new Error('no place')
    await expect(loadKeys(of, at, { fetch: fetchIt() })).rejects.toMatchObject({ details: { check: 'jwks-uri' } })
    issuer.behaviour.discovery = (url) => ({ issuer: url, jwks_uri: 'https://keys.example/keys' })
    const fetch = fetchIt()
    const answer = await loadKeys(of, at, {
      fetch: async (url) => (url.includes('keys.example') ? { status: 200, body: keySet(), headers: {} } : fetch(url)),
    })
    expect([...answer.keys.keys()]).toEqual(['rsa', 'ec'])
  })

  test('a loopback issuer that is not allow-listed is not called', async () => {
    const fetch = createGuardedFetch({ ca: [issuer.ca] })
    await expect(loadKeys(...asked(), { fetch })).rejects.toMatchObject({
      code: 'URL_REFUSED',
    })
    expect(issuer.asked.size).toBe(0)
  })

  test('an issuer with a certificate of nobody we trust is not believed', async () => {
    const fetch = createGuardedFetch({ allowPrivate: ['127.0.0.1'] })
    await expect(loadKeys(...asked(), { fetch })).rejects.toMatchObject({
      details: { check: 'tls' },
    })
  })

  test('stopping ends a fetch in hand', async () => {
    issuer.behaviour.intercept = () => true
    keys.start()
    await keys.stop()
    expect(problems).toEqual([])
  })
})

describe('readJwks', () => {
  const good = publicJwk('rsa', OIDC_KEYS.rsa.publicKey)
  const weak = publicJwk('weak', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
  for (const { name, keys: entries, kids } of [
    { name: 'a plain key', keys: [good], kids: ['rsa'] },
    { name: 'a key without use', keys: [{ ...good, use: undefined }], kids: ['rsa'] },
    { name: 'another use', keys: [{ ...good, kid: 'enc', use: 'enc' }, good], kids: ['rsa'] },
    { name: 'a SPIFFE use', keys: [{ ...good, kid: 's', use: 'jwt-svid' }, good], kids: ['rsa'] },
    { name: 'key_ops without verify', keys: [{ ...good, kid: 'e', key_ops: ['encrypt'] }, good], kids: ['rsa'] },
    { name: 'RSA of 1024 bits', keys: [weak, good], kids: ['rsa'] },
    { name: 'a symmetric key', keys: [{ kty: 'oct', k: 'AAAA', kid: 'o' }, good], kids: ['rsa'] },
    { name: 'a private key', keys: [{ ...good, kid: 'p', d: 'AAAA' }, good], kids: ['rsa'] },
    { name: 'an Ed25519 key', keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'e' }, good], kids: ['rsa'] },
    { name: 'no kid', keys: [{ ...good, kid: undefined }, good], kids: ['rsa'] },
    { name: 'one kid twice', keys: [good, { ...good, kid: 'x' }, good], kids: ['x'] },
    { name: 'a key of another issuer', keys: [{ ...good, kid: 'm', issuer: 'https://other' }, good], kids: ['rsa'] },
    { name: 'a key for all tenants', keys: [{ ...good, issuer: 'https://a/{tenantid}/v2.0' }], kids: ['rsa'] },
    { name: 'what is no object', keys: [null, 1, 'x', good], kids: ['rsa'] },
  ] as const) {
    test(`leaves ${kids.join()} of ${name}`, () => {
      const document = JSON.parse(JSON.stringify({ keys: entries }))
      expect([...readJwks(document, 'https://issuer').keys.keys()]).toEqual(kids)
    })
  }

  for (const document of [{}, { keys: {} }, { keys: [] }, { keys: [weak] }, { keys: Array(257).fill(good) }]) {
    test(`refuses ${JSON.stringify(document).slice(0, 40)}`, () => {
      const read = () => readJwks(JSON.parse(JSON.stringify(document)), 'https://issuer')
      expect(read).toThrowError(expect.objectContaining({ code: 'ISSUER_INVALID' }))
    })
  }
})

type Answer = import('node:http').ServerResponse

function makeKeys(): IssuerKeys {
  const fetch = fetchIt()
  const [of, at] = asked()
  return new IssuerKeys({
    load: (signal) => loadKeys(of, at, { fetch, signal }),
    clock,
    maxKeyAgeMs: HOUR_MS,
    onProblem: (error) => problems.push(`${error.code} ${error.details.check}`),
  })
}

/** The issuer, asked by its own name and without a token. */
function asked(): [{ issuer: string; showsToken: boolean }, KeyPlace] {
  const [place] = keyPlaces({ issuer: issuer.url })
  if (!place) throw new Error('no place')
  return [{ issuer: issuer.url, showsToken: false }, place]
}

function fetchIt() {
  return createGuardedFetch({ allowPrivate: ['127.0.0.1'], ca: [issuer.ca], timeoutMs: 1_000, maxBytes: 1_048_576 })
}

/** Asks for many keys that nobody has; a look that was begun for the first of them answers only that one for good. */
async function flood(code: string): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => keys.keyFor(`k${n}`).catch((error: unknown) => error)),
  )
  for (const answer of answers.slice(1)) expect(answer instanceof StintError && answer.code).toBe(code)
}

/** How often the discovery document and the keys were asked for. */
function fetches(): (number | undefined)[] {
  return [issuer.asked.get('/.well-known/openid-configuration'), issuer.asked.get('/keys')]
}
