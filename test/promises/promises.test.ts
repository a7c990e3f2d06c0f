import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { PROMISES } from './promises.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Titles of tests and groups as the file spells them; the variable parts of a row's title stay as `${…}`. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/\b(?:test|describe)(?:\.concurrent)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(
    ([, , title = '']) => title,
  )
}

/** Names of rows in tables, which become part of a title. */
function rowNamesOf(source: string): string[] {
  return [...source.matchAll(/\bname: (['"`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , name = '']) => name)
}

describe('the table of promises', () => {
  for (const { promise, tests } of PROMISES) {
    for (const named of tests) {
      test(`${promise}: ${named} is there`, () => {
        const [file = '', title = ''] = named.split(' > ')
        expect(existsSync(`${ROOT}${file}`), file).toBe(true)
        const source = readFileSync(`${ROOT}${file}`, 'utf8')
        const titles = [...titlesOf(source), ...rowNamesOf(source)]
        expect(
          titles.some((known) => known.includes(title)),
          title,
        ).toBe(true)
      })
    }
  }

  test('has each promise once, in order', () => {
    const numbers = PROMISES.map(({ promise }) => Number(promise.slice(1)))
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    expect(numbers).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8, 9, 15]))
  })
})
