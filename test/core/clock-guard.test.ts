import { beforeEach, describe, expect, test } from 'vitest'
import { type ClockGuard, createClockGuard } from '../../src/core/clock-guard.ts'
import { ManualClock } from '../support/manual-clock.ts'

const REFUSED = expect.objectContaining({ code: 'CLOCK_UNSTABLE' })
const HOUR_MS = 3_600_000

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
      expect(guard.check()).toEqual(clock.now())
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

  test('refuses a reading that is not of now, since the clock may have stepped after it was read', () => {
    for (const stepMs of [3_000, HOUR_MS, -HOUR_MS])
      expect(() => guard.check(new Date(clock.now().getTime() + stepMs)), `${stepMs}`).toThrow(REFUSED)
    for (const agoMs of [0, 1, 10_000])
      expect(guard.check(new Date(clock.now().getTime() - agoMs)), `${agoMs}`).toEqual(clock.now())
  })

  test('time that passes, and drift that is slewed, is no jump', async () => {
    for (let hour = 0; hour < 24; hour += 1) {
      await clock.advance(HOUR_MS)
      clock.jump(1_500)
      expect(() => guard.check()).not.toThrow()
    }
  })

  test('a clock that creeps, 2 s every 0.4 s, is refused from the second step on, for as long as it creeps', async () => {
    for (let step = 0; step < 200; step += 1) {
      await clock.advance(400)
      clock.jump(2_000)
      if (step > 0) expect(() => guard.check(), `step ${step}`).toThrow(REFUSED)
    }
  })

  test('with a cloud that can be asked, the time is told from its first answer on, and it is asked until then', async () => {
    let asked = 0
    const asking = createClockGuard({
      clock,
      askReference: () => {
        asked += 1
      },
    })
    expect(guard.isTold(), 'there is no cloud to ask').toBe(true)
    expect(asking.isTold()).toBe(false)
    await clock.advance(5_000)
    expect(asking.isTold()).toBe(false)
    expect(asked).toBe(2)
    expect(() => asking.check(), 'P7: it may be hours ahead').toThrow(REFUSED)
    asking.heard(clock.now())
    expect(asking.isTold()).toBe(true)
    expect(() => asking.check()).not.toThrow()
  })

  test('without a cloud that told its time, what has certainly come is the earlier of the clock and what it was before', async () => {
    const start = clock.now().getTime()
    clock.jump(2 * HOUR_MS)
    await clock.advance(1_000)
    expect(guard.earliestNow().getTime()).toBe(start + 1_000)
    clock.jump(-3 * HOUR_MS)
    await clock.advance(1_000)
    expect(guard.earliestNow().getTime()).toBe(start + 2_000 - HOUR_MS)
  })
})

