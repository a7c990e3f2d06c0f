import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { isTestThere } from '../support/test-titles.ts'
import { renderFrameworks } from './frameworks-page.ts'
import { MAESTRO } from './maestro.ts'
import { AI_RMF, CSF, ZERO_TRUST } from './nist.ts'
import { AGENTIC, NHI } from './owasp.ts'

const FRAMEWORKS = [NHI, AGENTIC, AI_RMF, CSF, MAESTRO, ZERO_TRUST]
const PAGE = fileURLToPath(new URL('../../docs/frameworks.md', import.meta.url))

for (const { name, controls } of FRAMEWORKS)
  describe(name, () => {
    test('has each item once', () => {
      const items = controls.map(({ item }) => item)
      expect(items).toEqual([...new Set(items)])
    })

    for (const { item, coverage, tests } of controls)
      test(`${item}: ${coverage === 'outside' ? 'rests on no test' : 'every test that it rests on is there'}`, () => {
        expect(tests.length > 0).toBe(coverage !== 'outside')
        expect(tests.filter((named) => !isTestThere(named))).toEqual([])
      })
  })

test('docs/frameworks.md is what the tables say', () => {
  const written = renderFrameworks(FRAMEWORKS)
  if (process.env.STINT_UPDATE_DOCS === '1') writeFileSync(PAGE, written)
  expect(readFileSync(PAGE, 'utf8')).toBe(written)
})
