import { describe, expect, test } from 'vitest'
import { randomIds } from '../../../src/core/ids.ts'
import type { LeaseMove } from '../../../src/ledger/ledger.ts'
import { GRANT_STATES, type Lease } from '../../../src/ledger/records.ts'
import { openedGrant } from '../../../src/ledger/rules/grant-rules.ts'
import { intendedLease, isAbandoned, settledLease } from '../../../src/ledger/rules/lease-rules.ts'
import { sampleLease } from '../../support/ledger-records.ts'
import { at, conflict, grant, inState, misuse, now, opening, withDetails } from './rule-samples.ts'

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
  })

  test('may end with the deadline', () => {
    const notAfter = grant.deadline as Date
    expect(intendedLease(grant, { ...sampleLease(randomIds, now), notAfter }, 'rpl_2').lease.notAfter).toEqual(notAfter)
  })

  test('of a grant without a deadline is refused as a mistake of our own', () => {
    const { deadline: _, ...endless } = grant
    expect(() => intendedLease(endless, sampleLease(randomIds, now), 'rpl_2')).toThrow(misuse)
  })

  test('beyond the deadline is refused as a mistake of our own', () => {
    const late = { ...sampleLease(randomIds, now), notAfter: new Date((grant.deadline?.getTime() ?? 0) + 1) }
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
