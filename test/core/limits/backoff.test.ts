import assert from 'node:assert/strict'
import { test } from 'vitest'
import { Backoff, backoffMs } from '../../../src/core/limits/backoff.ts'

for (const { name, leastShare, random, pauses } of [
  { name: 'at most the ceiling', leastShare: undefined, random: 1, pauses: [100, 200, 400, 500, 500] },
  { name: 'at least a quarter of it unless told', leastShare: undefined, random: 0, pauses: [25, 50, 100, 125, 125] },
  { name: 'nothing at all with full jitter', leastShare: 0, random: 0, pauses: [0, 0, 0, 0, 0] },
  { name: 'half of it where half is the least', leastShare: 0.5, random: 0, pauses: [50, 100, 200, 250, 250] },
])
  test(`pauses grow to the cap: ${name}`, () => {
    const limits = { baseMs: 100, capMs: 500, random: () => random, ...(leastShare !== undefined && { leastShare }) }
    const backoff = new Backoff(limits)
    assert.deepEqual(
      pauses.map(() => backoff.nextMs()),
      pauses,
    )
    assert.deepEqual(
      pauses.map((_, index) => backoffMs(index + 1, limits)),
      pauses,
    )
    backoff.reset()
    assert.equal(backoff.nextMs(), pauses[0])
  })

test('a count that has grown for ever is still a pause', () => {
  assert.equal(backoffMs(100_000, { baseMs: 100, capMs: 500, random: () => 1 }), 500)
})
