import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { StintError } from '../../src/core/errors.ts'

const GOOD = `
identity:
  server: { certificateFile: server.pem, privateKeyFile: server.key }
  domains: { example.org: { file: bundle.json } }
registry: { file: agents.yaml }
policy: { directory: policies }
roles:
  - arn: arn:aws:iam::123456789012:role/stint/data
    revocation: { kind: none }
aws: { region: eu-central-1 }
ledger: { file: /var/lib/stint/ledger.db }
`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function load(text: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, 'stint.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, env })
}

/** The good configuration with some of its sections replaced. */
function withSections(sections: Record<string, unknown>): string {
  return stringify({ ...(parse(GOOD) as object), ...sections })
}

function problemsOf(text: string, env?: NodeJS.ProcessEnv): { path: string; message: string; line?: number }[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof StintError && error.code === 'CONFIG_INVALID') {
      return error.details.problems as unknown as { path: string; message: string; line?: number }[]
    }
    throw error
  }
  throw new Error('was loaded')
}

describe('a good file', () => {
  test('has defaults, durations in milliseconds, and paths from its own folder', () => {
    const config = load(GOOD)
    expect(config.grants).toMatchObject({ leaseTime: 300_000, maxTaskTime: 3_600_000 })
    expect(config.registry.file).toBe(join(folder, 'agents.yaml'))
    expect(config.policy.directory).toBe(join(folder, 'policies'))
    expect(config.ledger.file).toBe('/var/lib/stint/ledger.db')
    expect(config.listen.agents).toEqual({ host: '127.0.0.1', port: 8443 })
  })

  test('gives way to the environment', () => {
    const config = load(GOOD, { STINT_CONFIG_LISTEN__AGENTS: '[::1]:9443', STINT_CONFIG_SERVER__REFLECTION: 'true' })
    expect(config.listen.agents).toEqual({ host: '::1', port: 9443 })
    expect(config.server.reflection).toBe(true)
  })
})

