import { expect, test } from 'vitest'
import { sequenceByTime } from '../../../src/identity/bundle/bundle-sequence.ts'
import { parseSpiffeBundle, type TrustBundle, trustBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { ManualClock } from '../../support/manual-clock.ts'

async function bundleWithoutSequence(): Promise<TrustBundle> {
  const domain = await createTrustDomain('a.test')
  return trustBundle('a.test', parseSpiffeBundle('a.test', domain.bundleJson()).bundle)
}

// Trust Domain and Bundle 4.1.1: it must change with the content, upwards.
test('a sequence by time goes up with each change and stays with the content, also when the clock goes back', async () => {
  const [one, two] = await Promise.all([bundleWithoutSequence(), bundleWithoutSequence()])
  const clock = new ManualClock()
  const numbered = sequenceByTime(clock)
  const first = numbered(one).sequence ?? 0n
  expect(first).toBe(BigInt(clock.now().getTime()))
  clock.jump(5_000)
  expect(numbered({ ...one }).sequence).toBe(first)
  clock.jump(-60_000)
  expect(numbered(two).sequence).toBe(first + 1n)
  clock.jump(3_600_000)
  expect(numbered(one).sequence).toBe(BigInt(clock.now().getTime()))
  expect(sequenceByTime(clock)(one).sequence).toBeGreaterThanOrEqual(BigInt(clock.now().getTime()))
})

test('a bundle with a sequence of its own keeps it', async () => {
  const domain = await createTrustDomain('a.test')
  const { bundle } = parseSpiffeBundle('a.test', domain.bundleJson({ sequence: 7 }))
  expect(sequenceByTime(new ManualClock())(bundle).sequence).toBe(7n)
})
