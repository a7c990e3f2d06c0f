import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { StintError } from '../../src/core/errors.ts'
import { SETTINGS } from '../vectors/identity/federation.ts'
import { ENDPOINTS } from '../vectors/identity/workload-api.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const BASE = {
  registry: { file: 'agents.yaml' },
  policy: { directory: 'policies' },
  roles: [{ arn: 'arn:aws:iam::123456789012:role/a', revocation: { kind: 'none' } }],
  aws: { region: 'eu-central-1' },
  ledger: { file: 'ledger.db' },
}
const FILES = {
  server: { certificateFile: 'a.pem', privateKeyFile: 'a.key' },
  domains: { 'a.test': { file: 'a.json' } },
}
const SOCKET = 'unix:///run/spire/agent.sock'

function load(identity: object, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, 'stint.yaml')
  writeFileSync(file, stringify({ ...BASE, identity }))
  return loadConfig({ file, env }).identity
}

/** The paths of what is wrong. */
function problems(identity: object, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    load(identity, env)
    return []
  } catch (error) {
    if (!(error instanceof StintError)) throw error
    return (error.details.problems as { path: string }[]).map(({ path }) => path)
  }
}

describe('the audiences of tokens', () => {
  for (const { name, audience, list } of [
    { name: 'one', audience: 'stint', list: ['stint'] },
    { name: 'several', audience: ['stint', 'old'], list: ['stint', 'old'] },
  ]) {
    test(`may be ${name}, in all and of one trust domain`, () => {
      const domains = { 'a.test': { file: 'a.json', audience } }
      expect(load({ ...FILES, domains, tokens: { audience } })).toMatchObject({
        tokens: { audience: list },
        domains: { 'a.test': { audience: list } },
      })
    })
  }

  for (const audience of ['', ' ', [], ['a', ''], 1]) {
    test(`may not be ${JSON.stringify(audience)}`, () => {
      const domains = { 'a.test': { file: 'a.json', audience } }
      const found = problems({ ...FILES, domains, tokens: { audience } })
      expect(found.filter((path) => path.startsWith('identity.tokens.audience'))).toHaveLength(1)
      expect(found.filter((path) => path.startsWith('identity.domains.a.test.audience'))).toHaveLength(1)
    })
  }
})

describe('where the bundle of a trust domain comes from', () => {
  for (const { id, name, settings, refused } of SETTINGS) {
    test(`${id} ${refused ? 'refuses' : 'takes'} federation with ${name}`, () => {
      const found = problems({ ...FILES, domains: { 'b.test': { federation: settings } } })
      expect(found.every((path) => path.startsWith('identity.domains.b.test.federation'))).toBe(true)
      expect(found.length > 0).toBe(refused)
    })
  }

  test('F1 refuses a trust domain without a name or with one that is none', () => {
    for (const name of ['', 'B.test', 'spiffe://b.test', 'b.test/x']) {
      expect(problems({ ...FILES, domains: { [name]: { file: 'b.json' } } })).toHaveLength(1)
    }
  })

  test('is exactly one place', () => {
    const federation = { profile: 'https_web', url: 'https://b.test/' }
    for (const source of [{}, { file: 'b.json', federation }, { workloadApi: true, federation }]) {
      expect(problems({ ...FILES, domains: { 'b.test': source }, workloadApi: { socket: SOCKET } })).toEqual([
        'identity.domains.b.test',
      ])
    }
  })

  test('refuses an endpoint in a trust domain that is not known', () => {
    const federation = { profile: 'https_spiffe', url: 'https://b.test/', endpointSpiffeId: 'spiffe://c.test/server' }
    const domains = { 'b.test': { federation } }
    expect(problems({ ...FILES, domains })).toEqual(['identity.domains.b.test.federation.endpointSpiffeId'])
    expect(problems({ ...FILES, domains: { ...domains, 'c.test': { file: 'c.json' } } })).toEqual([])
  })
})

describe('the Workload API', () => {
  const WORKLOAD = { server: 'workload-api', domains: { 'a.test': { workloadApi: true } } }

  test('is where the file says, else where SPIFFE_ENDPOINT_SOCKET says', () => {
    const env = { SPIFFE_ENDPOINT_SOCKET: 'unix:///other.sock' }
    expect(load({ ...WORKLOAD, workloadApi: { socket: SOCKET } }, env).workloadApi.socket).toBe(SOCKET)
    expect(load(WORKLOAD, env).workloadApi.socket).toBe('unix:///other.sock')
    expect(problems(WORKLOAD)).toEqual(['identity.workloadApi.socket'])
    expect(problems({ ...FILES, domains: WORKLOAD.domains })).toEqual(['identity.workloadApi.socket'])
  })

  test('is not looked at when nothing comes from it', () => {
    expect(load(FILES, { SPIFFE_ENDPOINT_SOCKET: 'nonsense' }).workloadApi.socket).toBeUndefined()
  })

  for (const { id, address, target } of ENDPOINTS) {
    if (target !== undefined || address === '') continue
    test(`${id} refuses ${JSON.stringify(address.slice(0, 40))}`, () => {
      expect(problems({ ...WORKLOAD, workloadApi: { socket: address } })).toEqual(['identity.workloadApi.socket'])
    })
  }

  test('is the one word beside a key pair that says where our own identity comes from', () => {
    for (const server of ['spire', {}, { certificateFile: 'a.pem' }, undefined]) {
      expect(problems({ ...FILES, server })).toEqual(['identity.server'])
    }
  })
})

describe('our own bundle endpoint', () => {
  test('serves a trust domain of ours, and none of others', () => {
    const federation = { profile: 'https_web', url: 'https://b.test/' }
    const domains = { ...FILES.domains, 'b.test': { federation } }
    const endpoint = (trustDomain: string) =>
      problems({ ...FILES, domains, bundleEndpoint: { listen: '0.0.0.0:8447', trustDomain } })
    expect(endpoint('a.test')).toEqual([])
    for (const name of ['b.test', 'c.test', 'constructor']) {
      expect(endpoint(name)).toEqual(['identity.bundleEndpoint.trustDomain'])
    }
  })

  for (const { listen, host, port } of [
    { listen: '0.0.0.0:8447', host: '0.0.0.0', port: 8447 },
    { listen: '[::1]:0', host: '::1', port: 0 },
  ]) {
    test(`listens at ${listen}`, () => {
      const bundleEndpoint = { listen, trustDomain: 'a.test' }
      expect(load({ ...FILES, bundleEndpoint }).bundleEndpoint?.listen).toEqual({ host, port })
    })
  }

  for (const listen of ['0.0.0.0:65536', '::1:8447', '8447']) {
    test(`does not listen at ${listen}`, () => {
      const bundleEndpoint = { listen, trustDomain: 'a.test' }
      expect(problems({ ...FILES, bundleEndpoint })).toEqual(['identity.bundleEndpoint.listen'])
    })
  }
})