describe('a bad file is refused with every problem by path', () => {
  test('the expiry of an operator may carry an offset', () => {
    const row = { name: 'o', role: 'admin', tokenSha256: 'ab'.repeat(32), expiresAt: '2026-12-01T01:00:00+01:00' }
    const [operator] = load(withSections({ admin: { operators: [row] } })).admin.operators
    expect(operator?.expiresAt.toISOString()).toBe('2026-12-01T00:00:00.000Z')
  })

  for (const { name, text, path, says } of [
    { name: 'a setting that there is not', text: `${GOOD}\ngrant: {}`, path: 'grant', says: 'did you mean grants' },
    {
      name: 'a misspelt setting',
      text: withSections({ aws: { regoin: 'eu-central-1' } }),
      path: 'aws.regoin',
      says: 'did you mean region',
    },
    {
      name: 'a setting that another one has replaced',
      text: withSections({
        identity: { ...(parse(GOOD) as { identity: object }).identity, oidc: [{ reusable: true }] },
      }),
      path: 'identity.oidc.0.reusable',
      says: 'identity.tokens.reuse',
    },
    {
      name: 'a duration without a unit',
      text: withSections({ grants: { leaseTime: '300' } }),
      path: 'grants.leaseTime',
      says: 'duration',
    },
    {
      name: 'a number for a duration',
      text: withSections({ grants: { leaseTime: 300 } }),
      path: 'grants.leaseTime',
      says: 'duration from 60s to 15m',
    },
    {
      name: 'an unknown kind of revocation',
      text: withSections({ roles: [{ arn: 'arn:aws:iam::123456789012:role/x', revocation: { kind: 'boundry' } }] }),
      path: 'roles.0.revocation.kind',
      says: 'one of boundary, inline, none',
    },
    {
      name: 'a lease below 60 s',
      text: withSections({ grants: { leaseTime: '30s' } }),
      path: 'grants.leaseTime',
      says: '60s',
    },
    {
      name: 'a lease above 15 min',
      text: withSections({ grants: { leaseTime: '20m' } }),
      path: 'grants.leaseTime',
      says: '15m',
    },
    {
      name: 'a shortest task that is longer than the longest',
      text: withSections({ grants: { minTaskTime: '50m', maxTaskTime: '10m' } }),
      path: 'grants.minTaskTime',
      says: 'maxTaskTime',
    },
    {
      name: 'an address without a port',
      text: withSections({ listen: { agents: 'localhost' } }),
      path: 'listen.agents',
      says: 'host:port',
    },
    {
      name: 'a port beyond 65535',
      text: withSections({ listen: { agents: '127.0.0.1:70000' } }),
      path: 'listen.agents',
      says: 'host:port',
    },
    {
      name: 'a role that is none',
      text: withSections({ roles: [{ arn: 'arn:aws:iam::123456789012:user/x', revocation: { kind: 'none' } }] }),
      path: 'roles.0.arn',
      says: 'role',
    },
    {
      name: 'a role without a word on revocation',
      text: withSections({ roles: [{ arn: 'arn:aws:iam::123456789012:role/x' }] }),
      path: 'roles.0.revocation',
      says: '',
    },
    {
      name: 'a time without a zone',
      text: withSections({
        admin: {
          operators: [{ name: 'o', role: 'admin', tokenSha256: 'ab'.repeat(32), expiresAt: '2026-12-01T00:00:00' }],
        },
      }),
      path: 'admin.operators.0.expiresAt',
      says: 'an instant such as',
    },
    {
      name: 'a token in place of its hash',
      text: withSections({
        admin: {
          operators: [{ name: 'olga', role: 'admin', tokenSha256: 'stint_secret', expiresAt: '2026-12-01T00:00:00Z' }],
        },
      }),
      path: 'admin.operators.0.tokenSha256',
      says: 'hex',
    },
    { name: 'an alias that leads nowhere', text: `${GOOD}\nlog: *nowhere`, path: '', says: '' },
    { name: 'a key that is given twice', text: `${GOOD}\naws: {}`, path: '', says: '' },
    { name: 'a list', text: '- a\n- b', path: '', says: '' },
    { name: 'nothing', text: '', path: 'aws', says: '' },
    {
      name: 'aliases of aliases',
      text: `a: &a [x,x,x]\nb: &b [${'*a,'.repeat(30)}]\nc: [${'*b,'.repeat(30)}]`,
      path: '',
      says: '',
    },
  ]) {
    test(name, () => {
      const problem = problemsOf(text).find((each) => each.path === path)
      expect(problem?.message).toContain(says)
    })
  }

  for (const { name, text, lines, last } of [
    {
      name: 'broken on each of 5,000 lines',
      text: 'a: [\n'.repeat(5_000),
      lines: 101,
      last: /^and \d{4} more problems$/,
    },
    {
      name: 'with 102 unknown settings',
      text: GOOD + Array.from({ length: 102 }, (_, n) => `unknown${n}: 1\n`).join(''),
      lines: 101,
      last: /^and 2 more problems$/,
    },
    {
      name: 'nested 5,000 deep',
      text: '['.repeat(5_000) + ']'.repeat(5_000),
      lines: 1,
      last: /: The document is nested too deep to be read; it needs fewer levels\.$/,
    },
  ])
    test(`a file ${name} is explained in ${lines} lines`, () => {
      expect(() => load(text)).toThrow(
        expect.toSatisfy(({ details }: StintError) => {
          const said = (details.explanation ?? '').split('\n')
          expect(said.at(-1)).toMatch(last)
          expect(said).toHaveLength(lines)
          expect(details.problems).toHaveLength(Math.min(lines, 100))
          return true
        }),
      )
    })

  test('problems name their line', () => {
    expect(problemsOf(`${GOOD}grants:\n  leaseTime: never\n`)).toMatchObject([{ path: 'grants.leaseTime', line: 13 }])
  })

  test('the name of no setting reaches the prototype', () => {
    expect(problemsOf(GOOD, { STINT_CONFIG___PROTO____POLLUTED: 'yes' }).length).toBeGreaterThan(0)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('a file that is not there is told by its path', () => {
    const file = join(folder, 'not-there.yaml')
    expect(() => loadConfig({ file, env: {} })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

describe('a store that is not AWS', () => {
  const ROLE = 'arn:aws:iam:::role/stint/data'
  const store = (profile: string, kind: string, more: object = {}) =>
    withSections({
      aws: {
        region: 'us-east-1',
        profile,
        stsEndpoint: 'https://s3.example',
        iamEndpoint: 'https://s3.example',
        ...more,
      },
      roles: [
        {
          arn: ROLE,
          revocation: { kind, ...(kind === 'boundary' ? { policyArn: 'arn:aws:iam::123456789012:policy/b' } : {}) },
        },
      ],
    })

  for (const [profile, kind] of [
    ['ceph', 'inline'],
    ['ceph', 'none'],
    ['minio', 'none'],
  ] as const)
    test(`can be ${profile} with ${kind}`, () => expect(load(store(profile, kind)).aws.profile).toBe(profile))

  for (const [profile, kind] of [
    ['ceph', 'boundary'],
    ['minio', 'boundary'],
    ['minio', 'inline'],
  ] as const) {
    test(`cannot have the ${kind} deny list that ${profile} does not do`, () => {
      expect(problemsOf(store(profile, kind))).toEqual([
        expect.objectContaining({
          path: 'roles.0.revocation.kind',
          message: expect.stringContaining(`${profile} has no`),
        }),
      ])
    })
  }

  test('has no GetScopedCredentials to mint by', () => {
    expect(problemsOf(store('ceph', 'inline', { mintBy: 'scoped-credentials' }))).toEqual([
      expect.objectContaining({ path: 'aws.mintBy', message: expect.stringContaining('ceph has no') }),
    ])
  })

  test('has an address of its own, so that AWS is not called in its place', () => {
    const text = withSections({
      aws: { region: 'us-east-1', profile: 'ceph' },
      roles: [{ arn: ROLE, revocation: { kind: 'inline' } }],
    })
    expect(problemsOf(text).map(({ path }) => path)).toEqual(['aws.stsEndpoint', 'aws.iamEndpoint'])
  })
})

test('leases are not minted by GetScopedCredentials of the global endpoint, which has none', () => {
  const aws = (stsEndpoint: string) =>
    withSections({ aws: { region: 'us-east-1', mintBy: 'scoped-credentials', stsEndpoint } })
  expect(problemsOf(aws('https://sts.amazonaws.com')).map(({ path }) => path)).toEqual(['aws.mintBy'])
  expect(load(aws('https://sts.us-east-1.amazonaws.com')).aws.mintBy).toBe('scoped-credentials')
  expect(load(GOOD).aws.mintBy).toBe('assume-role')
})

test('leases are minted by the direct client unless the SDK is asked for', () => {
  const aws = (settings: object) => withSections({ aws: { region: 'us-east-1', ...settings } })
  expect(load(GOOD).aws.stsClient).toBe('direct')
  expect(load(aws({ stsClient: 'sdk' })).aws.stsClient).toBe('sdk')
  expect(problemsOf(aws({ stsClient: 'fast' })).map(({ path }) => path)).toEqual(['aws.stsClient'])
})

describe('the way to AWS', () => {
  const aws = (settings: object) =>
    withSections({
      aws: { region: 'eusc-de-east-1', ...settings },
      roles: [{ arn: 'arn:aws-eusc:iam::123456789012:role/stint/data', revocation: { kind: 'none' } }],
    })

  for (const [settings, path, says] of [
    [{ endpoint: 'http://sts.example.org' }, 'aws.endpoint', 'https://'],
    [{ stsEndpoint: 'https://user:pass@sts.example.org' }, 'aws.stsEndpoint', 'https://'],
    [{ fips: true, endpoint: 'https://sts.example.org' }, 'aws.fips', 'aws.endpoint'],
    [{ dualStack: true, iamEndpoint: 'https://iam.example.org' }, 'aws.dualStack', 'aws.iamEndpoint'],
    [{ proxy: { url: 'http://stint:pass@proxy.example.org:3128' } }, 'aws.proxy.url', 'aws.proxy.credentialsFile'],
    [{ proxy: { url: 'socks5://proxy.example.org:1080' } }, 'aws.proxy.url', 'http://host:port'],
    [{ proxy: { url: 'http://proxy.example.org:3128/path' } }, 'aws.proxy.url', 'http://host:port'],
    [{ proxy: { url: 'proxy.example.org:3128' } }, 'aws.proxy.url', 'http://host:port'],
  ] as const)
    test(`is refused: ${JSON.stringify(settings)}`, () => {
      const problem = expect.objectContaining({ path, message: expect.stringContaining(says) })
      expect(problemsOf(aws(settings))).toEqual([problem])
    })

  test('comes from the environment where the file says nothing of it, the password of a proxy as a secret', () => {
    const env = {
      https_proxy: 'http://stint:canary@proxy.example.org:3128',
      no_proxy: 'a.example, .b.example',
      AWS_ENDPOINT_URL: 'https://aws.example.org',
      AWS_ENDPOINT_URL_IAM: 'https://iam.example.org',
      AWS_CA_BUNDLE: '/etc/ca.pem',
    }
    const { proxy, ...found } = load(aws({}), env).aws
    expect(found).toMatchObject({
      stsEndpoint: 'https://aws.example.org',
      iamEndpoint: 'https://iam.example.org',
      caFile: '/etc/ca.pem',
    })
    expect(proxy.url).toMatchObject({ host: 'proxy.example.org', port: 3128, tls: false })
    expect(proxy.url?.credentials?.reveal()).toBe('stint:canary')
    expect(proxy.noProxy).toEqual(['a.example', '.b.example'])
    expect(stringify(proxy)).not.toContain('canary')
  })

  for (const HTTPS_PROXY of ['socks5://stint:canary@proxy.example.org', 'http://stint:canary%zz@proxy.example.org'])
    test(`is refused where HTTPS_PROXY is ${HTTPS_PROXY}, without its password`, () => {
      const [problem, ...more] = problemsOf(aws({}), { HTTPS_PROXY })
      expect(more).toEqual([])
      expect(problem).toMatchObject({
        path: 'aws.proxy.url',
        message: expect.stringContaining('comes from HTTPS_PROXY'),
      })
      expect(JSON.stringify(problem)).not.toContain('canary')
      expect(load(aws({ proxy: { fromEnvironment: false } }), { HTTPS_PROXY }).aws.proxy.url).toBeUndefined()
    })

  test('is not made to fail by a variant of endpoints in the environment, where the file names the endpoint', () => {
    const env = { AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true' }
    expect(load(aws({ stsEndpoint: 'https://sts.example.org' }), env).aws).toMatchObject({
      fips: false,
      dualStack: false,
    })
    expect(load(aws({}), env).aws).toMatchObject({ fips: true, dualStack: true })
  })

  test('comes from the file where both say something', () => {
    const env = { HTTPS_PROXY: 'http://other.example.org:80', AWS_ENDPOINT_URL_STS: 'https://other.example.org' }
    const file = { endpoint: 'https://aws.example.org', proxy: { url: 'http://proxy.example.org:3128' } }
    const config = load(aws(file), env).aws
    expect(config).toMatchObject({ endpoint: 'https://aws.example.org', proxy: { url: { host: 'proxy.example.org' } } })
    expect(config.stsEndpoint).toBeUndefined()
  })
})
