import { describe, expect, test } from 'vitest'
import { KeyedLimiter } from '../../../src/core/limits/keyed-limiter.ts'
import { Penalties } from '../../../src/core/limits/penalties.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('a rate for each key', () => {
  test('one key does not use up what another may have', async () => {
    const clock = new ManualClock()
    const limiter = new KeyedLimiter({ clock, ratePerSecond: 1, burst: 2, maxKeys: 10 })
    expect([limiter.tryTake('a'), limiter.tryTake('a'), limiter.tryTake('a')]).toEqual([true, true, false])
    expect(limiter.tryTake('b')).toBe(true)
    expect([limiter.waitMs('a'), limiter.waitMs('b'), limiter.waitMs('c')]).toEqual([1_000, 0, 0])
    await clock.advance(1_000)
    expect([limiter.tryTake('a'), limiter.tryTake('a')]).toEqual([true, false])
  })

  test('keys are bounded: the one seen longest ago is forgotten', () => {
    const limiter = new KeyedLimiter({ clock: new ManualClock(), ratePerSecond: 1, burst: 1, maxKeys: 2 })
    for (const key of ['a', 'b', 'a', 'c']) limiter.tryTake(key)
    expect(limiter.size).toBe(2)
    expect(limiter.tryTake('a')).toBe(false)
    expect(limiter.tryTake('b')).toBe(true)
  })
})

describe('penalties', () => {
  const open = (options = {}) => {
    const clock = new ManualClock()
    return { clock, penalties: new Penalties({ clock, firstMs: 1_000, longestMs: 5_000, ...options }) }
  }

  test('grow with each offence up to the longest, and are of the offender alone', async () => {
    const { clock, penalties } = open()
    const served: number[] = []
    for (let n = 0; n < 4; n += 1) {
      served.push(penalties.offend('rogue'))
      await clock.advance(served.at(-1) ?? 0)
      expect(penalties.remainingMs('rogue')).toBe(0)
    }
    expect(served).toEqual([1_000, 2_000, 4_000, 5_000])
    expect(penalties.remainingMs('good')).toBe(0)
  })

  test('are not prolonged by what the offender tries meanwhile', async () => {
    const { clock, penalties } = open()
    penalties.offend('rogue')
    await clock.advance(400)
    expect(penalties.offend('rogue')).toBe(600)
    expect(penalties.remainingMs('rogue')).toBe(600)
  })

  test('start anew after a long time of good conduct', async () => {
    const { clock, penalties } = open({ forgivenAfterMs: 10_000 })
    for (let n = 0; n < 3; n += 1) await clock.advance(penalties.offend('rogue'))
    await clock.advance(10_000)
    expect(penalties.offend('rogue')).toBe(1_000)
  })
})
