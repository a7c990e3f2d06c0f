import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Config } from '../../../src/config/schema.ts'
import { idBody } from '../../../src/core/ids.ts'
import { createLogger } from '../../../src/core/log.ts'
import { BrokerCredentials } from '../../../src/credentials/aws-sts/own-credentials/broker-credentials.ts'
import { readDefaultChain } from '../../../src/credentials/aws-sts/own-credentials/default-chain.ts'
import type { AwsStsProvider } from '../../../src/credentials/aws-sts/provider.ts'
import type { AwsStsProviderOptions } from '../../../src/credentials/aws-sts/provider-options.ts'
import type { PartReports } from '../../../src/credentials/aws-sts/provider-problems.ts'
import { createProvider } from '../../../src/start/provider.ts'
import { makeNamedPipe } from '../../support/named-pipe.ts'
import { type AwsHarness, INLINE_ROLE, mintRequest, PLAIN_ROLE, startAws } from '../harness.ts'

const never = new AbortController().signal
let aws: AwsHarness
let folder: string
const ends: (() => unknown)[] = []
beforeEach(async () => {
  aws = await startAws()
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of ends.splice(0)) await end()
  await aws.close()
  rmSync(folder, { recursive: true, force: true })
})

const file = (name: string) => join(folder, name)
const calls = () => aws.server.calls('AssumeRole').length
const mint = (provider: AwsStsProvider) => provider.mint(mintRequest(aws.clock.now(), { roleArn: PLAIN_ROLE }), never)

/** The provider that a broker would make from its configuration. */
async function fromConfig(
  keys: { credentials?: object; revokerCredentials?: object } = {},
  partHealth?: PartReports,
  externalIdFile?: string,
): Promise<AwsStsProvider> {
  const config = {
    aws: {
      region: 'eu-west-1',
      stsEndpoint: aws.server.endpoint,
      iamEndpoint: aws.server.endpoint,
      callsPerSecond: 300,
      profile: 'aws',
      proxy: { noProxy: [], fromEnvironment: true },
      ...keys,
    },
    roles: [
      { arn: PLAIN_ROLE, allowWildcard: false, revocation: { kind: 'none' }, externalIdFile },
      { arn: INLINE_ROLE, allowWildcard: false, revocation: { kind: 'inline', policyName: 'StintDeny' } },
    ],
  } as unknown as Config
  const logger = createLogger({ level: 'silent' })
  const provider = await createProvider(config, { clock: aws.clock, logger, ...(partHealth && { partHealth }) })
  ends.push(() => provider.close())
  return provider
}

/** Hides every other source of the SDK's chain. */
function hideSources(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file('credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', file('config'))
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
}

