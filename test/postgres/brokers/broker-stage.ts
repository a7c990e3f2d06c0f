import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { systemClock } from '../../../src/core/clock.ts'
import { asStintError, type StintError } from '../../../src/core/errors.ts'
import { randomIds } from '../../../src/core/ids.ts'
import { openPostgresLedger } from '../../../src/ledger/postgres/postgres-ledger.ts'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { type Stage, setStage } from '../../../src/practice/stage/stage.ts'
import type { GrantAnswer } from '../../../src/sdk/types.ts'
import { ACCESS } from '../../crash/crash-stage.ts'
import { allEvents, allGrants, verifyLedger } from '../../support/audit-record.ts'
import { BrokerProcess } from '../../support/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { query } from '../tmp-postgres-ledger.ts'
import { Replica } from './replica.ts'

let made = 0

/** A deny list as it is on record. */
export interface ListFacts {
  readonly claimed_by: string | null
  readonly claim_version: number
  readonly attempts: number
}

/** Several broker processes on one PostgreSQL ledger, with the practice cloud outside of them, agents, and operators. */
export class BrokerStage {
  readonly stage: Stage
  readonly server: PostgresServer
  readonly schema: string
  readonly replicas: Replica[] = []
  /** Every answer with credentials that reached an agent. */
  readonly answers: { readonly key: string; readonly answer: GrantAnswer }[] = []
  /** Every error that reached an agent. */
  readonly errors: StintError[] = []
  readonly #svid: { certificateFile: string; privateKeyFile: string; bundleFile: string }

  private constructor(
    stage: Stage,
    { server, schema, svid }: { server: PostgresServer; schema: string; svid: BrokerStage['svid'] },
  ) {
    this.stage = stage
    this.server = server
    this.schema = schema
    this.#svid = svid
  }

  get svid(): { certificateFile: string; privateKeyFile: string; bundleFile: string } {
    return this.#svid
  }

  get cloud(): PracticeCloud {
    return this.stage.cloud
  }

  /** @param grants laid over the `grants` section; short times unless said otherwise. */
  static async open(
    server: PostgresServer,
    grants: Record<string, unknown> = {},
    config: Record<string, Record<string, unknown>> = {},
  ): Promise<BrokerStage> {
    made += 1
    const schema = `brokers_${process.pid}_${made}`
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const postgres = { ...server.settings(schema), maxConnections: 4 }
    const quick = { leaseTime: '60s', settleTime: '0s', callsPerSecondPerAgent: 10_000, burstPerAgent: 10_000 }
    const stage = await setStage({
      folder,
      config: {
        ledger: { file: undefined, postgres } as never,
        grants: { ...quick, concurrentPerAgent: 64, ...grants },
        ...config,
      },
    })
    const { certificateFile, privateKeyFile } = await stage.issueSvid('/agents/invoice-bot')
    const svid = { certificateFile, privateKeyFile, bundleFile: stage.rootsFile }
    return new BrokerStage(stage, { server, schema, svid })
  }

  /**
   * Starts one more broker, and waits until it serves.
   *
   * @param more.databasePort of a proxy before the database
   * @param more.policies a folder of policies of its own, beside the configuration
   */
  async start(more: { failpoint?: string; databasePort?: number; policies?: string } = {}): Promise<Replica> {
    const configFile = this.#configWith(more)
    const process = new BrokerProcess({ configFile, failpoint: more.failpoint })
    const addresses = await process.ready()
    const replica = new Replica({ stage: this, process, addresses })
    this.replicas.push(replica)
    return replica
  }

