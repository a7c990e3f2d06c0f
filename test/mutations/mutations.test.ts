import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MUTATIONS, type RuleFile } from './rules.ts'

/*
 * Shows that the tests of the ledger's rules see each rule broken. Every mutation is a copy of one file of rules and of its tests, in a
 * folder of its own; all copies run at once, and nothing in src/ is touched.
 */

const ROOT = new URL('../..', import.meta.url).pathname
/** Ignored by git, and below the root, so that imports resolve as in the originals. */
const WORK = join(ROOT, '.cache', 'mutations')
const UNCHANGED = 'unchanged'

/** By folder and full name of a test: whether it passed. */
let results: ReadonlyMap<string, ReadonlyMap<string, boolean>>
const rules = new Map<RuleFile, { readonly text: string; readonly tests: string }>()

beforeAll(async () => {
  await rm(WORK, { recursive: true, force: true })
  for (const file of new Set(MUTATIONS.map((mutation) => mutation.file))) {
    const text = await readFile(join(ROOT, `src/ledger/rules/${file}.ts`), 'utf8')
    const tests = await readFile(join(ROOT, `test/ledger/rules/${file}.test.ts`), 'utf8')
    rules.set(file, { text, tests })
    await writeCopy(UNCHANGED, file, text)
  }
  for (const [index, { file, find, replace }] of MUTATIONS.entries()) {
    const text = rules.get(file)?.text.replace(find, () => replace)
    await writeCopy(String(index), file, text ?? '')
  }
  results = await runCopies()
})
afterAll(() => rm(WORK, { recursive: true, force: true }))

test('the copies of what is not changed pass', () => {
  const all = [...(results.get(UNCHANGED)?.values() ?? [])]
  expect(all.length).toBeGreaterThan(50)
  expect(all.every((passed) => passed)).toBe(true)
})

describe('is caught:', () => {
  for (const [index, { breaks, file, find, caughtBy }] of MUTATIONS.entries()) {
    test(breaks, () => {
      expect((rules.get(file)?.text.split(find).length ?? 0) - 1, 'the text to replace is in the rules once').toBe(1)
      expect(results.get(UNCHANGED)?.get(caughtBy), `the test "${caughtBy}" is there`).toBe(true)
      expect(results.get(String(index))?.get(caughtBy), `"${caughtBy}" passed with the rule broken`).toBe(false)
    })
  }
})

async function writeCopy(name: string, file: RuleFile, mutant: string): Promise<void> {
  const folder = join(WORK, name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${file}.ts`), importsMoved(mutant, 'src/ledger/rules'))
  const moved = importsMoved(rules.get(file)?.tests ?? '', 'test/ledger/rules')
  const original = `'${ROOT}src/ledger/rules/${file}.ts'`
  await writeFile(join(folder, `${file}.test.ts`), moved.replace(original, `'./${file}.ts'`))
}

/** The text with its relative imports as absolute ones. */
function importsMoved(text: string, folder: string): string {
  return text.replace(/ from '(\.{1,2}\/[^']+)'/g, (_, path: string) => ` from '${join(ROOT, folder, path)}'`)
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
    }[]
  }[]
}

async function runCopies(): Promise<typeof results> {
  const report = join(WORK, 'report.json')
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const config = join(ROOT, 'test/mutations/copies.vitest.config.ts')
  const args = [vitest, 'run', '--config', config, '--reporter=json', `--outputFile.json=${report}`]
  // It ends with 1, since tests are to fail; whether it ran at all is seen by its report.
  await new Promise<void>((resolve) => execFile(process.execPath, args, { cwd: ROOT }, () => resolve()))
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report
  const passed = new Map<string, Map<string, boolean>>()
  for (const { name, assertionResults } of testResults) {
    const folder = name.split('/').at(-2) ?? ''
    const ofFolder = passed.get(folder) ?? new Map<string, boolean>()
    for (const { ancestorTitles, title, status } of assertionResults) {
      ofFolder.set([...ancestorTitles, title].join(' > '), status === 'passed')
    }
    passed.set(folder, ofFolder)
  }
  return passed
}
