// Sums the reports of all suites: node sum.mjs <folder> <failed steps> <suite> ...
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, failedSteps, ...suites] = process.argv.slice(2)
let passed = 0
let failed = Number(failedSteps)

for (const suite of suites) {
  const counts = read(join(folder, `${suite}.json`))
  if (counts.passed === 0 || counts.skipped > 0) failed += 1
  passed += counts.passed
  failed += counts.failed
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

function read(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(file, 'utf8'))
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests }
  } catch {
    console.log(`${suite(file)}: left no report, so it counts as failed`)
    return { passed: 0, failed: 0, skipped: 0 }
  }
}

function suite(file) {
  return file.split('/').at(-1)
}
