import { X509Certificate } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StintClient } from '../../src/sdk/client.ts'
import type { GrantInfo } from '../../src/sdk/types.ts'
import { eventually } from '../support/eventually.ts'
import { type FixedAgent, type Outcome, RotationStage } from './rotation-stage.ts'

/** `STINT_ROTATION=full`: a minute with SVIDs of 20 s; else the same in a quarter of the time. A rotation that a busy machine holds up for seconds must not let an SVID expire. */
const FULL = process.env.STINT_ROTATION === 'full'
const TTL_MS = FULL ? 20_000 : 10_000
const EVERY_MS = FULL ? 4_000 : 1_000
const BOUND_MS = 240_000

describe('rotation under live traffic', () => {
  let stage: RotationStage
  beforeAll(async () => {
    stage = await RotationStage.open({ ttlMs: TTL_MS })
  })
  afterAll(() => stage.close())

  test(
    'fails no call that should pass and passes none that should fail',
    async () => {
      const old = stage.issuer
      const over = new AbortController()
      const agent = stage.agent()
      const rotating = repeat(over.signal, EVERY_MS, () => stage.rotate())
      const busy = await follow(agent, stage)
      const quiet = await follow(agent, stage)
      const calling = repeat(over.signal, 40, () => work(agent, stage, busy.grantId))

      const background = firstFailure([rotating, calling, busy.watched, quiet.watched])
      const story = async () => {
        const keeper = await stage.fixed(old, 3_600_000)
        const early = await stage.fixed(stage.next, 3_600_000)
        const short = await stage.fixed(old, TTL_MS)
        expect(await keeper.call()).toBe('OK')
        expect(['PERMISSION_DENIED', 'UNAVAILABLE']).toContain(await early.call())
        expiring = callUntilExpired(short)

        await rotations(stage, 4)
        await stage.trust(old, stage.next)
        await becomes(early, 'OK')
        await rotations(stage, 2)
        stage.issuer = stage.next
        await rotations(stage, 4)
        expect(await keeper.call()).toBe('OK')
        await stage.trust(stage.next)
        await becomes(keeper, 'UNAUTHENTICATED')
        for (let n = 0; n < 20; n++) expect(await keeper.call()).toBe('UNAUTHENTICATED')
        expect(await early.call()).toBe('OK')
        const stranger = await stage.fixed(old, 3_600_000)
        expect(['PERMISSION_DENIED', 'UNAVAILABLE']).toContain(await stranger.call())
        await rotations(stage, 4)
        return [keeper, early, short, stranger]
      }
      let expiring: ReturnType<typeof callUntilExpired> | undefined
      const fixed = await Promise.race([story(), background])

      over.abort()
      const completed = await calling
      await rotating
      await agent.completeGrant(busy.grantId)
      await agent.completeGrant(quiet.grantId)
      expect((await busy.watched).at(-1)?.state).toBe('ending')
      expect((await quiet.watched).at(-1)?.state).toBe('ending')
      expect(await expiring).toEqual({ passedLate: 0, failedEarly: 0, ended: 'UNAUTHENTICATED' })
      expect(completed).toBeGreaterThan(stage.rotations)
      console.info(`${completed} rounds of calls over ${stage.rotations} rotations, none failed`)
      for (const each of [...fixed, agent]) each.close()
    },
    BOUND_MS,
  )
})

/** Opens a grant and watches it until it is active no more. A watch that breaks shows when `watched` is awaited. */
async function follow(agent: StintClient, { task }: RotationStage) {
  const { grant } = await agent.requestGrant(task, `rotation-${crypto.randomUUID()}`)
  const seen: GrantInfo[] = []
  const watching = (async () => {
    for await (const info of agent.watchGrant(grant.id)) {
      seen.push(info)
      // The leases of what was completed run out by themselves, long after this.
      if (info.state !== 'active') break
    }
    return seen
  })()
  watching.catch(() => undefined)
  await eventually('the first view of the grant', () => seen.length > 0)
  return { grantId: grant.id, watched: watching }
}

async function work(agent: StintClient, { task }: RotationStage, grantId: string): Promise<void> {
  const settings = { deadlineMs: 60_000, retry: false }
  await agent.planTask(task, settings)
  await agent.renewLease(grantId, settings)
}

/** Runs `work` again and again. @returns how often it was done; the first failure ends it. */
async function repeat(signal: AbortSignal, pauseMs: number, work: () => Promise<void>): Promise<number> {
  let done = 0
  while (!signal.aborted) {
    await work()
    done += 1
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
  }
  return done
}

/** Rejects with the first failure; never resolves. */
function firstFailure(work: readonly Promise<unknown>[]): Promise<never> {
  const failing = Promise.all(work).then(() => new Promise<never>(() => undefined))
  failing.catch(() => undefined)
  return failing
}

/** Waits until so many more rotations have been. */
async function rotations(stage: RotationStage, count: number): Promise<void> {
  const goal = stage.rotations + count
  await eventually('the next rotations', () => stage.rotations >= goal, BOUND_MS)
}

async function becomes(agent: FixedAgent, outcome: Outcome): Promise<void> {
  await eventually(`calls end ${outcome}`, async () => (await agent.call()) === outcome)
}

/** Calls past the end of the SVID, each judged by when it began and ended: validity counts whole seconds. */
async function callUntilExpired(agent: FixedAgent) {
  const expiresMs = Date.parse(new X509Certificate(agent.leaf).validTo)
  const found = { passedLate: 0, failedEarly: 0, ended: 'OK' as Outcome }
  for (let after = 0; after < 10; ) {
    const begunMs = Date.now()
    found.ended = await agent.call()
    if (begunMs > expiresMs + 1_000) after += 1
    if (found.ended === 'OK' && begunMs > expiresMs + 1_000) found.passedLate += 1
    if (found.ended !== 'OK' && Date.now() < expiresMs) found.failedEarly += 1
    await delay(100)
  }
  return found
}
