import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { roles } from '../../src/config/role-settings.ts'
import type { Config } from '../../src/config/schema.ts'
import { randomIds } from '../../src/core/ids.ts'
import { createLogger } from '../../src/core/log.ts'
import type { AwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { createProvider } from '../../src/start/provider.ts'
import { type AwsHarness, mintRequest, startAws } from '../credentials/harness.ts'

const [DEV, PROD] = ['111111111111', '222222222222'] as const
const roleIn = (account: string) => `arn:aws:iam::${account}:role/stint/a`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`
const never = new AbortController().signal

let aws: AwsHarness
let folder: string
let provider: AwsStsProvider | undefined
const shown = new Map<string, unknown>()
beforeEach(async () => {
  aws = await startAws()
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  shown.clear()
})
afterEach(async () => {
  provider?.close()
  await aws.close()
  rmSync(folder, { recursive: true, force: true })
})

const put = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })

async function open(change: object = {}): Promise<AwsStsProvider> {
  const rule = {
    arn: roleIn('*'),
    accounts: [DEV, PROD],
    externalIdFile: join(folder, '{account}'),
    revocation: {
      kind: 'boundary',
      policyArn: boundaryIn('{account}'),
      revoker: {
        roleArn: 'arn:aws:iam::{account}:role/stint/revoker',
        externalIdFile: join(folder, 'revoker-{account}'),
      },
    },
    ...change,
  }
  const config = {
    aws: {
      region: 'eu-west-1',
      stsEndpoint: aws.server.endpoint,
      iamEndpoint: aws.server.endpoint,
      callsPerSecond: 300,
      profile: 'aws',
      proxy: { noProxy: [], fromEnvironment: false },
      credentials: { accessKeyIdFile: join(folder, 'id'), secretAccessKeyFile: join(folder, 'secret') },
    },
    roles: roles.parse([rule]),
  } as unknown as Config
  put('id', 'AKIAEXAMPLE')
  put('secret', 'secret')
  provider = await createProvider(config, {
    clock: aws.clock,
    logger: createLogger({ level: 'silent' }),
    partHealth: {
      failed: (component, error) => shown.set(component, error),
      well: (component) => void shown.delete(component),
    },
  })
  return provider
}

const mint = (from: AwsStsProvider, account: string) =>
  from.mint(mintRequest(aws.clock.now(), { roleArn: roleIn(account) }), never)
const sent = () => aws.server.calls('AssumeRole').map(({ parameters }) => parameters.ExternalId)

test('each account has a file of its own, and a changed one is in use within seconds', async () => {
  put(DEV, 'id-of-dev')
  put(PROD, 'id-of-prod')
  const from = await open()
  await mint(from, DEV)
  await mint(from, PROD)
  put(PROD, 'new-id-of-prod')
  await aws.clock.advance(11_000)
  await mint(from, PROD)
  expect(sent()).toEqual(['id-of-dev', 'id-of-prod', 'new-id-of-prod'])
})

test("a missing file stops its own account's mints, is on the status, and counts once it is there", async () => {
  put(DEV, 'id-of-dev')
  const from = await open()
  await expect(mint(from, PROD)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  await mint(from, DEV)
  expect([...shown.keys()]).toEqual([`external-id:${roleIn(PROD)}`])
  put(PROD, 'id-of-prod')
  await mint(from, PROD)
  expect(shown.size).toBe(0)
  expect(sent()).toEqual(['id-of-dev', 'id-of-prod'])
})

test('a file that agents can make the broker look for, by naming accounts, fills no status', async () => {
  const from = await open({ arn: 'arn:aws:iam::*:role/stint/*', accounts: undefined })
  for (let n = 0; n < 20; n++)
    await expect(mint(from, String(900_000_000_000 + n))).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  expect(shown.size).toBe(0)
  expect(sent()).toEqual([])
})

test('a revoker has an external id of its own in each account', async () => {
  put(`revoker-${PROD}`, 'revoker-of-prod')
  aws.server.addManagedPolicy(boundaryIn(PROD))
  const from = await open()
  const grants = [randomIds.next('grt', aws.clock.now())]
  await from.writeDenyList(`boundary:${boundaryIn(PROD)}`, { grants }, never)
  expect(sent()).toEqual(['revoker-of-prod'])
  await expect(from.writeDenyList(`boundary:${boundaryIn(DEV)}`, { grants }, never)).rejects.toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    details: { explanation: expect.stringContaining(`arn:aws:iam::${DEV}:role/stint/revoker`) },
  })
})

test('the file of one role alone is read at the start', async () => {
  await expect(open({ arn: roleIn(DEV), accounts: undefined })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
