import type { KeyObject } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configSchema } from '../../../../src/config/schema.ts'
import type { StintError } from '../../../../src/core/errors.ts'
import { takeTokenApart } from '../../../../src/identity/jwt/jwt-token.ts'
import { keyPlaces } from '../../../../src/identity/oidc/keys/key-places.ts'
import type { OidcVerifier } from '../../../../src/identity/oidc/oidc-verifier.ts'
import { createOidcVerifier, lookAtKeys } from '../../../../src/start/identity/issuers.ts'
import { eventually } from '../../../support/eventually.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { type RunningIssuer, startIssuer } from '../../../support/oidc-issuer.ts'
import { OIDC_KEYS, publicJwk, signedToken } from '../../../support/oidc-tokens.ts'
import { AUDIENCE, KINDS } from '../../../vectors/identity/oidc.ts'

/** What kubeadm, kind and k3s call every cluster. */
const NAME = 'https://kubernetes.default.svc.cluster.local'
const WELL_KNOWN = '/.well-known/openid-configuration'

let folder: string
let servers: RunningIssuer[]
let clock: ManualClock
let loaded: string[]
let problems: string[]
let verifier: OidcVerifier | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-keys-'))
  servers = []
  clock = new ManualClock(new Date().toISOString())
  loaded = []
  problems = []
})

afterEach(async () => {
  await verifier?.stop()
  verifier = undefined
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true, force: true })
})

describe('an API server that is not where its issuer name leads', () => {
  test('is found by discoveryUrl, and its keys at the address that it advertises', async () => {
    const [front, advertised] = [await apiServer(), await apiServer()]
    front.behaviour.discovery = () => ({ issuer: NAME, jwks_uri: `${advertised.url}/keys` })
    const cluster = { discoveryUrl: `${front.url}${WELL_KNOWN}` }
    await expect(look(cluster, [front])).rejects.toMatchObject({
      code: 'ISSUER_INVALID',
      details: { check: 'jwks-uri', explanation: expect.stringContaining('jwksHost') },
    })
    const jwksHost = [new URL(advertised.url).host]
    expect(await look({ ...cluster, jwksHost }, [front, advertised])).toEqual(['k1'])
  })

  test('is one of three, each with its own jwks_uri, behind one address', async () => {
    const [balancer, ...members] = [await apiServer(), await apiServer(), await apiServer()]
    let turn = 0
    if (!balancer) throw new Error('no balancer')
    balancer.behaviour.discovery = () => ({ issuer: NAME, jwks_uri: `${members[turn++ % 2]?.url}/keys` })
    const settings = {
      discoveryUrl: `${balancer.url}${WELL_KNOWN}`,
      jwksHost: members.map(({ url }) => new URL(url).host),
    }
    for (const _ of members) expect(await look(settings, [balancer, ...members])).toEqual(['k1'])
    expect(members.map(({ asked }) => asked.get('/keys'))).toEqual([1, 1])
  })

  test('and cannot be called by that name is said to need a place of its own', async () => {
    const server = await apiServer()
    await server.stop()
    servers.pop()
    const away = { issuer: server.url, audience: [AUDIENCE] }
    await expect(look(away, [server])).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      details: { explanation: expect.stringMatching(/discoveryUrl, jwksUrl or keysFile/) },
    })
  })

  test('is asked for its keys alone by jwksUrl', async () => {
    const server = await apiServer()
    expect(await look({ jwksUrl: `${server.url}/keys` }, [server])).toEqual(['k1'])
    expect(server.asked.has(WELL_KNOWN)).toBe(false)
  })

  test('has an IPv6 address', async () => {
    const server = await apiServer({ host: '::1' })
    server.behaviour.discovery = (url) => ({ issuer: NAME, jwks_uri: `${url}/keys` })
    const jwksHost = new URL(server.url).host
    expect(jwksHost).toMatch(/^\[::1\]:/)
    expect(await look({ discoveryUrl: `${server.url}${WELL_KNOWN}`, jwksHost }, [server])).toEqual(['k1'])
  })

  for (const { status, without, shown, says } of [
    { status: 403, without: 'right', shown: undefined, says: /tokenFile.*keysFile.*system:unauthenticated/ },
    { status: 401, without: 'right', shown: 'wrong', says: /rejected the token in tokenFile/ },
  ]) {
    test(`that answers ${status} is said to need a token, or another one`, async () => {
      const server = await apiServer()
      server.behaviour.bearer = without
      const tokenFile = shown && (await file('token', shown))
      await expect(
        look({ jwksUrl: `${server.url}/keys`, ...(tokenFile && { tokenFile }) }, [server]),
      ).rejects.toMatchObject({ details: { check: 'status', explanation: expect.stringMatching(says) } })
    })
  }

  test('is shown a token, as the file has it by then', async () => {
    const server = await apiServer()
    server.behaviour.bearer = 'first'
    const tokenFile = await file('token', 'first\n')
    await follow([{ jwksUrl: `${server.url}/keys`, tokenFile }], [server])
    await expectAccepted(clusterToken('k1'))
    server.behaviour.bearer = 'second'
    server.behaviour.keys = () => keySetOf({ k2: OIDC_KEYS.other.publicKey })
    await file('token', 'second')
    await clock.advance(30_000)
    await expectAccepted(clusterToken('k2', OIDC_KEYS.other.privateKey))
  })

  test('is the only one that the token is shown to', async () => {
    const [front, elsewhere] = [await apiServer(), await apiServer()]
    front.behaviour.bearer = 'secret'
    elsewhere.behaviour.bearer = 'secret'
    front.behaviour.discovery = () => ({ issuer: NAME, jwks_uri: `${elsewhere.url}/keys` })
    const tokenFile = await file('token', 'secret')
    const settings = { discoveryUrl: `${front.url}${WELL_KNOWN}`, tokenFile }
    await expect(look(settings, [front, elsewhere])).rejects.toMatchObject({ details: { check: 'jwks-uri' } })
    expect(elsewhere.asked.size).toBe(0)
    front.behaviour.intercept = (_, response) =>
      Boolean(response.writeHead(307, { location: `${elsewhere.url}/keys` }).end())
    await expect(look(settings, [front, elsewhere])).rejects.toMatchObject({ details: { check: 'redirect' } })
    expect(elsewhere.asked.size).toBe(0)
  })
})

