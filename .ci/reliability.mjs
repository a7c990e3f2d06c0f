// Holds the table of faults in test/reliability against the reports of the suites.
//   node .ci/reliability.mjs <folder of vitest's JSON reports>           says what held; fails if a fault's test failed or did not run
//   node .ci/reliability.mjs <folder of vitest's JSON reports> --write   keeps what was run as the last result, and writes the page
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FAULTS } from '../test/reliability/faults.ts'
import { renderReliability } from '../test/reliability/reliability-page.ts'

const [folder, mode] = process.argv.slice(2)
const RESULTS = 'test/reliability/last-results.json'
const ran = folder ? readReports(folder) : []

if (mode === '--write' || !folder) write()
else check()

function readReports(path) {
  const reports = readdirSync(path).filter((name) => name.endsWith('.json'))
  return reports.flatMap((name) =>
    JSON.parse(readFileSync(join(path, name), 'utf8')).testResults.flatMap((file) =>
      file.assertionResults.map(({ fullName, status }) => ({ file: file.name, fullName, status })),
    ),
  )
}

/** What the reports say of one test of the table: the rows of a parametrised test are several. */
function find(named) {
  const [file, title] = named.split(' > ')
  const [words] = title.split('${')
  return ran.filter((one) => one.file.endsWith(`/${file}`) && one.fullName.includes(words.trim()))
}

function judge({ fault, tests }) {
  const found = tests.map(find)
  const all = found.flat()
  return {
    fault,
    missing: tests.filter((_, at) => !found[at].some(({ status }) => status !== 'skipped' && status !== 'pending')),
    passed: all.filter(({ status }) => status === 'passed').length,
    failed: all.filter(({ status }) => status === 'failed').length,
  }
}

function check() {
  const verdicts = FAULTS.map(judge)
  for (const { fault, missing } of verdicts) for (const named of missing) console.log(`${fault}: ${named} did not run`)
  for (const { fault, failed } of verdicts) if (failed > 0) console.log(`${fault}: ${failed} failed`)
  const held = verdicts.filter(({ missing, failed }) => missing.length === 0 && failed === 0)
  console.log(`${held.length} of ${verdicts.length} faults held`)
  process.exit(held.length === verdicts.length ? 0 : 1)
}

function write() {
  const known = JSON.parse(readFileSync(RESULTS, 'utf8'))
  const date = new Date().toISOString().slice(0, 10)
  const commit = execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).trim()
  const results = {}
  for (const row of FAULTS) {
    const { fault, missing, passed, failed } = judge(row)
    const result = missing.length === 0 ? { date, commit, passed, failed } : known[fault]
    if (result) results[fault] = result
  }
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`)
  writeFileSync('docs/reliability.md', renderReliability(FAULTS, results))
}
