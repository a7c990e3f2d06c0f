import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  computeUsableUntil,
  type DenyRules,
  decideDueMove,
  decideEnd,
  describeLease,
  isLive,
  type LifeSettings,
  type NewDeny,
} from '../../src/grants/lifecycle.ts'
import type { DenyEntry, Grant, Lease } from '../../src/ledger/records.ts'
import { GRANT_TRANSITIONS } from '../../src/ledger/rules/grant-rules.ts'
import type { Plan } from '../../src/plan/plan.ts'

const settings: LifeSettings = {
  leaseMs: 300_000,
  usableMarginMs: 30_000,
  approvalMs: 600_000,
  claimMs: 900_000,
  settleMs: 30_000,
  cutOnCompletion: ['write'],
}
const T0 = Date.parse('2026-11-21T12:00:00Z')
const at = (ms: number) => new Date(T0 + ms)

const DENY: NewDeny = {
  listKey: 'inline:x',
  until: at(9_000_000),
  lastIssuedAt: at(1_000),
  outlivesLeases: false,
  namesAgent: false,
}

/** What some provider says of denying; its times are its own. */
function rules(over: Partial<NewDeny> = {}): DenyRules {
  const { listKey, ...window } = { ...DENY, ...over }
  return { findDenyList: () => ({ key: listKey, roleArns: [] }), denyWindow: () => window }
}

function lease(over: Partial<Lease> = {}): Lease {
  return {
    id: 'lse_01KANKE0000000000000000000',
    grantId: 'grt_01KANKE0000000000000000000',
    number: 1,
    roleArn: 'arn:aws:iam::123456789012:role/stint/data',
    sessionName: '01KANKE0000000000000000000.1',
    state: 'issued',
    notAfter: at(300_000),
    intendedAt: at(0),
    issuedAt: at(1_000),
    ...over,
  }
}

function grant(over: Partial<Grant>): Grant {
  return {
    id: 'grt_01KANKE0000000000000000000',
    subject: 'spiffe://example.org/a',
    trustDomain: 'example.org',
    authMethod: 'x509-svid',
    registration: 'a',
    owner: 'ann',
    team: 'data',
    idempotencyKey: 'key-00000001',
    taskHash: 't',
    planHash: 'p',
    roleArn: 'arn:aws:iam::123456789012:role/stint/data',
    purpose: 'to test',
    state: 'active',
    decision: { outcome: 'permit', determiningPolicies: [], failedPairs: [], approval: [], policySetHash: '' },
    requestedAt: at(0),
    leaseCount: 1,
    version: 1,
    ...over,
  }
}

describe('the length of a lease', () => {
  for (const { name, now, deadline, end } of [
    { name: 'is the lease time', now: 0, deadline: 3_600_000, end: 300_000 },
    { name: 'ends at the deadline when that is nearer', now: 0, deadline: 120_000, end: 120_000 },
    { name: 'never reaches past the deadline on renewal', now: 3_500_000, deadline: 3_600_000, end: 3_600_000 },
  ]) {
    test(name, () => {
      const wanted = { id: 'lse_1', grantId: 'grt_1', number: 2, agent: 'bot', now: at(now), deadline: at(deadline) }
      const names = { nameSession: () => 'a name', mintTimeoutMs: 20_000 }
      expect(describeLease(wanted, settings, names)).toEqual({
        id: 'lse_1',
        sessionName: 'a name',
        notAfter: at(end),
        intendedAt: at(now),
        mintUntil: at(now + 20_000),
      })
    })
  }

  test('for SDKs is 30 s less, or half of a short life', () => {
    expect(computeUsableUntil(lease(), settings)).toEqual(at(270_000))
    expect(computeUsableUntil(lease({ notAfter: at(40_000) }), settings)).toEqual(at(20_000))
  })
})

