import { randomUUID, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/log.ts'
import { type Stage, setStage } from '../../../src/practice/stage/stage.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import { runDoctor } from '../../../src/start/doctor/doctor.ts'
import { type Broker, startBroker } from '../../../src/start/main.ts'
import { stint } from '../../support/cli.ts'
import { eventually } from '../../support/eventually.ts'
import { type RunningIssuer, startIssuer } from '../../support/oidc-issuer.ts'
import { OIDC_KEYS, signedToken } from '../../support/oidc-tokens.ts'
import { KINDS } from '../../vectors/identity/oidc.ts'

const AUDIENCE = 'https://stint.example.org'
const open: StintClient[] = []
let folder: string
let issuer: RunningIssuer
let stage: Stage
let config: Config
let broker: Broker

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-oidc-'))
  issuer = await startIssuer()
  await writeFile(join(folder, 'issuer.pem'), issuer.ca)
  const listed = {
    alias: 'ci',
    preset: 'github',
    issuer: issuer.url,
    audience: AUDIENCE,
    caFile: 'issuer.pem',
    allowPrivate: ['127.0.0.1'],
    conditions: { repository_owner_id: ['4711'] },
  }
  stage = await setStage({ folder, config: { listen: { bearer: '127.0.0.1:0' }, identity: { oidc: [listed] } } })
  await writeFile(
    join(folder, 'agents.yaml'),
    JSON.stringify({
      agents: [
        {
          name: 'ci-invoices',
          match: 'oidc:ci:repository_owner_id=4711;repository_id=815;*',
          owner: 'ann@practice.example',
          team: 'data',
          purpose: 'jobs of the invoices repository',
          expires: '2099-12-31',
        },
      ],
    }),
  )
  config = loadConfig({ file: stage.configFile, env: {} })
  broker = await startBroker(config, { clock: systemClock, logger: createLogger({ level: 'fatal' }), version: 'test' })
})

