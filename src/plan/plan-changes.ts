import type { Plan, PlanPair } from './plan.ts'
import { comparePlans, describePair } from './plan-difference.ts'

/** Items in a sentence; further ones are counted. */
const MAX_NAMED = 5

/**
 * What differs between two plans of one task, each a sentence, the most important first; empty only for the same plan.
 *
 * @param before e.g. the plan that a person was asked about
 */
export function describePlanChanges(before: Plan, now: Plan): string[] {
  if (before.hash === now.hash) return []
  const { added, removed, changed } = comparePlans(now, before)
  const differing = (describe: (pair: PlanPair) => string) =>
    changed.flatMap(({ now: pair, before: old }) => {
      const [was, is] = [describe(old), describe(pair)]
      return was === is ? [] : [`${describePair(pair)} (was ${was}, is ${is})`]
    })
  const changes = [
    ...listed('Added', added.map(describePair)),
    ...listed('No longer included', removed.map(describePair)),
    ...listed(
      'Another class',
      differing((pair) => pair.class),
    ),
    ...listed('Other labels', differing(describeLabels)),
    ...listed(
      'Other flags',
      differing(({ flags }) => flags.join(', ') || 'none'),
    ),
    ...describeRest(before, now),
  ]
  return changes.length > 0 ? changes : ['Another part of the plan differs.']
}

function describeLabels({ within, touches }: PlanPair): string {
  const partly = touches.filter((label) => !within.includes(label))
  const parts = [
    ...(within.length > 0 ? [`within ${within.join(', ')}`] : []),
    ...(partly.length > 0 ? [`touching ${partly.join(', ')}`] : []),
  ]
  return parts.length > 0 ? parts.join(' and ') : 'unlabelled'
}

/** Differences beyond single pairs; named only if they differ. */
function describeRest(before: Plan, now: Plan): string[] {
  const differs = (part: keyof Plan) => JSON.stringify(before[part] ?? null) !== JSON.stringify(now[part] ?? null)
  return [
    ...(differs('labelMarks') ? ['The marks of its labels differ.'] : []),
    ...(differs('sessionPolicy') ? ['The session policy differs.'] : []),
    ...(differs('warnings') ? ['Its warnings differ.'] : []),
    ...(differs('dropped') ? ['Other actions were left out of its wildcards.'] : []),
    ...(differs('actionTableVersion')
      ? [`The action table is version ${now.actionTableVersion}, and was ${before.actionTableVersion}.`]
      : []),
  ]
}

function listed(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return []
  const more = items.length > MAX_NAMED ? `; and ${items.length - MAX_NAMED} more` : ''
  return [`${what}: ${items.slice(0, MAX_NAMED).join('; ')}${more}.`]
}
