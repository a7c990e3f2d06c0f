import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { StintError } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/log.ts'
import type { FailedCall } from '../../../src/credentials/aws-sts/calls/observer.ts'
import type { AwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import type { PartReports } from '../../../src/credentials/aws-sts/provider-problems.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { runDoctor } from '../../../src/start/doctor/doctor.ts'
import { createProvider } from '../../../src/start/provider.ts'
import { ConnectProxy, type ProxyMood } from '../../support/connect-proxy.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type AwsHarness, INLINE_ROLE, mintRequest, PLAIN_ROLE, startAws } from '../harness.ts'

const never = new AbortController().signal
const STS = 'sts.eu-west-1.amazonaws.com'
const IAM = 'iam.amazonaws.com'

let pki: PracticeTrustDomain
let identity: { certPem: string; keyPem: string }
let aws: AwsHarness
let folder: string
let proxy: ConnectProxy
let tlsPort: number
let lines: Record<string, unknown>[]
const ends: (() => unknown)[] = []

beforeAll(async () => {
  pki = await createTrustDomain('aws.test', { intermediate: true })
  const dnsNames = [STS, IAM, 'sts-fips.eu-west-1.amazonaws.com', 'sts.eu-west-1.api.aws', 'localhost']
  identity = await pki.issueX509Svid({ path: '/aws', dnsNames, ipAddresses: ['127.0.0.1'] })
})
beforeEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  aws = await startAws()
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  for (const [name, text] of Object.entries({
    'ca.pem': pki.rootCertPem,
    id: 'BROKEREXAMPLE',
    secret: 'canary-key-77',
  }))
    writeFileSync(join(folder, name), text)
  tlsPort = await startTls(Number(new URL(aws.server.endpoint).port))
  proxy = await ConnectProxy.start(tlsPort)
  lines = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of ends.splice(0)) await end()
  await proxy.stop()
  await aws.close()
  rmSync(folder, { recursive: true, force: true })
})