afterAll(async () => {
  for (const client of open) client.close()
  await broker?.stop()
  await stage?.close()
  await issuer?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('an agent with a token of a CI job', () => {
  test('asks, renews and completes, with a fresh token for each call', async () => {
    const agent = client({ token: async () => ciToken() })
    const { grant, lease } = await agent.requestGrant(task(), randomUUID())
    expect(grant.state).toBe('active')
    expect(lease).toBeDefined()
    const renewed = await agent.renewLease(grant.id)
    expect(renewed.lease).toBeDefined()
    expect((await agent.completeGrant(grant.id)).id).toBe(grant.id)
    expect((await agent.listGrants()).grants.map(({ id }) => id)).toContain(grant.id)
  })

  // The environment that docs/identity.md gives to a pod without an SVID.
  test('needs no more than an address, the ID and the roots of the broker, and a token file', async () => {
    const tokenFile = join(folder, 'agent-token')
    await writeFile(tokenFile, `${ciToken()}\n`)
    const env = {
      STINT_ADDRESS: broker.addresses.bearer,
      STINT_SERVER_ID: stage.brokerId,
      STINT_BUNDLE: stage.rootsFile,
      STINT_TOKEN_FILE: tokenFile,
    }
    const flags = ['--role', task().roleArn, '--purpose', task().purpose, '--ttl', '15m']
    const argv = ['plan', ...flags, '--allow', 's3:GetObject=arn:aws:s3:::invoices-staging/*']
    expect(await stint(argv, { env })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('s3:GetObject') })
    const withoutToken = await stint(argv, { env: { ...env, STINT_TOKEN_FILE: undefined } })
    expect(withoutToken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('CONFIG_INVALID') })
  })

  test('J33 mints with one token by one connection, and a thief by another one only after that has closed', async () => {
    const token = ciToken({ jti: 'held' })
    const agent = client({ token: async () => token })
    const { grant } = await agent.requestGrant(task(), randomUUID())
    await agent.requestGrant(task(), randomUUID())
    expect((await agent.renewLease(grant.id)).lease).toBeDefined()
    for (const stolen of [token, ciToken({ jti: 'held', run_id: '2' })]) {
      const thief = client({ token: async () => stolen })
      await expect(thief.requestGrant(task(), randomUUID())).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
      expect((await thief.getGrant(grant.id)).id).toBe(grant.id)
    }
    agent.close()
    const next = client({ token: async () => token })
    const again = await eventually('the end of the connection', () =>
      next.requestGrant(task(), randomUUID()).catch(() => undefined),
    )
    expect(again.lease).toBeDefined()
  })

  for (const { name, claims, code } of [
    { name: 'of another repository of the owner', claims: { repository_id: '816' }, code: 'AGENT_UNREGISTERED' },
    { name: 'of another owner', claims: { repository_owner_id: '4712' }, code: 'TOKEN_INVALID' },
    { name: 'of a pull request', claims: { event_name: 'pull_request' }, code: 'TOKEN_INVALID' },
    { name: 'for another service', claims: { aud: 'https://github.com/example-org' }, code: 'TOKEN_INVALID' },
  ]) {
    test(`gets nothing with a token ${name}`, async () => {
      const agent = client({ token: async () => ciToken(claims) })
      await expect(agent.requestGrant(task(), randomUUID())).rejects.toMatchObject({ code })
    })
  }

  test('does not get in by the port for certificates', async () => {
    const { spiffeId: _, ...svid } = await stage.issueSvid('/agents/invoice-bot')
    const agent = client({ token: async () => ciToken(), svid, at: broker.addresses.agents })
    await expect(agent.requestGrant(task(), randomUUID())).rejects.toMatchObject({ code: 'IDENTITY_MISMATCH' })
  })

  test('RFC 8705: gets in there with a token bound to its certificate, and nobody else does with that token', async () => {
    const { spiffeId: _, ...svid } = await stage.issueSvid('/agents/invoice-bot')
    const { fingerprint256 } = new X509Certificate(await readFile(svid.certificateFile))
    const x5t = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
    const token = ciToken({ cnf: { 'x5t#S256': x5t } })
    const bound = client({ token: async () => token, svid, at: broker.addresses.agents })
    expect((await bound.requestGrant(task(), randomUUID())).grant.state).toBe('active')
    const { spiffeId: __, ...thief } = await stage.issueSvid('/agents/thief')
    for (const way of [{ svid: thief, at: broker.addresses.agents }, {}]) {
      const agent = client({ token: async () => token, ...way })
      await expect(agent.requestGrant(task(), randomUUID())).rejects.toMatchObject({ code: 'TOKEN_BINDING_MISMATCH' })
    }
  })
})

