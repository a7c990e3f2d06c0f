import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import type { CanaryAnswer } from '../../../src/credentials/canary.ts'
import type { CanarySession } from '../../../src/grants/canaries/canary-sessions.ts'
import { proveDocument } from '../../../src/grants/canaries/prove-document.ts'
import { HurriedClock } from '../../support/hurried-clock.ts'

const LEASE_MS = 300_000

/** A session that answers so, the last answer for ever. */
function session(clock: HurriedClock, ...answers: (boolean | Error | CanaryAnswer)[]): CanarySession {
  let next = 0
  return {
    grantId: 'grt_01JD7Z0000EXAMP1E0GRANT000',
    notAfter: new Date(clock.now().getTime() + LEASE_MS),
    endsAtMs: clock.monotonicMs() + LEASE_MS,
    look: async () => {
      const answer = answers[Math.min(next++, answers.length - 1)] ?? true
      if (answer instanceof Error) throw answer
      return typeof answer === 'boolean' ? { allowed: answer, at: clock.now() } : answer
    },
  }
}

function proof(clock: HurriedClock, named: CanarySession, controls: CanarySession[] = [session(clock, true)]) {
  const late: StintError[] = []
  const freshControl = async () => controls.shift() ?? session(clock, false)
  const parts = {
    clock,
    denyList: 'boundary:x',
    isReplaced: async () => false,
    control: freshControl,
    freshControl,
    onLate: (e: StintError) => late.push(e),
  }
  return { late, result: proveDocument(parts, named, new AbortController().signal) }
}

const DOWN = new StintError('PROVIDER_UNAVAILABLE', {})

describe('a document is in force', () => {
  test('once the session that it names is refused three times in a row, and counts from the first of the three', async () => {
    const clock = new HurriedClock()
    const { result } = proof(clock, session(clock, true, false, false, true, false, DOWN, false, false))
    const { sinceMs } = await result
    expect(sinceMs).toBe(2_000)
  })

  test('although the other session was cut meanwhile, if a fresh one is allowed', async () => {
    const clock = new HurriedClock()
    const { result } = proof(clock, session(clock, false), [session(clock, false), session(clock, true)])
    await expect(result).resolves.toMatchObject({ sinceMs: 0 })
  })
})

describe('nothing is known of a document (P6)', () => {
  const clock = new HurriedClock()
  for (const { name, named, controls, code } of [
    { name: 'while its session is still allowed', named: session(clock, true), code: 'DENY_LIST_LATE' },
    {
      name: 'if a session that nothing denies is refused too: the role lacks the read, or somebody denies it',
      named: session(clock, false),
      controls: [session(clock, false), session(clock, false)],
      code: 'CANARY_UNUSABLE',
    },
    { name: 'if the read keeps failing', named: session(clock, DOWN), code: 'CANARY_UNUSABLE' },
    {
      name: 'if the other read keeps failing',
      named: session(clock, false),
      controls: [session(clock, DOWN)],
      code: 'CANARY_UNUSABLE',
    },
    {
      // Our clock is behind: the session policy's own end refuses it, by the clock of the cloud.
      name: 'if by the clock of the cloud the session has come to its own end',
      named: session(clock, { allowed: false, at: new Date(clock.now().getTime() + LEASE_MS - 5_000) }),
      code: 'CANARY_UNUSABLE',
    },
    { name: 'if the cloud does not tell the time', named: session(clock, { allowed: false }), code: 'CANARY_UNUSABLE' },
  ])
    test(name, async () => {
      // Other rows have moved the time.
      const fresh = { ...named, endsAtMs: clock.monotonicMs() + LEASE_MS }
      await expect(proof(clock, fresh, controls).result).rejects.toMatchObject({ code })
    })
})

test('a late document is told of after a minute, and looked at until a minute before the session ends', async () => {
  const clock = new HurriedClock()
  const { result, late } = proof(clock, session(clock, true))
  const failed = expect(result).rejects.toMatchObject({ code: 'DENY_LIST_LATE' })
  await failed
  expect(late).toHaveLength(1)
  expect(clock.monotonicMs()).toBeLessThan(LEASE_MS)
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(LEASE_MS - 60_000)
})
