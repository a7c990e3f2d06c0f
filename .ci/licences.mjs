// Fails when a package that the project ships with has a licence that is not on the list.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ALLOWED = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'MIT OR Apache-2.0',
  '(MIT OR Apache-2.0)',
  'Unlicense',
])
/** Used to build or test, not part of what is shipped: weak copyleft and data licences are no matter there. */
const DEV_ALLOWED = new Set([...ALLOWED, 'MPL-2.0', 'CC-BY-4.0', 'Python-2.0', '(MIT OR CC0-1.0)'])

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
let seen = 0
const wrong = []
for (const [path, entry] of Object.entries(packages)) {
  if (path === '') continue
  const licence = entry.license ?? licenceOf(path)
  if (licence === undefined && entry.optional) continue
  seen += 1
  if (!(entry.dev || entry.devOptional ? DEV_ALLOWED : ALLOWED).has(licence)) wrong.push(`${path}: ${licence}`)
}
if (seen === 0) wrong.push('package-lock.json lists no package')
for (const line of wrong) console.error(line)
console.log(`${seen} packages, ${wrong.length} with a licence that is not allowed`)
process.exit(wrong.length === 0 ? 0 : 1)

function licenceOf(path) {
  try {
    return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).license
  } catch {
    return undefined
  }
}
