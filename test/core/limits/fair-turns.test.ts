import { expect, test } from 'vitest'
import { FairTurns } from '../../../src/core/limits/fair-turns.ts'

test('one that brings much waits for its own, and another that comes after it does not', async () => {
  const turns = new FairTurns()
  const begun: string[] = []
  const all = Array.from({ length: 100 }, (_, n) => begin(turns, 'much', () => begun.push(`much ${n}`)))
  await Promise.all([...all, begin(turns, 'little', () => begun.push('little'))])
  expect(begun.indexOf('little')).toBeLessThan(10)
  expect(begun.filter((each) => each !== 'little')).toEqual(Array.from({ length: 100 }, (_, n) => `much ${n}`))
})

test('nothing begins in the turn in which it came', async () => {
  const turns = new FairTurns()
  let begun = false
  const later = begin(turns, 'one', () => {
    begun = true
  })
  await Promise.resolve()
  expect(begun).toBe(false)
  await later
  expect(begun).toBe(true)
})

function begin(turns: FairTurns, key: string, work: () => void): Promise<void> {
  return new Promise((resolve) =>
    turns.await(key, () => {
      work()
      resolve()
    }),
  )
}
