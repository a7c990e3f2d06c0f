import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { DRILLS } from '../drills/drills.ts'
import { isTestThere } from '../support/test-titles.ts'
import { FAULTS } from './faults.ts'
import { type LastResults, renderReliability } from './reliability-page.ts'

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')

describe('the table of faults', () => {
  for (const { fault, tests } of FAULTS)
    for (const named of tests) test(`${fault}: ${named} is there`, () => expect(isTestThere(named)).toBe(true))

  test('has each fault once, and no result of a fault that it has not', () => {
    const faults = FAULTS.map(({ fault }) => fault)
    expect(new Set(faults).size).toBe(faults.length)
    expect(faults).toEqual(expect.arrayContaining(Object.keys(results())))
  })

  test('is what the page says; npm run generate:reliability writes it', () => {
    expect(read('../../docs/reliability.md')).toBe(renderReliability(FAULTS, results()))
  })
})

test('the page of drills has a transcript of each', () => {
  const page = read('../../docs/drills.md')
  const kept = [...page.matchAll(/\$ npm run drill -- (\S+)\n((?: .*\n)+)```/g)].map(([, name]) => name)
  expect(kept.toSorted()).toEqual(Object.keys(DRILLS).toSorted())
})

function results(): LastResults {
  return JSON.parse(read('last-results.json')) as LastResults
}
