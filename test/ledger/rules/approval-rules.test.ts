import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Vote } from '../../../src/ledger/approvals/vote.ts'
import type { Approval } from '../../../src/ledger/records.ts'
import { findVote, movedApproval, tallyVotes } from '../../../src/ledger/rules/approval-rules.ts'
import type { ApprovalRequirement } from '../../../src/policy/decision.ts'
import { at, conflict, grant, misuse, now, approval as sample } from './rule-samples.ts'

const approval: Approval = { ...sample, votes: [] }

const vote = (voter: string, more: Partial<Vote> = {}): Vote => ({
  voter,
  verdict: 'approve',
  at: now,
  channel: 'token',
  assurance: 'no_step_up',
  note: 'read it',
  planHash: approval.planHash,
  groups: [],
  ...more,
})

describe('an approval', () => {
  const to = { state: 'approved', decidedBy: 'operator:ada', decidedAt: now } as const

  test('is decided once', () => {
    const decided = movedApproval(approval, grant.id, { approval: to })
    expect(decided).toEqual({ ...approval, ...to, version: 2 })
    expect(() => movedApproval(decided, grant.id, { approval: { state: 'rejected', decidedAt: now } })).toThrow(
      conflict,
    )
    expect(() => movedApproval(decided, grant.id, { vote: vote('olga') })).toThrow(conflict)
    expect(() => movedApproval(undefined, grant.id, { approval: to })).toThrow(conflict)
  })

  test('keeps each vote, in the order in which they were cast, and stays open', () => {
    const first = movedApproval(approval, grant.id, { vote: vote('olga') })
    const second = movedApproval(first, grant.id, { vote: vote('otto') })
    expect(second).toMatchObject({ state: 'pending', version: 3, votes: [{ voter: 'olga' }, { voter: 'otto' }] })
  })

  test('has one vote of a person, whatever the spelling, and a rejection takes the place of an approval', () => {
    const voted = movedApproval(approval, grant.id, { vote: vote('olga') })
    expect(() => movedApproval(voted, grant.id, { vote: vote('Olga') })).toThrow(conflict)
    const rejected = {
      vote: vote('OLGA', { verdict: 'reject' }),
      approval: { state: 'rejected', decidedAt: now },
    } as const
    expect(movedApproval(voted, grant.id, rejected).votes).toEqual([rejected.vote])
  })

  test('takes no vote at its expiry or after it, nor one for another plan', () => {
    const last = { vote: vote('olga', { at: new Date(approval.expiresAt.getTime() - 1) }) }
    expect(movedApproval(approval, grant.id, last).votes).toHaveLength(1)
    const late = { vote: vote('olga', { at: approval.expiresAt }) }
    expect(() => movedApproval(approval, grant.id, late)).toThrow(conflict)
    expect(() => movedApproval(approval, grant.id, { vote: vote('olga', { planHash: '0'.repeat(64) }) })).toThrow(
      misuse,
    )
  })

  test('of several people is not approved by fewer, and one person does not count twice', () => {
    const two = { ...approval, requirements: [{ anyOf: ['owners'], count: 2, because: ['p'] }] }
    expect(() => movedApproval(two, grant.id, { approval: to })).toThrow(misuse)
    expect(() => movedApproval(two, grant.id, { vote: vote('olga'), approval: to })).toThrow(misuse)
    const damaged = { ...two, votes: [vote('olga'), vote('Olga')] }
    expect(() => movedApproval(damaged, grant.id, { approval: to })).toThrow(misuse)
    const voted = movedApproval(two, grant.id, { vote: vote('olga') })
    expect(movedApproval(voted, grant.id, { vote: vote('otto'), approval: to })).toMatchObject({ state: 'approved' })
  })

  test('is voided exactly with a reason', () => {
    const voided = {
      reason: 'policy_denied' as const,
      planHash: '0'.repeat(64),
      changes: ['The session policy differs.'],
    }
    const ended = { approval: { state: 'voided', decidedAt: at(1), voided } } as const
    expect(movedApproval(approval, grant.id, ended)).toMatchObject({ state: 'voided', voided })
    expect(() => movedApproval(approval, grant.id, { approval: { state: 'voided', decidedAt: at(1) } })).toThrow(misuse)
    expect(() => movedApproval(approval, grant.id, { approval: { ...to, voided } })).toThrow(misuse)
  })
})