  #configWith({ databasePort, policies }: { databasePort?: number; policies?: string }): string {
    if (databasePort === undefined && policies === undefined) return this.stage.configFile
    const config = parse(readFileSync(this.stage.configFile, 'utf8'))
    if (databasePort !== undefined) config.ledger.postgres.port = databasePort
    if (policies !== undefined) config.policy.directory = policies
    const file = join(this.stage.folder, `stint-${databasePort ?? ''}-${policies ?? ''}.yaml`)
    writeFileSync(file, stringify(config))
    return file
  }

  /** What the database holds now, past all brokers. */
  async sql<Row>(text: string, values?: unknown[]): Promise<Row[]> {
    return (await query(this.server.address(), this.schema, text, values)) as Row[]
  }

  async list(): Promise<ListFacts | undefined> {
    const [list] = await this.sql<ListFacts>(
      'SELECT claimed_by, claim_version::int, attempts::int FROM deny_lists ORDER BY n LIMIT 1',
    )
    return list
  }

  /** Waits until one of the brokers has the deny list. @returns that one first */
  async holder([first, second]: readonly [Replica, Replica]): Promise<[Replica, Replica]> {
    const held = await eventually('a claim', async () => (await this.list())?.claimed_by)
    return held === first.id ? [first, second] : [second, first]
  }

  /** Whether the deny of a grant is on record as written. */
  async isWritten(grantId: string): Promise<boolean> {
    const text = 'SELECT 1 FROM deny_entries WHERE grant_id = $1 AND written_at IS NOT NULL'
    return (await this.sql(text, [grantId])).length > 0
  }

  /** Calls of an action that the cloud has answered, or left unanswered by a fault. */
  countCalls(action: string): number {
    return this.cloud.calls().filter((call) => call.action === action).length
  }

  /** The state of a grant as it is on record. */
  async stateOf(grantId: string): Promise<string | undefined> {
    const [row] = await this.sql<{ state: string }>('SELECT state FROM grants WHERE id = $1', [grantId])
    return row?.state
  }

  ended(grantId: string, boundMs?: number): Promise<boolean> {
    return eventually(`the end of ${grantId}`, async () => (await this.stateOf(grantId)) === 'ended', boundMs)
  }

  /** Until the others have found that it is gone. */
  fenced({ id }: Replica): Promise<boolean> {
    const text = 'SELECT 1 FROM replicas WHERE id = $1 AND closed_at IS NOT NULL'
    return eventually(`the fence of ${id}`, async () => (await this.sql(text, [id])).length > 0)
  }

  /** Calls that changed the boundary and that the cloud has answered, oldest first. */
  writes(): number {
    return this.cloud.calls().filter(({ action, outcome }) => action === 'CreatePolicyVersion' && outcome === 'ok')
      .length
  }

  /** Whether the cloud would let a session of this grant do what any of the tasks wanted. */
  works(grantId: string): boolean {
    const body = grantId.replace(/^grt_/, '')
    return this.cloud
      .sessions()
      .filter(({ sourceIdentity }) => sourceIdentity === body)
      .some(({ accessKeyId }) => this.keyWorks(accessKeyId))
  }

  keyWorks(accessKeyId: string): boolean {
    const actions = Object.values(ACCESS).flatMap((access) => access.actions)
    const resource = 'arn:aws:s3:::invoices-staging/2026/11/one.json'
    return actions.some((action) => this.cloud.allows(accessKeyId, action, resource).allowed)
  }

  /** The whole ledger, read by one more replica; to be called once the brokers have stopped. */
  async ledger() {
    const ledger = await openPostgresLedger({
      server: this.server.address(),
      schema: this.schema,
      clock: systemClock,
      ids: randomIds,
      maxConnections: 2,
    })
    try {
      const grants = []
      for (const grant of await allGrants(ledger))
        grants.push({ grant, leases: await ledger.listLeases(grant.id), deny: await ledger.findDenyEntry(grant.id) })
      return { grants, events: await allEvents(ledger), verdict: await verifyLedger(ledger) }
    } finally {
      await ledger.close()
    }
  }

  failed(error: unknown): StintError {
    const known = asStintError(error)
    this.errors.push(known)
    return known
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.kill()))
    await this.stage.close()
    await this.sql(`DROP SCHEMA IF EXISTS "${this.schema}" CASCADE`)
    rmSync(this.stage.folder, { recursive: true, force: true })
  }
}
