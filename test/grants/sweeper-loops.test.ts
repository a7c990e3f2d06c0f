import { afterEach, beforeEach, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { Sweeper } from '../../src/grants/sweeper.ts'
import { type Harness, openHarness } from '../support/grant-harness.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(async () => {
  await harness.close()
  harness.remove()
})

test('a loop that fails is tried again after a wait that grows to five seconds, and at its own pace once it works', async () => {
  const { clock, parts } = harness
  let failing = true
  const told: string[] = []
  const sweeper = new Sweeper({
    ...parts,
    owner: 'test',
    random: () => 1,
    retentionMs: 86_400_000,
    ledger: {
      ...parts.ledger,
      sweepGrants: async (input) => {
        if (failing) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'The disk is full.' })
        return parts.ledger.sweepGrants(input)
      },
    },
    onProblem: ({ component }) => told.push(`${component} fails`),
    onWell: (component) => told.push(`${component} works`),
  })
  const runs = (what: string) => told.splice(0).filter((line) => line === what).length
  sweeper.start()
  await walk(60_000)
  expect(runs('sweep fails')).toBeLessThan(20)
  failing = false
  await walk(6_000)
  expect(runs('sweep works')).toBeGreaterThan(1)
  await walk(10_000)
  expect(runs('sweep works')).toBeGreaterThanOrEqual(40)
  await sweeper.stop()

  /** In steps, with room for the work of each loop between two. */
  async function walk(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 200) {
      await clock.advance(200)
      for (let n = 0; n < 5; n += 1) await new Promise((resolve) => setImmediate(resolve))
    }
  }
})