describe('the clock guard beside a cloud that tells its time', () => {
  let clock: ManualClock
  let guard: ClockGuard
  let asked: number
  let trueMs: number
  const pass = async (ms: number) => {
    trueMs += ms
    await clock.advance(ms)
  }
  /** As an HTTP Date: whole seconds, rounded down. */
  const hear = () => guard.heard(new Date(Math.floor(trueMs / 1_000) * 1_000))
  beforeEach(() => {
    clock = new ManualClock()
    trueMs = clock.now().getTime()
    asked = 0
    guard = createClockGuard({ clock, askReference: () => (asked += 1) })
    hear()
  })

  for (const jumpMs of [2 * HOUR_MS, -HOUR_MS, 30_000, 6_000])
    test(`a jump of ${jumpMs} ms is refused however steady the clock runs, until it returns`, async () => {
      clock.jump(jumpMs)
      for (let n = 0; n < 30; n += 1) {
        await pass(1_000)
        hear()
        expect(() => guard.check()).toThrow(REFUSED)
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
        expect(trueMs - guard.earliestNow().getTime()).toBeLessThan(1_000)
      }
      clock.jump(-jumpMs)
      expect(() => guard.check()).toThrow(REFUSED)
      await pass(10_000)
      expect(guard.check()).toEqual(clock.now())
    })

  test('asks the cloud while it doubts, at most every five seconds', async () => {
    clock.jump(HOUR_MS)
    for (let n = 0; n < 100; n += 1) {
      expect(() => guard.check()).toThrow(REFUSED)
      await pass(100)
    }
    expect(asked).toBe(2)
  })

  test('a machine that was suspended is trusted once the cloud says that so much time has passed', async () => {
    // The monotonic clock stands still meanwhile: clock_gettime(2), CLOCK_MONOTONIC.
    clock.jump(HOUR_MS)
    trueMs += HOUR_MS
    expect(() => guard.check()).toThrow(REFUSED)
    await pass(60_000)
    expect(() => guard.check()).toThrow(REFUSED)
    expect(guard.earliestNow().getTime()).toBeLessThan(trueMs - HOUR_MS + 1)
    hear()
    expect(guard.check()).toEqual(clock.now())
    expect(guard.earliestNow().getTime()).toBe(trueMs)
  })

  test('a clock that was wrong and is set right is trusted', async () => {
    clock.jump(40_000)
    guard = createClockGuard({ clock, askReference: () => {} })
    hear()
    expect(() => guard.check()).not.toThrow()
    clock.jump(-40_000)
    expect(() => guard.check()).toThrow(REFUSED)
    await pass(10_000)
    hear()
    expect(() => guard.check()).not.toThrow()
  })

  test('a clock that is wrong by more than a minute is refused without a jump', () => {
    clock.jump(90_000)
    guard = createClockGuard({ clock })
    expect(() => guard.check()).not.toThrow()
    hear()
    expect(() => guard.check()).toThrow(REFUSED)
  })

  test('nothing that a clock does makes a time come early', async () => {
    // Small and large steps, forward and back, creeping by 2 s every 0.4 s and by 10 % of the time that passes.
    const steps = [2_000, 2_000, 2_000, -6_000, 100, 100, 7_200_000, -3_600_000, 1_999, 59_000, -10, 40]
    for (let round = 0; round < 20; round += 1)
      for (const step of steps) {
        await pass(400)
        clock.jump(step)
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
        if (round % 3 === 0) hear()
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
      }
  })

  test('where nobody can ask the cloud and nothing is heard of it, a steady clock is trusted, and its old time forgotten', async () => {
    guard = createClockGuard({ clock })
    hear()
    clock.jump(HOUR_MS)
    expect(() => guard.check()).toThrow(REFUSED)
    await pass(70_000)
    expect(() => guard.check()).toThrow(REFUSED)
    await pass(10_000)
    expect(guard.check()).toEqual(clock.now())
    expect(guard.earliestNow()).toEqual(clock.now())
  })

  test('where nobody can ask the cloud, its answers to other calls keep a wrong clock in doubt', async () => {
    guard = createClockGuard({ clock })
    hear()
    clock.jump(2 * HOUR_MS)
    for (let minute = 0; minute < 10; minute += 1) {
      await pass(60_000)
      expect(() => guard.check()).toThrow(REFUSED)
      expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
      hear()
    }
  })

  describe('whose answers tell a wrong time', () => {
    const hearWrong = (byMs: number) => guard.heard(new Date(Math.floor((trueMs + byMs) / 1_000) * 1_000))
    for (const wrongMs of [2 * HOUR_MS, -HOUR_MS])
      test(`once, off by ${wrongMs} ms, changes nothing but that something may come later`, async () => {
        hearWrong(wrongMs)
        expect(guard.check()).toEqual(clock.now())
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
        await pass(1_000)
        hear()
        expect(guard.check()).toEqual(clock.now())
        expect(trueMs - guard.earliestNow().getTime()).toBeLessThan(1_000)
      })

    test('again and again make no time come early, and stop what needs a sure clock when no answer tells another', async () => {
      for (let n = 0; n < 60; n += 1) {
        hearWrong(2 * HOUR_MS)
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
        await pass(1_000)
      }
      expect(() => guard.check()).toThrow(REFUSED)
      for (let n = 0; n < 12; n += 1) {
        hear()
        await pass(1_000)
      }
      hear()
      expect(guard.check()).toEqual(clock.now())
      expect(trueMs - guard.earliestNow().getTime()).toBeLessThan(1_000)
    })

    test('in turn with right ones make no time come early', async () => {
      for (let n = 0; n < 60; n += 1) {
        if (n % 2 === 0) hear()
        else hearWrong(2 * HOUR_MS)
        expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
        expect(guard.check()).toEqual(clock.now())
        await pass(1_000)
      }
    })

    test('while the wall clock has jumped are not believed but where both say the same', async () => {
      clock.jump(-HOUR_MS)
      hearWrong(2 * HOUR_MS)
      expect(guard.earliestNow().getTime()).toBeLessThanOrEqual(trueMs)
      expect(() => guard.check()).toThrow(REFUSED)
    })
  })
})

