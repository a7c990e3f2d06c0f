import { describe, expect, test } from 'vitest'
import { randomIds } from '../../../src/core/ids.ts'
import { operatorRowSchema } from '../../../src/grants/operators/operator.ts'
import { fromApprovalTexts, toApprovalTexts } from '../../../src/ledger/approvals/stored-approval.ts'
import type { Approval } from '../../../src/ledger/records.ts'
import type { ApprovalRequirement } from '../../../src/policy/decision.ts'
import { sampleOpen } from '../../support/ledger-records.ts'

const now = new Date('2026-11-21T12:00:00Z')
const opened = sampleOpen(randomIds, now, { grant: { state: 'awaiting_approval' } })
const approval = { ...opened.approval, votes: [], version: 1 } as unknown as Approval
const because = ['p']

/**
 * The rule of the version before, word for word: one person must meet every requirement. Brokers of that version run beside this one
 * during an upgrade, on the same database.
 */
function mayDecideAlone(groups: readonly string[], requirements: readonly { readonly anyOf: readonly string[] }[]) {
  return requirements.every(({ anyOf }) => anyOf.includes('any') || anyOf.some((group) => groups.includes(group)))
}

/** Every group that an operator could be a member of, as far as its length goes. */
const EVERYTHING = ['owners', 'security', 'any', '', ' ', 'x'.repeat(64)]

describe('P12: a broker of the version before', () => {
  for (const requirement of [
    { anyOf: ['owners'], count: 2, because },
    { anyOf: ['any'], count: 2, because },
    { anyOf: ['owners'], exclude: ['owner'], because },
    { anyOf: ['any'], assurance: 'step_up', because },
  ] satisfies ApprovalRequirement[]) {
    test(`lets nobody decide alone what asks for ${JSON.stringify(requirement)}`, () => {
      const requirements = [{ anyOf: ['owners'], because }, requirement]
      const texts = toApprovalTexts({ ...approval, requirements })
      const seen: ApprovalRequirement[] = JSON.parse(texts.requirements)
      expect(mayDecideAlone(EVERYTHING, seen)).toBe(false)
      // No configuration can make somebody a member: the broker refuses to load the group.
      for (const group of seen.flatMap(({ anyOf }) => anyOf))
        expect(operatorRowSchema.shape.groups.safeParse([group]).success).toBe(false)
      expect(fromApprovalTexts(texts).requirements).toEqual(requirements)
    })
  }

  test('decides as before what one person of each group decides', () => {
    const requirements = [
      { anyOf: ['owners'], because },
      { anyOf: ['security'], because },
    ]
    const texts = toApprovalTexts({ ...approval, requirements })
    expect(JSON.parse(texts.requirements)).toEqual(requirements)
    expect(mayDecideAlone(['owners'], requirements)).toBe(false)
    expect(mayDecideAlone(['owners', 'security'], requirements)).toBe(true)
  })

  test('reads a voided question as one that was rejected, which is final there', () => {
    const voided = {
      reason: 'policy_denied' as const,
      planHash: '0'.repeat(64),
      changes: ['The session policy differs.'],
    }
    const texts = toApprovalTexts({ ...approval, state: 'voided', voided })
    expect(texts.state).toBe('rejected')
    expect(fromApprovalTexts(texts)).toMatchObject({ state: 'voided', voided })
  })
})

test.each([
  { name: 'of an earlier version, which had one reason', reason: undefined },
  { name: 'of a newer version, with a reason that is unknown here', reason: 'moon' },
])('a void $name is read as a changed plan', ({ reason }) => {
  const stored = { planHash: '0'.repeat(64), changes: ['The session policy differs.'] }
  const texts = {
    ...toApprovalTexts({ ...approval, state: 'pending' }),
    exact_state: 'voided',
    state: 'rejected',
  } as const
  const read = fromApprovalTexts({ ...texts, voided: JSON.stringify({ ...stored, reason }) })
  expect(read.voided).toEqual({ ...stored, reason: 'plan_changed' })
})

test('a row from before votes were kept has none', () => {
  const row = {
    state: 'approved',
    exact_state: null,
    requirements: '[]',
    quorum: null,
    votes: null,
    voided: null,
  } as const
  expect(fromApprovalTexts(row)).toEqual({ state: 'approved', requirements: [], votes: [] })
})

test('a vote of a newer version is read: its channel as it is, and an unknown assurance as the least one', () => {
  const vote = {
    voter: 'olga',
    verdict: 'approve',
    at: 1,
    channel: 'console',
    assurance: 'in_person',
    note: '',
    planHash: '',
    groups: [],
  }
  const row = { ...toApprovalTexts(approval), votes: JSON.stringify([{ ...vote, device: 'key-1' }]) }
  expect(fromApprovalTexts(row).votes).toEqual([{ ...vote, at: new Date(1), assurance: 'no_step_up' }])
})

for (const { name, damage } of [
  { name: 'votes that are no list', damage: { votes: '{}' } },
  { name: 'a vote without a voter', damage: { votes: '[{"verdict":"approve"}]' } },
  { name: 'requirements that are no list', damage: { quorum: '{}' } },
  { name: 'a void without a reason', damage: { voided: '{}' } },
  { name: 'a state that nobody knows', damage: { state: 'asked' as never } },
])
  test(`refuses to read ${name}`, () =>
    expect(() => fromApprovalTexts({ ...toApprovalTexts(approval), ...damage })).toThrow())
