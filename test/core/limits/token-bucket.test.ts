import { expect, test } from 'vitest'
import { TokenBucket } from '../../../src/core/limits/token-bucket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const setup = (ratePerSecond: number, burst: number) => {
  const clock = new ManualClock()
  return { clock, bucket: new TokenBucket({ clock, ratePerSecond, burst }) }
}

test('a bucket gives its burst at once and then one token each interval', async () => {
  const { clock, bucket } = setup(10, 3)
  expect([1, 2, 3, 4].map(() => bucket.tryTake())).toEqual([true, true, true, false])
  await clock.advance(99)
  expect(bucket.tryTake()).toBe(false)
  await clock.advance(1)
  expect(bucket.tryTake()).toBe(true)
})

test('a bucket never holds more than its burst, however long nobody came', async () => {
  const { clock, bucket } = setup(10, 2)
  await clock.advance(3_600_000)
  expect([1, 2, 3].map(() => bucket.tryTake())).toEqual([true, true, false])
})

test('those who wait are served in the order they came, and nobody overtakes them', async () => {
  const { clock, bucket } = setup(10, 1)
  const served: string[] = []
  const wait = async (name: string) => {
    await bucket.acquire({ maxWaitMs: 1_000 })
    served.push(name)
  }
  const all = [wait('first'), wait('second'), wait('third')]
  await clock.advance(100)
  expect(bucket.tryTake()).toBe(false)
  expect(served).toEqual(['first', 'second'])
  await clock.advance(100)
  await Promise.all(all)
  expect(served).toEqual(['first', 'second', 'third'])
})

test('a wait longer than the caller has is refused at once and takes nothing', async () => {
  const { clock, bucket } = setup(1, 1)
  expect(await bucket.acquire({ maxWaitMs: 0 })).toBe(true)
  expect(await bucket.acquire({ maxWaitMs: 999 })).toBe(false)
  await clock.advance(1_000)
  expect(bucket.tryTake()).toBe(true)
})

test('a waiter that gives up gives its slot back', async () => {
  const { clock, bucket } = setup(1, 1)
  bucket.tryTake()
  const stop = new AbortController()
  const waiting = bucket.acquire({ maxWaitMs: 5_000, signal: stop.signal })
  stop.abort(new Error('gave up'))
  await expect(waiting).rejects.toThrow('gave up')
  await clock.advance(1_000)
  expect(bucket.tryTake()).toBe(true)
  await expect(bucket.acquire({ maxWaitMs: 0, signal: stop.signal })).rejects.toThrow('gave up')
})

test('a wall clock that jumps changes nothing', () => {
  const { clock, bucket } = setup(1, 1)
  bucket.tryTake()
  clock.jump(3_600_000)
  expect(bucket.tryTake()).toBe(false)
})

test('slowing down halves the pace once an event, and it grows back in half a minute', async () => {
  const { clock, bucket } = setup(100, 100)
  bucket.slowDown()
  bucket.slowDown()
  expect(bucket.tryTake()).toBe(false)
  expect(bucket.waitMs()).toBeCloseTo(20, 0)
  await clock.advance(30_000)
  for (let n = 0; n < 100; n++) expect(bucket.tryTake()).toBe(true)
  expect(bucket.waitMs()).toBeCloseTo(10, 5)
})

test('a rate that is not above zero is refused', () => {
  for (const rate of [0, -1, Number.NaN]) expect(() => setup(rate, 1)).toThrow(RangeError)
})