describe('ending a grant', () => {
  const common = { reason: 'revoked' as const, now: at(60_000), settings }
  const over = lease({ notAfter: at(50_000) })

  for (const { name, leases, live } of [
    { name: 'an issued lease lives', leases: [lease()], live: true },
    {
      name: 'an intended lease counts as minted',
      leases: [lease({ state: 'intended', issuedAt: undefined as never })],
      live: true,
    },
    {
      name: 'an intended lease past its end does not',
      leases: [lease({ state: 'intended', notAfter: at(50_000) })],
      live: false,
    },
    { name: 'an ended lease does not', leases: [lease({ state: 'ended' })], live: false },
    { name: 'no lease at all', leases: [], live: false },
  ]) {
    test(`${name}: ${live ? 'ending until the lease is over' : 'ended at once'}`, () => {
      const { to } = decideEnd({ ...common, openLeases: leases, deny: DENY })
      expect(to.state).toBe(live ? 'ending' : 'ended')
      if (live) expect(to.effectiveBy).toEqual(at(300_000))
    })
  }

  test('the deny is on record as the provider wants it', () => {
    const { deny } = decideEnd({ ...common, openLeases: [lease()], deny: DENY })
    const wish = { listKey: 'inline:x', wantedAt: at(60_000), lastIssuedAt: at(1_000), until: at(9_000_000) }
    expect(deny).toEqual({ ...wish, urgent: true })
    const chaining = { ...DENY, outlivesLeases: true, namesAgent: true }
    const completed = { ...common, reason: 'completed', openLeases: [lease()], deny: chaining } as const
    expect(decideEnd(completed).deny).toEqual({ ...wish, namesAgent: true, chains: true })
  })

  for (const { reason, urgent } of [
    { reason: 'killed', urgent: true },
    { reason: 'offboarded', urgent: true },
    { reason: 'alarm', urgent: false },
    { reason: 'policy_changed', urgent: false },
  ] as const) {
    test(`a deny for ${reason} ${urgent ? 'may' : 'may not'} use the places kept for operators`, () => {
      const { deny } = decideEnd({ ...common, reason, openLeases: [lease()], deny: DENY })
      expect(deny?.urgent === true).toBe(urgent)
    })
  }

  for (const { name, leases, outlivesLeases, denied } of [
    { name: 'over leave nothing to deny', leases: [over], outlivesLeases: false, denied: false },
    {
      name: 'over are denied when what they made can outlast them',
      leases: [over],
      outlivesLeases: true,
      denied: true,
    },
    { name: 'that were never had leave nothing to deny', leases: [], outlivesLeases: true, denied: false },
  ]) {
    test(`leases ${name}`, () => {
      const { to, deny } = decideEnd({ ...common, openLeases: leases, deny: { ...DENY, outlivesLeases } })
      expect({ state: to.state, denied: deny !== undefined }).toEqual({ state: 'ended', denied })
    })
  }

  test('without a deny list nothing is denied, and the end of the lease is what holds', () => {
    const { to, deny } = decideEnd({ ...common, openLeases: [lease()] })
    expect(deny).toBeUndefined()
    expect(to.dueAt).toEqual(at(300_000))
  })
})

const PLAN = { pairs: [] as { action: string }[] } as unknown as Plan

describe('at the deadline', () => {
  for (const { name, outlivesLeases, denied } of [
    { name: 'nothing is denied when no lease leaves anything behind', outlivesLeases: false, denied: false },
    { name: 'leases are denied when what they made can outlast them', outlivesLeases: true, denied: true },
  ]) {
    test(name, () => {
      const due = { grant: grant({ deadline: at(300_000) }), openLeases: [lease()], plan: PLAN }
      const move = decideDueMove(due, at(300_000), settings, rules({ outlivesLeases }))
      expect({ state: move.to.state, denied: move.deny !== undefined }).toEqual({ state: 'ended', denied })
    })
  }
})

