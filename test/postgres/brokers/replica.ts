import { AdminClient } from '../../../src/cli/admin-client.ts'
import { STAGE_ROLE } from '../../../src/practice/stage/stage-rules.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import type { GrantAnswer } from '../../../src/sdk/types.ts'
import { ACCESS, type AccessKind } from '../../crash/crash-stage.ts'
import type { BrokerAddresses, BrokerProcess, Exit } from '../../support/broker-process.ts'
import type { BrokerStage } from './broker-stage.ts'

const CALL_MS = 30_000

/** One broker of several, as its agents and operators reach it. */
export class Replica {
  readonly process: BrokerProcess
  /** As it is on record. */
  readonly id: string
  readonly #stage: BrokerStage
  readonly #addresses: BrokerAddresses
  readonly #client: StintClient

  constructor(parts: { stage: BrokerStage; process: BrokerProcess; addresses: BrokerAddresses }) {
    this.#stage = parts.stage
    this.process = parts.process
    this.#addresses = parts.addresses
    this.id = parts.addresses.replica
    const { svid, stage } = parts.stage
    this.#client = new StintClient({ address: parts.addresses.agents, serverId: stage.brokerId, svid })
  }

  /** Undefined when the broker was gone before it answered, or said that it is no use now. */
  request(key: string, kind: AccessKind, deadlineMs = CALL_MS): Promise<GrantAnswer | undefined> {
    const { accountId } = this.#stage.cloud
    const task = {
      purpose: 'to tidy the archive',
      roleArn: `arn:aws:iam::${accountId}:role/${STAGE_ROLE}`,
      access: [ACCESS[kind]],
      ttlSeconds: 600,
    }
    return this.#ask(key, (client, settings) => client.requestGrant(task, key, settings), deadlineMs)
  }

  /** The id of a new grant. */
  async granted(key: string, kind: AccessKind): Promise<string> {
    const answer = await this.request(key, kind)
    if (!answer) throw new Error(`no grant: ${this.#stage.errors.at(-1)?.message}`)
    return answer.grant.id
  }

  renew(key: string, grantId: string): Promise<GrantAnswer | undefined> {
    return this.#ask(key, (client, settings) => client.renewLease(grantId, settings))
  }

  async complete(grantId: string): Promise<void> {
    await this.#attempt((client, settings) => client.completeGrant(grantId, 'done', settings))
  }

  async revoke(grantId: string): Promise<void> {
    const oscar = await this.admin('oscar')
    await oscar
      .post('/v1/grants/{id}/revoke', { path: { id: grantId }, body: { note: 'stop it' } })
      .catch((error) => this.#mayBeGone(error))
  }

  /** Kills one grant; whoever comes first ends it. */
  async killGrant(grantId: string): Promise<void> {
    const oscar = await this.admin('oscar')
    await oscar
      .post('/v1/kills', { body: { scope: 'grant', value: grantId, why: 'stop it' } })
      .catch((error) => this.#mayBeGone(error))
  }

  async approve(approvalId: string, planHash: string): Promise<void> {
    const olga = await this.admin('olga')
    await olga
      .post('/v1/approvals/{id}/approve', { path: { id: approvalId }, body: { planHash, note: 'fine' } })
      .catch((error) => this.#mayBeGone(error))
  }

  admin(who: 'olga' | 'oscar' | 'vera'): Promise<AdminClient> {
    const { tokenFiles } = this.#stage.stage
    return AdminClient.from({ adminUrl: this.#addresses.admin, adminTokenFile: tokenFiles[who] }, { env: {} })
  }

  /** Components that have a problem, as its status says. */
  async problems(): Promise<string[]> {
    const vera = await this.admin('vera')
    const { problems } = await vera.get('/v1/status')
    return problems.flatMap((problem) => ('component' in problem ? [String(problem.component)] : []))
  }

  async ready(): Promise<boolean> {
    const vera = await this.admin('vera')
    return vera.get('/v1/status').then(
      ({ ready }) => ready,
      () => false,
    )
  }

  async kill(): Promise<Exit> {
    this.#client.close()
    this.process.signal('SIGKILL')
    return this.process.exited
  }

  async stop(): Promise<Exit> {
    this.#client.close()
    return this.process.stop()
  }

  async #ask(
    key: string,
    call: (client: StintClient, settings: { signal: AbortSignal; deadlineMs: number }) => Promise<GrantAnswer>,
    deadlineMs?: number,
  ): Promise<GrantAnswer | undefined> {
    const answer = await this.#attempt(call, deadlineMs)
    if (answer) this.#stage.answers.push({ key, answer })
    return answer
  }

  async #attempt<T>(
    call: (client: StintClient, settings: { signal: AbortSignal; deadlineMs: number }) => Promise<T>,
    deadlineMs = CALL_MS,
  ): Promise<T | undefined> {
    try {
      return await call(this.#client, { signal: this.process.gone, deadlineMs })
    } catch (error) {
      return this.#mayBeGone(error)
    }
  }

  #mayBeGone(error: unknown): undefined {
    const known = this.#stage.failed(error)
    if (!this.process.gone.aborted && !known.retryable) throw known
  }
}