describe('keys in a file', () => {
  test('count without any call, and follow the file', async () => {
    const keysFile = await file('keys', keySetOf({ k1: OIDC_KEYS.rsa.publicKey }))
    await follow([{ keysFile }])
    await expectAccepted(clusterToken('k1'))
    await file('keys.new', keySetOf({ k2: OIDC_KEYS.other.publicKey }))
    await rename(join(folder, 'keys.new'), keysFile)
    await clock.advance(1_000)
    await expectAccepted(clusterToken('k2', OIDC_KEYS.other.privateKey))
    await clock.advance(1_000)
    await expect(verify(clusterToken('k1'))).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  })

  test('go on when the file breaks, and the problem names the file', async () => {
    const keysFile = await file('keys', keySetOf({ k1: OIDC_KEYS.rsa.publicKey }))
    await follow([{ keysFile }])
    await expectAccepted(clusterToken('k1'))
    await rm(keysFile)
    await clock.advance(1_000)
    await expect(verify(clusterToken('k9'))).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    await expectAccepted(clusterToken('k1'))
    expect(problems).toEqual([expect.stringContaining(keysFile)])
  })
})

describe('an issuer whose keys are at several places', () => {
  test('is verified by a key of any of them, also while another is away', async () => {
    const [one, two] = [await apiServer(), await apiServer()]
    two.behaviour.keys = () => keySetOf({ k2: OIDC_KEYS.other.publicKey })
    one.behaviour.intercept = (_, response) => Boolean(response.writeHead(503).end())
    await follow([{ jwksUrl: [`${one.url}/keys`, `${two.url}/keys`] }], [one, two])
    await expectAccepted(clusterToken('k2', OIDC_KEYS.other.privateKey))
    // The key may be one of the server that is away.
    await expect(verify(clusterToken('k1'))).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
    delete one.behaviour.intercept
    await clock.advance(30_000)
    await expectAccepted(clusterToken('k1'))
    // A look that the clock began may still be under way when the token comes: then only the next look is final.
    await eventually('the unknown key is refused for good', async () => {
      await clock.advance(30_000)
      const { code, details } = await verify(clusterToken('k9')).then(
        () => expect.unreachable(),
        (error: StintError) => error,
      )
      if (code === 'ISSUER_UNAVAILABLE') return false
      expect({ code, check: details.check }).toEqual({ code: 'TOKEN_INVALID', check: 'kid' })
      return true
    })
  })
})

