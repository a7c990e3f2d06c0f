import { describe, expect, test } from 'vitest'
import { isTestThere } from '../support/test-titles.ts'
import { PROMISES } from './promises.ts'

describe('the table of promises', () => {
  for (const { promise, tests } of PROMISES) {
    for (const named of tests) {
      test(`${promise}: ${named} is there`, () => {
        expect(isTestThere(named)).toBe(true)
      })
    }
  }

  test('has each promise once, in order', () => {
    const numbers = PROMISES.map(({ promise }) => Number(promise.slice(1)))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    expect(numbers).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8, 9, 15]))
  })
})
