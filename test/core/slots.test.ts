import { expect, test } from 'vitest'
import { Slots } from '../../src/core/limits/slots.ts'
import { ManualClock } from '../support/manual-clock.ts'

const never = new AbortController().signal

function setUp(count: number) {
  const clock = new ManualClock()
  const slots = new Slots({ clock, slots: count })
  const acquire = (maxWaitMs = 1_000, signal = never) => slots.acquire({ maxWaitMs, signal })
  return { clock, acquire }
}

test('as many as there are places work at once, the rest in order of arrival', async () => {
  const { acquire } = setUp(1)
  const first = await acquire()
  const order: string[] = []
  const second = acquire().then((release) => {
    order.push('second')
    release?.()
  })
  const third = acquire().then(() => order.push('third'))
  expect(order).toEqual([])
  first?.()
  await Promise.all([second, third])
  expect(order).toEqual(['second', 'third'])
})

test('a place that is given back twice is one place', async () => {
  const { clock, acquire } = setUp(1)
  const first = await acquire()
  first?.()
  first?.()
  await acquire()
  const late = acquire(1_000)
  await clock.advance(1_000)
  expect(await late).toBeUndefined()
})

test('who has waited long enough gets none, and leaves its turn to others', async () => {
  const { clock, acquire } = setUp(1)
  const holder = await acquire()
  const impatient = acquire(100)
  const patient = acquire(10_000)
  await clock.advance(100)
  expect(await impatient).toBeUndefined()
  holder?.()
  expect(await patient).toBeDefined()
})

test('who is cancelled while it waits takes no place', async () => {
  const { acquire } = setUp(1)
  const holder = await acquire()
  const caller = new AbortController()
  const cancelled = acquire(1_000, caller.signal)
  caller.abort(new Error('gone'))
  await expect(cancelled).rejects.toThrow('gone')
  holder?.()
  expect(await acquire()).toBeDefined()
})
