import type { ActionClass, ActionFlag } from '../aws/action-classes.ts'
import { classify } from '../aws/classify.ts'
import { conditionText } from '../aws/conditions/condition.ts'
import type { BlastRadius, PlanPair } from './plan.ts'

/** Policies that also decide and are not read here. Each can only narrow access, except the last. */
const UNKNOWN = [
  'role policies',
  'permissions boundary',
  'service control policies',
  'resource control policies',
  'resource policies',
] as const

/**
 * Counts the pairs of a plan by class, touched label and condition, and lists the actions that outlive revocation.
 *
 * @param unknown policies that decide and are not known; default: all but the session policy.
 */
export function declaredBlastRadius(pairs: readonly PlanPair[], unknown: readonly string[] = UNKNOWN): BlastRadius {
  const byClass: Partial<Record<ActionClass, number>> = {}
  const byLabel = new Map<string, number>()
  const byCondition = new Map<string, number>()
  const flags = new Set<ActionFlag>()
  const outlives = new Map<string, string>()
  for (const pair of pairs) {
    byClass[pair.class] = (byClass[pair.class] ?? 0) + 1
    for (const label of pair.touches) count(byLabel, label)
    for (const condition of pair.conditions ?? []) count(byCondition, conditionText(condition))
    for (const flag of pair.flags) flags.add(flag)
    const { outlivesReason } = classify(pair.action)
    if (outlivesReason !== undefined) outlives.set(pair.action, outlivesReason)
  }
  return {
    actions: new Set(pairs.map(({ action }) => action)).size,
    resourcePatterns: new Set(pairs.map(({ resource }) => resource)).size,
    byClass,
    byLabel: sorted(byLabel),
    ...(byCondition.size > 0 && { byCondition: sorted(byCondition) }),
    flags: [...flags].sort(),
    outlives: [...outlives].map(([action, reason]) => ({ action, reason })),
    unknown,
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}
