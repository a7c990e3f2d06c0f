import { expect, test } from 'vitest'
import { decisionFacts, planFacts } from '../../src/cli/grant-output.ts'
import type { PlanInfo } from '../../src/sdk/types.ts'

function plan({ purpose, resource }: { purpose: string; resource: string }): PlanInfo {
  return {
    hash: 'a'.repeat(64),
    task: { purpose, roleArn: 'arn:aws:iam::123456789012:role/x', access: [], ttlSeconds: 600 },
    pairs: [{ action: 's3:GetObject', resource, class: 'read', flags: [], within: [], touches: [] }],
    sessionPolicy: '{}',
    sessionPolicyCharacters: 2,
  } as unknown as PlanInfo
}
const lookAlikesOf = (shown: PlanInfo) => planFacts(shown).find(([name]) => name === 'Look-alikes')?.[1]

test('an approver is told of words that look like others, in the purpose and in resources', () => {
  const shown = lookAlikesOf(plan({ purpose: 'Read the p\u0430yments', resource: 'arn:aws:s3:::invoices-pr\u03bfd/*' }))
  expect(shown).toEqual([expect.stringContaining('p\u0430yments'), expect.stringContaining('pr\u03bfd')])
})

test('a plan of plain words has nothing to point out', () => {
  expect(lookAlikesOf(plan({ purpose: 'Read the payments', resource: 'arn:aws:s3:::invoices/*' }))).toBeUndefined()
})

test('marks of labels and waived approvals are shown with their reasons', () => {
  const marked = {
    ...plan({ purpose: 'Load', resource: 'arn:aws:s3:::a' }),
    labelMarks: { 'env:prod': ['production'] },
  }
  expect(Object.fromEntries(planFacts(marked)).Marks).toEqual(['env:prod: production'])
  const decision = {
    outcome: 'permit' as const,
    determiningPolicies: ['nightly'],
    failedPairs: [],
    approval: [],
    policySetHash: 'a'.repeat(64),
    waivers: [{ policy: 'nightly', reason: 'Reviewed by Mara', because: ['label:env:prod'] }],
  }
  expect(Object.fromEntries(decisionFacts(decision))['Approval waived']).toEqual([
    'by nightly (label:env:prod): Reviewed by Mara',
  ])
})

test('warnings of a plan are shown in their own words', () => {
  const warnings = [{ kind: 'cannot_revoke', explanation: 'Sessions of this role cannot be revoked.' }]
  const shown = { ...plan({ purpose: 'Load', resource: 'arn:aws:s3:::a' }), warnings }
  expect(Object.fromEntries(planFacts(shown)).Warnings).toEqual(['Sessions of this role cannot be revoked.'])
})
