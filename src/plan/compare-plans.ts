import { conditionText } from '../aws/conditions/condition.ts'
import { keepsNetworkDeny } from '../aws/network-binding.ts'
import type { Plan, PlanPair } from './plan.ts'

/**
 * True if a task's plan of now covers its earlier plan: it has each pair of the earlier plan, with the same conditions, and
 * every network that binds the role now bound the earlier plan too.
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