/** The credential endpoints of a container and of an instance, which give what `current` says to who has the token. */
async function metadataServer(current: () => string | undefined, token?: () => string): Promise<string> {
  const server = createServer((request, response) => {
    if (current() === undefined) return
    if (token && request.headers.authorization !== token()) return void response.writeHead(403).end('{}')
    const expiration = new Date(Date.now() + 3_600_000).toISOString()
    const keys = { AccessKeyId: current(), SecretAccessKey: 'secret', Token: 'token', Expiration: expiration }
    const answers: Record<string, string> = {
      'PUT /latest/api/token': 'imds-token',
      'GET /latest/meta-data/iam/security-credentials/': 'a-role',
    }
    response.end(answers[`${request.method} ${request.url}`] ?? JSON.stringify({ Code: 'Success', ...keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const KEY_FILES = () => ({
  accessKeyIdFile: file('id'),
  secretAccessKeyFile: file('secret'),
  sessionTokenFile: file('token'),
})

function writeKeyFiles(accessKeyId: string): void {
  writeFileSync(file('id'), `${accessKeyId}\n`)
  writeFileSync(file('secret'), 'secret\n')
  writeFileSync(file('token'), `token-of-${accessKeyId}\n`)
}

/** Each place that the broker's own credentials can come from; `put` changes what is there. */
const SOURCES: {
  name: string
  open(put: (write: (accessKeyId: string) => void) => void): Promise<AwsStsProvider>
}[] = [
  {
    name: 'the key files of its settings',
    open: (put) => {
      put(writeKeyFiles)
      return fromConfig({ credentials: KEY_FILES() })
    },
  },
  {
    name: 'a shared credentials file', // SDKs and Tools Reference Guide, "shared config and credentials files"
    open: (put) => {
      put((id) => writeFileSync(file('credentials'), `[default]\naws_access_key_id=${id}\naws_secret_access_key=s\n`))
      return fromConfig()
    },
  },
  {
    name: 'a credential_process', // the same guide, "Process credential provider"
    open: (put) => {
      writeFileSync(file('config'), `[default]\ncredential_process=${file('process')}\n`)
      put((id) => {
        const answer = JSON.stringify({ Version: 1, AccessKeyId: id, SecretAccessKey: 's', SessionToken: 't' })
        writeFileSync(file('process'), `#!/bin/sh\necho '${answer}'\n`)
        chmodSync(file('process'), 0o700)
      })
      return fromConfig()
    },
  },
  {
    name: 'a web identity token file', // the same guide, "Assume role credential provider"
    open: (put) => {
      vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file('jwt'))
      vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/broker')
      put((id) => writeFileSync(file('jwt'), id))
      return fromConfig()
    },
  },
  {
    name: 'a profile with a web identity token file', // the same guide, "Assume role credential provider"
    open: (put) => {
      const role = 'role_arn=arn:aws:iam::123456789012:role/broker'
      writeFileSync(file('config'), `[default]\n${role}\nweb_identity_token_file=${file('jwt')}\nregion=us-west-2\n`)
      put((id) => writeFileSync(file('jwt'), id))
      return fromConfig()
    },
  },
  {
    name: 'a container endpoint', // the same guide, "Container credential provider"
    open: async (put) => {
      let current = ''
      put((id) => {
        current = id
      })
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${await metadataServer(() => current)}/keys`)
      return fromConfig()
    },
  },
  {
    name: 'EKS Pod Identity', // EKS User Guide, "How EKS Pod Identity works": the token file is rotated
    open: async (put) => {
      let current = ''
      put((id) => {
        current = id
        writeFileSync(file('pod-token'), `token-for-${id}`)
      })
      const agent = await metadataServer(
        () => current,
        () => `token-for-${current}`,
      )
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${agent}/v1/credentials`)
      vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', file('pod-token'))
      return fromConfig()
    },
  },
  {
    name: 'an instance profile', // EC2 User Guide, "Retrieve security credentials from instance metadata"
    open: async (put) => {
      let current = ''
      put((id) => {
        current = id
      })
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
      vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', await metadataServer(() => current))
      return fromConfig()
    },
  },
]

describe("the broker's own credentials", () => {
  beforeEach(hideSources)

  for (const { name, open } of SOURCES) {
    test(`from ${name} are read anew when AWS refuses them, and the mint succeeds`, async () => {
      let write: (accessKeyId: string) => void = () => undefined
      const provider = await open((writer) => {
        write = writer
        writer('FIRSTKEYEXAMPLE1')
      })
      aws.server.accept('FIRSTKEYEXAMPLE1', 'InvalidClientTokenId')
      await mint(provider)
      expect(calls()).toBe(1)

      write('SECONDKEYEXAMPLE')
      aws.server.accept('SECONDKEYEXAMPLE', 'ExpiredToken')
      await aws.clock.advance(60_000)
      await mint(provider)
      await mint(provider)
      expect(calls()).toBe(4)
    })
  }

  // Codes for credentials that are over, unknown or half replaced: common errors of STS, IAM, S3 and their JSON services.
  for (const code of [
    'ExpiredToken',
    'ExpiredTokenException',
    'InvalidClientTokenId',
    'UnrecognizedClientException',
    'SignatureDoesNotMatch',
    'InvalidAccessKeyId',
    'InvalidToken',
    'AuthFailure',
    'TokenRefreshRequired',
    'IncompleteSignature',
    'MissingAuthenticationToken',
  ]) {
    test(`are read anew on ${code}, by a mint and by a write of a deny list`, async () => {
      writeKeyFiles('FIRSTKEYEXAMPLE1')
      const provider = await fromConfig({ credentials: KEY_FILES() })
      await mint(provider)
      writeKeyFiles('SECONDKEYEXAMPLE')
      aws.server.accept('SECONDKEYEXAMPLE', code)
      await aws.clock.advance(60_000)
      await mint(provider)
      writeKeyFiles('THIRDKEYEXAMPLE3')
      aws.server.accept('THIRDKEYEXAMPLE3', code)
      await aws.clock.advance(60_000)
      const { grant } = mintRequest(aws.clock.now())
      await provider.writeDenyList(`inline:${INLINE_ROLE}`, { grants: [grant.id] }, never)
      expect(aws.server.inlineDocument('writer', 'StintDeny')).toContain(idBody(grant.id))
    })
  }

  test('of the revoker are read from their own files', async () => {
    writeKeyFiles('BROKERKEYEXAMPLE')
    for (const [name, text] of Object.entries({ rid: 'REVOKERKEYEXAMPLE1', rsecret: 's' }))
      writeFileSync(file(name), text)
    const revokerCredentials = { accessKeyIdFile: file('rid'), secretAccessKeyFile: file('rsecret') }
    const provider = await fromConfig({ credentials: KEY_FILES(), revokerCredentials })
    await provider.writeDenyList(`inline:${INLINE_ROLE}`, { grants: [] }, never)
    writeFileSync(file('rid'), 'REVOKERKEYEXAMPLE2')
    aws.server.accept('REVOKERKEYEXAMPLE2', 'InvalidClientTokenId')
    await aws.clock.advance(60_000)
    await provider.writeDenyList(`inline:${INLINE_ROLE}`, { grants: [] }, never)
  })

  test('send the session token that a file holds', async () => {
    writeKeyFiles('FIRSTKEYEXAMPLE1')
    await mint(await fromConfig({ credentials: KEY_FILES() }))
    expect(aws.server.calls('AssumeRole')[0]?.headers['x-amz-security-token']).toBe('token-of-FIRSTKEYEXAMPLE1')
  })

  for (const [name, text] of [
    ['missing', undefined],
    ['empty', ' \n'],
  ] as const) {
    test(`whose file is ${name} keep the broker from starting`, async () => {
      writeKeyFiles('FIRSTKEYEXAMPLE1')
      if (text === undefined) rmSync(file('token'))
      else writeFileSync(file('token'), text)
      await expect(fromConfig({ credentials: KEY_FILES() })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    })
  }
})

describe('a source that hangs', () => {
  beforeEach(hideSources)

  // The SDK gives up after a second, and asks a container endpoint three times more.
  test('is asked again later: an instance profile', { timeout: 60_000 }, async () => {
    let current: string | undefined
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', await metadataServer(() => current))
    const provider = await fromConfig()
    await expect(mint(provider)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      details: { fault: 'broker_credentials', outcome: 'not_minted' },
    })
    current = 'INSTANCEEXAMPLE'
    await aws.clock.advance(60_000)
    await mint(provider)
  })

  test('is given up and not asked in a storm: a credential_process', { timeout: 60_000 }, async () => {
    const answer = JSON.stringify({ Version: 1, AccessKeyId: 'PROCESSEXAMPLE01', SecretAccessKey: 's' })
    makeNamedPipe(file('pipe'))
    writeFileSync(file('config'), `[default]\ncredential_process=${file('process')}\n`)
    const script = (body: string) =>
      writeFileSync(file('process'), `#!/bin/sh\necho x >>${file('runs')}\n${body}\n`, { mode: 0o700 })
    script(`read -r line <${file('pipe')}`)
    const own = new BrokerCredentials({
      read: readDefaultChain({ region: 'eu-west-1', http: { connectionTimeoutMs: 2_000, requestTimeoutMs: 5_000 } }),
      clock: aws.clock,
      readTimeoutMs: 5_000,
    })
    const source = own.source as () => Promise<{ accessKeyId: string }>
    const failed = { name: 'CredentialSourceError' }
    await expect(source()).rejects.toMatchObject({ ...failed, cause: { name: 'TimeoutError' } })
    script(`echo '${answer}'`)
    await expect(source()).rejects.toMatchObject({ ...failed, cause: { message: 'it still does not answer' } })
    await aws.clock.advance(9_999)
    await expect(source()).rejects.toMatchObject(failed)
    await aws.clock.advance(1)
    expect(await source()).toMatchObject({ accessKeyId: 'PROCESSEXAMPLE01' })
    expect(readFileSync(file('runs'), 'utf8')).toBe('x\nx\n')
    writeFileSync(file('pipe'), '') // lets the first one end
  })
})

describe('the external id of a role', () => {
  async function start(text: string): Promise<{ provider: AwsStsProvider; problems: Map<string, unknown> }> {
    writeFileSync(file('external-id'), text)
    writeKeyFiles('BROKERKEYEXAMPLE')
    const problems = new Map<string, unknown>()
    const provider = await fromConfig(
      { credentials: KEY_FILES() },
      {
        failed: (component, error) => void problems.set(component, error),
        well: (component) => void problems.delete(component),
      },
      file('external-id'),
    )
    return { provider, problems }
  }
  const sent = () => aws.server.calls('AssumeRole').map(({ parameters }) => parameters.ExternalId)

  test('is followed where it is kept', async () => {
    const { provider } = await start('first-id')
    await mint(provider)
    writeFileSync(file('external-id'), 'second-id')
    await aws.clock.advance(10_000)
    await mint(provider)
    expect(sent()).toEqual(['first-id', 'second-id'])
  })

  test('stays as it was while its file cannot be used, which is a problem on the status', async () => {
    const { provider, problems } = await start('first-id')
    await mint(provider)
    for (const spoil of [() => writeFileSync(file('external-id'), 'two words'), () => rmSync(file('external-id'))]) {
      spoil()
      await aws.clock.advance(10_000)
      await mint(provider)
      expect([...problems.keys()]).toEqual([`external-id:${PLAIN_ROLE}`])
    }
    writeFileSync(file('external-id'), 'second-id')
    await aws.clock.advance(10_000)
    await mint(provider)
    expect(problems.size).toBe(0)
    expect(sent()).toEqual(['first-id', 'first-id', 'first-id', 'second-id'])
  })

  for (const { name, spoil } of [
    { name: 'is gone', spoil: () => rmSync(file('external-id')) },
    { name: 'cannot be an external id', spoil: () => writeFileSync(file('external-id'), 'two words') },
  ]) {
    test(`that ${name} since the start mints nothing, for certain, and may be tried again`, async () => {
      const { provider } = await start('first-id')
      spoil()
      await expect(mint(provider)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryable: true,
        details: { outcome: 'not_minted' },
      })
      expect(sent()).toEqual([])
    })
  }
})

describe('reading the credentials anew', () => {
  const good = { accessKeyId: 'GOODKEYEXAMPLE01', secretAccessKey: 's' }
  const bad = { accessKeyId: 'BADKEYEXAMPLE001', secretAccessKey: 's' }

  function provider(read: AwsStsProviderOptions['credentials']): AwsStsProvider {
    aws.server.accept(good.accessKeyId, 'ExpiredToken')
    return aws.with({ ...(read && { credentials: read }) })
  }

  test('happens once for all calls that fail at the same time', async () => {
    let current = bad
    let reads = 0
    const read = async () => {
      reads += 1
      return current
    }
    const own = provider(read)
    await expect(mint(own)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    current = good
    await aws.clock.advance(60_000)
    reads = 0
    await Promise.all(Array.from({ length: 20 }, () => mint(own)))
    expect(reads).toBe(1)
  })

  test('happens at most once a second while AWS refuses them, and the call is not repeated in vain', async () => {
    let reads = 0
    const own = provider(async () => {
      reads += 1
      return bad
    })
    for (let n = 0; n < 5; n++) await expect(mint(own)).rejects.toMatchObject({ details: { attempts: 1 } })
    expect([reads, calls()]).toEqual([1, 5])
    await aws.clock.advance(1_000)
    await expect(mint(own)).rejects.toMatchObject({ details: { fault: 'broker_credentials', outcome: 'not_minted' } })
    expect([reads, calls()]).toEqual([2, 6])
  })

  test('is not said to give the same credentials while the source gives none', async () => {
    const own = provider(() => Promise.reject(new Error('no credentials anywhere')))
    for (let n = 0; n < 2; n++)
      await expect(mint(own)).rejects.toMatchObject({
        details: { explanation: expect.stringMatching(/could not be read; .*Reading their source again failed\.$/) },
      })
  })

  test('tries once more and no oftener, however many others the source gives', async () => {
    let reads = 0
    const own = provider(async () => ({ ...bad, secretAccessKey: `${reads++}` }))
    await expect(mint(own)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    await aws.clock.advance(60_000)
    await expect(mint(own)).rejects.toMatchObject({ details: { attempts: 2 } })
  })

  test('is bounded by the time of the call when the source hangs, and the source is asked again later', async () => {
    let answer: Promise<typeof good> = Promise.resolve(bad)
    const own = aws.with({ credentials: () => answer, mintLimits: { totalMs: 50 } })
    aws.server.accept(good.accessKeyId, 'ExpiredToken')
    await expect(mint(own)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
    await aws.clock.advance(60_000)
    answer = new Promise(() => undefined)
    await expect(mint(own)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', details: { outcome: 'not_minted' } })
  })

  test('happens before they end, where the source tells when, and what still works is used meanwhile', async () => {
    const end = new Date(aws.clock.now().getTime() + 360_000)
    let current: () => Promise<typeof good> = async () => ({ ...good, expiration: end })
    const own = provider(() => current())
    await mint(own)
    let reads = 0
    current = () => {
      reads += 1
      return Promise.reject(new Error('down'))
    }
    await aws.clock.advance(120_000)
    await mint(own)
    expect(reads).toBe(1)
    await aws.clock.advance(300_000)
    await expect(mint(own)).rejects.toMatchObject({ details: { fault: 'broker_credentials', outcome: 'not_minted' } })
    current = async () => good
    await mint(own)
  })

  test('that AWS refuses is a fault of the broker and not of the role of the task', async () => {
    const denied = Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } })
    const own = provider(() => Promise.reject(denied))
    await expect(mint(own)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      details: { fault: 'broker_credentials', awsCode: 'AccessDenied', outcome: 'not_minted' },
    })
  })
})
