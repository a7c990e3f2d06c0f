import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { AdminSchema } from '../../../src/admin-client/admin-calls.ts'
import { AdminClient } from '../../../src/cli/admin-client.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/log.ts'
import { type Stage, setStage } from '../../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../../src/sdk/index.ts'
import { type Broker, startBroker } from '../../../src/start/main.ts'

let stage: Stage
let broker: Broker | undefined
let agent: StintClient | undefined
let lines: Record<string, unknown>[]
const AGENT = '/agents/invoice-bot'

beforeEach(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
  lines = []
})
afterEach(async () => {
  agent?.close()
  await broker?.stop()
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
  broker = undefined
  agent = undefined
})

/** Two files of keys, as the stage wrote them or as something else left them. */
function keyFiles(who: 'credentials' | 'revokerCredentials') {
  const { aws } = parse(readFileSync(stage.configFile, 'utf8')) as { aws: Record<string, { accessKeyIdFile: string }> }
  const path = aws[who]?.accessKeyIdFile ?? ''
  const good = readFileSync(path, 'utf8')
  return { spoil: () => writeFileSync(path, 'AKIASTALEKEYEXAMPLE1'), mend: () => writeFileSync(path, good) }
}

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  broker = await startBroker(loadConfig({ file: stage.configFile, env }), {
    clock: systemClock,
    logger: createLogger({ level: 'info', destination }),
    version: 'test',
  })
}

async function status(): Promise<AdminSchema<'Status'>> {
  const flags = { adminUrl: broker?.addresses.admin ?? '', adminTokenFile: stage.tokenFiles.vera }
  return (await AdminClient.from(flags, { env: {} })).get('/v1/status')
}

const components = async () => (await status()).problems.map(({ component }) => component)

async function ask(change: object = {}) {
  if (!agent) {
    const { certificateFile, privateKeyFile } = await stage.issueSvid(AGENT)
    const svid = { certificateFile, privateKeyFile, bundleFile: stage.rootsFile }
    agent = new StintClient({ address: broker?.addresses.agents ?? '', serverId: stage.brokerId, svid })
  }
  const task = {
    purpose: 'to read the invoices',
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
    ttlSeconds: 600,
    ...change,
  }
  // Once, so that a busy machine has all the time that a mint takes.
  const once = { deadlineMs: 60_000, retry: false }
  return agent.requestGrant(task, crypto.randomUUID(), once)
}

test('a broker whose credentials AWS refuses says so before any agent asks, and is not ready until they work', async () => {
  const files = keyFiles('credentials')
  files.spoil()
  await start()
  await expect.poll(components).toContain('aws:sts')
  expect(await status()).toMatchObject({ ready: false })
  await expect(ask()).rejects.toMatchObject({ retryable: true })
  expect(lines.find(({ msg }) => msg === 'a mint failed')).toMatchObject({ providerCode: 'InvalidClientTokenId' })

  files.mend()
  await expect
    .poll(() =>
      ask().then(
        () => 'minted',
        () => 'refused',
      ),
    )
    .toBe('minted')
  expect(await status()).toMatchObject({ ready: true })
  expect(await components()).not.toContain('aws:sts')
})

test('a revoker whose credentials AWS refuses is a problem before anything is revoked, and minting goes on', async () => {
  keyFiles('revokerCredentials').spoil()
  await start()
  await expect.poll(components).toContain('aws:iam')
  await ask()
  expect(await components()).not.toContain('aws:sts')
  expect(await status()).toMatchObject({ ready: true })
})

test('where the operator has switched the check off, STS is asked at the start alone, for the time', async () => {
  await start({ STINT_CONFIG_AWS__CREDENTIAL_CHECK_EVERY: '0s' })
  await ask()
  const calls = () => Object.entries(stage.cloud.callCounts()).filter(([call]) => call.includes('GetCallerIdentity'))
  const before = calls()
  await ask()
  expect(calls()).toEqual(before)
})

test('a refused mint is in the log with what AWS said and who asked, and its role is a problem until it is taken again', async () => {
  await start()
  const mend = stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'access_denied' })
  const refused = await ask().then(
    () => undefined,
    (error) => error,
  )
  expect(refused).toMatchObject({ code: 'PROVIDER_REFUSED', details: { awsCode: 'AccessDenied' } })
  expect(JSON.stringify(refused.details)).not.toContain('by a fault')
  const line = lines.find(({ msg }) => msg === 'a mint failed')
  expect(line).toMatchObject({
    grantId: expect.stringMatching(/^grt_/),
    leaseId: expect.stringMatching(/^lse_/),
    agent: `spiffe://${stage.trustDomain.name}${AGENT}`,
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
    code: 'PROVIDER_REFUSED',
    outcome: 'not_minted',
    providerCode: 'AccessDenied',
    providerRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    providerMessage: 'Access is denied by a fault that was set on the practice cloud.',
  })
  // Each try has a line too: for writes of a deny list, of which no agent hears, it is the only one.
  expect(
    lines.find(({ msg, operation }) => msg === 'a call to AWS failed' && operation === 'AssumeRole'),
  ).toMatchObject({
    service: 'sts',
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
    fault: 'refused',
    awsCode: 'AccessDenied',
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    awsMessage: 'Access is denied by a fault that was set on the practice cloud.',
  })
  const role = `aws:role:arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`
  expect(await components()).toContain(role)
  mend()
  await ask()
  expect(await components()).not.toContain(role)
})
