import { describe, expect, test } from 'vitest'
import { mayPrune, notedAttempt, type PruneFacts } from '../../../src/ledger/rules/housekeeping-rules.ts'
import { sampleEvent } from '../../support/ledger-records.ts'
import { at, now } from './rule-samples.ts'

test('an identity without a registration is counted, and keeps when it was first seen', () => {
  const attempt = {
    subject: 'spiffe://example.org/x',
    trustDomain: 'example.org',
    authMethod: 'x509-svid',
    reason: 'AGENT_UNREGISTERED',
    at: now,
    event: sampleEvent(now),
  } as const
  const first = notedAttempt(undefined, attempt)
  expect(first).toMatchObject({ firstSeenAt: now, lastSeenAt: now, count: 1 })
  expect(notedAttempt(first, { ...attempt, at: at(5) })).toEqual({ ...first, lastSeenAt: at(5), count: 2 })
  expect(notedAttempt(first, { ...attempt, at: at(-5) })).toEqual({ ...first, count: 2 })
})

describe('retention', () => {
  const facts: PruneFacts = { state: 'ended', requestedAt: at(-100), endedAt: at(-50), isOnDenyList: false }
  for (const { name, of, pruned } of [
    { name: 'ended before the bound', of: facts, pruned: true },
    { name: 'ended at the bound', of: { ...facts, endedAt: at(-10) }, pruned: false },
    {
      name: 'was denied before the bound',
      of: { state: 'denied', requestedAt: at(-11), isOnDenyList: false },
      pruned: true,
    },
    {
      name: 'was denied at the bound',
      of: { state: 'denied', requestedAt: at(-10), isOnDenyList: false },
      pruned: false,
    },
    { name: 'is active', of: { ...facts, state: 'active' }, pruned: false },
    { name: 'is on a deny list', of: { ...facts, isOnDenyList: true }, pruned: false },
    { name: 'has a lease that could live', of: { ...facts, openUntil: at(1) }, pruned: false },
    { name: 'has a lease that is over', of: { ...facts, openUntil: now }, pruned: true },
  ] as const) {
    test(`${pruned ? 'lets go of' : 'keeps'} a grant that ${name}`, () =>
      expect(mayPrune(of, { before: at(-10), now })).toBe(pruned))
  }
})
