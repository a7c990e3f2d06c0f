import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StintError } from '../../src/core/errors.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { isLow } from '../../src/start/ledger/ledger-space.ts'
import { ledgerWatch } from '../../src/start/ledger/ledger-watch.ts'
import { ManualClock } from '../support/manual-clock.ts'

const MIB = 1_048_576
const GIB = 1_024 * MIB

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-watch-'))
  file = join(folder, 'stint.db')
  writeFileSync(file, 'a ledger')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Watches the file while `change` happens to it. @returns why the broker fails. */
async function watch(change: () => void): Promise<StintError> {
  const clock = new ManualClock()
  const failure = Promise.withResolvers<StintError>()
  const partHealth = new PartHealth({ logger: createLogger({ level: 'silent' }), clock })
  const surroundings = { config: { ledger: { file } }, clock, partHealth, fail: failure.resolve, ledger: {} }
  const part = await ledgerWatch.start(surroundings as unknown as Parameters<typeof ledgerWatch.start>[0])
  change()
  await expect.poll(() => clock.advance(10_000).then(() => Promise.race([failure.promise, undefined]))).toBeTruthy()
  await part.stop?.()
  return failure.promise
}

test('a ledger file that is moved away ends the broker', async () => {
  const error = await watch(() => renameSync(file, `${file}.old`))
  expect(error).toMatchObject({ code: 'LEDGER_REPLACED', details: { explanation: expect.stringContaining('moved') } })
})

test('a backup that is put in the place of the ledger ends the broker, which would not see it', async () => {
  const error = await watch(() => {
    writeFileSync(`${file}.backup`, 'an older ledger')
    renameSync(`${file}.backup`, file)
  })
  expect(error).toMatchObject({ code: 'LEDGER_REPLACED', details: { explanation: expect.stringContaining('taken') } })
})

for (const [free, size, low] of [
  [63 * MIB, 10 * GIB, true],
  [511 * MIB, 10 * GIB, true],
  [513 * MIB, 10 * GIB, false],
  [1_023 * MIB, 1_000 * GIB, true],
  [1_025 * MIB, 1_000 * GIB, false],
  [65 * MIB, 100 * MIB, false],
] as const) {
  test(`${free / MIB} MiB left of ${size / MIB} MiB is ${low ? '' : 'not '}little`, () => {
    expect(isLow(free, size)).toBe(low)
  })
}
