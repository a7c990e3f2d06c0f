import { afterEach, beforeEach, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { watchWrites } from '../../src/start/ledger/watched-writes.ts'
import { allEvents } from '../support/audit-record.ts'
import { type Harness, openHarness } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/settle.ts'

const FULL = new StintError('LEDGER_UNAVAILABLE', { explanation: 'The disk is full.' })

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

test('a ledger that cannot be written makes the broker unready until a write of its own has worked, and that is on record', async () => {
  let isFull = false
  const appendEvents: Ledger['appendEvents'] = (events) =>
    isFull ? Promise.reject(FULL) : h.ledger.appendEvents(events)
  const clock = new ManualClock()
  const partHealth = new PartHealth({ logger: createLogger({ level: 'silent' }), clock })
  const { ledger, notReady, stop } = watchWrites({ ...h.ledger, appendEvents }, { clock, partHealth })
  await ledger.nameHeads({ at: clock.now() })
  expect(notReady()).toBeUndefined()
  const since = clock.now()
  isFull = true
  await expect(ledger.appendEvents([])).rejects.toBe(FULL)
  expect(notReady()).toMatchObject({ code: 'LEDGER_UNAVAILABLE', since })
  await clock.advance(1_000)
  await clock.advance(1_000)
  expect(partHealth.problems()).toMatchObject([{ component: 'ledger_writes', code: 'LEDGER_UNAVAILABLE', since }])
  // A write that had nothing to write proves nothing.
  await ledger.nameHeads({ at: clock.now() })
  expect(notReady()).toBeDefined()
  isFull = false
  await clock.advance(1_000)
  await until(() => notReady() === undefined)
  expect(partHealth.problems()).toEqual([])
  const [event] = (await allEvents(h.ledger)).filter(({ type }) => type === 'ledger.writable')
  expect(event?.data).toEqual({ since: since.toISOString(), failures: 3 })
  await stop()
})

test('what is no failure of the store, and what fails while it is closed, makes nothing unready', async () => {
  const clock = new ManualClock()
  const partHealth = new PartHealth({ logger: createLogger({ level: 'silent' }), clock })
  let error = new StintError('LEDGER_CONFLICT', { explanation: 'Somebody else was first.' })
  const appendEvents: Ledger['appendEvents'] = () => Promise.reject(error)
  const { ledger, notReady, stop } = watchWrites({ ...h.ledger, appendEvents }, { clock, partHealth })
  await expect(ledger.appendEvents([])).rejects.toBe(error)
  expect(notReady()).toBeUndefined()
  await stop()
  error = FULL
  await expect(ledger.appendEvents([])).rejects.toBe(error)
  expect(notReady()).toBeUndefined()
  expect(partHealth.problems()).toEqual([])
})
