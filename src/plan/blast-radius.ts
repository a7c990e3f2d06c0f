import type { ActionClass, ActionFlag } from '../aws/action-classes.ts'
import { classify } from '../aws/classify.ts'
import type { BlastRadius, PlanPair } from './plan.ts'

/** Policies that also decide and are not read here. Each can only narrow access, except the last. */
const UNKNOWN = [
  'role policies',
  'permissions boundary',
  'service control policies',
  'resource control policies',
  'resource policies',
] as const

/** Sizes what a plan declares: pairs by class and by touched label, and what lives on after revocation. */
export function declaredBlastRadius(pairs: readonly PlanPair[]): BlastRadius {
  const byClass: Partial<Record<ActionClass, number>> = {}
  const byLabel = new Map<string, number>()
  const flags = new Set<ActionFlag>()
  const outlives = new Map<string, string>()
  for (const pair of pairs) {
    byClass[pair.class] = (byClass[pair.class] ?? 0) + 1
    for (const label of pair.touches) byLabel.set(label, (byLabel.get(label) ?? 0) + 1)
    for (const flag of pair.flags) flags.add(flag)
    const { outlivesReason } = classify(pair.action)
    if (outlivesReason !== undefined) outlives.set(pair.action, outlivesReason)
  }
  return {
    actions: new Set(pairs.map(({ action }) => action)).size,
    resourcePatterns: new Set(pairs.map(({ resource }) => resource)).size,
    byClass,
    byLabel: Object.fromEntries([...byLabel].sort(([a], [b]) => (a < b ? -1 : 1))),
    flags: [...flags].sort(),
    outlives: [...outlives].map(([action, reason]) => ({ action, reason })),
    unknown: UNKNOWN,
  }
}
