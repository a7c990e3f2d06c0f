import type { ActionFlag } from '../action-classes.ts'
import { parseResourcePattern, type ResourcePattern } from '../arn.ts'
import { intersects } from '../glob.ts'

/** Flags that actions have on some of their resources only. */
export interface ResourceFlagRow {
  readonly actions: readonly string[]
  /** ARN patterns, whatever the partition. */
  readonly resources: readonly string[]
  readonly flags: readonly ActionFlag[]
  readonly reason: string
}

/** @see Amazon API Gateway API Reference, "GetApiKeys" (`includeValues`), "GetUsagePlanKeys", "ImportApiKeys" */
export const RESOURCE_FLAGS: readonly ResourceFlagRow[] = [
  {
    actions: ['apigateway:GET', 'apigateway:PATCH', 'apigateway:POST', 'apigateway:PUT'],
    resources: [
      'arn:aws:apigateway:*::/apikeys',
      'arn:aws:apigateway:*::/apikeys/*',
      'arn:aws:apigateway:*::/usageplans/*/keys',
      'arn:aws:apigateway:*::/usageplans/*/keys/*',
    ],
    flags: ['secret'],
    reason: 'the answer holds the values of API keys',
  },
]

/** The rows about one action. @param action canonical */
export function findResourceFlags(action: string): readonly ResourceFlagRow[] {
  return RESOURCE_FLAGS.filter(({ actions }) => actions.includes(action))
}

/**
 * Adds the flags that an action has on some of the resources that a pattern may mean.
 *
 * @param flags its flags on every resource.
 * @returns sorted; the same array if nothing is new.
 */
export function withResourceFlags(
  action: string,
  resource: Pick<ResourcePattern, 'parts'>,
  flags: readonly ActionFlag[],
): readonly ActionFlag[] {
  const more = (rowsByAction.get(action) ?? [])
    .filter(({ patterns }) => patterns.some((each) => meet(each, resource)))
    .flatMap((row) => row.flags)
    .filter((flag) => !flags.includes(flag))
  return more.length === 0 ? flags : [...new Set([...flags, ...more])].sort()
}

/** Place of the partition in an ARN. */
const PARTITION = 1

/** Compared part by part: read as one text, a region of `*` could match an account and a name too. */
function meet({ parts }: ResourcePattern, resource: Pick<ResourcePattern, 'parts'>): boolean {
  return parts.every((part, at) => at === PARTITION || intersects(part, resource.parts[at] ?? part))
}

const rowsByAction = new Map<string, { patterns: readonly ResourcePattern[]; flags: readonly ActionFlag[] }[]>()
for (const { actions, resources, flags } of RESOURCE_FLAGS) {
  const row = { patterns: resources.map((each) => parseResourcePattern(each)), flags }
  for (const action of actions) rowsByAction.set(action, [...(rowsByAction.get(action) ?? []), row])
}