describe('two clusters with one issuer name', () => {
  test('are told apart by the key, and each names its own agents', async () => {
    const [a, b] = [await apiServer(), await apiServer()]
    b.behaviour.keys = () => keySetOf({ k2: OIDC_KEYS.other.publicKey })
    await follow([{ jwksUrl: `${a.url}/keys` }, { jwksUrl: `${b.url}/keys` }], [a, b])
    expect((await verify(clusterToken('k1'))).subject).toMatch(/^oidc:cluster-0:/)
    expect((await verify(clusterToken('k2', OIDC_KEYS.other.privateKey))).subject).toMatch(/^oidc:cluster-1:/)
    await expect(verify(clusterToken('k1', OIDC_KEYS.other.privateKey))).rejects.toMatchObject({
      details: { check: 'signature' },
    })
  })

  test('are told apart by the signature where both call their key the same', async () => {
    const [a, b] = [await apiServer(), await apiServer()]
    b.behaviour.keys = () => keySetOf({ k1: OIDC_KEYS.other.publicKey })
    await follow([{ jwksUrl: `${a.url}/keys` }, { jwksUrl: `${b.url}/keys` }], [a, b])
    await askAll()
    expect((await verify(clusterToken('k1'))).subject).toMatch(/^oidc:cluster-0:/)
    expect((await verify(clusterToken('k1', OIDC_KEYS.other.privateKey))).subject).toMatch(/^oidc:cluster-1:/)
  })

  test('that share a key are nobody’s, and that is said', async () => {
    const [a, b] = [await apiServer(), await apiServer()]
    await follow([{ jwksUrl: `${a.url}/keys` }, { jwksUrl: `${b.url}/keys` }], [a, b])
    await askAll()
    await expect(verify(clusterToken('k1'))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      details: { check: 'issuer' },
    })
    expect(loaded).toEqual([expect.stringMatching(/cluster-0 and cluster-1|cluster-1 and cluster-0/)])
  })

  test('go on each by itself while the other is away', async () => {
    const [a, b] = [await apiServer(), await apiServer()]
    b.behaviour.intercept = () => true
    await follow([{ jwksUrl: `${a.url}/keys` }, { jwksUrl: `${b.url}/keys` }], [a, b])
    verifier?.start()
    await expectAccepted(clusterToken('k1'))
  })

  for (const { name, two, path } of [
    { name: 'by their own name both', two: [{}, {}], path: ['identity', 'oidc', 1, 'issuer'] },
    {
      name: 'at one URL',
      two: [{ jwksUrl: 'https://a.example/keys' }, { jwksUrl: ['https://b.example/keys', 'https://a.example/keys'] }],
      path: ['identity', 'oidc', 1, 'issuer'],
    },
    { name: 'in one file', two: [{ keysFile: 'keys' }, { keysFile: 'keys' }], path: ['identity', 'oidc', 1, 'issuer'] },
  ]) {
    test(`cannot be configured to get their keys ${name}`, () => {
      const oidc = two.map((settings, index) => entry(settings, index))
      const { error } = configSchema.safeParse({ identity: { oidc } })
      expect(error?.issues).toContainEqual(expect.objectContaining({ path }))
    })
  }
})

