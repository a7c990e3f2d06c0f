import { expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { LeaseCache } from '../../src/sdk/lease-cache.ts'
import type { GrantAnswer, GrantInfo } from '../../src/sdk/types.ts'
import { ManualClock } from '../support/manual-clock.ts'

function setup({ leaseMs = 300_000, deadlineMs = 3_600_000 } = {}) {
  const clock = new ManualClock()
  const deadline = new Date(clock.now().getTime() + deadlineMs)
  let number = 0
  const waiting: { resolve(): void; reject(error: StintError): void }[] = []
  let grant: GrantInfo = {
    id: 'grt_1',
    state: 'active',
    subject: 'spiffe://example.org/agent',
    roleArn: 'arn:aws:iam::123456789012:role/r',
    purpose: 'p',
    planHash: 'h',
    leaseCount: 0,
    deadline,
  }
  const answer = (): GrantAnswer => {
    number += 1
    const notAfter = new Date(Math.min(clock.now().getTime() + leaseMs, deadline.getTime()))
    const secret = new Secret(`s${number}`)
    return {
      grant,
      lease: {
        kind: 'aws',
        id: `lse_${number}`,
        number,
        notAfter,
        usableUntil: new Date(notAfter.getTime() - 30_000),
        accessKeyId: 'ASIAEXAMPLE',
        secretAccessKey: secret,
        sessionToken: secret,
      },
    }
  }
  const cache = new LeaseCache({
    clock,
    initial: answer(),
    renew: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve: () => resolve(answer()), reject })
      }),
  })
  const publish = (change: Partial<GrantInfo>) => {
    grant = { ...grant, ...change }
    cache.observe(grant)
  }
  return { clock, cache, waiting, publish }
}

test('a young lease answers every call from memory', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(134_999)
  for (let i = 0; i < 20; i += 1) expect((await cache.lease()).number).toBe(1)
  expect(waiting).toHaveLength(0)
})

test('past half of its life the lease still answers while one renewal goes on behind it', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(135_000)
  for (let i = 0; i < 20; i += 1) expect((await cache.lease()).number).toBe(1)
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  await clock.advance(0)
  expect((await cache.lease()).number).toBe(2)
})

test('a lease that is over makes all callers wait for one renewal', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(270_000)
  const callers = [cache.lease(), cache.lease(), cache.lease()]
  await clock.advance(0)
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  expect((await Promise.all(callers)).map(({ number }) => number)).toEqual([2, 2, 2])
})

test('a wall clock that is set back does not stretch a lease', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(270_000)
  clock.jump(-3_600_000)
  const caller = cache.lease()
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  expect((await caller).number).toBe(2)
})

test('a failed early renewal leaves the lease in use and is not tried again at once', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(135_000)
  await cache.lease()
  waiting[0]?.reject(new StintError('PROVIDER_THROTTLED'))
  await clock.advance(0)
  expect((await cache.lease()).number).toBe(1)
  expect(waiting).toHaveLength(1)
  await clock.advance(1_000)
  await cache.lease()
  expect(waiting).toHaveLength(2)
})

test('the error of a renewal that callers wait for is theirs', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(300_000)
  const caller = cache.lease()
  waiting[0]?.reject(new StintError('PROVIDER_UNAVAILABLE'))
  await expect(caller).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  expect(cache.ended.aborted).toBe(false)
})

for (const state of ['ending', 'ended'] as const) {
  test(`a grant that is ${state} throws at once, although the lease is young`, async () => {
    const { cache, publish } = setup()
    publish({ state, reason: 'revoked' })
    expect(cache.ended.aborted).toBe(true)
    await expect(cache.lease()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'revoked' } })
  })
}

test('old news does not bring an ended grant back', async () => {
  const { cache, publish } = setup()
  publish({ state: 'ending', reason: 'revoked' })
  publish({ state: 'active' })
  await expect(cache.lease()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
})

for (const code of ['GRANT_NOT_ACTIVE', 'POLICY_DENIED', 'AGENT_UNREGISTERED'] as const) {
  test(`a renewal refused with ${code} ends the grant for all later calls`, async () => {
    const { cache, clock, waiting } = setup()
    await clock.advance(135_000)
    await cache.lease()
    waiting[0]?.reject(new StintError(code))
    await clock.advance(0)
    await expect(cache.lease()).rejects.toMatchObject({ code })
  })
}

test('a lease that was cut is replaced before it is handed out again', async () => {
  const { cache, clock, waiting, publish } = setup()
  publish({ renewAfter: clock.now() })
  const caller = cache.lease()
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  expect((await caller).number).toBe(2)
  expect((await cache.lease()).number).toBe(2)
})

test('a lease that reaches the deadline is not renewed ahead, and is the last', async () => {
  const { cache, clock, waiting } = setup({ leaseMs: 300_000, deadlineMs: 200_000 })
  await clock.advance(169_000)
  expect((await cache.lease()).number).toBe(1)
  await clock.advance(30_999)
  expect(await cache.lease()).toMatchObject({ number: 1, usableUntil: new Date(clock.now().getTime() + 1) })
  await clock.advance(1)
  await expect(cache.lease()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'deadline' } })
  expect(waiting).toHaveLength(0)
})

test('a lease past its margin is handed out to its end while no renewal comes', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(270_000)
  const caller = cache.lease()
  waiting[0]?.reject(new StintError('BROKER_UNAVAILABLE'))
  expect(await caller).toMatchObject({ number: 1, usableUntil: new Date(clock.now().getTime() + 30_000) })
  expect((await cache.lease()).number).toBe(1)
  expect(waiting).toHaveLength(1)
  await clock.advance(30_000)
  const late = cache.lease()
  waiting[1]?.reject(new StintError('BROKER_UNAVAILABLE'))
  await expect(late).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
})

test('a caller in a hurry gets what still works, then an error, while one renewal goes on', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(270_000)
  const early = cache.lease({ waitMs: 700 })
  await clock.advance(700)
  expect(await early).toMatchObject({ number: 1 })
  await clock.advance(30_000)
  const late = cache.lease({ waitMs: 700 })
  late.catch(() => undefined)
  await clock.advance(700)
  await expect(late).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true })
  expect(waiting).toHaveLength(1)
  waiting[0]?.resolve()
  await clock.advance(0)
  expect(await cache.lease({ waitMs: 700 })).toMatchObject({ number: 2 })
})

test('a lease that was cut, or whose renewal was refused, is not handed out for want of another', async () => {
  const cut = setup()
  cut.publish({ renewAfter: cut.clock.now() })
  const caller = cut.cache.lease()
  cut.waiting[0]?.reject(new StintError('BROKER_UNAVAILABLE'))
  await expect(caller).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  const refused = setup()
  await refused.clock.advance(270_000)
  const other = refused.cache.lease()
  refused.waiting[0]?.reject(new StintError('POLICY_DENIED'))
  await expect(other).rejects.toMatchObject({ code: 'POLICY_DENIED' })
})

test('a clock that is far ahead does not make a mint of every call', async () => {
  const { cache, clock, waiting } = setup()
  await clock.advance(1_000)
  clock.jump(3_000_000)
  const caller = cache.lease()
  waiting[0]?.resolve()
  await caller
  clock.jump(400_000) // what came is over as well
  await cache.lease()
  await cache.lease()
  expect(waiting).toHaveLength(1)
})
