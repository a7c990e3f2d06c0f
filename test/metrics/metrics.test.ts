import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/core/log.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'
import { eventually } from '../support/eventually.ts'

const PAGE = new URL('../../docs/metrics.md', import.meta.url)

let stage: Stage
let broker: Broker
let client: StintClient

beforeAll(async () => {
  stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-metrics-')) })
  const config = loadConfig({ file: stage.configFile, env: {} })
  broker = await startBroker(
    { ...config, listen: { ...config.listen, metrics: { host: '127.0.0.1', port: 0 } } },
    { logger: createLogger({ level: 'silent' }), version: '1.2.3' },
  )
  const svid = { ...(await stage.issueSvid('/agents/invoice-bot')), bundleFile: stage.rootsFile }
  client = new StintClient({ address: broker.addresses.agents, serverId: stage.brokerId, svid })
})
afterAll(async () => {
  client.close()
  await broker.stop()
  await stage.close()
  rmSync(stage.folder, { recursive: true, force: true })
})

async function scrape(path = '/metrics', init: RequestInit = {}) {
  const answer = await fetch(`http://${broker.addresses.metrics}${path}`, init)
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

/** The number of one series, its labels in the order of the text; undefined when there is none. */
async function figure(series: string): Promise<number | undefined> {
  const { text } = await scrape()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

function task(actions: string[], roleArn = `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`) {
  const resources = ['arn:aws:s3:::invoices-staging/*']
  return { purpose: 'to tidy the archive', roleArn, access: [{ actions, resources }], ttlSeconds: 600 }
}

test('a grant is counted at each seam that it passes: call, ledger, mint, call of AWS', async () => {
  await client.requestGrant(task(['s3:GetObject']), 'metrics-key-1')
  const account = stage.cloud.accountId
  expect(await figure('stint_calls_total{edge="grants",operation="requestGrant",code="ok"}')).toBe(1)
  expect(await figure('stint_grant_requests_total{state="active"}')).toBe(1)
  expect(await figure('stint_mint_seconds_count{outcome="minted"}')).toBe(1)
  expect(
    await figure(`stint_aws_calls_total{service="sts",operation="AssumeRole",account="${account}",code="ok"}`),
  ).toBe(1)
  expect(await figure('stint_ledger_write_seconds_count{operation="openGrant"}')).toBe(1)
  expect(await figure('stint_ledger_commit_seconds_count')).toBeGreaterThan(0)
  expect(await figure('stint_grants{state="active"}')).toBe(1)
  expect(await figure('stint_ready')).toBe(1)
  expect(await figure('stint_build_info{version="1.2.3"}')).toBe(1)
  expect(await figure('stint_scrape_failures')).toBe(0)
})

test('a refusal is counted by its code, before and behind the identity check', async () => {
  await expect(client.requestGrant(task(['s3:NoSuchAction']), 'metrics-key-2')).rejects.toMatchObject({
    code: 'ACTION_UNKNOWN',
  })
  expect(await figure('stint_calls_total{edge="grants",operation="requestGrant",code="ACTION_UNKNOWN"}')).toBe(1)
  const stranger = await stage.issueSvid('/agents/invoice-bot', await createTrustDomain('other.example'))
  const other = new StintClient({
    address: broker.addresses.agents,
    serverId: stage.brokerId,
    svid: { ...stranger, bundleFile: stage.rootsFile },
  })
  await other.requestGrant(task(['s3:GetObject']), 'metrics-key-3', { deadlineMs: 2_000 }).catch(() => undefined)
  other.close()
  await eventually('the refusal', async () =>
    /^stint_refusals_total\{at="connection",code="[A-Z_]+"\} [1-9]/m.test((await scrape()).text),
  )
})

test('the time from a deny to its being in force is measured', async () => {
  const { grant } = await client.requestGrant(task(['s3:PutObject']), 'metrics-key-4')
  const adminTokenFile = stage.tokenFiles.oscar
  const admin = await AdminClient.from({ adminUrl: broker.addresses.admin, adminTokenFile }, { env: {} })
  await admin.post('/v1/grants/{id}/revoke', { path: { id: grant.id }, body: { note: 'stop it' } })
  await eventually(
    'the deny in force',
    async () => (await figure('stint_deny_enforced_seconds_count{by="settle_time"}')) === 1,
  )
  expect(await figure('stint_calls_total{edge="operators",operation="revokeGrant",code="ok"}')).toBe(1)
  expect(await figure('stint_deny_lists_failing')).toBe(0)
})

test('a figure names no agent, no role, no task and no key', async () => {
  const { text } = await scrape()
  for (const word of ['spiffe:', 'arn:', 'invoice', 'AKIA', 'ASIA', 'metrics-key']) expect(text).not.toContain(word)
})

test('the port serves one path, to be read', async () => {
  expect(await scrape()).toMatchObject({ status: 200, type: expect.stringMatching(/^text\/plain; version=0\.0\.4/) })
  expect((await scrape('/')).status).toBe(404)
  expect((await scrape('/metrics', { method: 'POST' })).status).toBe(405)
})

test('whoever connects and says nothing gives way to a scrape', async () => {
  const [host = '', port = ''] = broker.addresses.metrics?.split(':') ?? []
  const silent = Array.from({ length: 64 }, () => connect(Number(port), host).on('error', () => undefined))
  await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  expect((await scrape()).status).toBe(200)
  for (const socket of silent) socket.destroy()
})

test('a source that fails leaves its figures out, and the others in', async () => {
  const metrics = new Metrics({ version: 'test' })
  metrics.onScrape(() => Promise.reject(new Error('the disk is gone')))
  metrics.onScrape(({ ready }) => ready.set(1))
  const text = await metrics.text()
  expect(text).toContain('stint_scrape_failures 1')
  expect(text).toContain('stint_ready 1')
})

/** `# HELP` and `# TYPE` of our own metrics, as rows. */
async function metricRows(): Promise<string> {
  const text = await new Metrics({ version: 'test' }).text()
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  const rows = [...text.matchAll(/^# HELP (stint_\S+) (.*)$/gm)].map(
    ([, name = '', help = '']) => `| \`${name}\` | ${types.get(name)} | ${help} |`,
  )
  return ['| metric | type | |', '| --- | --- | --- |', ...rows].join('\n')
}

test('docs/metrics.md has every metric', async () => {
  const [before, after] = [
    '<!-- metrics: written by STINT_UPDATE_DOCS=1 npm test -- test/metrics -->',
    '<!-- end of metrics -->',
  ]
  const page = readFileSync(PAGE, 'utf8')
  const [head = '', rest = ''] = page.split(before)
  const written = `${head}${before}\n${await metricRows()}\n${after}${rest.split(after)[1]}`
  if (process.env.STINT_UPDATE_DOCS === '1') writeFileSync(PAGE, written)
  expect(readFileSync(PAGE, 'utf8')).toBe(written)
})
