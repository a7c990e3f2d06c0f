import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetPolicyCommand, GetPolicyVersionCommand, IAMClient } from '@aws-sdk/client-iam'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { asStintError, type StintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { AuditEvent, DenyEntry, Grant, Lease } from '../../src/ledger/records.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../src/sdk/client.ts'
import type { GrantAnswer } from '../../src/sdk/types.ts'
import { recordOf } from '../support/audit-record.ts'
import { BrokerProcess } from '../support/broker-process.ts'

export const STAGING = 'arn:aws:s3:::invoices-staging/*'
export const ACCESS = {
  read: { actions: ['s3:GetObject'], resources: [STAGING] },
  write: { actions: ['s3:PutObject'], resources: [STAGING] },
  delete: { actions: ['s3:DeleteObject'], resources: [STAGING] },
} as const
export type AccessKind = keyof typeof ACCESS

/** What the ledger holds: every grant with its leases and its deny, and the record. */
export interface LedgerView {
  readonly grants: readonly { grant: Grant; leases: readonly Lease[]; deny: DenyEntry | undefined }[]
  readonly events: readonly AuditEvent[]
}

const CALL_MS = 30_000

/** What a process may use, and what is loaded into it. */
export interface ProcessLimits {
  readonly nodeOptions?: readonly string[]
  readonly openFiles?: number
  readonly fileKib?: number
}

/** A broker process that may die, with the practice cloud outside of it, an agent, two operators, and their memory. */
export class CrashStage {
  readonly stage: Stage
  /** Every answer with credentials that reached the agent. */
  readonly answers: { readonly key: string; readonly answer: GrantAnswer }[] = []
  /** Every error that reached the agent. */
  readonly errors: StintError[] = []
  readonly brokers: BrokerProcess[] = []
  readonly #svid: { certificateFile: string; privateKeyFile: string; bundleFile: string }
  #client: StintClient | undefined
  #adminUrl = ''
  #copies = 0

  private constructor(stage: Stage, svid: { certificateFile: string; privateKeyFile: string }) {
    this.stage = stage
    this.#svid = {
      certificateFile: svid.certificateFile,
      privateKeyFile: svid.privateKeyFile,
      bundleFile: stage.rootsFile,
    }
  }

  /** @param grants laid over the `grants` section; short times unless said otherwise. */
  static async open(grants: Record<string, unknown> = {}, config: Record<string, Record<string, unknown>> = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const stage = await setStage({
      folder,
      config: {
        grants: {
          leaseTime: '60s',
          settleTime: '0s',
          callsPerSecondPerAgent: 10_000,
          burstPerAgent: 10_000,
          concurrentPerAgent: 64,
          ...grants,
        },
        ...config,
      },
    })
    return new CrashStage(stage, await stage.issueSvid('/agents/invoice-bot'))
  }

  /** A broker on this stage's ledger, ready to serve. */
  async start(
    failpoint?: string,
    environment: Readonly<Record<string, string>> = {},
    limits: ProcessLimits = {},
  ): Promise<BrokerProcess> {
    const broker = this.spawn(failpoint, environment, limits)
    const { agents, admin } = await broker.ready()
    this.#client?.close()
    this.#client = new StintClient({ address: agents, serverId: this.stage.brokerId, svid: this.#svid })
    this.#adminUrl = admin
    return broker
  }

  spawn(
    failpoint?: string,
    environment: Readonly<Record<string, string>> = {},
    limits: ProcessLimits = {},
  ): BrokerProcess {
    const broker = new BrokerProcess({ configFile: this.stage.configFile, failpoint, environment, ...limits })
    this.brokers.push(broker)
    return broker
  }

  /** The agent asks. Undefined when the broker was gone before it answered, or said that it is no use now. */
  request(
    key: string,
    kind: AccessKind,
    deadlineMs = CALL_MS,
    roleName = STAGE_ROLE,
  ): Promise<GrantAnswer | undefined> {
    const { accountId } = this.stage.cloud
    const task = {
      purpose: 'to tidy the archive',
      roleArn: `arn:aws:iam::${accountId}:role/${roleName}`,
      access: [ACCESS[kind]],
      ttlSeconds: 600,
    }
    return this.#ask(key, (client, settings) => client.requestGrant(task, key, settings), deadlineMs)
  }

  renew(key: string, grantId: string): Promise<GrantAnswer | undefined> {
    return this.#ask(key, (client, settings) => client.renewLease(grantId, settings))
  }

  async complete(grantId: string): Promise<void> {
    await this.#attempt((client, settings) => client.completeGrant(grantId, 'done', settings))
  }

  /** @returns whether the broker said that it is done; false when it was gone before. */
  async revoke(grantId: string): Promise<boolean> {
    return this.#operate('oscar', (admin) =>
      admin.post('/v1/grants/{id}/revoke', { path: { id: grantId }, body: { note: 'stop it' } }),
    )
  }

  /** Olga says yes to what waits. @returns as `revoke` */
  async approve(approvalId: string, planHash: string): Promise<boolean> {
    return this.#operate('olga', (admin) =>
      admin.post('/v1/approvals/{id}/approve', { path: { id: approvalId }, body: { planHash, note: 'fine' } }),
    )
  }

  admin(who: 'olga' | 'oscar' | 'vera' | 'ada'): Promise<AdminClient> {
    return AdminClient.from({ adminUrl: this.#adminUrl, adminTokenFile: this.stage.tokenFiles[who] }, { env: {} })
  }

  /** The state of a grant as an operator sees it now. */
  async stateOf(grantId: string): Promise<string> {
    const vera = await this.admin('vera')
    const { grant } = await vera.get('/v1/grants/{id}', { path: { id: grantId } })
    return grant.state
  }

  /** The ledger as it lies on the disk now, read from a copy: the file itself is left as a crash left it. */
  async ledger(): Promise<LedgerView> {
    const ledger = await openSqliteLedger({ file: this.copyOfLedger(), clock: systemClock, ids: randomIds })
    try {
      const { items } = await ledger.listGrants({}, { limit: 200 })
      const grants = await Promise.all(
        items.map(async (grant) => ({
          grant,
          leases: await ledger.listLeases(grant.id),
          deny: await ledger.findDenyEntry(grant.id),
        })),
      )
      return { grants, events: await recordOf(ledger) }
    } finally {
      await ledger.close()
    }
  }

  /** @returns the path of the copy. */
  copyOfLedger(): string {
    this.#copies += 1
    const copy = join(this.stage.folder, `copy-${this.#copies}.db`)
    for (const end of ['', '-wal']) {
      const from = join(this.stage.folder, `ledger.db${end}`)
      if (existsSync(from)) cpSync(from, `${copy}${end}`)
    }
    return copy
  }

  /** Source identities that the boundary in force denies, as often as it names them. */
  async deniedIdentities(): Promise<string[]> {
    const { cloud, folder } = this.stage
    const key = (end: string) => readFileSync(join(folder, 'keys', `revoker.${end}`), 'utf8')
    const iam = new IAMClient({
      region: cloud.region,
      endpoint: cloud.endpoint,
      credentials: { accessKeyId: key('id'), secretAccessKey: key('secret') },
    })
    try {
      const PolicyArn = `arn:aws:iam::${cloud.accountId}:policy/stint-boundary`
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }))
      const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }))
      return sourceIdentities(decodeURIComponent(version.PolicyVersion?.Document ?? ''))
    } finally {
      iam.destroy()
    }
  }

  /** Whether the cloud would let this session do what any of the tasks wanted. */
  works(accessKeyId: string): boolean {
    const resource = STAGING.replace('*', '2026/11/one.json')
    const actions = Object.values(ACCESS).flatMap(({ actions }) => actions)
    return actions.some((action) => this.stage.cloud.allows(accessKeyId, action, resource).allowed)
  }

  async close(): Promise<void> {
    this.#client?.close()
    for (const broker of this.brokers) broker.signal('SIGKILL')
    await Promise.all(this.brokers.map((broker) => broker.exited))
    await this.stage.close()
    rmSync(this.stage.folder, { recursive: true, force: true })
  }

  async #operate(who: 'olga' | 'oscar', call: (admin: AdminClient) => Promise<object>): Promise<boolean> {
    try {
      await call(await this.admin(who))
      return true
    } catch (error) {
      // A broker whose ledger has failed says so while it ends.
      if (['BROKER_UNAVAILABLE', 'LEDGER_UNAVAILABLE'].includes(asStintError(error).code)) return false
      throw error
    }
  }

  async #ask(
    key: string,
    call: (client: StintClient, settings: { signal: AbortSignal; deadlineMs: number }) => Promise<GrantAnswer>,
    deadlineMs?: number,
  ): Promise<GrantAnswer | undefined> {
    const answer = await this.#attempt(call, deadlineMs)
    if (answer) this.answers.push({ key, answer })
    return answer
  }

  async #attempt<T>(
    call: (client: StintClient, settings: { signal: AbortSignal; deadlineMs: number }) => Promise<T>,
    deadlineMs = CALL_MS,
  ): Promise<T | undefined> {
    const client = this.#client
    const broker = this.brokers.at(-1)
    if (!client || !broker) throw new Error('no broker was started')
    try {
      return await call(client, { signal: broker.gone, deadlineMs })
    } catch (error) {
      const known = asStintError(error)
      this.errors.push(known)
      if (broker.gone.aborted || known.retryable) return undefined
      throw known
    }
  }
}

function sourceIdentities(document: string): string[] {
  const { Statement } = JSON.parse(document) as {
    Statement: { Effect: string; Condition?: { StringEquals?: { 'aws:SourceIdentity'?: string | string[] } } }[]
  }
  return Statement.filter(({ Effect }) => Effect === 'Deny').flatMap(({ Condition }) =>
    [Condition?.StringEquals?.['aws:SourceIdentity'] ?? []].flat(),
  )
}
