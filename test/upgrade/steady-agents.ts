import { asStintError } from '../../src/core/errors.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { ACCESS, type CrashStage } from '../crash/crash-stage.ts'
import type { BrokerProcess } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'

const WORKERS = 4
const CALL_MS = 20_000
/** An agent repeats a call that may be repeated so often; a broker is away for some seconds. */
const TRIES = 400
const PAUSE_MS = 50

/** Agents that never stop asking: each grant is requested, renewed and completed, by whichever brokers are there. */
export class SteadyAgents {
  /** Keys of grants that were granted, renewed and completed. */
  readonly done: string[] = []
  /** By how many brokers each grant was served. */
  readonly servedByTwo: string[] = []
  readonly #stage: CrashStage
  readonly #svid: { certificateFile: string; privateKeyFile: string }
  readonly #clients = new Map<BrokerProcess, StintClient>()
  #isStopped = false
  #working: Promise<void> | undefined

  private constructor(stage: CrashStage, svid: { certificateFile: string; privateKeyFile: string }) {
    this.#stage = stage
    this.#svid = svid
  }

  static async on(stage: CrashStage): Promise<SteadyAgents> {
    return new SteadyAgents(stage, await stage.stage.issueSvid('/agents/invoice-bot'))
  }

  /** From now on they ask this broker too. */
  async use(broker: BrokerProcess): Promise<void> {
    const { agents } = await broker.ready()
    const svid = { ...this.#svid, bundleFile: this.#stage.stage.rootsFile }
    this.#clients.set(broker, new StintClient({ address: agents, serverId: this.#stage.stage.brokerId, svid }))
    this.#working ??= this.#work()
  }

  /** From now on they ask the others; calls under way go on. */
  leave(broker: BrokerProcess): void {
    const client = this.#clients.get(broker)
    this.#clients.delete(broker)
    client?.close()
  }

  /** Until so many more grants have gone through their whole life. */
  async finish(count: number): Promise<void> {
    const target = this.done.length + count
    const failed = this.#working?.then(() => {
      throw new Error('the agents have stopped')
    })
    await Promise.race([eventually('more grants', () => this.done.length >= target, 120_000), failed])
  }

  /** @throws the first error of an agent that repeating did not help */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#working
    for (const broker of [...this.#clients.keys()]) this.leave(broker)
  }

  async #work(): Promise<void> {
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => this.#workOne(worker)))
  }

  async #workOne(worker: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n += 1) {
      const key = `steady-${worker}-${n}-key`
      const kind = n % 2 === 0 ? 'write' : 'read'
      const task = {
        purpose: 'to tidy the archive',
        roleArn: this.#stage.stage.roleArn,
        access: [ACCESS[kind]],
        ttlSeconds: 600,
      }
      const settings = { deadlineMs: CALL_MS }
      const granted = await this.#ask(n, (client) => client.requestGrant(task, key, settings))
      const { id } = granted.answer.grant
      const renewed = await this.#ask(n + 1, (client) => client.renewLease(id, settings))
      await this.#ask(n, (client) => client.completeGrant(id, 'done', settings))
      if (granted.broker !== renewed.broker) this.servedByTwo.push(key)
      this.done.push(key)
    }
  }

  /** As an SDK with patience: what may be repeated is repeated, anything else is a failure. */
  async #ask<T>(n: number, call: (client: StintClient) => Promise<T>): Promise<{ broker: BrokerProcess; answer: T }> {
    for (let tried = 1; ; tried += 1) {
      const all = [...this.#clients]
      const [broker, client] = all[(n + tried) % Math.max(1, all.length)] ?? []
      if (broker && client) {
        try {
          return { broker, answer: await call(client) }
        } catch (error) {
          const known = asStintError(error)
          // A client that was closed under a call is one that went away.
          const isOurs = !this.#clients.has(broker)
          if ((!known.retryable && !isOurs) || tried >= TRIES) throw error
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}
