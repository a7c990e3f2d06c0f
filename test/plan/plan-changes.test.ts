import { expect, test } from 'vitest'
import type { Plan, PlanPair } from '../../src/plan/plan.ts'
import { describePlanChanges } from '../../src/plan/plan-changes.ts'
import { samplePlan } from '../support/ledger-records.ts'

const before = samplePlan()
const [pair] = before.pairs as readonly [PlanPair]
const changed = (change: Partial<Plan>): Plan => ({ ...before, ...change, hash: 'f'.repeat(64) })

for (const { name, now, says } of [
  { name: 'the same plan', now: before, says: [] },
  {
    name: 'another class',
    now: changed({ pairs: [{ ...pair, class: 'destructive' }] }),
    says: [/^Another class: s3:GetObject on .* \(was read, is destructive\)\.$/],
  },
  {
    name: 'another label',
    now: changed({ pairs: [{ ...pair, touches: ['data:invoices', 'env:prod'] }] }),
    says: [/is within data:invoices and touching env:prod/],
  },
  {
    name: 'an action that came and one that went',
    now: changed({ pairs: [{ ...pair, action: 's3:PutObject', class: 'write' }] }),
    says: [/^Added: s3:PutObject on /, /^No longer included: s3:GetObject on /],
  },
  { name: 'another session policy', now: changed({ sessionPolicy: '{}' }), says: [/^The session policy differs\.$/] },
  {
    name: 'another action table',
    now: changed({ actionTableVersion: '0.22.0' }),
    says: [/is version 0\.22\.0, and was 0\.21\.0/],
  },
  { name: 'something else', now: changed({ sessionPolicyCharacters: 1 }), says: [/^Another part of the plan differs/] },
])
  test(`the words for ${name}`, () => {
    const changes = describePlanChanges(before, now)
    expect(changes).toHaveLength(says.length)
    for (const [index, pattern] of says.entries()) expect(changes[index]).toMatch(pattern)
  })