describe('a clock that brokers share', () => {
  let clock: ManualClock
  let guard: ClockGuard
  beforeEach(() => {
    clock = new ManualClock()
    guard = createClockGuard({ clock })
  })
  const now = () => clock.now().getTime()
  /** The shared clock is so far behind ours. */
  const hearShared = (behindMs: number, errorMs = 0) =>
    guard.heardShared({ atMs: clock.monotonicMs(), offsetMs: now() - behindMs - clock.monotonicMs(), errorMs })
  const hearReference = (behindMs: number) => guard.heard(new Date(now() - behindMs))

  for (const { behindMs, errorMs, serves } of [
    { behindMs: 5_000, errorMs: 0, serves: true },
    { behindMs: 5_001, errorMs: 0, serves: false },
    { behindMs: -5_001, errorMs: 0, serves: false },
    { behindMs: HOUR_MS, errorMs: 0, serves: false },
    // A slow answer may have told a time that is over by now.
    { behindMs: 8_000, errorMs: 3_000, serves: true },
    { behindMs: 8_001, errorMs: 3_000, serves: false },
  ]) {
    test(`that is ${behindMs} ms behind ours, give or take ${errorMs}, ${serves ? 'is no' : 'is a'} reason to refuse`, () => {
      hearShared(behindMs, errorMs)
      if (serves) expect(guard.check()).toEqual(clock.now())
      else expect(() => guard.check()).toThrow(REFUSED)
    })
  }

  test('is trusted again as soon as it agrees', () => {
    hearShared(6_000)
    expect(() => guard.check()).toThrow(REFUSED)
    hearShared(100)
    expect(guard.check()).toEqual(clock.now())
  })

  test('counts while it is heard, and no longer', async () => {
    hearShared(6_000)
    await clock.advance(10_000)
    expect(() => guard.check()).toThrow(REFUSED)
    await clock.advance(1)
    expect(guard.check()).toEqual(clock.now())
  })

  for (const behindMs of [6_000, HOUR_MS, -HOUR_MS]) {
    test(`that is ${behindMs} ms behind is wrong by itself, if the reference clock agrees with ours`, () => {
      hearReference(0)
      hearShared(behindMs)
      expect(guard.check()).toEqual(clock.now())
      expect(guard.earliestNow()).toEqual(clock.now())
    })
  }

  test('is right if the reference clock differs from ours too', () => {
    hearReference(20_000)
    hearShared(20_000)
    expect(() => guard.check()).toThrow(REFUSED)
  })

  test('counts if the reference clock has long said nothing', async () => {
    hearReference(0)
    await clock.advance(75_001)
    hearShared(6_000)
    expect(() => guard.check()).toThrow(REFUSED)
  })

  test('keeps anything from being over by our clock alone', () => {
    hearShared(3_000, 10)
    expect(guard.earliestNow()).toEqual(new Date(now() - 3_010))
    hearShared(-3_000)
    expect(guard.earliestNow()).toEqual(clock.now())
  })
})