/** TLS in front of a plain port, with the certificate of AWS's names. */
async function startTls(toPort: number): Promise<number> {
  const server = createTlsServer({ cert: identity.certPem, key: identity.keyPem }, (socket) => {
    const upstream = connect(toPort, '127.0.0.1')
    for (const each of [socket, upstream]) each.on('error', () => each.destroy())
    socket.on('close', () => upstream.destroy())
    socket.pipe(upstream).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => server.close())
  return (server.address() as AddressInfo).port
}

interface Setup {
  readonly settings?: object
  readonly env?: NodeJS.ProcessEnv
  /** Where the broker's own keys come from; key files unless told otherwise. */
  readonly keys?: object
  /** Follows the files, looking at them whenever this clock is moved on by a second. */
  readonly following?: ManualClock
}

/** The provider of a configuration file, as a broker makes it. */
async function fromFile(
  { settings = {}, env = {}, keys, following }: Setup = {},
  partHealth?: PartReports,
): Promise<AwsStsProvider> {
  const credentials = keys ?? { credentials: { accessKeyIdFile: 'id', secretAccessKeyFile: 'secret' } }
  const config = {
    identity: { server: { certificateFile: 'a', privateKeyFile: 'b' }, domains: { 'a.test': { file: 'c' } } },
    registry: { file: 'd' },
    policy: { directory: 'e' },
    ledger: { file: 'f' },
    roles: [
      { arn: PLAIN_ROLE, revocation: { kind: 'none' } },
      { arn: INLINE_ROLE, revocation: { kind: 'inline' } },
    ],
    aws: { region: 'eu-west-1', caFile: 'ca.pem', ...credentials, ...settings },
  }
  writeFileSync(join(folder, 'stint.yaml'), JSON.stringify(config))
  const logger = createLogger({
    level: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  })
  const provider = await createProvider(loadConfig({ file: join(folder, 'stint.yaml'), env }), {
    clock: following ?? aws.clock,
    logger,
    ...(following && { followEveryMs: 1_000 }),
    ...(partHealth && { partHealth }),
  })
  ends.push(() => provider.close())
  return provider
}

const url = () => `http://127.0.0.1:${proxy.port}`
const mint = (provider: AwsStsProvider) => provider.mint(mintRequest(aws.clock.now(), { roleArn: PLAIN_ROLE }), never)
const targets = () => [...new Set(proxy.connects.map(({ target }) => target))]

describe('calls to AWS by a proxy', () => {
  test('reach STS and IAM by their own names, in tunnels that are used again', async () => {
    const provider = await fromFile({ settings: { proxy: { url: url() } } })
    await mint(provider)
    await mint(provider)
    await provider.writeDenyList(`inline:${INLINE_ROLE}`, { grants: [] }, never)
    expect(proxy.connects.map(({ target }) => target)).toEqual([`${STS}:443`, `${IAM}:443`])
    expect(aws.server.calls('AssumeRole')).toHaveLength(2)
  })

  for (const [name, env] of [
    ['HTTPS_PROXY', () => ({ HTTPS_PROXY: url() })],
    ['https_proxy, which wins over HTTPS_PROXY', () => ({ https_proxy: url(), HTTPS_PROXY: 'http://127.0.0.1:1' })],
    ['HTTPS_PROXY without a scheme', () => ({ HTTPS_PROXY: `127.0.0.1:${proxy.port}` })],
  ] as const)
    test(`are made where ${name} is in the environment and no setting says otherwise`, async () => {
      await mint(await fromFile({ env: env() }))
      expect(targets()).toEqual([`${STS}:443`])
    })

  test('are not made for a host of NO_PROXY, nor for loopback, nor by the environment if settings say so', async () => {
    for (const local of [aws.server.endpoint, `https://localhost:${tlsPort}`])
      await mint(await fromFile({ settings: { endpoint: local }, env: { HTTPS_PROXY: url() } }))
    expect(aws.server.calls('AssumeRole')).toHaveLength(2)
    // The name is resolved by nobody here: what matters is that the proxy is not asked.
    const stsEndpoint = 'https://sts.nowhere.invalid'
    for (const setup of [
      { settings: { stsEndpoint }, env: { HTTPS_PROXY: url(), NO_PROXY: 'other.example, nowhere.invalid' } },
      { settings: { stsEndpoint, proxy: { url: url(), noProxy: ['nowhere.invalid'] } } },
      { settings: { stsEndpoint, proxy: { fromEnvironment: false } }, env: { HTTPS_PROXY: url() } },
    ])
      await expect(mint(await fromFile(setup))).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect(proxy.connects).toEqual([])
  })

  for (const [name, setup] of [
    ['a file', () => ({ settings: { proxy: { url: url(), credentialsFile: 'proxy-user' } } })],
    ['the environment', () => ({ env: { HTTPS_PROXY: `http://stint:canary%3Apass@127.0.0.1:${proxy.port}` } })],
  ] as const)
    test(`carry the user and password of ${name}, which show nowhere`, async () => {
      writeFileSync(join(folder, 'proxy-user'), 'stint:canary:pass\n')
      const provider = await fromFile(setup())
      await mint(provider)
      expect(proxy.connects[0]?.authorization).toBe(`Basic ${Buffer.from('stint:canary:pass').toString('base64')}`)
      proxy.mood = { kind: 'refuse', status: 407 }
      const other = await fromFile(setup())
      const error = await mint(other).catch((thrown) => thrown)
      const config = loadConfig({ file: join(folder, 'stint.yaml'), env: (setup() as Setup).env ?? {} })
      const said = [JSON.stringify([error, error.details, lines, config]), String(error.cause), error.stack].join()
      expect(said).toContain(`127.0.0.1:${proxy.port}`)
      expect(said).not.toMatch(/canary.{1,3}pass/)
    })

  const MOODS: readonly [mood: ProxyMood, said: RegExp, attempts: number][] = [
    [{ kind: 'refuse', status: 407 }, /\(status 407\): it requires a user name and password/, 1], // RFC 9110, 15.5.8
    [{ kind: 'refuse', status: 403 }, /\(status 403\): let the proxy connect to this host/, 1],
    [{ kind: 'refuse', status: 502 }, /\(status 502\)\./, 3],
    [{ kind: 'cut' }, /\(ECONNRESET\)/, 3],
    [{ kind: 'garbage' }, /\(HPE_INVALID_CONSTANT\)/, 3],
  ]
  for (const [mood, said, attempts] of MOODS)
    test(`say which proxy fails, as an outage, where it does this: ${JSON.stringify(mood)}`, async () => {
      proxy.mood = mood
      const provider = await fromFile({ settings: { proxy: { url: url() } } })
      await expect(mint(provider)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        details: {
          fault: 'down',
          outcome: 'not_minted',
          attempts,
          proxy: `127.0.0.1:${proxy.port}`,
          explanation: expect.stringMatching(said),
        },
      })
      proxy.mood = { kind: 'relay' }
      await mint(provider)
    })

  test('that break in the tunnel may have taken effect, unlike those that got none', async () => {
    const provider = await fromFile({ settings: { proxy: { url: url() } } })
    aws.server.script('AssumeRole', { kind: 'cut' }, { kind: 'cut' }, { kind: 'cut' })
    await expect(mint(provider)).rejects.toMatchObject({ details: { outcome: 'unknown', attempts: 3 } })
  })

  test('say which proxy is not there', async () => {
    const port = await freePort()
    const provider = await fromFile({ settings: { proxy: { url: `http://127.0.0.1:${port}` } } })
    await expect(mint(provider)).rejects.toMatchObject({
      details: { explanation: `The proxy 127.0.0.1:${port} could not be used to reach ${STS}:443 (ECONNREFUSED).` },
    })
  })

  test('that a proxy keeps from AWS are on the status until they get through', async () => {
    const problems = new Map<string, string | undefined>()
    const partHealth = {
      failed: (component: string, error: StintError) => void problems.set(component, error.details.explanation),
      well: (component: string) => void problems.delete(component),
    }
    const provider = await fromFile({ settings: { proxy: { url: url() } } }, partHealth)
    proxy.mood = { kind: 'refuse', status: 503 }
    await expect(provider.probes.credentials(never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    expect([...problems]).toEqual([['aws:sts', expect.stringContaining(`The proxy 127.0.0.1:${proxy.port} refused`)]])
    proxy.mood = { kind: 'relay' }
    await provider.probes.credentials(never)
    expect([...problems]).toEqual([])
  })

  test('give up a proxy that does not answer', async () => {
    proxy.mood = { kind: 'hang' }
    const failures: FailedCall[] = []
    const provider = aws.with({
      stsEndpoint: `https://${STS}`,
      network: { ca: () => pki.rootCertPem, proxy: { host: '127.0.0.1', port: proxy.port, tls: false, noProxy: [] } },
      http: { connectionTimeoutMs: 20, requestTimeoutMs: 5_000 },
      observer: { callFailed: (call) => failures.push(call) },
    })
    await expect(mint(provider)).rejects.toMatchObject({
      details: { explanation: expect.stringContaining('(ETIMEDOUT)'), outcome: 'not_minted' },
    })
    expect(failures[0]).toMatchObject({ fault: 'down', awsCode: 'ERR_PROXY' })
  })

  test('may go to the proxy over TLS, whose certificate is verified too', async () => {
    const secure = await ConnectProxy.start(tlsPort, identity)
    ends.push(() => secure.stop())
    await mint(await fromFile({ settings: { proxy: { url: `https://localhost:${secure.port}` } } }))
    expect(secure.connects).toHaveLength(1)
    const trusting = { caFile: undefined, proxy: { url: `https://localhost:${secure.port}` } }
    await expect(mint(await fromFile({ settings: trusting }))).rejects.toMatchObject({
      details: { explanation: expect.stringContaining('(UNABLE_TO_GET_ISSUER_CERT_LOCALLY)') },
    })
  })
})

test('doctor names the proxy, and asks AWS by it', async () => {
  await fromFile({ settings: { proxy: { url: url(), noProxy: ['.internal'] } } })
  const config = loadConfig({ file: join(folder, 'stint.yaml'), env: {} })
  const logger = createLogger({ level: 'silent' })
  const found = new Map<string, string>()
  for await (const check of runDoctor(config, { clock: aws.clock, logger }, never)) found.set(check.name, check.finding)
  expect(found.get('aws settings')).toBe(
    `2 role(s) in eu-west-1, by the proxy 127.0.0.1:${proxy.port} except .internal`,
  )
  expect(found.get('sts')).toContain('reached as arn:aws:iam::123456789012:user/broker')
  expect(targets()).toContain(`${STS}:443`)
})

describe('the certificates of the endpoints', () => {
  test('are verified by those of caFile alone', async () => {
    await mint(await fromFile({ settings: { proxy: { url: url() } } }))
    const other = await createTrustDomain('other.test', { intermediate: true })
    writeFileSync(join(folder, 'ca.pem'), other.rootCertPem)
    await expect(mint(await fromFile({ settings: { proxy: { url: url() } } }))).rejects.toMatchObject({
      details: { outcome: 'not_minted', explanation: expect.stringContaining('certificate') },
    })
    expect(aws.server.calls('AssumeRole')).toHaveLength(1)
  })

  test('can be named by AWS_CA_BUNDLE', async () => {
    const env = { HTTPS_PROXY: url(), AWS_CA_BUNDLE: join(folder, 'ca.pem') }
    await mint(await fromFile({ settings: { caFile: undefined }, env }))
  })

  test('keep the broker from starting when their file is gone, which is named with its setting', async () => {
    const missing = join(folder, 'gone.pem')
    await expect(fromFile({ settings: { caFile: undefined }, env: { AWS_CA_BUNDLE: missing } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: {
        explanation: `The certificate file (aws.caFile or AWS_CA_BUNDLE) ${missing} cannot be read (ENOENT).`,
      },
    })
  })

  for (const [name, text] of [
    ['empty', ''],
    ['no PEM', 'hello'],
    ['a broken PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ] as const)
    test(`keep the broker from starting when their file is ${name}`, async () => {
      writeFileSync(join(folder, 'ca.pem'), text)
      await expect(fromFile()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    })
})

describe('files that are rotated while the broker runs', () => {
  let problems: Map<string, string | undefined>
  const partHealth = {
    failed: (component: string, error: StintError) => void problems.set(component, error.details.explanation),
    well: (component: string) => void problems.delete(component),
  }
  beforeEach(() => {
    problems = new Map()
  })

  test('certificates count for each connection from then on; a broken file is a problem, and changes nothing', async () => {
    const following = new ManualClock()
    const file = join(folder, 'ca.pem')
    const provider = await fromFile({ settings: { proxy: { url: url() } }, following }, partHealth)
    await mint(provider)
    const change = async (text: string, seen: () => void) => {
      writeFileSync(file, text)
      await vi.waitFor(async () => {
        await following.advance(1_000)
        seen()
      })
    }
    await change('hello', () => expect(problems.get('aws-ca-file')).toContain('must contain certificates in PEM'))
    await mint(provider)
    const other = await createTrustDomain('other.test', { intermediate: true })
    await change(other.rootCertPem, () => expect([...problems]).toEqual([]))
    // The connection of before is still open, and is not used.
    await expect(mint(provider)).rejects.toMatchObject({
      details: { outcome: 'not_minted', explanation: expect.stringContaining('certificate') },
    })
    await change('hello', () => expect(problems.has('aws-ca-file')).toBe(true))
    await change(`${other.rootCertPem}\n${pki.rootCertPem}`, () => expect(problems.has('aws-ca-file')).toBe(false))
    await mint(provider)
  })

  test('the password of a proxy counts for each tunnel from then on', async () => {
    const following = new ManualClock()
    const file = join(folder, 'proxy-user')
    writeFileSync(file, 'stint:before')
    const settings = { proxy: { url: url(), credentialsFile: file } }
    const provider = await fromFile({ settings, following }, partHealth)
    const sent = () => Buffer.from(proxy.connects.at(-1)?.authorization?.split(' ')[1] ?? '', 'base64').toString()
    await mint(provider)
    expect(sent()).toBe('stint:before')
    writeFileSync(file, 'nobody')
    await vi.waitFor(async () => {
      await following.advance(1_000)
      expect(problems.get('aws-proxy-credentials')).toContain('must be one line with user:password')
    })
    expect(JSON.stringify([...problems])).not.toContain('nobody')
    writeFileSync(file, 'stint:after')
    await vi.waitFor(async () => {
      await following.advance(1_000)
      expect([...problems]).toEqual([])
    })
    // Another account's IAM needs a tunnel of its own.
    await provider.readDenyList(`inline:${INLINE_ROLE}`, never).catch(() => undefined)
    expect(sent()).toBe('stint:after')
  })
})

describe("AWS's endpoints", () => {
  // Endpoint rules of the AWS SDKs; https://docs.aws.amazon.com/general/latest/gr/sts.html
  for (const [settings, env, host] of [
    [{}, {}, STS],
    [{ fips: true }, {}, 'sts-fips.eu-west-1.amazonaws.com'],
    [{ dualStack: true }, {}, 'sts.eu-west-1.api.aws'],
    [{}, { AWS_USE_FIPS_ENDPOINT: 'true' }, 'sts-fips.eu-west-1.amazonaws.com'],
    [{ fips: false }, { AWS_USE_FIPS_ENDPOINT: 'true' }, STS],
    [{}, { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'sts.eu-west-1.api.aws'],
    [{}, { AWS_ENDPOINT_URL_STS: `https://${STS}:8443`, AWS_ENDPOINT_URL: 'https://x.invalid' }, `${STS}:8443`],
    [{}, { AWS_ENDPOINT_URL: `https://${STS}:8443` }, `${STS}:8443`],
    [{ endpoint: `https://${STS}` }, { AWS_ENDPOINT_URL_STS: 'https://x.invalid' }, STS],
    [{}, { AWS_ENDPOINT_URL: 'https://x.invalid', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, STS],
  ] as const)
    test(`are ${host} with ${JSON.stringify(settings)} and ${JSON.stringify(env)}`, async () => {
      // The broker's own credentials come from STS here: they must be asked for at the same endpoint.
      writeFileSync(join(folder, 'jwt'), 'WEBIDENTITYEXAMPLE')
      vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'jwt'))
      vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/broker')
      await mint(await fromFile({ settings: { ...settings, proxy: { url: url() } }, env, keys: {} }))
      expect(targets()).toEqual([host.includes(':') ? host : `${host}:443`])
      expect(aws.server.calls('AssumeRoleWithWebIdentity')).toHaveLength(1)
      expect(aws.server.calls('AssumeRole')).toHaveLength(1)
    })

  test("are asked for the broker's role of a profile too, by the keys of its source profile", async () => {
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
    writeFileSync(join(folder, 'credentials'), '[base]\naws_access_key_id=BASEKEYEXAMPLE\naws_secret_access_key=s\n')
    const role = 'role_arn=arn:aws:iam::123456789012:role/broker\nsource_profile=base\n'
    writeFileSync(join(folder, 'config'), `[default]\nregion=us-west-2\n${role}`)
    await mint(await fromFile({ settings: { proxy: { url: url() } }, keys: {} }))
    expect(targets()).toEqual([`${STS}:443`])
    expect(aws.server.calls('AssumeRole').map(({ parameters }) => parameters.RoleArn)).toEqual([
      'arn:aws:iam::123456789012:role/broker',
      PLAIN_ROLE,
    ])
  })

  test('of SSO are those of its own region, by the same proxy', async () => {
    vi.stubEnv('HOME', folder)
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
    const startUrl = 'https://example.awsapps.com/start'
    const profile = {
      sso_start_url: startUrl,
      sso_region: 'us-east-2',
      sso_account_id: '123456789012',
      sso_role_name: 'x',
    }
    const rows = Object.entries(profile).map(([key, value]) => `${key}=${value}`)
    writeFileSync(join(folder, 'config'), ['[default]', ...rows, ''].join('\n'))
    // Where `aws sso login` keeps its token: the SDKs and Tools Reference Guide, "IAM Identity Center authentication".
    const cache = join(folder, '.aws', 'sso', 'cache')
    mkdirSync(cache, { recursive: true })
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const name = createHash('sha1').update(startUrl).digest('hex')
    writeFileSync(join(cache, `${name}.json`), JSON.stringify({ accessToken: 'canary', expiresAt }))
    const provider = await fromFile({ settings: { endpoint: `https://${STS}`, proxy: { url: url() } }, keys: {} })
    await expect(mint(provider)).rejects.toMatchObject({ details: { fault: 'broker_credentials' } })
    expect(targets()).toEqual(['portal.sso.us-east-2.amazonaws.com:443'])
  })

  test('that the chain cannot reach are named by their proxy', async () => {
    proxy.mood = { kind: 'refuse', status: 502 }
    writeFileSync(join(folder, 'jwt'), 'WEBIDENTITYEXAMPLE')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'jwt'))
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/broker')
    await expect(mint(await fromFile({ settings: { proxy: { url: url() } }, keys: {} }))).rejects.toMatchObject({
      details: {
        fault: 'broker_credentials',
        explanation: expect.stringContaining(`credentials could not be read: The proxy 127.0.0.1:${proxy.port}`),
      },
    })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
