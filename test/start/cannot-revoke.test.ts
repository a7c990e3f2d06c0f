import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'

let stage: Stage
let broker: Broker | undefined
let agent: StintClient | undefined
let lines: Record<string, unknown>[]
beforeEach(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
  lines = []
})
afterEach(async () => {
  agent?.close()
  await broker?.stop()
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
})

/** A broker on the stage whose one role has this in place of its own settings. */
async function start(change: object) {
  const config = parse(readFileSync(stage.configFile, 'utf8')) as { roles: object[] }
  writeFileSync(stage.configFile, stringify({ ...config, roles: [{ ...config.roles[0], ...change }] }))
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  broker = await startBroker(loadConfig({ file: stage.configFile, env: {} }), {
    clock: systemClock,
    logger: createLogger({ level: 'info', destination }),
    version: 'test',
  })
  const { certificateFile, privateKeyFile } = await stage.issueSvid('/agents/invoice-bot')
  const svid = { certificateFile, privateKeyFile, bundleFile: stage.rootsFile }
  agent = new StintClient({ address: broker.addresses.agents, serverId: stage.brokerId, svid })
}

async function findings(): Promise<string[]> {
  const flags = { adminUrl: broker?.addresses.admin ?? '', adminTokenFile: stage.tokenFiles.vera }
  const { problems } = await (await AdminClient.from(flags, { env: {} })).get('/v1/status')
  return problems.map(({ component, finding }) => `${component} ${finding}`)
}

const roleArn = () => `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`
const plan = (role = roleArn()) =>
  agent?.planTask({
    purpose: 'to read the invoices',
    roleArn: role,
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
    ttlSeconds: 600,
  })

test('a role that nobody can revoke is in the log and on the status from the start, and on its plans', async () => {
  await start({ revocation: { kind: 'none' } })
  expect(lines.find(({ finding }) => finding === 'cannot-revoke')).toMatchObject({
    explanation: expect.stringContaining(roleArn()),
  })
  expect(await findings()).toContain('roles cannot-revoke')
  expect((await plan())?.plan.warnings).toEqual([
    { kind: 'cannot_revoke', explanation: expect.stringContaining('cannot be revoked') },
  ])
})

test('a role in another account than the credentials that write its deny list is found, and its plans warn', async () => {
  await start({
    arn: 'arn:aws:iam::999999999999:role/stint/elsewhere',
    revocation: { kind: 'inline' },
  })
  await expect.poll(findings).toContain('revocation account-out-of-reach')
  const answer = await plan('arn:aws:iam::999999999999:role/stint/elsewhere')
  expect(answer?.plan.warnings).toEqual([
    { kind: 'cannot_revoke', explanation: expect.stringContaining('name a revoker in account 999999999999') },
  ])
})

test('a role that can be revoked has neither', async () => {
  await start({})
  expect(await findings()).toEqual([])
  expect((await plan())?.plan.warnings).toEqual([])
})
