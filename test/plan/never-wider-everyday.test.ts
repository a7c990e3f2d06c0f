import { expect, test } from 'vitest'
import { hasCode } from '../../src/core/errors.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { EVERYDAY_ROLE, everydayTasks, type TaskEntry } from '../bench/tasks/everyday-tasks.ts'
import { evaluateIam } from '../support/iam-evaluator.ts'

const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
const roles = new Map([[EVERYDAY_ROLE, { allowWildcard: true }]])
const planner = createPlanner({ labels: NO_LABELS, roles, limits })
const SEED = 7

function planned(access: readonly TaskEntry[]): Plan | undefined {
  try {
    const input = { purpose: 'an everyday task', roleArn: EVERYDAY_ROLE, access, ttlSeconds: 600 }
    return planner.plan('spiffe://example.org/a', input)
  } catch (error) {
    if (hasCode(error, 'SESSION_POLICY_TOO_LARGE')) return undefined
    throw error
  }
}

const asPolicy = (entries: readonly TaskEntry[]) =>
  JSON.stringify({
    Statement: entries.map(({ actions, resources }) => ({ Effect: 'Allow', Action: actions, Resource: resources })),
  })

/** Every action of these tasks is asked on ARNs of its own service, or on `*`: another request does not exist. */
function isPossible(action: string, resource: string): boolean {
  return resource === '*' || resource.split(':')[2] === action.split(':')[0]
}

test('tasks of many services keep all that they declare and get nothing, however their statements are merged', () => {
  const seen = { plans: 0, merged: 0, allowed: 0, refused: 0 }
  for (const access of everydayTasks(SEED, 400)) {
    const plan = planned(access)
    if (!plan) continue
    seen.plans += 1
    const pairs = asPolicy(plan.pairs.map(({ action, resource }) => ({ actions: [action], resources: [resource] })))
    const { Statement } = JSON.parse(plan.sessionPolicy) as { Statement: { Action: string | string[] }[] }
    if (Statement.some(({ Action }) => new Set([Action].flat().map((each) => each.split(':')[0])).size > 1))
      seen.merged += 1
    const actions = new Set(access.flatMap((entry) => entry.actions))
    const resources = new Set(access.flatMap((entry) => entry.resources).map((text) => text.replace(/(.)\*/g, '$1x')))
    for (const action of actions)
      for (const resource of resources) {
        if (!isPossible(action, resource)) continue
        const request = { action, resource }
        const inPlan = evaluateIam([pairs], request)
        const told = `${action} ${resource} ${plan.sessionPolicy}`
        expect(evaluateIam([plan.sessionPolicy], request), told).toBe(inPlan)
        if (inPlan === 'allow') expect(evaluateIam([asPolicy(access)], request), told).toBe('allow')
        seen[inPlan === 'allow' ? 'allowed' : 'refused'] += 1
      }
  }
  expect(seen.plans).toBeGreaterThan(300)
  expect(seen.merged).toBeGreaterThan(20)
  expect(seen.allowed).toBeGreaterThan(5_000)
  expect(seen.refused).toBeGreaterThan(1_000)
})
