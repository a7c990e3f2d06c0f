import { expect, test } from 'vitest'
import { coversPlan } from '../../src/plan/compare-plans.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { createPlanner } from '../../src/plan/planner.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/ops'
const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }

/** The plan of one action on all instances, once for each value of the tag env, where there is any. */
function planOf(...values: string[]): Plan {
  const planner = createPlanner({ labels: NO_LABELS, roles: new Map([[ROLE, { allowWildcard: true }]]), limits })
  const entry = {
    actions: ['ec2:StopInstances'],
    resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/*'],
  }
  const narrowed = values.map((value) => ({ ...entry, conditions: [{ key: 'aws:ResourceTag/env', values: [value] }] }))
  const access = narrowed.length > 0 ? narrowed : [entry]
  return planner.plan('spiffe://example.org/ops', { purpose: 'Stop instances', roleArn: ROLE, access, ttlSeconds: 600 })
}

for (const { name, now, before, covers } of [
  { name: 'the same conditions', now: ['dev'], before: ['dev'], covers: true },
  { name: 'one of its conditions', now: ['dev', 'test'], before: ['dev'], covers: true },
  { name: 'other conditions', now: ['dev'], before: ['prod'], covers: false },
  { name: 'no condition', now: ['dev'], before: [], covers: false },
])
  test(`a plan ${covers ? 'covers' : 'does not cover'} one of the same pair under ${name}`, () => {
    expect(coversPlan(planOf(...now), planOf(...before))).toBe(covers)
  })
