import { beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import type { Replica } from '../../src/ledger/sharing.ts'
import { gatherReplicas } from '../../src/metrics/gather-ledger.ts'
import { Metrics } from '../../src/metrics/metrics.ts'
import { reportListening } from '../../src/start/ledger/listening.ts'
import { reportSharedClock } from '../../src/start/ledger/shared-clock.ts'
import { ManualClock } from '../support/manual-clock.ts'

let clock: ManualClock
let partHealth: PartHealth
let said: object[]
const logger = { info: (fields: object) => said.push(fields), warn: () => undefined, error: () => undefined } as never
beforeEach(() => {
  clock = new ManualClock()
  said = []
  partHealth = new PartHealth({ logger, clock })
})
const shown = () => partHealth.problems().map(({ component, code }) => `${component} ${code}`)

describe('a connection that listens to other replicas', () => {
  const lost = new StintError('LEDGER_UNAVAILABLE', { explanation: 'The database cannot be reached.' })
  const pooler = new StintError('LEDGER_LISTEN_FAILED', { explanation: 'A pooler.', pooler: true })
  const report = (settings: Parameters<typeof reportListening>[1]) =>
    reportListening({ clock, logger, partHealth }, settings)

  test('is on the status once it has been lost for 30 s, and until it is back', async () => {
    const state = report({ pooler: false })
    state(undefined)
    state(lost)
    await clock.advance(29_999)
    state(lost)
    expect(shown()).toEqual([])
    await clock.advance(1)
    state(lost)
    expect(shown()).toEqual(['ledger_listen LEDGER_LISTEN_FAILED'])
    expect(partHealth.problems()[0]?.explanation).toContain('The database cannot be reached.')
    state(undefined)
    expect(shown()).toEqual([])
    state(lost)
    await clock.advance(29_999)
    state(lost)
    expect(shown()).toEqual([])
  })

  test('that leads to a pooler is no problem where no other way is set, and one at once where it is', () => {
    const listen = { host: 'db', port: 5_432 }
    for (const { settings, problems } of [
      { settings: { pooler: false }, problems: [] },
      { settings: { pooler: false, listen }, problems: ['ledger_listen LEDGER_LISTEN_FAILED'] },
    ]) {
      report(settings)(pooler)
      expect(shown()).toEqual(problems)
    }
  })

  test('that was lost and leads to a pooler, now that something answers, is no problem any more', async () => {
    const state = report({ pooler: false })
    state(lost)
    await clock.advance(30_000)
    state(lost)
    expect(shown()).toEqual(['ledger_listen LEDGER_LISTEN_FAILED'])
    state(pooler)
    expect(shown()).toEqual([])
  })

  test('that there is none is said once, when the broker starts', () => {
    report({ pooler: true })
    expect(said).toEqual([expect.objectContaining({ component: 'ledger_listen' })])
  })
})

test('a clock that differs from the one of the database is on the status, without wavering', () => {
  const hear = (behindMs: number, errorMs = 0) => {
    const offsetMs = clock.now().getTime() - clock.monotonicMs() - behindMs
    reportSharedClock({ atMs: clock.monotonicMs(), offsetMs, errorMs }, { clock, partHealth })
    return shown().length > 0
  }
  expect([hear(900), hear(-1_000), hear(1_001), hear(800), hear(700), hear(800)]).toEqual([
    ...[false, false, true, true, false, false],
  ])
  expect([hear(-1_001), hear(0), hear(3_000, 2_500), hear(3_600, 2_500)]).toEqual([true, false, false, true])
})

test('the figures tell how many brokers have the ledger, and how far the clock of this one is off', async () => {
  const metrics = new Metrics({ version: '0.1.0' })
  const replica = (id: string, clockOffsetMs: number): Replica => ({
    ...{ id, clockOffsetMs, openedAt: clock.now(), seenAt: clock.now(), knowsHolds: true },
  })
  const sharing = { isListening: true, listReplicas: async () => [replica('rpl_1', 7), replica('rpl_2', -250)] }
  metrics.onScrape((gauges) => gatherReplicas({ sharing, identity: { replica: 'rpl_2' } } as never, gauges))
  const text = await metrics.text()
  for (const line of ['stint_ledger_replicas 2', 'stint_ledger_listening 1', 'stint_ledger_clock_offset_seconds -0.25'])
    expect(text).toContain(`${line}\n`)
})
