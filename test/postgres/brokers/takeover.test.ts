import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { endBrokers } from '../../support/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import { PostgresServer } from '../postgres-server.ts'
import { BrokerStage } from './broker-stage.ts'
import { checkTheEnd } from './checks.ts'
import type { Replica } from './replica.ts'

// Nothing here waits for a time, but a busy machine takes its own.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const server = await PostgresServer.start()
afterAll(async () => {
  await endBrokers()
  await server.dispose()
})

let stage: BrokerStage
afterEach(() => stage.close())

/** Two brokers on one ledger. */
async function open(grants: Record<string, unknown> = {}): Promise<[Replica, Replica]> {
  stage = await BrokerStage.open(server, grants)
  // The tables are made by one of them, and the other one waits for that.
  return Promise.all([stage.start(), stage.start()])
}

describe('two brokers on one ledger', () => {
  test('revoke and complete what the other one has granted', async () => {
    const [one, two] = await open()
    const [first, second] = [await one.granted('key-00000001', 'write'), await two.granted('key-00000002', 'write')]
    await two.revoke(first)
    await one.complete(second)
    for (const id of [first, second]) await stage.ended(id)
    expect([stage.works(first), stage.works(second)]).toEqual([false, false])
    await checkTheEnd(stage, { by: two })
  })

  test('look at a document once when it is due, and P17: what one of them has mended leaves the status of the other', async () => {
    const [one, two] = await open()
    const grantId = await one.granted('key-00000001', 'write')
    stage.cloud.setFault({ service: 'iam', action: 'CreatePolicyVersion', kind: 'access_denied', times: 1 })
    await one.revoke(grantId)
    await stage.ended(grantId)
    const isWell = async (replica: Replica) => !(await replica.problems()).some((each) => each.startsWith('deny:'))
    for (const replica of [one, two]) await eventually('its status', () => isWell(replica))
    const before = stage.countCalls('GetPolicyVersion')
    const claims = (await stage.list())?.claim_version ?? 0
    await stage.sql('UPDATE deny_lists SET next_attempt_at = least(next_attempt_at, $1)', [Date.now()])
    await eventually('a look', async () => ((await stage.list())?.claim_version ?? 0) > claims)
    await eventually('its end', async () => (await stage.list())?.claimed_by === null)
    expect([stage.countCalls('GetPolicyVersion') - before, (await stage.list())?.claim_version]).toEqual([
      1,
      claims + 1,
    ])
    await checkTheEnd(stage, { by: two })
  })

  test('P11: one that is killed under load leaves nothing behind: its claims and its mints are the other one’s', async () => {
    const [one, two] = await open()
    const load = new Load([one, two])
    const running = load.run()
    await eventually('some answers', () => stage.answers.length >= 20)
    await one.kill()
    const killedAt = performance.now()
    const answered = stage.answers.length
    await eventually('answers of the other one', () => stage.answers.length >= answered + 10)
    await stage.fenced(one)
    const fencedMs = Math.round(performance.now() - killedAt)
    load.stop()
    await running
    const errors = stage.errors.length
    for (const key of load.keys) if (!stage.answers.some((one) => one.key === key)) await two.request(key, 'write')
    const view = await checkTheEnd(stage, { by: two })
    expect(view.grants).toHaveLength(load.keys.size)
    const unknown = view.events.filter(({ type }) => type === 'lease.unknown').length
    console.info(
      `kill -9 under load: ${view.grants.length} grants, ${stage.answers.length} answers, ${errors} errors that agents saw, ${unknown} mints taken over, fenced after ${fencedMs} ms`,
    )
  })

  test('P11: the deny list of one that is killed while it writes is the other one’s within seconds', async () => {
    const replicas = await open()
    const grantId = await replicas[0].granted('key-00000001', 'write')
    stage.cloud.setFault({ service: 'iam', action: 'CreatePolicyVersion', kind: 'hang', times: 1 })
    await replicas[1].revoke(grantId)
    const [dead, other] = await stage.holder(replicas)
    await eventually('the write', () => stage.cloud.calls().some(({ outcome }) => outcome === 'fault:hang'))
    await dead.kill()
    const killedAt = performance.now()
    await eventually('the write of the other one', () => stage.isWritten(grantId))
    console.info(`failover_ms: ${Math.round(performance.now() - killedAt)}`)
    await checkTheEnd(stage, { by: other })
  })
})

/** Four agents' worth of work on two brokers; whoever is not answered by the one asks the other with the same key. */
class Load {
  readonly keys = new Set<string>()
  readonly #replicas: readonly Replica[]
  #stopped = false

  constructor(replicas: readonly Replica[]) {
    this.#replicas = replicas
  }

  async run(): Promise<void> {
    await Promise.all([0, 1, 2, 3].map((worker) => this.#work(worker)))
  }

  stop(): void {
    this.#stopped = true
  }

  async #work(worker: number): Promise<void> {
    for (let n = 0; !this.#stopped && n < 200; n += 1) {
      const key = `load-${worker}-${n}-key`
      this.keys.add(key)
      const order = n % 2 === worker % 2 ? this.#replicas : [...this.#replicas].reverse()
      for (const replica of order) {
        const answer = replica.process.gone.aborted ? undefined : await replica.request(key, 'write', 20_000)
        if (!answer) continue
        await this.#goOn(n, key, answer.grant.id)
        break
      }
    }
  }

  /** By another broker than the one that granted. */
  async #goOn(n: number, key: string, grantId: string): Promise<void> {
    const living = this.#replicas.filter(({ process }) => !process.gone.aborted)
    const replica = living[n % living.length]
    if (n % 3 === 0) await replica?.renew(key, grantId)
    if (n % 3 === 1) await replica?.complete(grantId)
    if (n % 3 === 2) await replica?.revoke(grantId)
  }
}
