import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AdminSchema } from '../../src/admin-client/admin-calls.ts'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import { setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { startBroker } from '../../src/start/main.ts'
import { svidMessage, WorkloadApiServer, x509Message } from '../support/workload-api-server.ts'
import { SpiffeAgent } from './spiffe-agent.ts'

/** A program in another language: see `go/main.go` and `python/client.py`. */
export interface ForeignClient {
  readonly command: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** How the client proves who it is. */
export type Auth = 'mtls' | 'jwt' | 'both'

/** Where a client's identity comes from. */
export type Socket = 'invoice-bot' | 'unregistered' | 'watched'

/** One run of a client. */
export interface Run {
  readonly auth: Auth
  /** `watched` is the Workload API of the other tests, which has X.509-SVIDs only; default `invoice-bot`. */
  readonly socket?: Socket
  /** Of the JWT-SVID; the broker's ID unless given. */
  readonly audience?: string
}

export interface InteropStage {
  readonly brokerId: string
  /** SPIFFE ID of the registered agent. */
  readonly agentId: string
  /** The JSON that the client printed. @throws {Error} with what it wrote to stderr, when it failed otherwise */
  run(client: ForeignClient, run: Run): Promise<Record<string, unknown>>
  /** A grant as an auditor sees it. */
  grant(id: unknown): Promise<AdminSchema<'Grant'>>
  /** Audiences for which the clients fetched JWT-SVIDs. */
  readonly audiences: readonly string[]
  close(): Promise<void>
}

const BROKER_CONFIG = {
  listen: { bearer: '127.0.0.1:0' },
  identity: { server: 'workload-api', domains: { 'practice.example': { workloadApi: true } } },
}
const AGENT_PATH = '/agents/invoice-bot'
const CLIENT_BOUND_MS = 50_000

/**
 * A broker in this process on the practice cloud, with the mTLS and the bearer port, whose own SVID and bundles come from a
 * Workload API as the clients' do: no SVID lies in a file that anybody here reads.
 */
export async function setInteropStage(): Promise<InteropStage> {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'stint-interop-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const stage = await setStage({ folder, config: BROKER_CONFIG })
  stack.defer(() => stage.close())
  const { trustDomain, cloud, brokerId } = stage
  const startAgent = async (path: string) => {
    const agent = await SpiffeAgent.start({ trustDomain, path })
    stack.defer(() => agent.close())
    return agent
  }
  const agent = await startAgent(AGENT_PATH)
  const stranger = await startAgent('/agents/unregistered')
  const svid = await trustDomain.issueX509Svid({ path: AGENT_PATH })
  const watched = await WorkloadApiServer.start({ x509: x509Message([svidMessage(svid, trustDomain)]) })
  stack.defer(() => watched.close())
  const sockets = { 'invoice-bot': agent, unregistered: stranger, watched }

  const ours = await startAgent(new URL(brokerId).pathname)
  const config = loadConfig({ file: stage.configFile, env: { SPIFFE_ENDPOINT_SOCKET: ours.address } })
  const logger = createLogger({ level: 'fatal' })
  const { addresses, stop } = await startBroker(config, { clock: systemClock, logger, version: 'test' })
  stack.defer(stop)
  const admin = await AdminClient.from(
    { adminUrl: addresses.admin, adminTokenFile: stage.tokenFiles.vera },
    { env: {} },
  )
  const environment = ({ auth, socket = 'invoice-bot', audience = brokerId }: Run) => ({
    PATH: process.env.PATH ?? '',
    HOME: folder,
    SPIFFE_ENDPOINT_SOCKET: sockets[socket].address,
    STINT_ADDRESS: (auth === 'jwt' ? addresses.bearer : addresses.agents) ?? '',
    STINT_SERVER_ID: brokerId,
    INTEROP_AUTH: auth,
    INTEROP_AUDIENCE: audience,
    INTEROP_ROLE: `arn:aws:iam::${cloud.accountId}:role/${STAGE_ROLE}`,
    INTEROP_KEY: randomUUID(),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    AWS_DEFAULT_REGION: cloud.region,
  })
  return {
    brokerId,
    agentId: `spiffe://${trustDomain.name}${AGENT_PATH}`,
    audiences: agent.audiences,
    run: async ({ command, argv, env }, run) => {
      const options = { env: { ...environment(run), ...env }, timeout: CLIENT_BOUND_MS }
      const { stdout } = await promisify(execFile)(command, [...argv], options)
      return JSON.parse(stdout) as Record<string, unknown>
    },
    grant: async (id) => (await admin.get('/v1/grants/{id}', { path: { id: String(id) } })).grant,
    close: () => stack.disposeAsync(),
  }
}
