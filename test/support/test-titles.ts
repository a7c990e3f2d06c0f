import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * True if a file has a test, a group of tests or a row of a table whose title contains these words; the variable parts of a title
 * stay as `${…}`.
 *
 * @param named `<file> > <part of a title>`
 */
export function isTestThere(named: string): boolean {
  const [file = '', title = ''] = named.split(' > ')
  if (!existsSync(`${ROOT}${file}`)) return false
  const source = readFileSync(`${ROOT}${file}`, 'utf8')
  return [...readTitles(source), ...readRowNames(source)].some((known) => known.includes(title))
}

function readTitles(source: string): string[] {
  return [...source.matchAll(/\b(?:test|describe)(?:\.concurrent)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(
    ([, , title = '']) => title,
  )
}

/** Names of rows in tables, which become part of a title. */
function readRowNames(source: string): string[] {
  return [...source.matchAll(/\bname: (['"`])((?:\\.|(?!\1).)*)\1/gs)].map(([, , name = '']) => name)
}
