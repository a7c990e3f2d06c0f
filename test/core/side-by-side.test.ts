import { expect, test } from 'vitest'
import { mapSideBySide } from '../../src/core/limits/side-by-side.ts'

test('work is done some at a time and told in order', async () => {
  const ends = new Map<number, () => void>()
  let underWay = 0
  let most = 0
  const work = async (item: number) => {
    most = Math.max(most, ++underWay)
    await new Promise<void>((resolve) => ends.set(item, resolve))
    underWay -= 1
    return item
  }
  const told: number[] = []
  const all = (async () => {
    for await (const item of mapSideBySide([1, 2, 3, 4], 2, work)) told.push(item)
  })()
  ends.get(2)?.()
  await new Promise(setImmediate)
  expect(told).toEqual([])
  for (const item of [1, 3, 4]) {
    await new Promise(setImmediate)
    ends.get(item)?.()
  }
  await all
  expect(told).toEqual([1, 2, 3, 4])
  expect(most).toBe(2)
})

test('an error is thrown in its turn', async () => {
  const told: number[] = []
  const all = (async () => {
    for await (const item of mapSideBySide([1, 2, 3], 3, async (each) => {
      if (each === 2) throw new Error('no')
      return each
    }))
      told.push(item)
  })()
  await expect(all).rejects.toThrow('no')
  expect(told).toEqual([1])
})