// Groups of a few people, so that requirements overlap; two spellings of a name are one person.
const PEOPLE = ['ada', 'Ada', 'ben', 'cy', 'dora', 'Dora']
const GROUPS = ['owners', 'security', 'any'] as const
const requirement = fc.record({
  anyOf: fc.uniqueArray(fc.constantFrom(...GROUPS), { minLength: 1 }),
  count: fc.integer({ min: 1, max: 4 }),
  because: fc.constant(['p']),
})
const votes = fc.array(
  fc.record({ voter: fc.constantFrom(...PEOPLE), verdict: fc.constantFrom('approve', 'approve', 'approve', 'reject') }),
  { maxLength: 8 },
)
const groupsOf = fc.dictionary(fc.constantFrom('ada', 'ben', 'cy', 'dora'), fc.subarray(['owners', 'security']))
const question = fc.record({ requirements: fc.array(requirement, { maxLength: 3 }), votes, groupsOf })

type Groups = Readonly<Record<string, readonly string[]>>
const counts =
  (groups: Groups) =>
  (cast: Vote, { anyOf }: ApprovalRequirement) =>
    anyOf.includes('any') || anyOf.some((group) => (groups[cast.voter.toLowerCase()] ?? []).includes(group))
const asVotes = (cast: readonly { voter: string; verdict: string }[]) =>
  cast.map(({ voter, verdict }) => vote(voter, { verdict: verdict === 'reject' ? 'reject' : 'approve' }))

describe('the tally', () => {
  test('does not depend on the order of the votes', () =>
    fc.assert(
      fc.property(question, fc.infiniteStream(fc.nat()), (asked, order) => {
        const cast = asVotes(asked.votes)
        const shuffled = cast
          .map((one) => ({ one, at: order.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one)
        const [one, other] = [cast, shuffled].map((list) =>
          tallyVotes(asked.requirements, list, counts(asked.groupsOf)),
        )
        const people = (tally = one) => tally?.requirements.map(({ voters, missing }) => [keys(voters), missing])
        expect(other?.isMet).toBe(one?.isMet)
        expect(people(other)).toEqual(people(one))
      }),
    ))

  test('counts nobody twice towards a requirement, however often a person is among the votes', () =>
    fc.assert(
      fc.property(question, (asked) => {
        const cast = asVotes(asked.votes)
        const once = tallyVotes(asked.requirements, cast, counts(asked.groupsOf))
        for (const { voters } of once.requirements) expect(new Set(keys(voters)).size).toBe(voters.length)
        const twice = tallyVotes(asked.requirements, [...cast, ...cast], counts(asked.groupsOf))
        expect(twice.isMet).toBe(once.isMet)
      }),
    ))

  test('is met exactly when nobody rejects and every requirement has its people', () =>
    fc.assert(
      fc.property(question, (asked) => {
        const cast = asVotes(asked.votes)
        const requirements = asked.requirements.length > 0 ? asked.requirements : [{ anyOf: ['any'], because: [] }]
        const has = ({ count = 1, ...wanted }: ApprovalRequirement) => {
          const able = cast.filter((one) => one.verdict === 'approve' && counts(asked.groupsOf)(one, wanted))
          return new Set(able.map(({ voter }) => voter.toLowerCase())).size >= count
        }
        const expected = cast.every(({ verdict }) => verdict === 'approve') && requirements.every(has)
        expect(tallyVotes(asked.requirements, cast, counts(asked.groupsOf)).isMet).toBe(expected)
      }),
    ))

  test('counts one person towards several requirements', () => {
    const asked = [
      { anyOf: ['owners'], because: ['p'] },
      { anyOf: ['security'], because: ['q'] },
    ]
    const groups = { ada: ['owners', 'security'], ben: ['owners'] }
    expect(tallyVotes(asked, [vote('ada')], counts(groups)).isMet).toBe(true)
    expect(tallyVotes(asked, [vote('ben')], counts(groups))).toMatchObject({
      isMet: false,
      requirements: [{ missing: 0 }, { missing: 1 }],
    })
  })

  test('finds a vote by its person', () => {
    expect(findVote([vote('Ada')], 'ada')?.voter).toBe('Ada')
    expect(findVote([vote('Ada')], 'ben')).toBeUndefined()
  })
})

function keys(voters: readonly string[]): string[] {
  return voters.map((voter) => voter.toLowerCase()).sort()
}
