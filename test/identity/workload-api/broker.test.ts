import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/log.ts'
import { createGuardedFetch } from '../../../src/core/net/guarded-fetch.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { RefusalLog } from '../../../src/ledger/refusal-log.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { type Stage, setStage } from '../../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import type { SvidFiles } from '../../../src/sdk/identity/svid-source.ts'
import type { SvidFromWorkloadApi } from '../../../src/sdk/identity/workload-api-svid.ts'
import type { TokenFromWorkloadApi } from '../../../src/sdk/identity/workload-api-token.ts'
import type { Check } from '../../../src/start/doctor/check.ts'
import { runDoctor } from '../../../src/start/doctor/doctor.ts'
import { bundles } from '../../../src/start/identity/bundles.ts'
import { ownIdentity } from '../../../src/start/identity/own-identity.ts'
import { workloadApi } from '../../../src/start/identity/workload-api.ts'
import { type Broker, startBroker } from '../../../src/start/main.ts'
import { PartList } from '../../../src/start/part-list.ts'
import { RunningParts } from '../../../src/start/running-parts.ts'
import { createSurroundings, type Surroundings } from '../../../src/start/surroundings.ts'
import { checkHealth } from '../../image/health-client.ts'
import { stint } from '../../support/cli.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { settle, until } from '../../support/settle.ts'
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
      listen: { bearer: '127.0.0.1:0' },
      identity: {
        server: 'workload-api',
        domains: { 'practice.example': { workloadApi: true } },
        bundleEndpoint: {
          listen: '127.0.0.1:0',
          trustDomain: 'practice.example',
          refreshHint: '10m',
          sequence: 'time',
        },
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

const AGENT_ID = `spiffe://practice.example${AGENT}`
const OTHER_ID = 'spiffe://practice.example/agents/reports-bot'

/** Two entries match the agent's process; `first` comes first. */
async function offerBoth(first: string): Promise<void> {
  const { trustDomain } = stage
  const svids = await Promise.all([
    trustDomain.issueX509Svid({ path: AGENT }).then((svid) => svidMessage(svid, trustDomain, 'invoices')),
    trustDomain
      .issueX509Svid({ path: '/agents/reports-bot' })
      .then((svid) => svidMessage(svid, trustDomain, 'reports')),
  ])
  agentApi.order(first)
  agentApi.set({
    x509: x509Message(svids),
    jwtSvids: {
      [AGENT_ID]: { from: trustDomain, hint: 'invoices' },
      [OTHER_ID]: { from: trustDomain, hint: 'reports' },
    },
  })
}

const filesIn = (place: string) => ({
  certificateFile: join(place, 'agent.pem'),
  privateKeyFile: join(place, 'agent.key'),
  bundleFile: join(place, 'roots.pem'),
})

async function writeSvid(place: string, from: PracticeTrustDomain): Promise<void> {
  const { certPem, keyPem } = await from.issueX509Svid({ path: AGENT })
  const files = filesIn(place)
  writeFileSync(files.certificateFile, certPem)
  writeFileSync(files.privateKeyFile, keyPem)
  writeFileSync(files.bundleFile, from.rootCertPem)
}

/** Resolves when the broker has taken up what was set: a new client is served, or is not. */
async function whenServed(served: boolean): Promise<void> {
  const ask = () => agent().planTask(task(), { deadlineMs: 10_000 })
  await eventually(`served: ${served}`, () =>
    ask().then(
      () => served,
      () => !served,
    ),
  )
}

function agent({
  svid = {},
  ...settings
}: {
  clock?: ManualClock
  svid?: SvidFromWorkloadApi | SvidFiles
  token?: TokenFromWorkloadApi
} = {}): StintClient {
  const client = new StintClient({
    address: broker.running.addresses.agents,
    serverId: stage.brokerId,
    svid: 'bundleFile' in svid ? svid : { workloadApi: agentApi.address, ...svid },
    ...settings,
  })
  closing.push(() => client.close())
  return client
}

/** An agent without a certificate, whose JWT-SVIDs come from the Workload API. */
function bearerOnly(settings: { clock?: ManualClock; svid?: SvidFiles } = {}): StintClient {
  const client = new StintClient({
    address: broker.running.addresses.bearer ?? '',
    serverId: stage.brokerId,
    svid: { bundleFile: stage.rootsFile },
    token: { workloadApi: agentApi.address, audience: stage.brokerId },
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

  test('get along with JWT-SVIDs that the agent hands out again for half of their life', async () => {
    agentApi.set({ jwtSvids: { [AGENT_ID]: { from: stage.trustDomain } } })
    const first = bearerOnly()
    const { grant } = await first.requestGrant(task(), 'same-token-1')
    expect((await first.renewLease(grant.id)).lease).toBeDefined()
    expect((await first.requestGrant(task(), 'same-token-2')).lease).toBeDefined()
    await expect(bearerOnly().renewLease(grant.id)).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    first.close()
    const next = bearerOnly()
    await eventually('the end of the connection', () =>
      next.renewLease(grant.id).then(
        ({ lease }) => lease !== undefined,
        () => false,
      ),
    )
  })

  test('go on with a JWT-SVID while roots roll under a stream that is watched', async () => {
    agentApi.set({ jwtSvids: { [AGENT_ID]: { from: stage.trustDomain } } })
    const clock = new ManualClock()
    const bundleFile = join(folder, 'agent-roots.pem')
    writeFileSync(bundleFile, stage.trustDomain.rootCertPem)
    const client = bearerOnly({ clock, svid: { bundleFile } })
    const { grant } = await client.requestGrant(task(), 'same-token-3')
    const watching = client.watchGrant(grant.id)
    expect((await watching.next()).value?.state).toBe('active')
    const next = await createTrustDomain(stage.trustDomain.name)
    writeFileSync(bundleFile, stage.trustDomain.rootCertPem + next.rootCertPem)
    await clock.advance(1_000)
    expect((await client.renewLease(grant.id)).lease).toBeDefined()
    await watching.return()
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
    const refused: string[] = []
    const noted = vi.spyOn(RefusalLog.prototype, 'note').mockImplementation(async ({ code }) => {
      refused.push(code)
    })
    closing.push(() => noted.mockRestore())
    const { addresses } = broker.running
    const health = () => checkHealth(addresses.health, 'stint.v1.BrokerService')
    await eventually('SERVING', async () => (await health()) === 'SERVING')
    const connected = agent()
    await connected.planTask(task())
    broker.api.refuse(status.PERMISSION_DENIED)
    broker.api.end(status.PERMISSION_DENIED)
    await eventually('NOT_SERVING', async () => (await health()) === 'NOT_SERVING')
    const once = { deadlineMs: 60_000, retry: false }
    await expect(agent().planTask(task(), once)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    const outage = { code: 'TRUST_DOMAIN_UNAVAILABLE', retryable: true }
    await expect(connected.planTask(task(), once)).rejects.toMatchObject(outage)
    expect(refused).toEqual([])
    broker.api.refuse(undefined)
    await eventually('SERVING', async () => (await health()) === 'SERVING')
    expect((await agent().planTask(task())).plan.hash).toBeTruthy()
    expect((await connected.planTask(task())).plan.hash).toBeTruthy()
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

  test('W5 uses its SVID no more once its Workload API no longer names it, and is no other agent instead', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const client = agent({ clock })
    await client.planTask(task())
    const other = await createTrustDomain('other.example')
    const svid = await other.issueX509Svid({ path: AGENT })
    agentApi.set({ x509: x509Message([svidMessage(svid, other)]) })
    await clock.advance(31_000)
    await expect(client.planTask(task(), { deadlineMs: 1 })).rejects.toMatchObject({ code: 'SVID_WITHDRAWN' })
    await expect(client.planTask(task(), { deadlineMs: 1 })).rejects.toMatchObject({ code: 'SVID_WITHDRAWN' })
  })

  test('stays the same agent, with its grant, when the order of several SVIDs turns', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const client = agent({ clock, svid: { hint: 'invoices' } })
    await offerBoth(AGENT_ID)
    const { grant } = await client.requestGrant(task(), 'order-turns-1')
    for (const first of [OTHER_ID, AGENT_ID, OTHER_ID]) {
      await offerBoth(first)
      await clock.advance(31_000)
      expect((await client.getGrant(grant.id)).subject).toBe(AGENT_ID)
      const { plan } = await agent({ svid: { spiffeId: AGENT_ID } }).planTask(task())
      expect([plan.hash, plan.subject]).toEqual([grant.planHash, AGENT_ID])
    }
  })

  // SPIRE 1.16 does so while it renews the SVIDs of a tainted CA one by one.
  test('outlives a message that leaves its SVID out for a moment', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const client = agent({ clock, svid: { hint: 'invoices' } })
    await offerBoth(OTHER_ID)
    await client.planTask(task())
    const { trustDomain } = stage
    const other = svidMessage(await trustDomain.issueX509Svid({ path: '/agents/reports-bot' }), trustDomain, 'reports')
    agentApi.set({ x509: x509Message([other]) })
    await clock.advance(31_000)
    const asked = agentApi.opened.x509
    const call = client.planTask(task(), { deadlineMs: 10_000 })
    await until(() => agentApi.opened.x509 > asked)
    await offerBoth(OTHER_ID)
    expect((await settle(clock, call, 10)).plan.subject).toBe(AGENT_ID)
  })

  test('is named by the errors that judge it', async () => {
    await offerBoth(OTHER_ID)
    const id = 'grt_01ARZ3NDEKTSV4RRFFQ69G5FAV'
    await expect(agent({ svid: { hint: 'reports' } }).getGrant(id)).rejects.toMatchObject({
      code: 'GRANT_NOT_FOUND',
      details: { subject: OTHER_ID },
      message: expect.stringContaining(OTHER_ID),
    })
    const access = [{ actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::invoices-prod/*'] }]
    const denied = agent({ svid: { hint: 'invoices' } }).requestGrant({ ...task(), access }, 'names-the-agent')
    await expect(denied).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      details: { subject: AGENT_ID },
      message: expect.stringContaining(AGENT_ID),
    })
  })

  test('is refused with the list when several SVIDs are offered and none is chosen, and stays who it was if it had one', async () => {
    const clock = new ManualClock(new Date().toISOString())
    const before = agent({ clock })
    const { grant } = await before.requestGrant(task(), 'order-turns-2')
    await offerBoth(OTHER_ID)
    await clock.advance(31_000)
    expect((await before.getGrant(grant.id)).subject).toBe(AGENT_ID)
    await expect(agent().planTask(task())).rejects.toMatchObject({
      code: 'SVID_AMBIGUOUS',
      details: { offered: [`${AGENT_ID} (hint "invoices")`, `${OTHER_ID} (hint "reports")`] },
      message: expect.stringContaining('--spiffe-id'),
    })
  })

  test('tries at once with the SVID of now when an emergency rotation has made its own worthless', async () => {
    const client = agent({ clock: new ManualClock(new Date().toISOString()) })
    await client.planTask(task())
    const next = await createTrustDomain(stage.trustDomain.name)
    await rotate(broker.api, '/stint', next)
    await rotate(agentApi, AGENT, next)
    await whenServed(true)
    const asked = agentApi.opened.x509
    expect((await client.planTask(task(), { deadlineMs: 60_000 })).plan.hash).toBeTruthy()
    expect(agentApi.opened.x509).toBe(asked + 1)
  })

  for (const { name, svid, put } of [
    {
      name: 'its Workload API',
      svid: () => ({ workloadApi: agentApi.address }),
      put: (d: PracticeTrustDomain) => rotate(agentApi, AGENT, d),
    },
    { name: 'its files', svid: () => filesIn(folder), put: (d: PracticeTrustDomain) => writeSvid(folder, d) },
  ]) {
    test(`looks at ${name} once when TLS fails, and tries at once with what is there now`, async () => {
      await put(await createTrustDomain(stage.trustDomain.name))
      const clock = new ManualClock(new Date().toISOString())
      const client = agent({ clock, svid: svid() })
      const first = client.planTask(task(), { deadlineMs: 10_000 })
      await expect(settle(clock, first)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
      await put(stage.trustDomain)
      expect((await client.planTask(task(), { deadlineMs: 60_000 })).plan.subject).toBe(AGENT_ID)
    })
  }

  test('looks at its source once and gives up when that has nothing else than the SVID that was refused', async () => {
    const client = agent({ clock: new ManualClock(new Date().toISOString()) })
    await client.planTask(task())
    const next = await createTrustDomain(stage.trustDomain.name)
    await rotate(broker.api, '/stint', next)
    await whenServed(false)
    const asked = agentApi.opened.x509
    await expect(client.reportActivity('grt_00000000000000000000000000', [])).rejects.toMatchObject({
      code: 'SVID_INVALID',
    })
    expect(agentApi.opened.x509).toBe(asked + 1)
  })

  test('fetches JWT-SVIDs itself, for the SPIFFE ID that its certificate has', async () => {
    await offerBoth(OTHER_ID)
    const client = agent({ svid: { hint: 'invoices' }, token: { audience: stage.brokerId } })
    expect((await client.planTask(task())).plan.hash).toBeTruthy()
    const { grant } = await client.requestGrant(task(), 'jwt-and-x509')
    expect(grant.subject).toBe(AGENT_ID)
    const none = agent({ svid: { spiffeId: AGENT_ID }, token: { audience: stage.brokerId, spiffeId: OTHER_ID } })
    await expect(none.planTask(task())).rejects.toMatchObject({ code: 'IDENTITY_MISMATCH' })
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

describe('the status and the log of a broker with the Workload API', () => {
  test('name the SPIFFE ID in use, the bundles that came, and a second entry before it can do harm', async () => {
    const lines: string[] = []
    const loud = createLogger({ level: 'info', destination: { write: (line: string) => lines.push(line) } })
    const config = loadConfig({ file: stage.configFile, env: { SPIFFE_ENDPOINT_SOCKET: broker.api.address } })
    const deps = { clock: systemClock, logger: loud, version: 'test' }
    const running = new RunningParts(deps)
    closing.push(() => running.stop())
    const surroundings = createSurroundings(config, deps, { running, fail: () => {} })
    const parts = PartList.empty<Surroundings>().add(bundles).add(workloadApi).add(ownIdentity)
    const { ownIdentity: identity } = await parts.start(surroundings, running)
    await identity.source().start(() => {})
    expect(identity.view()).toMatchObject({
      spiffeId: stage.brokerId,
      bundles: [{ trustDomain: 'practice.example', source: 'workload-api', x509Authorities: 1, jwtAuthorities: 1 }],
    })
    expect(lines.join('')).toContain(stage.brokerId)
    const { trustDomain } = stage
    const entry = async (path: string) => svidMessage(await trustDomain.issueX509Svid({ path }), trustDomain)
    broker.api.order('spiffe://practice.example/second')
    broker.api.set({ x509: x509Message([await entry('/second'), await entry('/stint')]) })
    await eventually('the finding', () =>
      surroundings.partHealth.problems().some(({ finding }) => finding === 'svid-choice'),
    )
    expect(identity.view().spiffeId).toBe(stage.brokerId)
    expect(lines.join('')).toContain('SVID_AMBIGUOUS')
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

  test('names one of several SVIDs by flag or environment, and takes JWT-SVIDs from there too', async () => {
    await offerBoth(OTHER_ID)
    const taskFile = join(folder, 'task.yaml')
    writeFileSync(taskFile, stringify(task()))
    const env = {
      STINT_ADDRESS: broker.running.addresses.agents,
      STINT_SERVER_ID: stage.brokerId,
      SPIFFE_ENDPOINT_SOCKET: agentApi.address,
    }
    const run = (flags: string[], more: Record<string, string> = {}) =>
      stint(['plan', '--task', taskFile, ...flags], { env: { ...env, ...more } })
    for (const [flags, more] of [
      [['--spiffe-id', AGENT_ID], {}],
      [['--svid-hint', 'invoices'], {}],
      [[], { STINT_SPIFFE_ID: AGENT_ID }],
      [['--jwt-audience', stage.brokerId], { STINT_SVID_HINT: 'invoices' }],
    ] as const) {
      expect(await run([...flags], more)).toMatchObject({ exitCode: 0 })
    }
    const refused = await run([])
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('SVID_AMBIGUOUS') })
    expect(refused.stderr).toContain(OTHER_ID)
    expect(await run(['--spiffe-id', AGENT_ID, '--bundle', stage.rootsFile])).toMatchObject({ exitCode: 2 })
    expect(await run(['--token-file', taskFile, '--jwt-audience', 'x'])).toMatchObject({ exitCode: 2 })
  })

  test('looks at the Workload API and at federation endpoints in stint doctor', async () => {
    const federation = { profile: 'https_web', url: 'https://127.0.0.1:9/', allowPrivate: ['127.0.0.1'] }
    const text = parse(readFileSync(stage.configFile, 'utf8'))
    text.identity.domains['partner.example'] = { federation }
    text.identity.domains['absent.example'] = { workloadApi: true }
    writeFileSync(stage.configFile, stringify(text))
    const config = loadConfig({ file: stage.configFile, env: { SPIFFE_ENDPOINT_SOCKET: broker.api.address } })
    const found = new Map<string, Check>()
    const signal = new AbortController().signal
    for await (const check of runDoctor(config, { clock: systemClock, logger }, signal)) found.set(check.name, check)
    expect([found.get('workload API')?.ok, found.get('federation partner.example')?.ok]).toEqual([true, false])
    expect(found.get('workload API')?.finding).toContain(`is ${stage.brokerId} with an SVID`)
    expect(found.get('bundle practice.example')?.finding).toBe('1 X.509 and 1 JWT authorities')
    expect(found.get('bundle absent.example')).toMatchObject({ ok: false, code: 'BUNDLE_INVALID' })
  })
})

describe('the bundle endpoint of a broker', () => {
  test('shows the broker’s SVID and serves what the Workload API gives', async () => {
    const fetch = createGuardedFetch({ allowPrivate: ['127.0.0.1'], ca: [stage.trustDomain.rootCertPem] })
    const { body } = await fetch(`https://${broker.running.addresses.bundle}/`)
    const { bundle } = parseSpiffeBundle('practice.example', body)
    expect([bundle.x509Authorities.length, bundle.jwtAuthorities.size]).toEqual([1, 1])
    expect([bundle.refreshHintSeconds, typeof bundle.sequence]).toEqual([600, 'bigint'])
  })
})
