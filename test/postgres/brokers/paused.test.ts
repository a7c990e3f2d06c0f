import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { endBrokers } from '../../support/broker-process.ts'
import { eventually } from '../../support/eventually.ts'
import { MeddlingProxy } from '../meddling-proxy.ts'
import { PostgresServer } from '../postgres-server.ts'
import { BrokerStage } from './broker-stage.ts'
import { checkTheEnd } from './checks.ts'

// Nothing here waits for a time, but a busy machine takes its own.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const server = await PostgresServer.start()
afterAll(async () => {
  await endBrokers()
  await server.dispose()
})

let stage: BrokerStage
afterEach(() => stage.close())

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
    const reads = stage.countCalls('GetPolicyVersion')
    const soon = stage.cloud.setFault({ service: 'iam', action: 'ListPolicyVersions', kind: 'latency', ms: 1_500 })
    await one.revoke(first)
    await eventually('the read', () => stage.countCalls('GetPolicyVersion') > reads)
    const [paused, other] = await stage.holder([one, two])
    paused.process.signal('SIGSTOP')
    soon()
    await stage.fenced(paused)
    await other.revoke(second)
    await eventually('the write of the other one', () => stage.isWritten(second))
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
    stage = await BrokerStage.open(server, { settleTime: '12s' })
    const replicas = await Promise.all([stage.start(), stage.start()])
    const [first, second] = [
      await replicas[0].granted('key-00000001', 'write'),
      await replicas[1].granted('key-00000002', 'write'),
    ]
    // Longer than the others take to find that it is gone, and shorter than the settle time after that.
    stage.cloud.setFault({ service: 'iam', action: 'CreatePolicyVersion', kind: 'latency', ms: 16_000, times: 1 })
    await replicas[0].revoke(first)
    const [dead, other] = await stage.holder(replicas)
    await eventually('its write at the cloud', () => stage.countCalls('ListPolicyVersions') >= 2)
    // By when it has gone out, too.
    await other.granted('key-00000003', 'write')
    await dead.kill()
    await other.revoke(second)
    await eventually('the write of the other one', () => stage.isWritten(second))
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
