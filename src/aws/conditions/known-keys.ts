import { actionsOfService, type ResourceType, type TableAction } from '../action-table.ts'
import type { ResourcePattern } from '../arn.ts'
import { intersects } from '../glob.ts'
import type { Condition } from './condition.ts'
import { findConditionKey } from './condition-keys.ts'

/**
 * Finds the first condition whose key no request for this action on this resource carries. It would refuse every request.
 *
 * @returns undefined if AWS documents every key for the action, or for a resource type that the pattern may mean.
 */
export function findUnknownKey(
  action: TableAction,
  resource: ResourcePattern,
  conditions: readonly Condition[],
): Condition | undefined {
  if (conditions.length === 0) return undefined
  const letters = knownLetters(action, resource)
  return conditions.find(({ key }) => {
    const letter = findConditionKey(key)?.row.letter
    return letter !== undefined && !letters.includes(letter)
  })
}

function knownLetters({ keys, resourceTypes, typeKeys }: TableAction, resource: ResourcePattern): string {
  const meant = typeKeys.filter((_, at) => canMean(resource, resourceTypes[at]))
  return `${keys}${(meant.length > 0 ? meant : typeKeys).join('')}`
}

/** True if a pattern may mean a resource of a type. The actions of a service share types, so answers are remembered. */
function canMean(resource: ResourcePattern, type: ResourceType | undefined): boolean {
  if (!type) return false
  const known = meanings.get(resource) ?? new Map<ResourceType, boolean>()
  meanings.set(resource, known)
  const answer = known.get(type) ?? type.parts.every((part, at) => intersects(part, resource.parts[at] ?? part))
  known.set(type, answer)
  return answer
}

const meanings = new WeakMap<ResourcePattern, Map<ResourceType, boolean>>()

/** True if a resource of the service can have a tag, even if, as with Route 53, policies cannot use the tag. */
export function hasTaggedResources(service: string): boolean {
  const known = taggedServices.get(service)
  if (known !== undefined) return known
  const actions = [...(actionsOfService(service)?.values() ?? [])]
  const tagged = actions.some(
    ({ level, keys, typeKeys }) => level === 'tag' || [keys, ...typeKeys].some((letters) => letters.includes('r')),
  )
  taggedServices.set(service, tagged)
  return tagged
}

/** By service prefix; `r` is the letter of aws:ResourceTag. */
const taggedServices = new Map<string, boolean>()
