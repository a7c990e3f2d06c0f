import { actionsOfService, knownServices, type ResourceType, resourceTypesByService } from '../../aws/action-table.ts'
import { intersects } from '../../aws/glob.ts'
import { didYouMean } from '../../core/text/nearest.ts'
import type { LabelPattern, LabelSet } from '../../plan/labels/labels.ts'
import type { PolicyProblem } from '../policy-set.ts'

const MAX_TEMPLATES = 3

/**
 * Patterns of labels that no resource can match, such as one of a misspelt service: what they were meant to mark or forbid
 * goes unmarked. A warning, since AWS may have what the action table does not know yet.
 */
export function findIdleLabels({ labels }: LabelSet, file: string): PolicyProblem[] {
  const warn = (message: string) => ({
    ...{ severity: 'warning' as const, file, line: 1, column: 1, message },
    rule: 'label-idle' as const,
  })
  return labels.flatMap(({ label, patterns, tags }) => [
    ...patterns.flatMap((pattern) => {
      const why = explainIdle(pattern)
      if (why === undefined) return []
      return [warn(`The label ${label} has the pattern ${pattern.text}, which no resource can match: ${why}`)]
    }),
    ...tags.flatMap(({ key, services = [] }) =>
      services
        .filter((service) => !actionsOfService(service))
        .map((service) => {
          const near = didYouMean(service, knownServices())
          return warn(
            `The label ${label} has the tag ${key} in a service ${service}, which has no actions${near || '.'}`,
          )
        }),
    ),
  ])
}

function explainIdle(pattern: LabelPattern): string | undefined {
  const { service } = pattern
  if (service === '' || service === '*') return undefined
  const types = resourceTypesByService().get(service)
  if (!types) {
    const near = didYouMean(service, resourceTypesByService().keys())
    return `the action table knows no ARN of a service ${service}${near || '.'}`
  }
  return types.some((type) => mayMatch(type, pattern)) ? undefined : `ARNs of ${service} are ${listTemplates(types)}.`
}

function mayMatch({ parts }: ResourceType, pattern: LabelPattern): boolean {
  return parts.every((part, at) => intersects(part, pattern.parts[at] ?? part))
}

/** The shortest are of what people name most: a bucket, a table, a role. */
function listTemplates(types: readonly ResourceType[]): string {
  const templates = [...new Set(types.map(({ template }) => template))].sort((a, b) => a.length - b.length)
  return `${templates.slice(0, MAX_TEMPLATES).join(' or ')}${templates.length > MAX_TEMPLATES ? ' or others' : ''}`
}
