import type { ActionClass } from '../aws/action-classes.ts'
import type { PlanPair } from '../plan/plan.ts'
import type { Verdict } from './cedar/cedar-judge.ts'
import type { ApprovalRequirement } from './decision.ts'
import { ANYONE } from './names/mentions.ts'

/**
 * The approvals that a permitted plan still needs: for each pair, a member of any group that its permits name. A pair
 * that some permit allows outright needs nobody, unless its class does; then any approver will do.
 *
 * @returns without repeats, sorted; all of them have to be met.
 */
export function mergeRequirements(
  judged: readonly { readonly pair: PlanPair; readonly verdict: Verdict }[],
  approvalsRequiredFor: readonly ActionClass[],
): ApprovalRequirement[] {
  const byGroups = new Map<string, { anyOf: readonly string[]; because: Set<string> }>()
  for (const { pair, verdict } of judged) {
    const { anyOf, because } = toRequirement(pair, verdict, approvalsRequiredFor)
    if (anyOf.length === 0) continue
    const key = anyOf.join(' ')
    const known = byGroups.get(key) ?? { anyOf, because: new Set() }
    for (const reason of because) known.because.add(reason)
    byGroups.set(key, known)
  }
  return [...byGroups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { anyOf, because }]) => ({ anyOf, because: [...because].sort() }))
}

function toRequirement(
  pair: PlanPair,
  { applied }: Verdict,
  approvalsRequiredFor: readonly ActionClass[],
): { anyOf: readonly string[]; because: readonly string[] } {
  const groups = applied.flatMap(({ approvalGroup }) => approvalGroup ?? [])
  if (groups.length === applied.length) {
    const anyOf = groups.includes(ANYONE) ? [ANYONE] : [...new Set(groups)].sort()
    return { anyOf, because: applied.map(({ id }) => id) }
  }
  const byClass = approvalsRequiredFor.includes(pair.class)
  return byClass ? { anyOf: [ANYONE], because: [`class:${pair.class}`] } : { anyOf: [], because: [] }
}
