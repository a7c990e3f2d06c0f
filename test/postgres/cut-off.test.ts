import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { eventually } from '../support/eventually.ts'
import { MeddlingProxy } from './meddling-proxy.ts'
import { PostgresServer } from './postgres-server.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let made = 0
let proxy: MeddlingProxy
let stage: CrashStage
let client: StintClient | undefined
beforeEach(async () => {
  made += 1
  proxy = await MeddlingProxy.before(server.port)
  const timeouts = { connectTimeout: '1s', statementTimeout: '1s', lockTimeout: '1s' }
  const postgres = { ...server.settings(`cut_${made}`, proxy.port), ...timeouts }
  stage = await CrashStage.open({}, { ledger: { file: undefined, postgres } })
})
afterEach(async () => {
  client?.close()
  await stage.close()
  await proxy.close()
})

const KEY = 'key-00000001'

/** The agent, at one broker. */
async function agentAt(address: string): Promise<StintClient> {
  const { certificateFile, privateKeyFile } = await stage.stage.issueSvid('/agents/invoice-bot')
  const svid = { certificateFile, privateKeyFile, bundleFile: stage.stage.rootsFile }
  client = new StintClient({ address, serverId: stage.stage.brokerId, svid })
  return client
}

/** Resolves when the agent has been told that its grant is active. */
async function hearsOfApproval(agent: StintClient, grantId: string): Promise<boolean> {
  for await (const { state } of agent.watchGrant(grantId)) if (state === 'active') return true
  return false
}

/** Olga answers what waits, at one broker. */
async function approveAt(adminUrl: string): Promise<void> {
  const olga = await AdminClient.from({ adminUrl, adminTokenFile: stage.stage.tokenFiles.olga }, { env: {} })
  const { items } = await olga.get('/v1/approvals', { query: { state: 'pending' } })
  const [{ id, planHash } = { id: '', planHash: '' }] = items
  await olga.post('/v1/approvals/{id}/approve', { path: { id }, body: { planHash, note: 'fine' } })
}

async function statusAt(adminUrl: string) {
  const vera = await AdminClient.from({ adminUrl, adminTokenFile: stage.stage.tokenFiles.vera }, { env: {} })
  return vera.get('/v1/status')
}

test('an agent that waits at one broker hears of it when a person approves at another one', async () => {
  const here = await stage.start()
  const asked = await stage.request(KEY, 'delete')
  const { agents } = await here.ready()
  const hears = hearsOfApproval(await agentAt(agents), asked?.grant.id ?? '')
  const there = stage.spawn()
  const { admin } = await there.ready()
  expect((await statusAt(admin)).replicas?.map(({ self }) => self)).toEqual([false, true])
  await approveAt(admin)
  expect(await hears).toBe(true)
  for (const broker of stage.brokers) expect((await broker.stop()).code).toBe(0)
})

for (const { name, cut } of [
  { name: 'loses every packet', cut: () => proxy.silence() },
  { name: 'refuses every connection', cut: () => proxy.refuse() },
]) {
  test(`a broker whose way to the database ${name} is not ready, answers each call, and goes on when it is back`, async () => {
    const broker = await stage.start()
    const { admin, agents } = await broker.ready()
    await stage.request('key-00000002', 'write')
    const asked = await stage.request(KEY, 'delete')
    const hears = hearsOfApproval(await agentAt(agents), asked?.grant.id ?? '')
    cut()
    const cutOff = await eventually('not ready', async () => {
      const status = await statusAt(admin)
      return !status.ready && status
    })
    expect(cutOff.problems.map(({ component }) => component)).toContain('ledger')
    const errors = stage.errors.length
    const calls = ['key-00000003', 'key-00000002'].map((key) => stage.request(key, 'write', 12_000))
    expect(await Promise.all(calls)).toEqual([undefined, undefined])
    // Not the caller's own deadline: the broker said so.
    expect(stage.errors.slice(errors).map(({ code }) => code)).toEqual(['LEDGER_UNAVAILABLE', 'LEDGER_UNAVAILABLE'])
    proxy.restore()
    await eventually('ready again', async () => (await statusAt(admin)).ready)
    await approveAt(admin)
    expect(await hears).toBe(true)
    expect(broker.gone.aborted).toBe(false)
  })
}
