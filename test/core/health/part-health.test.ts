import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { PartHealth } from '../../../src/core/health/part-health.ts'
import { createLogger } from '../../../src/core/log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const broken = () => new StintError('LEDGER_UNAVAILABLE', { explanation: 'The disk is full.' })
const other = () => new StintError('CLOCK_UNSTABLE', { explanation: 'The clock has jumped.' })

describe('a part that fails', () => {
  test('five times a second for a day is said once, then at intervals that grow to an hour', async () => {
    const { health, clock, lines } = stage()
    for (let second = 0; second < 86_400; second += 10) {
      for (let n = 0; n < 50; n += 1) health.failed('sweep', broken())
      await clock.advance(10_000)
    }
    expect(lines().length).toBeGreaterThan(20)
    expect(lines().length).toBeLessThan(35)
    expect(lines()[0]).toMatchObject({ level: 50, component: 'sweep', err: { code: 'LEDGER_UNAVAILABLE' } })
    expect(lines()[1]).toMatchObject({ times: 300, since: '2026-11-21T12:00:00.000Z' })
    expect(health.problems()).toHaveLength(1)
  })

  test('and works again says so, and is off the board', () => {
    const { health, lines } = stage()
    health.failed('sweep', broken())
    health.failed('sweep', broken())
    health.well('sweep')
    health.well('sweep')
    expect(lines().map(({ msg }) => msg)).toEqual(['a part has a problem', 'a part works again'])
    expect(health.problems()).toEqual([])
  })

  test('for another reason says that at once', () => {
    const { health, lines } = stage()
    for (let n = 0; n < 10; n += 1) {
      health.failed('sweep', broken())
      health.failed('sweep', other())
    }
    expect(lines().map(({ err }) => err?.code)).toEqual(['LEDGER_UNAVAILABLE', 'CLOCK_UNSTABLE'])
  })

  test('and works by turns does not fill the log, yet its board is right', async () => {
    const { health, clock, lines } = stage()
    for (let n = 0; n < 3_000; n += 1) {
      health.failed('reconcile', broken())
      expect(health.problems()).toHaveLength(1)
      health.well('reconcile')
      expect(health.problems()).toEqual([])
      await clock.advance(200)
    }
    expect(lines().length).toBeLessThan(10)
  })

  test('anew after it has worked for a while is said at once', async () => {
    const { health, clock, lines } = stage()
    health.failed('sweep', broken())
    health.well('sweep')
    await clock.advance(60_000)
    health.failed('sweep', broken())
    expect(lines().map(({ msg }) => msg)).toEqual([
      'a part has a problem',
      'a part works again',
      'a part has a problem',
    ])
  })

  test('does not keep another quiet', () => {
    const { health, lines } = stage()
    health.failed('sweep', broken())
    health.failed('prune', broken())
    expect(lines().map(({ component }) => component)).toEqual(['sweep', 'prune'])
  })
})

describe('what is found at a part that works', () => {
  const weak = { finding: 'keys', code: 'ISSUER_INVALID', explanation: 'The key a is too short.' } as const
  const odd = { finding: 'keys', code: 'ISSUER_INVALID', explanation: 'The key b has no kid.', level: 'error' } as const

  test('is said once, by its level, until it is gone and back', () => {
    const { health, lines } = stage()
    health.found('issuer:ci', [weak])
    health.found('issuer:ci', [weak, odd, odd])
    health.found('issuer:ci', [odd])
    health.found('issuer:ci', [weak])
    expect(lines().map(({ level, explanation }) => [level, explanation])).toEqual([
      [40, weak.explanation],
      [50, odd.explanation],
      [40, weak.explanation],
    ])
  })

  test('is on the board as long as it is found, and no problem of the part', () => {
    const { health } = stage()
    health.found('issuer:ci', [weak])
    health.well('issuer:ci')
    expect(health.problems()).toEqual([{ component: 'issuer:ci', ...weak, since: expect.any(Date) }])
    health.found('issuer:ci', [])
    expect(health.problems()).toEqual([])
  })
})

function stage() {
  const written: string[] = []
  const clock = new ManualClock()
  const logger = createLogger({ level: 'info', destination: { write: (line: string) => void written.push(line) } })
  const lines = () => written.map((line) => JSON.parse(line) as Record<string, unknown> & { err?: { code: string } })
  return { health: new PartHealth({ logger, clock }), clock, lines }
}
