import { describe, expect, test } from 'vitest'
import { randomIds } from '../../../src/core/ids.ts'
import type { GrantMove } from '../../../src/ledger/ledger.ts'
import { FINAL_STATES, GRANT_STATES } from '../../../src/ledger/records.ts'
import {
  checkOpenGrants,
  checkReports,
  countChanges,
  GRANT_TRANSITIONS,
  isDue,
  isFinalState,
  maxPlanBytes,
  movedGrant,
  openedGrant,
  openGrantLimit,
  requireGrantAt,
  sweptGrant,
} from '../../../src/ledger/rules/grant-rules.ts'
import { sampleLease, sampleOpen } from '../../support/ledger-records.ts'
import { approval, at, conflict, grant, inState, misuse, now, opening, waiting, withDetails } from './rule-samples.ts'

describe('opening', () => {
  test('gives the grant its first version, and its lease the first number', () => {
    const opened = openedGrant(opening, 'rpl_1')
    expect(opened.grant).toEqual({ ...opening.grant, leaseCount: 1, version: 1 })
    expect(opened.lease).toMatchObject({ ...opening.lease, number: 1, state: 'intended', roleArn: grant.roleArn })
    expect(openedGrant(waiting, 'rpl_1')).toMatchObject({
      grant: { leaseCount: 0 },
      approval: { version: 1, state: 'pending' },
    })
  })

  const lease = sampleLease(randomIds, now)
  for (const { name, input } of [
    ...GRANT_STATES.filter((state) => !['denied', 'awaiting_approval', 'active'].includes(state)).map((state) => ({
      name: `as ${state}`,
      input: sampleOpen(randomIds, now, { grant: { state } }),
    })),
    { name: 'as awaiting_approval with a lease', input: { ...waiting, lease } },
    {
      name: 'as denied with a lease',
      input: { ...sampleOpen(randomIds, now, { grant: { state: 'denied', deadline: at(900_000) } }), lease },
    },
    { name: 'as active with an approval', input: { ...opening, approval } },
    { name: 'as awaiting_approval without one', input: { ...waiting, approval: undefined } },
    { name: 'with another plan', input: { ...opening, plan: { ...opening.plan, hash: 'ff' } } },
    {
      name: 'with a lease that ends after the deadline',
      input: { ...opening, lease: { ...lease, notAfter: new Date((grant.deadline?.getTime() ?? 0) + 1) } },
    },
    { name: 'with a lease and no deadline', input: { ...opening, grant: { ...opening.grant, deadline: undefined } } },
    {
      name: 'as denied with something due',
      input: sampleOpen(randomIds, now, { grant: { state: 'denied', dueAt: now } }),
    },
  ]) {
    test(`${name} is refused as a mistake of our own`, () =>
      expect(() => openedGrant(input as never, 'rpl_1')).toThrow(misuse))
  }

  test('is counted against the limit unless the grant is final at once', () => {
    expect(openGrantLimit({ ...opening, maxOpen: 3 })).toBe(3)
    expect(openGrantLimit({ ...waiting, maxOpen: 3 })).toBe(3)
    expect(openGrantLimit({ grant: { ...opening.grant, state: 'denied' }, maxOpen: 3 })).toBeUndefined()
    expect(openGrantLimit(opening)).toBeUndefined()
  })

  test('the last free place is given, and none beyond it', () => {
    expect(() => checkOpenGrants(2, 3)).not.toThrow()
    expect(() => checkOpenGrants(3, 3)).toThrow(withDetails('QUOTA_EXCEEDED', { open: 3 }))
  })

  test('only a denied grant keeps a plan of bounded length', () => {
    for (const state of GRANT_STATES) {
      expect(maxPlanBytes(state)).toBe(state === 'denied' ? 4_096 : Number.POSITIVE_INFINITY)
    }
  })
})

