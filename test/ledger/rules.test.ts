import { describe, expect, test } from 'vitest'
import { randomIds } from '../../src/core/ids.ts'
import type { GrantMove, LeaseMove, TokenUse } from '../../src/ledger/ledger.ts'
import {
  type Approval,
  type DenyEntry,
  type DenyList,
  FINAL_STATES,
  GRANT_STATES,
  type Grant,
  type GrantState,
  type Lease,
} from '../../src/ledger/records.ts'
import {
  checkConnectionOpen,
  checkOpenGrants,
  checkReports,
  claimedDenyList,
  countChanges,
  decidedApproval,
  denyEntryAfterWrite,
  dueDenyList,
  enforcedDenyEntry,
  failedDenyList,
  GRANT_TRANSITIONS,
  intendedLease,
  isAbandoned,
  isClaimable,
  isDue,
  isFinalState,
  isNeeded,
  MAX_TOKEN_MOVES,
  maxPlanBytes,
  mayPrune,
  mendedDenyList,
  movedGrant,
  newDenyList,
  notedAttempt,
  openedGrant,
  openGrantLimit,
  type PruneFacts,
  requireClaim,
  requireGrantAt,
  settledLease,
  sweptGrant,
  type TokenBinding,
  type TokenPurpose,
  tokenStep,
  wantedDenyEntry,
  writtenDenyList,
} from '../../src/ledger/rules.ts'
import { sampleEvent, sampleLease, sampleOpen } from '../support/ledger-records.ts'

const now = new Date('2026-03-01T12:00:00Z')
const at = (ms: number) => new Date(now.getTime() + ms)

