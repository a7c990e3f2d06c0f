import { describe, expect, test } from 'vitest'
import type { Approval, EndReason } from '../../../src/ledger/records.ts'
import { mayRestOn, restingApproval, usedApproval, usesLeft } from '../../../src/ledger/rules/reuse-rules.ts'
import { approval, at, conflict, grant, now } from './rule-samples.ts'

const given: Approval = {
  ...approval,
  planHash: grant.planHash,
  state: 'approved',
  decidedAt: at(10),
  decidedBy: 'ada',
}
const wish = { approvalId: given.id, grantId: given.grantId, newApprovalId: 'apr_new', uses: 3, givenAfter: now }

describe('an approval that may be used several times', () => {
  test('counts its uses, the first grant included', () => {
    const once = usedApproval(given, wish, grant)
    expect(once).toEqual({ ...given, uses: 1, version: given.version + 1 })
    const twice = usedApproval(once, wish, grant)
    expect(usesLeft(twice, wish.uses)).toBe(0)
    expect(() => usedApproval(twice, wish, grant)).toThrow(conflict)
  })

  for (const { name, of, more = {} } of [
    { name: 'that is not given', of: { ...given, state: 'pending' as const } },
    { name: 'for another plan', of: { ...given, planHash: '0'.repeat(64) } },
    { name: 'that was given too long ago', of: given, more: { givenAfter: at(10) } },
    { name: 'that rests on another one itself', of: { ...given, reuseOf: 'apr_1' } },
    { name: 'that is another one', of: given, more: { approvalId: 'apr_other' } },
    { name: 'that is not there', of: undefined },
  ]) {
    test(`is refused ${name}`, () => expect(() => usedApproval(of, { ...wish, ...more }, grant)).toThrow(conflict))
  }

  test('gives the new grant an approval of its own, which names it', () => {
    const resting = restingApproval(usedApproval(given, wish, grant), wish, grant)
    const { uses: _, ...same } = given
    const own = { id: 'apr_new', grantId: grant.id, requestedAt: grant.requestedAt, reuseOf: given.id, version: 1 }
    expect(resting).toEqual({ ...same, ...own })
  })

  for (const { reason, may } of [
    { reason: undefined, may: true },
    { reason: 'completed', may: true },
    { reason: 'deadline', may: true },
    { reason: 'revoked', may: false },
    { reason: 'killed', may: false },
    { reason: 'policy_changed', may: false },
    { reason: 'alarm', may: false },
  ] as const satisfies { reason: EndReason | undefined; may: boolean }[]) {
    test(`${may ? 'may' : 'may not'} be used again after a grant that rested on it ended as ${reason}`, () => {
      expect(mayRestOn({ grants: [{}, reason ? { reason } : {}] as never })).toBe(may)
    })
  }
})