describe('stint whoami --token-file', () => {
  test('shows every check of a token and its registration, and prints nothing of the token', async () => {
    const token = ciToken()
    const run = await judge(token, '--fetch-keys', '-o', 'json')
    expect(run.exitCode).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({
      accepted: true,
      alias: 'ci',
      subject: 'oidc:ci:repository_owner_id=4711;repository_id=815;ref=refs/heads/main',
      checks: expect.arrayContaining([
        { name: 'condition repository_owner_id', verdict: 'pass', finding: '4711' },
        { name: 'trap event_name', verdict: 'pass', finding: 'not caught' },
        { name: 'signature', verdict: 'pass', finding: expect.any(String) },
        { name: 'registration', verdict: 'pass', finding: 'ci-invoices of ann@practice.example, team data' },
      ]),
    })
    for (const part of token.split('.')) expect(run.stdout + run.stderr).not.toContain(part)
  })

  test('names all that is wrong, not only the first', async () => {
    const run = await judge(ciToken({ aud: 'x', event_name: 'pull_request', repository_id: '9' }), '-o', 'json')
    expect(run.exitCode).toBe(1)
    const { checks } = JSON.parse(run.stdout) as { checks: { name: string; verdict: string; code?: string }[] }
    expect(checks.filter(({ verdict }) => verdict !== 'pass').map(({ name, code }) => [name, code])).toEqual([
      ['audience', 'TOKEN_INVALID'],
      ['trap event_name', 'TOKEN_INVALID'],
      ['signature', undefined],
      ['registration', 'AGENT_UNREGISTERED'],
    ])
  })

  test('judges a JWT-SVID by the bundles of the configuration', async () => {
    const order = { path: '/agents/x', audience: stage.brokerId }
    const run = await judge(await stage.trustDomain.issueJwtSvid(order), '-o', 'json')
    expect(JSON.parse(run.stdout)).toMatchObject({
      accepted: false,
      subject: 'spiffe://practice.example/agents/x',
      checks: [{ name: 'form' }, { name: 'JWT-SVID', verdict: 'pass' }, { code: 'AGENT_UNREGISTERED' }],
    })
  })

  for (const { name, text, check } of [
    { name: 'what is no token', text: 'hello', check: 'form' },
    { name: 'a token of an unknown issuer', text: () => ciToken({ iss: 'https://evil.example' }), check: 'JWT-SVID' },
  ]) {
    test(`refuses ${name}`, async () => {
      const run = await judge(typeof text === 'string' ? text : text())
      expect(run.exitCode).toBe(1)
      expect(run.stdout).toContain(`${check}\tfail\t`)
    })
  }

  test('says when the file cannot be read, or a flag is missing', async () => {
    const missing = ['--token-file', join(folder, 'nothing'), '--config', stage.configFile]
    expect(await stint(['whoami', ...missing])).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await stint(['whoami', '--fetch-keys'])).toMatchObject({ exitCode: 2 })
  })
})

test('stint doctor looks at each issuer', async () => {
  expect(await issuerCheck(config)).toMatchObject({ ok: true, finding: expect.stringContaining('2 keys; agents by') })
  const [listed] = config.identity.oidc
  if (!listed) throw new Error('no issuer')
  const closed = { ...config, identity: { ...config.identity, oidc: [{ ...listed, allowPrivate: [] }] } }
  expect(await issuerCheck(closed)).toMatchObject({ ok: false, code: 'CONFIG_INVALID' })
  const away = { ...config, identity: { ...config.identity, oidc: [{ ...listed, issuer: 'https://127.0.0.1:1' }] } }
  expect(await issuerCheck(away)).toMatchObject({ ok: false, code: 'FETCH_FAILED' })
})

async function issuerCheck(of: Config) {
  const deps = { clock: systemClock, logger: createLogger({ level: 'fatal' }) }
  for await (const check of runDoctor(of, deps, AbortSignal.timeout(30_000))) {
    if (check.name === 'issuer ci') return check
  }
  return undefined
}

async function judge(token: string, ...flags: string[]) {
  const file = join(folder, 'token')
  await writeFile(file, `${token}\n`)
  return stint(['whoami', '--token-file', file, '--config', stage.configFile, ...flags])
}

function client({
  token,
  svid = {},
  at = broker.addresses.bearer ?? '',
}: {
  token: () => Promise<string>
  svid?: { certificateFile?: string; privateKeyFile?: string }
  at?: string
}): StintClient {
  const made = new StintClient({
    address: at,
    serverId: stage.brokerId,
    svid: { ...svid, bundleFile: stage.rootsFile },
    token,
  })
  open.push(made)
  return made
}

function ciToken(claims: Record<string, unknown> = {}): string {
  const iat = Math.floor(Date.now() / 1000)
  const merged = { ...KINDS.github.claims, iss: issuer.url, aud: AUDIENCE, iat, exp: iat + 300, jti: randomUUID() }
  return signedToken({ alg: 'RS256', typ: 'JWT', kid: 'rsa' }, { ...merged, ...claims }, OIDC_KEYS.rsa.privateKey)
}

function task() {
  return {
    purpose: 'read the invoices',
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/stint/agent-data`,
    ttlSeconds: 900,
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
  }
}
