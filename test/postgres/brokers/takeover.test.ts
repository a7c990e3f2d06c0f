import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endBrokers } from '../../support/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import { MeddlingProxy } from '../meddling-proxy.ts'
import { PostgresServer } from '../postgres-server.ts'
import { BrokerStage } from './broker-stage.ts'
import { checkTheEnd } from './checks.ts'
import type { Replica } from './replica.ts'

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

/** Until one of the brokers has the deny list and waits for an answer of the cloud. @returns that one first */
async function holder(replicas: readonly [Replica, Replica]): Promise<[Replica, Replica]> {
  const held = await eventually('a claim', async () => (await stage.list())?.claimed_by)
  const [first, second] = replicas
  return held === first.id ? [first, second] : [second, first]
}

const isWritten = async (grantId: string) =>
  (await stage.sql('SELECT 1 FROM deny_entries WHERE grant_id = $1 AND written_at IS NOT NULL', [grantId])).length > 0

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
    const before = calls('GetPolicyVersion')
    const claims = (await stage.list())?.claim_version ?? 0
    await stage.sql('UPDATE deny_lists SET next_attempt_at = least(next_attempt_at, $1)', [Date.now()])
    await eventually('a look', async () => ((await stage.list())?.claim_version ?? 0) > claims)
    await eventually('its end', async () => (await stage.list())?.claimed_by === null)
    expect([calls('GetPolicyVersion') - before, (await stage.list())?.claim_version]).toEqual([1, claims + 1])
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
    const [dead, other] = await holder(replicas)
    await eventually('the write', () => stage.cloud.calls().some(({ outcome }) => outcome === 'fault:hang'))
    await dead.kill()
    const killedAt = performance.now()
    await eventually('the write of the other one', () => isWritten(grantId))
    console.info(`failover_ms: ${Math.round(performance.now() - killedAt)}`)
    await checkTheEnd(stage, { by: other })
  })
})

describe('P11: a broker that was paused', () => {
  let proxies: readonly [MeddlingProxy, MeddlingProxy]
  beforeEach(async () => {
    proxies = [await MeddlingProxy.before(server.port), await MeddlingProxy.before(server.port)]
  })
  afterEach(() => Promise.all(proxies.map((proxy) => proxy.close())))

  test('between a claim and its write finds the claim gone, writes nothing, and ends with a sentence', async () => {
    stage = await BrokerStage.open(server)
    const [one, two] = await Promise.all(proxies.map(({ port }) => stage.start({ databasePort: port })))
    if (!one || !two) throw new Error('no brokers')
    const [first, second] = [await one.granted('key-00000001', 'write'), await two.granted('key-00000002', 'write')]
    // It has read the document, and makes room for a new version, when it is stopped.
    const reads = calls('GetPolicyVersion')
    const soon = stage.cloud.setFault({ service: 'iam', action: 'ListPolicyVersions', kind: 'latency', ms: 1_500 })
    await one.revoke(first)
    await eventually('the read', () => calls('GetPolicyVersion') > reads)
    const [paused, other] = await holder([one, two])
    paused.process.signal('SIGSTOP')
    soon()
    await stage.fenced(paused)
    await other.revoke(second)
    await eventually('the write of the other one', () => isWritten(second))
    const writes = stage.writes()
    // Nobody tells it what has happened, so it has to know by itself.
    const proxy = proxies[paused === one ? 0 : 1]
    proxy.silence()
    paused.process.signal('SIGCONT')
    // Its calls to the database have timed out by then, and those to the cloud are answered at once.
    await eventually('its word', () => paused.process.output.includes('"component":"ledger_writes"'))
    expect(stage.writes()).toBe(writes)
    proxy.silence(false)
    expect((await paused.process.exited).code).not.toBe(0)
    expect(paused.process.output).toContain('Another broker has taken over')
    for (const id of [first, second]) await stage.ended(id)
    expect([stage.writes(), stage.works(first), stage.works(second)]).toEqual([writes, false, false])
    await checkTheEnd(stage, { by: other })
  })

  test('P6: and whose write comes into effect over that of the other one: no grant is called ended before it is cut again', async () => {
    const replicas = await open({ settleTime: '8s' })
    const [first, second] = [
      await replicas[0].granted('key-00000001', 'write'),
      await replicas[1].granted('key-00000002', 'write'),
    ]
    // Longer than the others take to find that it is gone, and shorter than the settle time after that.
    stage.cloud.setFault({ service: 'iam', action: 'CreatePolicyVersion', kind: 'latency', ms: 13_000, times: 1 })
    await replicas[0].revoke(first)
    const [dead, other] = await holder(replicas)
    await eventually('its write at the cloud', () => calls('ListPolicyVersions') >= 2)
    await dead.kill()
    await other.revoke(second)
    await eventually('the write of the other one', () => isWritten(second))
    await eventually('the late write', () => stage.works(second))
    expect(await stage.stateOf(second)).toBe('ending')
    for (const id of [first, second]) {
      await stage.ended(id)
      expect(stage.works(id)).toBe(false)
    }
    await checkTheEnd(stage, { by: other })
  })
})

describe('P5: a broker that is cut off from its database', () => {
  let proxy: MeddlingProxy
  beforeEach(async () => {
    proxy = await MeddlingProxy.before(server.port)
  })
  afterEach(() => proxy.close())

  test('serves nothing and says so, and its work is done by the other one', async () => {
    stage = await BrokerStage.open(server)
    const [cut, other] = await Promise.all([stage.start({ databasePort: proxy.port }), stage.start()])
    const grantId = await cut.granted('key-00000001', 'write')
    proxy.silence()
    expect(await cut.request('key-00000002', 'read', 20_000)).toBeUndefined()
    expect(stage.errors.at(-1)).toMatchObject({ retryable: true })
    await eventually('its status', async () => !(await cut.ready()))
    await stage.fenced(cut)
    await other.revoke(grantId)
    await stage.ended(grantId)
    expect((await other.request('key-00000002', 'read'))?.lease).toBeDefined()
    proxy.silence(false)
    expect((await cut.process.exited).code).not.toBe(0)
    expect(cut.process.output).toContain('Another broker has taken over')
    await checkTheEnd(stage, { by: other })
  })
})

function calls(action: string): number {
  return stage.cloud.calls().filter((call) => call.action === action).length
}

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
