import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../../src/config/load.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { writeFileWhole } from '../../../src/core/files/write-file-whole.ts'
import type { Problem } from '../../../src/core/health/problem-board.ts'
import { createLogger, type Logger } from '../../../src/core/log.ts'
import { type EventType, isEvent } from '../../../src/ledger/events/audit-event.ts'
import { type Stage, setStage } from '../../../src/practice/stage/stage.ts'
import { StintClient } from '../../../src/sdk/client.ts'
import type { Task } from '../../../src/sdk/types.ts'
import { type Broker, startBroker } from '../../../src/start/main.ts'

/** The configuration file as an operator edits it. */
// biome-ignore lint/suspicious/noExplicitAny: a test changes any setting, also to what the schema refuses.
export type Settings = any

interface Status {
  readonly ready: boolean
  readonly notReady: readonly { readonly part: string; readonly code: string; readonly since: string }[]
  readonly problems: readonly Problem[]
}

/** A broker in this process that follows the configuration file of a practice stage. */
export class ReloadRig {
  readonly stage: Stage
  readonly broker: Broker
  readonly #agents: StintClient[] = []

  private constructor(stage: Stage, broker: Broker) {
    this.stage = stage
    this.broker = broker
  }

  /** @param options.prepare is given the stage before the broker starts. */
  static async open(
    config: Record<string, Record<string, unknown>> = {},
    {
      prepare = () => {},
      logger = createLogger({ level: 'silent' }),
      clock,
    }: { prepare?: (stage: Stage) => unknown; logger?: Logger; clock?: Clock } = {},
  ): Promise<ReloadRig> {
    const stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-reload-')), config })
    await prepare(stage)
    const configSource = { file: stage.configFile, env: {} }
    const broker = await startBroker(loadConfig(configSource), {
      ...{ logger, version: 'test', configSource },
      ...(clock && { clock }),
    })
    return new ReloadRig(stage, broker)
  }

  get roleArn(): string {
    return this.stage.roleArn
  }

  settings(): Settings {
    return parse(readFileSync(this.stage.configFile, 'utf8'))
  }

  /** Replaces the file; the broker finds it by itself. */
  async write(settings: Settings): Promise<void> {
    await writeFileWhole(this.stage.configFile, typeof settings === 'string' ? settings : stringify(settings))
  }

  /** Changes the file, and has the broker look at it at once. */
  async change(edit: (settings: Settings) => void): Promise<void> {
    const settings = this.settings()
    edit(settings)
    await this.write(settings)
    await this.broker.reload()
  }

  async get(path: string, who: keyof Stage['tokenFiles'] = 'vera'): Promise<Response> {
    const authorization = `Bearer ${readFileSync(this.stage.tokenFiles[who], 'utf8')}`
    return fetch(`${this.broker.addresses.admin}${path}`, { headers: { authorization } })
  }

  async post(path: string, who: keyof Stage['tokenFiles'], body: object): Promise<Response> {
    const authorization = `Bearer ${readFileSync(this.stage.tokenFiles[who], 'utf8')}`
    return fetch(`${this.broker.addresses.admin}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  async status(): Promise<Status> {
    return (await (await this.get('/v1/status')).json()) as Status
  }

  /** What the status says of one part. */
  async problems(component: string): Promise<readonly Problem[]> {
    return (await this.status()).problems.filter((problem) => problem.component === component)
  }

  /** The events of a type on record, in order. */
  async events(type: EventType): Promise<readonly { readonly data: Settings }[]> {
    const { items } = (await (await this.get('/v1/audit/events?limit=1000')).json()) as {
      items: { type: string; data: Settings }[]
    }
    return items.filter((event) => isEvent(type, event))
  }

  async agent(path = '/agents/invoice-bot'): Promise<StintClient> {
    const svid = { ...(await this.stage.issueSvid(path)), bundleFile: this.stage.rootsFile }
    const client = new StintClient({ address: this.broker.addresses.agents, serverId: this.stage.brokerId, svid })
    this.#agents.push(client)
    return client
  }

  task(changed: Partial<Task> = {}): Task {
    return {
      purpose: 'to tidy the archive',
      roleArn: this.roleArn,
      access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
      ttlSeconds: 600,
      ...changed,
    }
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) agent.close()
    await this.broker.stop()
    await this.stage.close()
    rmSync(this.stage.folder, { recursive: true, force: true })
  }
}
