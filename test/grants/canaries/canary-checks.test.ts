import { afterEach, beforeEach, expect, test } from 'vitest'
import { asStintError, StintError } from '../../../src/core/errors.ts'
import { Sweeper } from '../../../src/grants/sweeper.ts'
import { recordOf } from '../../support/audit-record.ts'
import { FakeCanaries } from '../../support/fake-canaries.ts'
import { ROLE } from '../../support/fake-provider.ts'
import { type Harness, OSCAR, openHarness } from '../../support/grant-harness.ts'
import { HurriedClock } from '../../support/hurried-clock.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { settle, until } from '../../support/settle.ts'

const COMPONENT = `deny:inline:${ROLE}:canary`

let h: Harness
let canaries: FakeCanaries
beforeEach(async () => {
  const clock = new HurriedClock()
  canaries = new FakeCanaries({ clock })
  canaries.configured = true
  h = await openHarness({ clock, canaries })
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const fail = (code: 'PROVIDER_REFUSED' | 'PROVIDER_THROTTLED' | 'PROVIDER_UNAVAILABLE') => () => {
  throw new StintError(code, { outcome: 'not_minted' })
}

async function revoke(): Promise<void> {
  const { grant } = await h.request('key-00000001')
  await h.operators.revokeGrant(OSCAR, grant.id, 'to test')
}

/** @param isInForce whether what the document says by now is in force */
async function pass(isInForce = true): Promise<void> {
  await h.sweeper.reconcile()
  if (isInForce) for (const id of h.provider.written.at(-1)?.grants ?? []) canaries.denied.add(id)
  await h.sweeper.prove()
  await h.sweeper.sweep()
}

async function later(ms = 120_000, isInForce = true): Promise<void> {
  await h.clock.advance(ms)
  await pass(isInForce)
}

const problems = () => h.problems.filter(({ component }) => component === COMPONENT)
const codes = () => problems().map(({ error }) => asStintError(error).code)
const failures = async () => (await recordOf(h.ledger)).filter(({ type }) => type === 'canary.failed')

async function restart(): Promise<void> {
  await h.close()
  h = await openHarness({ folder: h.folder, clock: h.clock, canaries, provider: h.provider })
}

test('a canary is looked at after a start, before the first revocation needs it, and once', async () => {
  await revoke()
  await pass()
  await restart()
  const before = canaries.minted.length
  await later()
  expect([codes(), canaries.minted.length - before]).toEqual([[], 1])
  await later()
  expect(canaries.minted.length - before).toBe(1)

  canaries.beforeMint = fail('PROVIDER_REFUSED')
  await restart()
  await later()
  expect(codes()).toEqual(['CANARY_UNUSABLE'])
})

test('a canary that does not work is looked at again with nothing to prove, and is well when it works', async () => {
  canaries.beforeMint = fail('PROVIDER_UNAVAILABLE')
  await revoke()
  await pass()
  await later()
  await later()
  expect(new Set(codes())).toEqual(new Set(['CANARY_UNUSABLE']))
  expect(await failures()).toHaveLength(1)
  expect(h.well).not.toContain(COMPONENT)
  canaries.beforeMint = () => {}
  await later()
  expect(h.well).toContain(COMPONENT)
})

test('a canary that is looked at while too many others are has no problem, and its turn comes', async () => {
  await revoke()
  await pass()
  await restart()
  canaries.beforeMint = fail('PROVIDER_THROTTLED')
  await later()
  expect(codes()).toEqual([])
  canaries.beforeMint = fail('PROVIDER_REFUSED')
  await later()
  expect(codes()).toEqual(['CANARY_UNUSABLE'])
})

test('a canary that works does not clear a document that is late', async () => {
  await revoke()
  await pass(false)
  expect(codes()).toContain('DENY_LIST_LATE')
  canaries.beforeMint = fail('PROVIDER_REFUSED')
  await later(60_000, false)
  expect(codes().at(-1)).toBe('CANARY_UNUSABLE')
  // The leases are over: nothing is left to prove.
  await later(600_000, false)
  canaries.beforeMint = () => {}
  const before = canaries.minted.length
  await later(120_000, false)
  expect(canaries.minted.length - before).toBe(1)
  expect(h.well).not.toContain(COMPONENT)
  expect(codes().at(-1)).toBe('DENY_LIST_LATE')
})

test('of two brokers on one ledger, one rewrites a document that the other is looking at: nothing is late', async () => {
  const clock = new ManualClock()
  const canary = new FakeCanaries({ clock })
  canary.configured = true
  const own = await openHarness({ clock, canaries: canary })
  const problems: object[] = []
  const another = new Sweeper({
    ...own.parts,
    canaries: canary,
    owner: 'another broker',
    random: () => 0.5,
    retentionMs: 86_400_000,
    onProblem: (problem) => problems.push(problem),
    onWell: () => {},
  })
  const { grant } = await own.request('key-00000001')
  await own.operators.revokeGrant(OSCAR, grant.id, 'to test')
  await own.sweeper.reconcile()
  const proving = own.sweeper.prove()
  await until(() => canary.looks > 0)
  const first = own.provider.written.at(-1)?.grants ?? []
  await clock.advance(50_000)
  await another.reconcile()
  const second = own.provider.written.at(-1)?.grants ?? []
  expect(second).not.toEqual(first)
  for (const id of second) canary.denied.add(id)
  await settle(clock, Promise.all([another.prove(), proving]), 5)
  expect([problems, own.problems]).toEqual([[], []])
  expect(await own.ledger.findDenyEntry(grant.id)).toMatchObject({ enforcedBy: 'canary' })
  await own.close()
  own.remove()
})
