import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { mintOperatorToken } from '../../src/admin/operators/operator-tokens.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import type { Secret } from '../../src/core/secret.ts'
import { setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/index.ts'
import { startBroker } from '../../src/start/main.ts'

/** An admin API on a real ledger with something in it, for clients that know it by its document alone. */
export interface OpenApiStage {
  /** e.g. `http://127.0.0.1:40123` */
  readonly url: string
  /** Token of an admin who is one of the owners, and so may make every call. */
  readonly token: string
  /** Active grants. */
  readonly grantIds: readonly [string, string, string]
  /** Pending approvals, of other grants. */
  readonly approvalIds: readonly [string, string, string]
  /** A cursor of each list that has pages, by the operation's id. */
  readonly cursors: Readonly<
    Record<'listGrants' | 'listApprovals' | 'listUnregisteredAgents' | 'listBudgets' | 'listKills', string>
  >
  /** A kill that another operator has set. */
  readonly killId: string
  /** Scratch. */
  readonly folder: string
  /** The document, as served. */
  readonly documentFile: string
  close(): Promise<void>
}

/** Far more than the usual, so that a tool that probes without a token all the time is told 401 and not 429. */
const ADMIN_LIMITS = { failuresPerAddressPerMinute: 100_000, failuresPerMinute: 100_000 }

/** Registrations by the admin API: one to be changed, and one to be removed. */
export const LAB = { changed: 'lab-bot', removed: 'lab-cat' }

const LAB_FACTS = {
  owner: 'ann@practice.example',
  team: 'data',
  purpose: 'tries the lab',
  expires: '2099-12-31',
}

/** A receiver of notices at which nobody listens. */
export const DEAF_RECEIVER = 'deaf'

/** Budgets and receivers, so that their lists hold something. */
async function addSettings(configFile: string, folder: string): Promise<void> {
  const settings = parse(await readFile(configFile, 'utf8')) as object
  const secretFile = join(folder, 'notices.secret')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  const webhook = { name: DEAF_RECEIVER, url: 'http://127.0.0.1:9/', secretFile, events: ['kill.set'] }
  const more = {
    budgets: ['one', 'two'].map((name) => ({ name, for: { agent: '*' }, liveGrants: 1_000 })),
    notices: { webhooks: [webhook], httpOnLoopback: true },
  }
  await writeFile(configFile, stringify({ ...settings, ...more }, { aliasDuplicateObjects: false }))
}

/** Sets the practice stage with a broker in this process, and makes of everything as much as a list of two pages needs. */
export async function setOpenApiStage(): Promise<OpenApiStage> {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'stint-openapi-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const { token, sha256 } = mintOperatorToken()
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const ada = { name: 'ada', role: 'admin', groups: ['owners'], tokenSha256: sha256, expiresAt }
  const other = mintOperatorToken()
  const oscar = { name: 'oscar', role: 'operator', groups: [], tokenSha256: other.sha256, expiresAt }
  const stage = await setStage({
    folder,
    config: {
      admin: { operators: [ada, oscar] },
      registry: { file: 'agents.yaml', writableByApi: ['spiffe://practice.example/lab/*'] },
    },
  })
  await addSettings(stage.configFile, folder)
  stack.defer(() => stage.close())
  const config = loadConfig({ file: stage.configFile, env: {} })
  const logger = createLogger({ level: 'fatal' })
  const options = { clock: systemClock, logger, version: 'test', adminLimits: ADMIN_LIMITS }
  const { addresses, stop } = await startBroker(config, options)
  stack.defer(stop)
  const url = addresses.admin

  const agentAt = async (path: string) => {
    const { certificateFile, privateKeyFile } = await stage.issueSvid(path)
    const svid = { certificateFile, privateKeyFile, bundleFile: join(folder, 'bundle.json') }
    const agent = new StintClient({ address: addresses.agents, serverId: stage.brokerId, svid })
    stack.defer(() => agent.close())
    return agent
  }
  const roleArn = `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`
  const ask = (agent: StintClient, action: string, key: string) => {
    const access = [{ actions: [action], resources: ['arn:aws:s3:::invoices-staging/*'] }]
    return agent.requestGrant({ purpose: 'Tidy up the invoices', roleArn, access, ttlSeconds: 900 }, key)
  }
  const bot = await agentAt('/agents/invoice-bot')
  const three = async <T>(make: (n: number) => Promise<T>): Promise<[T, T, T]> => [
    await make(1),
    await make(2),
    await make(3),
  ]
  const grantIds = await three(async (n) => (await ask(bot, 's3:GetObject', `active-${n}`)).grant.id)
  const approvalIds = await three(
    async (n) => (await ask(bot, 's3:DeleteObject', `waiting-${n}`)).grant.approvalId ?? '',
  )
  await three(async (n) => ask(await agentAt(`/stranger/${n}`), 's3:GetObject', `refused-${n}`).catch(() => undefined))

  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token.reveal()}` } })
    return (await answer.json()) as { nextCursor?: string }
  }
  const post = async (path: string, by: Secret, body: object) => {
    const headers = { authorization: `Bearer ${by.reveal()}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as { kill?: { id: string } }
  }
  const kills = await three((n) =>
    post('/v1/kills', other.token, { scope: 'team', value: `nobody-${n}`, why: 'To be lifted' }),
  )
  for (const name of Object.values(LAB)) {
    const match = `spiffe://practice.example/lab/${name}`
    await post('/v1/agents', token, { ...LAB_FACTS, name, match, note: 'To be changed' })
  }
  const cursorOf = async (path: string) => (await get(`${path}?limit=1`)).nextCursor ?? ''
  const documentFile = join(folder, 'openapi.json')
  await writeFile(documentFile, JSON.stringify(await get('/openapi.json')))
  return {
    url,
    token: token.reveal(),
    grantIds,
    approvalIds,
    cursors: {
      listGrants: await cursorOf('/v1/grants'),
      listApprovals: await cursorOf('/v1/approvals'),
      listUnregisteredAgents: await cursorOf('/v1/agents/unregistered'),
      listBudgets: await cursorOf('/v1/budgets'),
      listKills: await cursorOf('/v1/kills'),
    },
    killId: kills[0].kill?.id ?? '',
    folder,
    documentFile,
    close: () => stack.disposeAsync(),
  }
}
