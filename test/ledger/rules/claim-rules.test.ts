import { describe, expect, test } from 'vitest'
import { randomIds } from '../../../src/core/ids.ts'
import type { Grant } from '../../../src/ledger/records.ts'
import {
  claimedGrant,
  deadlineIfClaimed,
  fromStoredClaim,
  isClaimOver,
  toStoredDeadline,
} from '../../../src/ledger/rules/claim-rules.ts'
import { intendedLease } from '../../../src/ledger/rules/lease-rules.ts'
import { sampleLease } from '../../support/ledger-records.ts'
import { at, conflict, grant, misuse, now } from './rule-samples.ts'

const { deadline: _, ...without } = grant
const uncollected: Grant = {
  ...without,
  activeAt: now,
  claimBy: at(900_000),
  taskMs: 600_000,
  dueAt: at(900_000),
  leaseCount: 0,
}

describe('an approved grant that nobody has collected', () => {
  test('gets its deadline with the first lease, from which the time of the task runs', () => {
    const collected = claimedGrant(uncollected, at(899_999))
    expect(collected).toMatchObject({ deadline: at(1_499_999), dueAt: at(1_499_999) })
    expect(collected).not.toHaveProperty('claimBy')
    expect(collected).not.toHaveProperty('taskMs')
  })

  test('has no lease that reaches beyond that deadline', () => {
    const lease = { ...sampleLease(randomIds, at(5)), notAfter: at(600_006) }
    expect(() => intendedLease(uncollected, lease, 'rpl_1')).toThrow(misuse)
  })

  test('cannot be collected from its time on', () => {
    expect(isClaimOver(uncollected, at(899_999))).toBe(false)
    expect(isClaimOver(uncollected, at(900_000))).toBe(true)
    expect(() => claimedGrant(uncollected, at(900_000))).toThrow(conflict)
  })

  test('has one deadline, however many leases follow', () => {
    expect(claimedGrant(grant, at(900_000))).toBe(grant)
    expect(deadlineIfClaimed(grant, at(1))).toBeUndefined()
    expect(isClaimOver(grant, at(86_400_000))).toBe(false)
  })
})

describe('the columns', () => {
  const columns = { claimBy: at(900_000), deadline: at(600_000), activeAt: now }

  test('hold the deadline that brokers of the version before give an approved grant', () => {
    expect(toStoredDeadline(uncollected)).toEqual(at(600_000))
    expect(toStoredDeadline(grant)).toEqual(grant.deadline)
    expect(toStoredDeadline({ ...without, claimBy: at(1) })).toBeUndefined()
  })

  test('are read as they were written', () =>
    expect(fromStoredClaim({ ...columns, leaseCount: 0 })).toEqual({ claimBy: at(900_000), taskMs: 600_000 }))

  test('of a grant that a broker of the version before has given a lease have the deadline that it set', () =>
    expect(fromStoredClaim({ ...columns, leaseCount: 1 })).toEqual({ deadline: at(600_000) }))

  test('of a grant that needed no approval have its deadline', () =>
    expect(fromStoredClaim({ ...columns, claimBy: undefined, leaseCount: 0 })).toEqual({ deadline: at(600_000) }))

  test('are damaged if the deadline is not there', () =>
    expect(() => fromStoredClaim({ ...columns, deadline: undefined, leaseCount: 0 })).toThrow('deadline'))
})
