import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { BrokerServiceClient } from '../../src/contract/broker.ts'
import { fromServiceError } from '../../src/contract/error-status.ts'
import { createLogger } from '../../src/core/log.ts'
import { parseHostPort } from '../../src/core/net/host-port.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import type { GrantInfo } from '../../src/sdk/types.ts'
import { startBroker } from '../../src/start/main.ts'

/** Far beyond a test's own limit: a stop that waited for the watchers would never end. */
const DRAIN_MS = 3_600_000
/** As many as one agent may have. */
const WATCHERS = 100

let stage: Stage
let config: Config
let svid: { certificateFile: string; privateKeyFile: string; bundleFile: string }

beforeAll(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-drain-')) })
  const loaded = loadConfig({ file: stage.configFile, env: {} })
  config = { ...loaded, server: { ...loaded.server, drainTime: DRAIN_MS } }
  svid = { ...(await stage.issueSvid('/agents/invoice-bot')), bundleFile: stage.rootsFile }
})
afterAll(async () => {
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
})

function start(agents: Partial<Config['listen']['agents']> = {}, logger = createLogger({ level: 'silent' })) {
  const listen = { ...config.listen, agents: { ...config.listen.agents, ...agents } }
  return startBroker({ ...config, listen }, { logger, version: 'test' })
}

function task() {
  return {
    purpose: 'to tidy the archive',
    roleArn: `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`,
    access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
    ttlSeconds: 600,
  }
}

function connect(address: string): StintClient {
  return new StintClient({ address, serverId: stage.brokerId, svid })
}

async function nextState(states: AsyncGenerator<GrantInfo, void>): Promise<string | undefined> {
  const { value } = await states.next()
  return value?.state
}

test('a stop ends every watch at once, with an error that says when to come back, and each at its own time', async () => {
  const broker = await start()
  const client = connect(broker.addresses.agents)
  const { grant } = await client.requestGrant(task(), 'drain-first-key')
  client.close()
  const raw = new BrokerServiceClient(
    broker.addresses.agents,
    credentials.createSsl(
      readFileSync(svid.bundleFile),
      readFileSync(svid.privateKeyFile),
      readFileSync(svid.certificateFile),
    ),
    { 'grpc.ssl_target_name_override': 'localhost' },
  )
  const watches = Array.from({ length: WATCHERS }, () => {
    const stream = raw.watchGrant({ grantId: grant.id })
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve))
    const shown = new Promise((resolve) => stream.once('data', resolve))
    return { ended, shown }
  })
  await Promise.all(watches.map(({ shown }) => shown))
  await broker.stop()
  const errors = (await Promise.all(watches.map(({ ended }) => ended))).map(fromServiceError)
  raw.close()
  const waits = errors.map(({ details }) => Number(details.retryAfterMs))
  expect(new Set(errors.map(({ code, retryable }) => `${code} ${retryable}`))).toEqual(new Set(['SHUTTING_DOWN true']))
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_000)
  expect(new Set(waits).size).toBeGreaterThan(WATCHERS / 4)
})

test('an agent that watches notices nothing of a stop once the next broker serves', async () => {
  const first = await start()
  const client = connect(first.addresses.agents)
  const { grant } = await client.requestGrant(task(), 'drain-second-key')
  const signal = new AbortController()
  const states = client.watchGrant(grant.id, { signal: signal.signal })
  expect(await nextState(states)).toBe('active')
  const next = nextState(states)
  await first.stop()
  const second = await start({ port: parseHostPort(first.addresses.agents)?.port ?? 0 })
  expect(await next).toBe('active')
  await client.completeGrant(grant.id, 'done')
  expect(['ending', 'ended']).toContain(await nextState(states))
  signal.abort()
  client.close()
  await second.stop()
})

/** Watches a grant by many streams. @returns the error that each ends with */
async function watch(raw: InstanceType<typeof BrokerServiceClient>, grantId: string, streams: number) {
  const watches = Array.from({ length: streams }, () => {
    const stream = raw.watchGrant({ grantId })
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve))
    return { ended, shown: new Promise((resolve) => stream.once('data', resolve)) }
  })
  await Promise.all(watches.map(({ shown }) => shown))
  return watches.map(({ ended }) => ended)
}

test('a stop with a thousand watchers ends them all, and the log has each of its steps', async () => {
  const agents =
    "[{ name: all, match: 'spiffe://practice.example/many/*', owner: ann@practice.example, team: data, purpose: x, expires: 2099-12-31 }]"
  writeFileSync(join(stage.folder, 'agents.yaml'), `agents: ${agents}\n`)
  const lines: { msg: string; part?: string; ms?: number }[] = []
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  })
  const broker = await start({}, logger)
  const raws: InstanceType<typeof BrokerServiceClient>[] = []
  const ended: Promise<ServiceError>[] = []
  for (let n = 0; n < 10; n++) {
    const own = { ...(await stage.issueSvid(`/many/${n}`)), bundleFile: stage.rootsFile }
    const client = new StintClient({ address: broker.addresses.agents, serverId: stage.brokerId, svid: own })
    const { grant } = await client.requestGrant(task(), `drain-many-${n}`)
    client.close()
    const [roots, key, certificate] = [own.bundleFile, own.privateKeyFile, own.certificateFile].map((file) =>
      readFileSync(file),
    )
    const raw = new BrokerServiceClient(
      broker.addresses.agents,
      credentials.createSsl(roots ?? null, key, certificate),
      {
        'grpc.ssl_target_name_override': 'localhost',
        'grpc.use_local_subchannel_pool': 1,
      },
    )
    raws.push(raw)
    ended.push(...(await watch(raw, grant.id, WATCHERS)))
  }
  await broker.stop()
  const codes = (await Promise.all(ended)).map((error) => fromServiceError(error).code)
  for (const raw of raws) raw.close()
  expect([codes.length, new Set(codes)]).toEqual([1_000, new Set(['SHUTTING_DOWN'])])
  const steps = (msg: string) => lines.flatMap((line) => (line.msg === msg ? [line.part] : []))
  expect(steps('a part has stopped')).toEqual(steps('a part stops'))
  expect(lines.at(-1)?.msg).toBe('stopped')
})
