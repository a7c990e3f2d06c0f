import { type ResourcePattern, resourceIntersects } from '../../aws/arn.ts'
import { intersects } from '../../aws/glob.ts'
import type { LabelSet } from '../../plan/labels/labels.ts'
import type { PolicyProblem } from '../policy-set.ts'

/** Finds labels marked production and nonproduction that share resources. Such resources count as production, so no waiver applies. */
export function findOverlappingMarks({ labels }: LabelSet, file: string): PolicyProblem[] {
  const production = labels.filter(({ marks }) => marks.includes('production'))
  const nonproduction = labels.filter(({ marks }) => marks.includes('nonproduction'))
  return production.flatMap((one) =>
    nonproduction.flatMap((other) => {
      const pair = one.patterns.flatMap((pattern) => {
        const met = other.patterns.find((candidate) => sharesResources(pattern, candidate))
        return met ? [[pattern.text, met.text] as const] : []
      })[0]
      if (!pair) return []
      const message = `${one.label} is marked production and ${other.label} nonproduction, and both cover some of the same resources (${pair.join(' and ')}); those count as production.`
      return [{ severity: 'warning' as const, file, line: 1, column: 1, message, rule: 'marks-overlap' as const }]
    }),
  )
}

/** Read part by part: a `*` for the region does not stand for the account behind it. */
function sharesResources(one: ResourcePattern, other: ResourcePattern): boolean {
  return resourceIntersects(one, other) && one.parts.every((part, at) => intersects(part, other.parts[at] ?? part))
}
