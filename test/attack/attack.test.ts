import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { AttackStage } from './attack-stage.ts'
import { ATTACKS } from './attacks.ts'

/** Over what the broker had after its first work, MiB. What grows with an attack is far over it. */
const MEMORY_ALLOWANCE_MIB = 80
const SOCKET_ALLOWANCE = 10
const EVENTS_PER_MINUTE = 60

describe('an attack on the agents’ ports', () => {
  let stage: AttackStage
  let memoryMiB = 0
  let sockets = 0
  const startedMs = performance.now()

  beforeAll(async () => {
    stage = await AttackStage.open()
    await stage.beside(async () => undefined)
    memoryMiB = stage.memoryMiB()
    sockets = stage.sockets()
  })
  beforeEach(() => stage.changeRogue())
  afterEach(() => stage.letGo())
  afterAll(() => stage.close())

  for (const { name, run } of ATTACKS) {
    test(`${name}: a good client is served, memory and sockets come back`, async () => {
      expect(await stage.beside(() => run(stage))).toBeGreaterThan(1)
      stage.letGo()
      await eventually('the sockets are closed', () => stage.sockets() <= sockets + SOCKET_ALLOWANCE)
      await eventually('the memory is bounded', () => stage.memoryMiB() <= memoryMiB + MEMORY_ALLOWANCE_MIB)
      expect(stage.broker.gone.aborted).toBe(false)
    })
  }

  test('afterwards the record is whole, bounded, and names the refusals; no more was minted than was admitted', async () => {
    console.info(`memory of the broker: ${memoryMiB} MiB before the attacks, ${stage.memoryMiB()} MiB after`)
    expect(await stage.broker.stop()).toEqual({ code: 0, signal: null })
    const minutes = Math.ceil((performance.now() - startedMs) / 60_000) + 1
    const { events, leases } = await stage.ledger()
    const refused = events
      .filter(({ type }) => type === 'identity.refused')
      .map(({ data }) => data as { reason?: string; byReason?: Record<string, number> })
    expect(refused.length).toBeLessThanOrEqual(minutes * EVENTS_PER_MINUTE)
    const reasons = new Set(refused.flatMap(({ reason, byReason }) => [reason ?? 'coalesced', ...keysOf(byReason)]))
    for (const { name, onRecord } of ATTACKS) {
      for (const reason of onRecord ?? [])
        expect([name, [...reasons]]).toEqual([name, expect.arrayContaining([reason])])
    }
    const minted = stage.stage.cloud.calls().filter(({ action }) => action === 'AssumeRole')
    expect(minted.length).toBeLessThanOrEqual(leases.length)
  })
})

/** Keys are `CODE:reason`. */
function keysOf(byReason: unknown): string[] {
  return Object.keys(byReason ?? {}).map((key) => key.slice(key.indexOf(':') + 1))
}
