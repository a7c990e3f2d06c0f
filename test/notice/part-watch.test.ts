import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import type { AuditEventInput } from '../../src/ledger/events/audit-event.ts'
import { PartWatch } from '../../src/notice/part-watch.ts'
import { eventFault } from '../support/catalogued-events.ts'
import { ManualClock } from '../support/manual-clock.ts'

const clock = new ManualClock()
let health: PartHealth
let watch: PartWatch
let events: AuditEventInput[]
let failure: Error | undefined
beforeEach(() => {
  events = []
  failure = undefined
  health = new PartHealth({ logger: { info() {}, warn() {}, error() {} } as never, clock })
  const appendEvents = async (more: readonly AuditEventInput[]) => {
    if (failure) throw failure
    events.push(...more)
  }
  watch = new PartWatch({ ledger: { appendEvents }, clock, replica: 'rpl_1', problems: () => health.problems() })
})
afterEach(() => expect(events.map(eventFault).filter(Boolean)).toEqual([]))

const broken = (part = 'policy') =>
  health.failed(part, new StintError('POLICY_UNAVAILABLE', { explanation: 'No set.' }))
const pass = async (seconds: number) => {
  for (let passed = 0; passed < seconds; passed += 5) {
    await clock.advance(5_000)
    await watch.look()
  }
}
const told = () => events.map(({ type, data }) => [type, (data as { part: string }).part])

describe('a part that is broken', () => {
  test('for half a minute is put on record once, and once more when it works again', async () => {
    broken()
    await pass(25)
    expect(told()).toEqual([])
    await pass(60)
    expect(told()).toEqual([['part.broken', 'policy']])
    expect(events[0]?.data).toMatchObject({
      code: 'POLICY_UNAVAILABLE',
      explanation: expect.any(String),
      replica: 'rpl_1',
    })
    health.well('policy')
    await pass(60)
    expect(told()).toEqual([
      ['part.broken', 'policy'],
      ['part.recovered', 'policy'],
    ])
    expect(events[1]?.data).toMatchObject({ brokenSeconds: 90 })
  })

  test('only for moments is no matter', async () => {
    broken()
    await pass(20)
    health.well('policy')
    await pass(60)
    expect(told()).toEqual([])
  })

  test('by turns is one story', async () => {
    broken()
    await pass(40)
    for (let turn = 0; turn < 10; turn += 1) {
      health.well('policy')
      await pass(10)
      broken()
      await pass(40)
    }
    expect(told()).toEqual([['part.broken', 'policy']])
  })

  test('while nothing can be recorded is put on record as soon as that works', async () => {
    failure = new Error('no disk')
    broken()
    await expect(pass(40)).rejects.toThrow('no disk')
    failure = undefined
    await pass(5)
    expect(told()).toEqual([['part.broken', 'policy']])
  })

  test('together with many others does not fill the record', async () => {
    for (let index = 0; index < 100; index += 1) broken(`part-${index}`)
    await pass(60)
    expect(events.length).toBeLessThan(25)
    await pass(3_600)
    expect(events.length).toBeLessThan(100)
  })
})

test('a finding of a part that works is no problem', async () => {
  health.found('policy', [{ finding: 'x', code: 'POLICY_UNAVAILABLE', explanation: 'see' }])
  await pass(60)
  expect(told()).toEqual([])
})
