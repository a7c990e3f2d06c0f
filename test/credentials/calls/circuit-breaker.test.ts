import { expect, test } from 'vitest'
import { CircuitBreaker } from '../../../src/credentials/aws-sts/calls/circuit-breaker.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const setup = () => {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, failuresToOpen: 2, openMs: 1_000 })
  const run = (result: 'answered' | 'failed' | 'undecided') => {
    const permit = breaker.enter()
    permit?.done(result)
    return permit !== undefined
  }
  return { clock, breaker, run }
}

test('a breaker opens after failures in a row and lets one probe through after its time', async () => {
  const { clock, breaker, run } = setup()
  expect([run('failed'), run('answered'), run('failed'), run('failed'), run('failed')]).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
  expect(breaker.retryAfterMs).toBe(1_000)
  await clock.advance(1_000)
  const probe = breaker.enter()
  expect(breaker.enter()).toBeUndefined()
  probe?.done('answered')
  expect([run('failed'), run('answered')]).toEqual([true, true])
})

test('a probe that fails opens the breaker again for its whole time', async () => {
  const { clock, run } = setup()
  run('failed')
  run('failed')
  await clock.advance(1_000)
  expect([run('failed'), run('answered')]).toEqual([true, false])
  await clock.advance(1_000)
  expect(run('answered')).toBe(true)
})

test('a probe that is given up leaves room for the next', async () => {
  const { clock, run } = setup()
  run('failed')
  run('failed')
  await clock.advance(1_000)
  expect([run('undecided'), run('answered'), run('answered')]).toEqual([true, true, true])
})

test('a call that began before the breaker opened neither closes it nor ends the probe of another', async () => {
  const { clock, breaker, run } = setup()
  const early = breaker.enter()
  run('failed')
  run('failed')
  early?.done('answered')
  expect(run('answered')).toBe(false)
  await clock.advance(1_000)
  const late = breaker.enter()
  early?.done('failed')
  expect(breaker.enter()).toBeUndefined()
  late?.done('answered')
  expect(run('answered')).toBe(true)
})

test('failures at one moment of calls that were under way together count as one', async () => {
  const { clock, breaker } = setup()
  const together = Array.from({ length: 20 }, () => breaker.enter())
  for (const permit of together) permit?.done('failed')
  expect(breaker.retryAfterMs).toBe(0)
  const next = breaker.enter()
  await clock.advance(200)
  next?.done('failed')
  expect(breaker.retryAfterMs).toBe(1_000)
})

test('failures one after another of calls that were under way together open a breaker', async () => {
  const { clock, breaker } = setup()
  const together = Array.from({ length: 2 }, () => breaker.enter())
  for (const permit of together) {
    await clock.advance(200)
    permit?.done('failed')
  }
  expect(breaker.enter()).toBeUndefined()
})
