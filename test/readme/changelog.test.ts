import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const text = await readFile(fileURLToPath(new URL('../../CHANGELOG.md', import.meta.url)), 'utf8')
const versions = text.split(/^## /m).slice(1)

/** Texts that stand in the list more than once. */
function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((one, at) => texts.indexOf(one) < at))]
}

// Two branches that both add lines are merged line by line here, which can bring an entry or a heading in twice.
describe('the changelog', () => {
  test('has each heading once in a version, in the order of Keep a Changelog', () => {
    for (const version of versions) {
      const headings = [...version.matchAll(/^### (.+)$/gm)].map(([, name]) => name)
      const order = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
      expect(headings).toEqual(order.filter((name) => headings.includes(name)))
    }
  })

  test('says nothing twice', () => {
    for (const version of versions) {
      expect(repeated(version.split('\n').filter((line) => line.trim() !== ''))).toEqual([])
      const entries = [...version.matchAll(/^- (?:.+\n(?: {2}.+\n)*)/gm)].map(([entry]) => entry.slice(0, 50))
      expect(repeated(entries)).toEqual([])
    }
  })
})