describe('counters', () => {
  for (const { from, to, open } of [
    { from: undefined, to: 'active', open: 1 },
    { from: undefined, to: 'denied', open: 0 },
    { from: 'awaiting_approval', to: 'active', open: 0 },
    { from: 'active', to: 'ending', open: 0 },
    { from: 'ending', to: 'ended', open: -1 },
    { from: 'awaiting_approval', to: 'rejected', open: -1 },
    { from: 'ended', to: undefined, open: 0 },
  ] as const) {
    test(`from ${from ?? 'nothing'} to ${to ?? 'nothing'} change by state, and ${open} of the open ones`, () => {
      expect(countChanges(from, to)).toEqual({
        states: [...(from ? [{ state: from, by: -1 }] : []), ...(to ? [{ state: to, by: 1 }] : [])],
        open,
      })
    })
  }

  test('of withdrawn grants are kept as those of rejected ones, as a broker of the version before keeps them', () => {
    const states = [
      { state: 'awaiting_approval', by: -1 },
      { state: 'rejected', by: 1 },
    ]
    expect(countChanges('awaiting_approval', 'withdrawn')).toEqual({ states, open: -1 })
    expect(countChanges('withdrawn', undefined)).toEqual({ states: [{ state: 'rejected', by: -1 }], open: 0 })
  })

  test('do not change while the state stays', () =>
    expect(countChanges('active', 'active')).toEqual({ states: [], open: 0 }))
})

describe('moving a grant', () => {
  for (const from of GRANT_STATES) {
    test(`from ${from} goes where the state machine says and nowhere else`, () => {
      expect(isFinalState(from)).toBe((FINAL_STATES as readonly string[]).includes(from))
      if (isFinalState(from)) expect(GRANT_TRANSITIONS[from]).toEqual([])
      for (const to of GRANT_STATES) {
        const move = () => movedGrant(inState(from), { state: to, dueAt: null })
        if (GRANT_TRANSITIONS[from].includes(to)) expect(move()).toMatchObject({ state: to, version: 2 })
        else expect(move).toThrow(withDetails('LEDGER_CONFLICT', { grantId: grant.id, from, to }))
      }
    })
  }

  test('keeps what the move does not name, except what was due', () => {
    const ending = { state: 'ending', reason: 'revoked', effectiveBy: at(5), dueAt: at(5) } as const
    const moved = movedGrant(grant, ending)
    expect(moved).toEqual({ ...grant, ...ending, version: 2 })
    const ended = movedGrant(moved, { state: 'ended', endedAt: at(6), dueAt: null })
    expect(ended).toMatchObject({ reason: 'revoked', effectiveBy: at(5), deadline: grant.deadline, endedAt: at(6) })
    expect(ended).not.toHaveProperty('dueAt')
    const approved = { state: 'active', activeAt: at(1), deadline: at(2), dueAt: at(3) } as const
    expect(movedGrant(inState('awaiting_approval'), approved)).toMatchObject(approved)
  })

  test('to a final state with something due is a mistake of our own', () =>
    expect(() => movedGrant(grant, { state: 'ended', dueAt: now })).toThrow(misuse))

  test('needs the version that the caller saw', () => {
    expect(requireGrantAt(grant, grant.id, 1)).toBe(grant)
    expect(() => requireGrantAt(grant, grant.id, 2)).toThrow(withDetails('LEDGER_CONFLICT', { version: 1 }))
    expect(() => requireGrantAt(undefined, grant.id, 1)).toThrow(conflict)
  })
})

describe('sweeping', () => {
  test('a grant is due at its instant, and one with none never', () => {
    expect(isDue({ dueAt: now }, now)).toBe(true)
    expect(isDue({ dueAt: at(1) }, now)).toBe(false)
    expect(isDue({}, now)).toBe(false)
  })

  test('must move what is due on', () => {
    const stays: GrantMove['to'] = { state: 'active', dueAt: now }
    expect(() => sweptGrant(grant, stays, now)).toThrow(misuse)
    expect(sweptGrant(grant, { ...stays, dueAt: at(1) }, now)).toMatchObject({ version: 2, dueAt: at(1) })
    expect(sweptGrant(grant, { state: 'ended', dueAt: null }, now)).toMatchObject({ state: 'ended' })
  })
})

describe('reports', () => {
  const counts = { recorded: 8, more: 2, max: 10 }
  test('are taken up to the total while the grant is active or ending', () => {
    for (const state of ['active', 'ending'] as const) expect(() => checkReports('grt_1', state, counts)).not.toThrow()
    const over = { ...counts, more: 3 }
    expect(() => checkReports('grt_1', 'active', over)).toThrow(withDetails('QUOTA_EXCEEDED', { grantId: 'grt_1' }))
  })

  for (const state of [undefined, ...GRANT_STATES.filter((other) => other !== 'active' && other !== 'ending')]) {
    test(`are refused of a grant that is ${state ?? 'not there'}`, () =>
      expect(() => checkReports('grt_1', state, counts)).toThrow(withDetails('GRANT_NOT_ACTIVE', { grantId: 'grt_1' })))
  }
})
