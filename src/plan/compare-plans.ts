import { conditionText } from '../aws/conditions/condition.ts'
import { keepsNetworkDeny } from '../aws/network-binding.ts'
import type { Plan, PlanPair } from './plan.ts'

/**
 * True if the plan that a task comes to now covers one that it came to before: each pair of the older one, with its
 * conditions, is among those that were judged now, and a network that binds the role now binds the older one too.
 */
export function coversPlan(now: Plan, before: Plan): boolean {
  if (now.hash === before.hash) return true
  const judged = new Set(now.pairs.map(pairText))
  return (
    before.pairs.every((pair) => judged.has(pairText(pair))) &&
    keepsNetworkDeny(before.sessionPolicy, now.sessionPolicy)
  )
}

function pairText({ action, resource, conditions = [] }: PlanPair): string {
  return [action, resource, ...conditions.map(conditionText)].join(' ')
}
