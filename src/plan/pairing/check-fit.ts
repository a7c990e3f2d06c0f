import type { ActionClass } from '../../aws/action-classes.ts'
import type { ResourceType, TableAction } from '../../aws/action-table.ts'
import { type ResourcePattern, splitArn } from '../../aws/arn.ts'
import { compileGlob, contains, intersects, matches } from '../../aws/glob.ts'
import { judgeStar, takesStarByName } from '../../aws/reach/star.ts'

/** The relation of an action to a resource pattern. `too_wide`: the pattern means every resource of a kind. */
export type Fit = 'fits' | 'too_wide' | 'mismatch'

/** The rules that decide which resources an action may have. */
export interface FitRules {
  /** The role's partition, e.g. `aws`: it reaches no other. */
  readonly partition: string
  /** The role's account, '' if it has none. A pattern of every resource of a kind in this account is too wide. */
  readonly accountId: string
  /** True for every action, or for those that match one of the patterns: these may take `*` or a whole resource type. */
  readonly allowWildcard: boolean | readonly string[]
  /** True if reads of configuration may do so too: those that need no resource and return no secret. */
  readonly allowWildcardReads: boolean
  /** The class of an action, after the operator's overrides. */
  readonly findClass: (action: string) => ActionClass
}

/**
 * Makes a function that tells how an action fits a resource pattern. Answers for resource types are remembered, since the
 * actions of a service share types.
 *
 * @param byTag a condition names the resources by tag, so that a pattern of a whole kind is not too wide.
 */
export function createFitCheck(
  rules: FitRules,
  byTag: boolean,
): (action: TableAction, resource: ResourcePattern, isNamed: boolean) => Fit {
  const meets = new Map<ResourcePattern, Map<ResourceType, Fit>>()
  const wildcards = rules.allowWildcard
  const judge = (action: TableAction) => judgeStar(action, rules.findClass(action.action))
  const mayTakeAll = (action: TableAction): boolean =>
    byTag ||
    (rules.allowWildcardReads && judge(action) === 'reads_configuration') ||
    (Array.isArray(wildcards)
      ? wildcards.some((pattern: string) => matches(pattern.toLowerCase(), action.action.toLowerCase()))
      : wildcards === true)
  return (action, resource, isNamed) => {
    const { resourceTypes } = action
    if (resource.text === '*') {
      const use = judge(action)
      const isPlain = use === 'nothing_narrower' || (isNamed && takesStarByName(use))
      return isPlain || mayTakeAll(action) ? 'fits' : 'too_wide'
    }
    const known = meets.get(resource) ?? new Map<ResourceType, Fit>()
    meets.set(resource, known)
    let fit: Fit = 'mismatch'
    for (const type of resourceTypes) {
      const found = known.get(type) ?? checkType(type, resource, rules)
      known.set(type, found)
      if (found === 'too_wide') return mayTakeAll(action) ? 'fits' : 'too_wide'
      if (found === 'fits') fit = 'fits'
    }
    return fit
  }
}

function checkType(type: ResourceType, resource: ResourcePattern, { partition, accountId }: FitRules): Fit {
  if (!type.parts.every((part, at) => intersects(part, resource.parts[at] ?? part))) return 'mismatch'
  if (!type.hasVariables || !/[*?]/.test(resource.text)) return 'fits'
  const wide = compileGlob(widenPattern(resource.text))
  const standsForAll = contains(wide, compileGlob(type.all(partition, accountId)))
  return standsForAll ? 'too_wide' : 'fits'
}

/**
 * Widens a pattern by what narrows it in form only: no bucket has a name under three characters, so `???*` is `*`, and every
 * region has a dash, so `*-*` is `*`. For the question whether a pattern is too wide, where a wider reading is the safe one.
 */
function widenPattern(text: string): string {
  const { prefix, partition, service, region = '', account = '', resource } = splitArn(text)
  const open = (part: string) => (/[*?]/.test(part) ? '*' : part)
  const opened = resource.replace(/\?*\*[?*]*/g, '*')
  return [prefix, partition, service, open(region), open(account), opened].join(':')
}