describe('what is due', () => {
  const deny: DenyEntry = { grantId: 'g', listKey: 't', wantedAt: at(0), until: at(960_000), lastIssuedAt: at(0) }
  for (const { name, due, now, state } of [
    {
      name: 'an active grant before its deadline stays',
      due: { grant: grant({ deadline: at(100) }) },
      now: 99,
      state: 'active',
    },
    {
      name: 'an active grant at its deadline ends',
      due: { grant: grant({ deadline: at(100) }) },
      now: 100,
      state: 'ended',
    },
    {
      name: 'an approved grant that its agent may still collect stays',
      due: { grant: grant({ claimBy: at(100), taskMs: 1_000 }) },
      now: 99,
      state: 'active',
    },
    {
      name: 'an approved grant that nobody has collected in time ends',
      due: { grant: grant({ claimBy: at(100), taskMs: 1_000 }) },
      now: 100,
      state: 'ended',
    },
    {
      name: 'an ending grant whose deny is not written stays',
      due: { grant: grant({ state: 'ending', reason: 'revoked', effectiveBy: at(300_000) }), deny },
      now: 40_000,
      state: 'ending',
    },
    {
      name: 'an ending grant whose deny was written just now stays: accepted is not enforced',
      due: {
        grant: grant({ state: 'ending', reason: 'revoked', effectiveBy: at(300_000) }),
        deny: { ...deny, writtenAt: at(39_000) },
      },
      now: 40_000,
      state: 'ending',
    },
    {
      name: 'an ending grant whose deny was written long ago stays: nobody has seen that it is in force',
      due: {
        grant: grant({ state: 'ending', reason: 'revoked', effectiveBy: at(300_000) }),
        deny: { ...deny, writtenAt: at(10_000) },
      },
      now: 200_000,
      state: 'ending',
    },
    {
      name: 'an ending grant whose deny is in force ends',
      due: {
        grant: grant({ state: 'ending', reason: 'revoked', effectiveBy: at(300_000) }),
        deny: { ...deny, writtenAt: at(10_000), enforcedAt: at(40_000) },
      },
      now: 40_000,
      state: 'ended',
    },
    {
      name: 'an ending grant whose leases are over ends, deny or not',
      due: { grant: grant({ state: 'ending', reason: 'completed', effectiveBy: at(300_000) }), deny },
      now: 300_000,
      state: 'ended',
    },
  ]) {
    test(name, () =>
      expect(decideDueMove({ openLeases: [], plan: PLAN, ...due }, at(now), settings, rules()).to.state).toBe(state),
    )
  }

  test('what ended a grant is on record, with the time from the write of its deny until it counted as in force', () => {
    const ending = grant({ state: 'ending', reason: 'revoked', effectiveBy: at(300_000) })
    const dataOf = (written: Partial<DenyEntry>) =>
      decideDueMove(
        { grant: ending, openLeases: [], plan: PLAN, deny: { ...deny, writtenAt: at(10_000), ...written } },
        at(40_000),
        settings,
        rules(),
      ).events[0]?.data
    expect(dataOf({ enforcedAt: at(40_000), enforcedBy: 'settle_time' })).toMatchObject({
      by: 'deny_list',
      enforcedBy: 'settle_time',
      lagMs: 30_000,
    })
    expect(dataOf({ enforcedAt: at(14_000), enforcedBy: 'canary' })).toMatchObject({
      enforcedBy: 'canary',
      lagMs: 4_000,
    })
  })

  test('every move is one that the state machine allows, and never leaves a grant due in the past', () => {
    const instants = fc.integer({ min: 0, max: 2_000_000 }).map(at)
    fc.assert(
      fc.property(
        fc.constantFrom('awaiting_approval', 'active', 'ending' as const),
        instants,
        instants,
        fc.record(
          {
            writtenAt: instants,
            enforcedAt: instants,
            chains: fc.constant(true as const),
            byWatermark: fc.constant(true as const),
          },
          { requiredKeys: [] },
        ),
        instants,
        (state, deadline, effectiveBy, written, now) => {
          const due = {
            grant: grant({ state: state as Grant['state'], deadline, effectiveBy, reason: 'revoked' }),
            openLeases: [],
            plan: PLAN,
            deny: { ...deny, ...written },
          }
          const { to } = decideDueMove(due, now, settings, rules())
          expect(GRANT_TRANSITIONS[state as Grant['state']]).toContain(to.state)
          if (to.dueAt) expect(to.dueAt.getTime()).toBeGreaterThan(now.getTime())
          // P6: it never ends before the bound unless its deny is in force.
          if (state === 'ending' && to.state === 'ended') expect(written.enforcedAt || effectiveBy <= now).toBeTruthy()
        },
      ),
    )
  })

  test('a lease is live exactly until its end', () => {
    expect(isLive(lease(), at(299_999))).toBe(true)
    expect(isLive(lease(), at(300_000))).toBe(false)
  })
})
