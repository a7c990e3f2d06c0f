import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createGuardedFetch } from '../../../src/core/guarded-fetch.ts'
import { createLogger } from '../../../src/core/log.ts'
import { ProblemBoard } from '../../../src/core/problem-board.ts'
import { runDoctor } from '../../../src/doctor.ts'
import { parseSpiffeBundle } from '../../../src/identity/trust-bundle.ts'
import { startIdentity } from '../../../src/identity-from-config.ts'
import { type Broker, startBroker } from '../../../src/main.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/pki.ts'
import { type Stage, setStage } from '../../../src/practice/stage.ts'
import { STAGE_ROLE } from '../../../src/practice/stage-rules.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import { checkHealth } from '../../image/health-client.ts'
import { stint } from '../../support/cli.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { rootsOf, svidMessage, WorkloadApiServer, x509Message } from '../../support/workload-api-server.ts'

const AGENT = '/agents/invoice-bot'
const logger = createLogger({ level: 'fatal' })

let folder = ''
/** What the broker's agent says, and what the agent's does. */
let broker: { api: WorkloadApiServer; running: Broker }
let agentApi: WorkloadApiServer
let stage: Stage
const closing: (() => unknown)[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-wl-broker-'))
  const api = await WorkloadApiServer.start()
  agentApi = await WorkloadApiServer.start()
  stage = await setStage({
    folder,
    config: {
      identity: {
        server: 'workload-api',
        domains: { 'practice.example': { workloadApi: true } },
        bundleEndpoint: { listen: '127.0.0.1:0', trustDomain: 'practice.example' },
      },
    },
  })
  closing.push(
    () => rmSync(folder, { recursive: true }),
    () => stage.close(),
    () => api.close(),
    () => agentApi.close(),
  )
  await rotate(api, '/stint')
  await rotate(agentApi, AGENT)
  const config = loadConfig({ file: stage.configFile, env: { SPIFFE_ENDPOINT_SOCKET: api.address } })
  const running = await startBroker(config, { clock: systemClock, logger, version: 'test' })
  closing.push(() => running.stop())
  broker = { api, running }
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Gives a new SVID of `from`, with the roots of `trusted`. */
async function rotate(
  api: WorkloadApiServer,
  path: string,
  from: PracticeTrustDomain = stage.trustDomain,
  trusted: readonly PracticeTrustDomain[] = [from],
): Promise<void> {
  const svid = await from.issueX509Svid({ path, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
  const message = { ...svidMessage(svid, from), bundle: rootsOf(...trusted) }
  const keys = JSON.parse(from.bundleJson()).keys.filter(({ use }: { use: string }) => use === 'jwt-svid')
  const jwt = { bundles: { [`spiffe://${from.name}`]: Buffer.from(JSON.stringify({ keys })) } }
  api.set({ x509: x509Message([message]), jwt })
}

function agent(settings: { clock?: ManualClock } = {}): StintClient {
  const client = new StintClient({
    address: broker.running.addresses.agents,
    serverId: stage.brokerId,
    svid: { workloadApi: agentApi.address },
    ...settings,
  })
  closing.push(() => client.close())
  return client
}

const task = () => ({
  purpose: 'to tidy the archive',
  roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
  access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
  ttlSeconds: 600,
})

describe('a broker and an agent that have everything from the Workload API', () => {
  test('serve each other, and go on while SVIDs and roots roll under open calls', async () => {
    const client = agent()
    const { grant } = await client.requestGrant(task(), 'rolling-keys-1')
    const watching = client.watchGrant(grant.id)
    expect((await watching.next()).value?.state).toBe('active')
    const next = await createTrustDomain(stage.trustDomain.name)
    const both = [stage.trustDomain, next]
    for (const [from, trusted] of [
      [stage.trustDomain, both],
      [next, both],
    ] as const) {
      await rotate(broker.api, '/stint', from, trusted)
      await rotate(agentApi, AGENT, from, trusted)
      for (let i = 0; i < 5; i += 1) expect((await client.renewLease(grant.id)).grant.state).toBe('active')
      const fresh = agent()
      expect((await fresh.getGrant(grant.id)).state).toBe('active')
    }
    await client.completeGrant(grant.id)
    // The stream from before the rotations is still there, and brings the end.
    for await (const { state } of watching) if (state === 'ending' || state === 'ended') return
    expect.unreachable()
  })

  test('end service to SVIDs of a root that the agent no longer names', async () => {
    const client = agent()
    expect((await client.planTask(task())).plan.hash).toBeTruthy()
    const next = await createTrustDomain(stage.trustDomain.name)
    await rotate(broker.api, '/stint', next)
    await eventually('the refusal', async () => {
      const refused = await client.planTask(task()).then(
        () => undefined,
        (error) => error.code,
      )
      return refused !== undefined
    })
  })

  test('are not ready, and take no connection, once the agent has no identity for the broker', async () => {
    const { addresses } = broker.running
    expect(await checkHealth(addresses.health, '')).toBe('SERVING')
    broker.api.refuse(status.PERMISSION_DENIED)
    broker.api.end(status.PERMISSION_DENIED)
    await eventually('NOT_SERVING', async () => (await checkHealth(addresses.health, '')) === 'NOT_SERVING')
    const once = { deadlineMs: 60_000, retry: false }
    await expect(agent().planTask(task(), once)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    broker.api.refuse(undefined)
    await eventually('SERVING', async () => (await checkHealth(addresses.health, '')) === 'SERVING')
    expect((await agent().planTask(task())).plan.hash).toBeTruthy()
  })
})

describe('an agent with the Workload API', () => {
  test('goes on while its Workload API is away, and stops when told that it has no identity', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const client = agent({ clock })
    await client.planTask(task())
    agentApi.down()
    await clock.advance(31_000)
    expect((await client.planTask(task())).plan.hash).toBeTruthy()
    await agentApi.listen()
    agentApi.refuse(status.PERMISSION_DENIED)
    await clock.advance(2_000)
    await expect(client.planTask(task(), { deadlineMs: 1 })).rejects.toMatchObject({ code: 'WORKLOAD_API_UNAVAILABLE' })
  })

  test('W5 trusts no broker any more once its Workload API no longer names the trust domain of the broker', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const client = agent({ clock })
    await client.planTask(task())
    const other = await createTrustDomain('other.example')
    const svid = await other.issueX509Svid({ path: AGENT })
    agentApi.set({ x509: x509Message([svidMessage(svid, other)]) })
    await clock.advance(31_000)
    await expect(client.planTask(task())).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
    await expect(client.planTask(task())).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  })

  test('asks for its identity once for many calls', async () => {
    const client = agent()
    const before = agentApi.opened.x509
    await Promise.all([1, 2, 3, 4].map(() => client.planTask(task())))
    await client.planTask(task())
    expect(agentApi.opened.x509).toBe(before + 1)
  })

  test('is told when there is no bundle of the trust domain of the broker', async () => {
    const client = new StintClient({
      address: broker.running.addresses.agents,
      serverId: 'spiffe://other.example/stint',
      svid: { workloadApi: agentApi.address },
    })
    closing.push(() => client.close())
    await expect(client.planTask(task())).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
  })
})

describe('the command line', () => {
  test('takes its identity from SPIFFE_ENDPOINT_SOCKET when no file is named', async () => {
    const taskFile = join(folder, 'task.yaml')
    writeFileSync(taskFile, stringify(task()))
    const env = { STINT_ADDRESS: broker.running.addresses.agents, STINT_SERVER_ID: stage.brokerId }
    const socket = { SPIFFE_ENDPOINT_SOCKET: agentApi.address }
    const argv = ['plan', '--task', taskFile]
    expect(await stint(argv, { env: { ...env, ...socket } })).toMatchObject({ exitCode: 0 })
    expect(await stint([...argv, '--workload-api', agentApi.address], { env })).toMatchObject({ exitCode: 0 })
    const both = [...argv, '--workload-api', agentApi.address, '--bundle', stage.rootsFile]
    expect(await stint(both, { env })).toMatchObject({ exitCode: 2 })
    expect(await stint(argv, { env })).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('STINT_BUNDLE') })
  })

  test('looks at the Workload API and at federation endpoints in stint doctor', async () => {
    const federation = { profile: 'https_web', url: 'https://127.0.0.1:9/', allowPrivate: ['127.0.0.1'] }
    const text = parse(readFileSync(stage.configFile, 'utf8'))
    text.identity.domains['partner.example'] = { federation }
    writeFileSync(stage.configFile, stringify(text))
    const config = loadConfig({ file: stage.configFile, env: { SPIFFE_ENDPOINT_SOCKET: broker.api.address } })
    const found = new Map<string, boolean>()
    const signal = new AbortController().signal
    for await (const { name, ok } of runDoctor(config, { clock: systemClock, logger }, signal)) found.set(name, ok)
    expect([found.get('workload API'), found.get('federation partner.example')]).toEqual([true, false])
  })
})

describe('the bundle endpoint of a broker', () => {
  test('shows the broker’s SVID and serves what the Workload API gives', async () => {
    const file = stage.configFile
    const config = loadConfig({ file, env: { SPIFFE_ENDPOINT_SOCKET: broker.api.address } })
    await using stack = new AsyncDisposableStack()
    const deps = { clock: systemClock, logger, board: new ProblemBoard(), random: Math.random }
    const { bundleEndpoint } = await startIdentity(config, deps, stack)
    const fetch = createGuardedFetch({ allowPrivate: ['127.0.0.1'], ca: [stage.trustDomain.rootCertPem] })
    const { body } = await fetch(`https://${bundleEndpoint}/`)
    const { bundle } = parseSpiffeBundle('practice.example', body)
    expect([bundle.x509Authorities.length, bundle.jwtAuthorities.size]).toEqual([1, 1])
  })
})
