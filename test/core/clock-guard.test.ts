import { beforeEach, describe, expect, test } from 'vitest'
import { type ClockGuard, createClockGuard } from '../../src/core/clock-guard.ts'
import { ManualClock } from '../support/manual-clock.ts'

const REFUSED = expect.objectContaining({ code: 'CLOCK_UNSTABLE' })

describe('the clock guard', () => {
  let clock: ManualClock
  let guard: ClockGuard
  beforeEach(() => {
    clock = new ManualClock()
    guard = createClockGuard({ clock })
  })

  for (const jumpMs of [3_000, -3_000, 86_400_000, -86_400_000]) {
    test(`refuses after a jump of ${jumpMs} ms, and trusts again after ten steady seconds`, async () => {
      clock.jump(jumpMs)
      expect(() => guard.check()).toThrow(REFUSED)
      await clock.advance(9_999)
      expect(() => guard.check()).toThrow(REFUSED)
      await clock.advance(1)
      expect(() => guard.check()).not.toThrow()
    })
  }

  test('a second jump starts the wait anew', async () => {
    clock.jump(3_000)
    expect(() => guard.check()).toThrow(REFUSED)
    await clock.advance(9_000)
    clock.jump(-3_000)
    await clock.advance(5_000)
    expect(() => guard.check()).toThrow(REFUSED)
  })

  test('time that passes, and drift that is slewed, is no jump', async () => {
    for (let hour = 0; hour < 24; hour += 1) {
      await clock.advance(3_600_000)
      clock.jump(1_500)
      expect(() => guard.check()).not.toThrow()
    }
  })
})