const opening = sampleOpen(randomIds, now)
const waiting = sampleOpen(randomIds, now, { grant: { state: 'awaiting_approval' } })
const grant: Grant = { ...opening.grant, leaseCount: 1, version: 1 }
const inState = (state: GrantState): Grant => ({ ...grant, state })
const approval = { ...(waiting.approval as Approval), version: 1 }
const conflict = expect.objectContaining({ code: 'LEDGER_CONFLICT' })
const misuse = expect.objectContaining({ code: 'INTERNAL' })
const withDetails = (code: string, details: object) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) })

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

  test('a lease may end with the deadline', () => {
    const notAfter = grant.deadline as Date
    expect(openedGrant({ ...opening, lease: { ...lease, notAfter } }, 'rpl_1').lease?.notAfter).toEqual(notAfter)
  })

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

  test('decides its approval once', () => {
    const to = { state: 'approved', decidedBy: 'ada', decidedAt: now } as const
    const decided = decidedApproval(approval, grant.id, to)
    expect(decided).toEqual({ ...approval, ...to, version: 2 })
    expect(() => decidedApproval(decided, grant.id, { state: 'rejected', decidedAt: now })).toThrow(conflict)
    expect(() => decidedApproval(undefined, grant.id, to)).toThrow(conflict)
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

describe('a lease', () => {
  const lease = openedGrant(opening, 'rpl_1').lease as Lease
  const issued: Lease = { ...lease, state: 'issued', accessKeyId: 'ASIA1', issuedAt: at(1) }
  const ended: Lease = { ...lease, state: 'ended', end: 'expired', endedAt: at(2) }
  const move = (to: object) => ({ leaseId: lease.id, events: [], ...to }) as unknown as LeaseMove
  const toIssued = move({ to: 'issued', accessKeyId: 'ASIA1', issuedAt: at(1) })
  const toEnded = move({ to: 'ended', end: 'expired', endedAt: at(2) })

  test('is intended under an active grant, which counts it', () => {
    const next = sampleLease(randomIds, now)
    const intended = intendedLease(grant, next, 'rpl_2')
    expect(intended.grant).toEqual({ ...grant, leaseCount: 2, version: 2 })
    expect(intended.lease).toMatchObject({ ...next, number: 2, replica: 'rpl_2' })
    for (const state of GRANT_STATES.filter((other) => other !== 'active')) {
      expect(() => intendedLease(inState(state), next, 'rpl_2')).toThrow(
        withDetails('LEDGER_CONFLICT', { from: state }),
      )
    }
    const late = { ...next, notAfter: new Date((grant.deadline?.getTime() ?? 0) + 1) }
    expect(() => intendedLease(grant, late, 'rpl_2')).toThrow(misuse)
  })

  for (const { name, of, asked = {}, abandoned } of [
    { name: 'that this process mints', of: { replica: 'rpl_1' }, abandoned: false },
    { name: 'that this process mints beyond its time', of: { replica: 'rpl_1', mintUntil: at(-1) }, abandoned: false },
    { name: 'that another process may still mint', of: {}, abandoned: false },
    { name: 'that another process can mint no longer', of: { mintUntil: now }, abandoned: true },
    { name: 'of a process that is gone', of: {}, asked: { othersAreGone: true }, abandoned: true },
    { name: 'from before processes were on record', of: { replica: undefined, mintUntil: undefined }, abandoned: true },
    { name: 'that was issued', of: { ...issued, replica: 'rpl_2' }, asked: { othersAreGone: true }, abandoned: false },
    { name: 'of unknown outcome', of: { outcomeUnknown: true }, asked: { othersAreGone: true }, abandoned: false },
  ]) {
    test(`${name} is ${abandoned ? '' : 'not '}abandoned`, () => {
      const known = { ...lease, replica: 'rpl_2', mintUntil: at(1), ...of } as Lease
      expect(isAbandoned(known, { replica: 'rpl_1', now, othersAreGone: false, ...asked })).toBe(abandoned)
    })
  }

  for (const { name, from, to, result } of [
    { name: 'is issued', from: lease, to: toIssued, result: issued },
    { name: 'of unknown outcome is issued', from: { ...lease, outcomeUnknown: true }, to: toIssued, result: issued },
    {
      name: 'is of unknown outcome',
      from: lease,
      to: move({ to: 'unknown' }),
      result: { ...lease, outcomeUnknown: true },
    },
    { name: 'ends before it was issued', from: lease, to: toEnded, result: ended },
    {
      name: 'ends after it was issued',
      from: issued,
      to: toEnded,
      result: { ...issued, state: 'ended', end: 'expired', endedAt: at(2) },
    },
  ] as const) {
    test(name, () => expect(settledLease(from, to)).toEqual(result))
  }

  for (const { name, from, to } of [
    { name: 'issued with the same key', from: issued, to: toIssued },
    { name: 'ended otherwise', from: ended, to: move({ to: 'ended', end: 'cut', endedAt: at(9) }) },
    { name: 'unknown', from: { ...lease, outcomeUnknown: true }, to: move({ to: 'unknown' }) },
  ] as const) {
    test(`that is ${name} already stays the very same record`, () => expect(settledLease(from, to)).toBe(from))
  }

  for (const { name, from, to } of [
    { name: 'that is not there', from: undefined, to: toEnded },
    { name: 'issued with another key', from: issued, to: { ...toIssued, accessKeyId: 'ASIA2' } },
    { name: 'ended, to be issued', from: ended, to: toIssued },
    { name: 'ended, to be unknown', from: ended, to: move({ to: 'unknown' }) },
    { name: 'issued, to be unknown', from: issued, to: move({ to: 'unknown' }) },
  ] as const) {
    test(`${name} is a conflict`, () => expect(() => settledLease(from, to as LeaseMove)).toThrow(conflict))
  }
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

describe('the deny list', () => {
  const entry: DenyEntry = { grantId: 'grt_1', listKey: 'a', wantedAt: now, until: at(100), lastIssuedAt: now }
  const inDocument: DenyEntry = { ...entry, writtenAt: at(1), enforcedAt: at(2) }
  const wish = { listKey: 'a', wantedAt: at(5), until: at(50), lastIssuedAt: now }
  const claimed: DenyList = {
    key: 'a',
    attempts: 2,
    claimVersion: 3,
    claimedBy: 'one',
    claimedUntil: at(30),
    lastError: 'x',
    watermark: now,
    nextAttemptAt: at(1),
  }
  const free = { key: 'a', attempts: 0, claimVersion: 3 }

  test('a wish makes an entry, and a second one only lengthens it', () => {
    expect(wantedDenyEntry(undefined, 'grt_1', wish)).toEqual({ grantId: 'grt_1', ...wish })
    expect(wantedDenyEntry(inDocument, 'grt_1', wish)).toEqual(inDocument)
    const longer = wantedDenyEntry(inDocument, 'grt_1', { ...wish, until: at(200) })
    expect(longer).toEqual({ ...inDocument, until: at(200) })
  })

  test('a lease issued later than known before makes the entry unwritten', () => {
    expect(wantedDenyEntry(inDocument, 'grt_1', { ...wish, lastIssuedAt: at(3) })).toEqual({
      ...entry,
      lastIssuedAt: at(3),
    })
    const older = wantedDenyEntry(inDocument, 'grt_1', { ...wish, lastIssuedAt: at(-3) })
    expect(older).toEqual(inDocument)
  })

  test('a grant cannot change its deny list', () =>
    expect(() => wantedDenyEntry(entry, 'grt_1', { ...wish, listKey: 'b' })).toThrow(conflict))

  test('a deny list is due at the sooner of two instants', () => {
    expect(newDenyList('a')).toEqual({ key: 'a', attempts: 0, claimVersion: 0 })
    expect(dueDenyList(free, at(5)).nextAttemptAt).toEqual(at(5))
    expect(dueDenyList({ ...free, nextAttemptAt: at(3) }, at(5)).nextAttemptAt).toEqual(at(3))
    expect(dueDenyList({ ...free, nextAttemptAt: at(9) }, at(5)).nextAttemptAt).toEqual(at(5))
  })

  for (const { name, list, claimable } of [
    { name: 'with nothing to write', list: free, claimable: false },
    { name: 'that is due now', list: { ...free, nextAttemptAt: now }, claimable: true },
    { name: 'that is due later', list: { ...free, nextAttemptAt: at(1) }, claimable: false },
    { name: 'that is claimed', list: { ...free, nextAttemptAt: now, claimedUntil: at(1) }, claimable: false },
    { name: 'whose claim has run out', list: { ...free, nextAttemptAt: now, claimedUntil: now }, claimable: true },
  ]) {
    test(`a deny list ${name} is ${claimable ? '' : 'not '}to be claimed`, () =>
      expect(isClaimable(list, now)).toBe(claimable))
  }

  test('P6: a damaged deny list is due at once and keeps what can be read', () => {
    const mended = mendedDenyList({ key: 'a', claimVersion: 3, watermark: at(-5) }, now)
    expect(mended).toMatchObject({ key: 'a', nextAttemptAt: now, attempts: 0, watermark: at(-5), claimVersion: 3 })
    expect(mended.lastError).toContain('damaged')
    expect(isClaimable(mended, now)).toBe(true)
    expect(mendedDenyList({ key: 'a', claimVersion: 3, watermark: null }, now).watermark).toBeUndefined()
  })

  test('P6: a lost watermark becomes one that denies all until now, and a lost version one that nobody had', () => {
    const instant = new Date('2026-01-01T00:00:00.001Z')
    const mended = mendedDenyList({ key: 'a', claimVersion: undefined, watermark: undefined }, instant)
    expect(mended.watermark).toEqual(new Date('2026-01-01T00:00:01Z'))
    expect(mended.lastError).toContain('lost watermark')
    expect(mended.claimVersion).toBe(instant.getTime())
  })

  test('a claim is fenced by its version', () => {
    const list = claimedDenyList(free, { owner: 'two', claimUntil: at(30) })
    expect(list).toMatchObject({ claimedBy: 'two', claimedUntil: at(30), claimVersion: 4 })
    expect(requireClaim(list, { listKey: 'a', claimVersion: 4 })).toBe(list)
    expect(() => requireClaim(list, { listKey: 'a', claimVersion: 3 })).toThrow(conflict)
    expect(() => requireClaim({ ...free, claimVersion: 4 }, { listKey: 'a', claimVersion: 4 })).toThrow(conflict)
    expect(() => requireClaim(undefined, { listKey: 'a', claimVersion: 4 })).toThrow(conflict)
  })

  test('P6: an entry is needed until its last session is over', () => {
    expect(isNeeded(entry, at(99))).toBe(true)
    expect(isNeeded(entry, at(100))).toBe(false)
  })

  const afterWrite = (found: DenyEntry, listed: string[], removed: string[], ms: number, byWatermark: string[] = []) =>
    denyEntryAfterWrite(found, {
      listed: new Set(listed),
      byWatermark: new Set(byWatermark),
      removed: new Set(removed),
      at: at(ms),
    })

  test('P6: an entry goes with a write after its end, never before', () => {
    expect(afterWrite(inDocument, [], ['grt_1'], 100)).toBeUndefined()
    expect(afterWrite(inDocument, ['grt_1'], ['grt_1'], 99)).toEqual(entry)
  })

  test('an entry is written when a document first holds it', () => {
    expect(afterWrite(entry, ['grt_1'], [], 7)).toEqual({ ...entry, writtenAt: at(7) })
    expect(afterWrite(inDocument, ['grt_1'], [], 7)).toBe(inDocument)
    expect(afterWrite(entry, ['grt_2'], [], 7)).toBe(entry)
  })

  test('an entry comes under a watermark and back without losing when it was first written', () => {
    const covered = { ...inDocument, byWatermark: true }
    expect(afterWrite(inDocument, ['grt_1'], [], 7, ['grt_1'])).toEqual(covered)
    expect(afterWrite(covered, ['grt_1'], [], 9, ['grt_1'])).toBe(covered)
    expect(afterWrite(covered, ['grt_1'], [], 9)).toEqual(inDocument)
  })

  test('a write gives the claim back and forgets failures', () => {
    const wrote = { digest: 'd', sequence: 3 }
    const write = { at: at(7), nextAttemptAt: at(60), wrote }
    const after = { ...free, lastWrittenAt: at(7), nextAttemptAt: at(60), written: wrote }
    expect(writtenDenyList({ ...claimed, failingSince: at(1) }, write, false)).toEqual(after)
    expect(writtenDenyList(claimed, { at: at(7), watermark: at(6) }, false)).toEqual({ ...free, watermark: at(6) })
  })

  test('what was wanted during a write makes the deny list due at once', () =>
    expect(writtenDenyList(claimed, { at: at(7), nextAttemptAt: at(60) }, true).nextAttemptAt).toEqual(at(7)))

  test('a failure gives the claim back and counts', () => {
    const { claimedBy: _, claimedUntil: __, ...kept } = claimed
    const failed = failedDenyList(claimed, { error: 'AccessDenied', at: at(8), nextAttemptAt: at(9) })
    expect(failed).toEqual({
      ...kept,
      attempts: 3,
      lastError: 'AccessDenied',
      failingSince: at(8),
      nextAttemptAt: at(9),
    })
    expect(failedDenyList(failed, { error: 'x', at: at(20), nextAttemptAt: at(30) }).failingSince).toEqual(at(8))
  })

  test('an entry is enforced once, and only after it was written', () => {
    expect(enforcedDenyEntry(entry, at(9))).toBe(entry)
    expect(enforcedDenyEntry({ ...entry, writtenAt: at(1) }, at(9))).toMatchObject({ enforcedAt: at(9) })
    expect(enforcedDenyEntry(inDocument, at(9))).toBe(inDocument)
  })
})

describe('a bearer token', () => {
  const use = (more: Partial<TokenUse> = {}): TokenUse => ({
    key: 'token',
    until: at(1_000),
    reuse: 'connection',
    by: 'request',
    connectionId: 'con_1',
    at: now,
    moved: () => sampleEvent(now),
    ...more,
  })
  const owner = { connectionId: 'con_1', replica: 'rpl_1', isClosed: false, isSilent: false }
  const binding: TokenBinding = { until: at(1_000), moves: 0, grantId: 'grt_1', by: 'request', owner }
  const mints: TokenPurpose = { grantId: 'grt_1', leaseId: 'lse_2', waits: false }
  const waits: TokenPurpose = { grantId: 'grt_1', leaseId: undefined, waits: true }
  const nothing: TokenPurpose = { grantId: 'grt_1', leaseId: undefined, waits: false }
  const never = use({ reuse: 'never' })
  const renewal = use({ reuse: 'never', by: 'renewal' })
  const other = use({ connectionId: 'con_2' })
  const closed: TokenBinding = { ...binding, owner: { ...owner, isClosed: true } }
  const silent: TokenBinding = { ...binding, owner: { ...owner, replica: 'rpl_0', isSilent: true } }
  const renewed = (lease: TokenBinding['lease']): TokenBinding => ({
    ...binding,
    by: 'renewal',
    ...(lease ? { lease } : {}),
  })

  for (const { name, bound, by, purpose, step } of [
    { name: 'that is new is bound by a mint', bound: undefined, by: use(), purpose: mints, step: 'bind' },
    { name: 'that is new is bound by a grant that waits', bound: undefined, by: use(), purpose: waits, step: 'bind' },
    { name: 'that mints once is not spent by waiting', bound: undefined, by: never, purpose: waits, step: 'none' },
    { name: 'that buys nothing is not bound', bound: undefined, by: use(), purpose: nothing, step: 'none' },
    {
      name: 'whose time is over is bound anew',
      bound: { ...binding, until: now },
      by: other,
      purpose: mints,
      step: 'bind',
    },
    { name: 'mints again by its own connection', bound: binding, by: use(), purpose: mints, step: 'none' },
    { name: 'moves when its connection has closed', bound: closed, by: other, purpose: mints, step: 'move' },
    { name: 'moves when its replica is silent', bound: silent, by: other, purpose: mints, step: 'move' },
    { name: 'moves for a grant that waits', bound: closed, by: other, purpose: waits, step: 'move' },
    { name: 'does not move for nothing', bound: closed, by: other, purpose: nothing, step: 'none' },
    {
      name: 'moves the last time',
      bound: { ...closed, moves: MAX_TOKEN_MOVES - 1 },
      by: other,
      purpose: mints,
      step: 'move',
    },
    {
      name: 'of before connections were on record moves',
      bound: { until: at(1_000), moves: 0 },
      by: use(),
      purpose: mints,
      step: 'move',
    },
    {
      name: 'comes back for the grant that it was spent on',
      bound: binding,
      by: never,
      purpose: mints,
      step: 'note_lease',
    },
    { name: 'comes back and asks for nothing', bound: binding, by: never, purpose: nothing, step: 'none' },
    {
      name: 'renews again after a mint that made nothing',
      bound: renewed({ state: 'ended', end: 'not_minted' }),
      by: renewal,
      purpose: mints,
      step: 'note_lease',
    },
    {
      name: 'renews again after a mint of unknown outcome',
      bound: renewed({ state: 'intended', outcomeUnknown: true }),
      by: renewal,
      purpose: mints,
      step: 'note_lease',
    },
  ] as const) {
    test(name, () => expect(tokenStep(bound, by, purpose, 'rpl_1')).toBe(step))
  }

  const elsewhere = { ...mints, grantId: 'grt_2' }
  for (const { name, bound, by, purpose, check } of [
    { name: 'of an open connection by another one', bound: binding, by: other, purpose: mints, check: 'connection' },
    {
      name: 'of a living replica by another one',
      bound: { ...binding, owner: { ...owner, replica: 'rpl_0' } },
      by: use(),
      purpose: mints,
      check: 'connection',
    },
    {
      name: 'that has moved too often',
      bound: { ...closed, moves: MAX_TOKEN_MOVES },
      by: other,
      purpose: mints,
      check: 'moves',
    },
    { name: 'that was spent on another grant', bound: binding, by: never, purpose: elsewhere, check: 'spent' },
    { name: 'that was spent, by a renewal', bound: binding, by: renewal, purpose: mints, check: 'spent' },
    {
      name: 'whose renewal may yet be revealed',
      bound: renewed({ state: 'intended' }),
      by: renewal,
      purpose: mints,
      check: 'spent',
    },
    {
      name: 'whose renewal was issued',
      bound: renewed({ state: 'issued' }),
      by: renewal,
      purpose: mints,
      check: 'spent',
    },
    { name: 'whose lease is not on record', bound: renewed(undefined), by: renewal, purpose: mints, check: 'spent' },
  ] as const) {
    test(`${name} is refused`, () =>
      expect(() => tokenStep(bound, by, purpose, 'rpl_1')).toThrow(
        withDetails('TOKEN_REPLAYED', { check, ownerConnectionId: 'con_1', connectionId: by.connectionId }),
      ))
  }

  test('is not bound to a connection that has closed', () => {
    expect(() => checkConnectionOpen(false)).not.toThrow()
    expect(() => checkConnectionOpen(true)).toThrow(expect.objectContaining({ code: 'CANCELLED' }))
  })
})

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