describe('the settings of key places', () => {
  for (const { name, settings, path } of [
    { name: 'two kinds at once', settings: { jwksUrl: 'https://a.example/k', keysFile: 'keys' }, path: 'keysFile' },
    {
      name: 'a discoveryUrl that is no such document',
      settings: { discoveryUrl: 'https://a.example/' },
      path: 'discoveryUrl',
    },
    { name: 'a private jwksUrl that is not listed', settings: { jwksUrl: 'https://10.0.0.1/k' }, path: 'jwksUrl' },
    {
      name: 'a jwksHost beside jwksUrl',
      settings: { jwksUrl: 'https://a.example/k', jwksHost: 'b' },
      path: 'jwksHost',
    },
    { name: 'a jwksHost that is a URL', settings: { jwksHost: 'https://a.example' }, path: 'jwksHost' },
    { name: 'a tokenFile beside keysFile', settings: { keysFile: 'keys', tokenFile: 't' }, path: 'tokenFile' },
    { name: 'an allowPrivate that is a network', settings: { allowPrivate: ['10.0.0.0/8'] }, path: 'allowPrivate' },
  ]) {
    test(`refuse ${name}`, () => {
      const { error } = configSchema.safeParse({ identity: { oidc: [entry(settings, 0)] } })
      const found = error?.issues.map((issue) => issue.path.slice(0, 4).join('.'))
      expect(found).toContain(`identity.oidc.0.${path}`)
    })
  }
})

function entry(settings: Record<string, unknown>, index: number) {
  return { alias: `cluster-${index}`, preset: 'kubernetes', issuer: NAME, audience: [AUDIENCE], ...settings }
}

type OidcConfig = Parameters<typeof lookAtKeys>[0]

/** An issuer as the configuration has it, whose servers are those. */
async function configured(settings: Record<string, unknown>, index: number, of: readonly RunningIssuer[]) {
  const caFile = await file('roots', of.map(({ ca }) => ca).join('\n'))
  const allowPrivate = of.map(({ url }) => new URL(url).host)
  return { ...entry(settings, index), ...(of.length > 0 && { caFile, allowPrivate }) } as OidcConfig
}

/** The kids that one look finds. */
async function look(settings: Record<string, unknown>, of: readonly RunningIssuer[]): Promise<string[]> {
  const config = await configured(settings, 0, of)
  const kids: string[] = []
  for (const place of keyPlaces(config)) kids.push(...(await lookAtKeys(config, place)).keys.keys())
  return kids
}

async function follow(all: readonly Record<string, unknown>[], of: readonly RunningIssuer[] = []): Promise<void> {
  const oidc = await Promise.all(all.map((settings, index) => configured(settings, index, of)))
  const config = { identity: { oidc, reloadEvery: 5_000 } } as unknown as Parameters<typeof createOidcVerifier>[0]
  verifier = await createOidcVerifier(config, {
    clock,
    onLoaded: (_, notes) => loaded.push(...notes),
    onProblem: (_, error, place) => problems.push(`${error.code} at ${place}`),
  })
}

/** Has every place asked once, by a key that nobody has. */
async function askAll(): Promise<void> {
  await verify(clusterToken('nobody')).catch(() => undefined)
}

function verify(token: string) {
  if (!verifier) throw new Error('no verifier')
  return verifier.verify(takeTokenApart(token), clock.now())
}

async function expectAccepted(token: string): Promise<void> {
  expect(await verify(token)).toMatchObject({ subject: expect.stringContaining('serviceaccount=reporter') })
}

function clusterToken(kid: string, key: KeyObject = OIDC_KEYS.rsa.privateKey): string {
  const iat = Math.floor(clock.now().getTime() / 1_000)
  const claims = { ...KINDS.kubernetes.claims, iss: NAME, aud: [AUDIENCE], iat, exp: iat + 600 }
  return signedToken({ alg: 'RS256', kid }, claims, key)
}

async function apiServer({ host }: { host?: string } = {}): Promise<RunningIssuer> {
  const server = await startIssuer(host === undefined ? {} : { host })
  server.behaviour.discovery = (url) => ({ issuer: NAME, jwks_uri: `${url}/keys` })
  server.behaviour.keys = () => keySetOf({ k1: OIDC_KEYS.rsa.publicKey })
  servers.push(server)
  return server
}

function keySetOf(keys: Record<string, KeyObject>): string {
  return JSON.stringify({ keys: Object.entries(keys).map(([kid, key]) => publicJwk(kid, key)) })
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}
