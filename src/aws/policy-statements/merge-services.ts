import { actionsOfService } from '../action-table.ts'
import { splitArn } from '../arn.ts'
import { type Allow, actionService, sortedSet } from './statement.ts'

/**
 * Services whose actions may name each other's resources although the table does not say so, each row with its reason. The
 * services of one row are never merged with each other.
 */
const RELATED: readonly (readonly string[])[] = [
  // The service was renamed; connections of both names exist, and each is taken by the actions of the other.
  ['codestar-connections', 'codeconnections'],
  // InvokeModel takes endpoints of the Bedrock Marketplace, which are SageMaker's.
  ['bedrock', 'sagemaker'],
  // A parameter may stand for a secret (`/aws/reference/secretsmanager/…`).
  ['ssm', 'secretsmanager'],
]

/**
 * Merges statements of different services, which saves the frame of a statement each time. A merged statement also combines the
 * actions of one service with the resources of the other. That is sound if no request can have such a combination: no action
 * of the first service takes an ARN of the second. Whole services are compared, not the rows of single actions, since rows
 * lack resource types.
 *
 * A statement with resource `*` is never merged, since `*` matches the resource of every request; nor are statements with
 * different conditions.
 *
 * @returns at most as many statements; the same input gives the same output.
 */
export function mergeServices(statements: readonly Allow[]): readonly Allow[] {
  const groups: Mergeable[] = []
  for (const next of mostStatementsFirst(statements).map(toMergeable)) {
    const at = groups.findIndex((group) => canMerge(group, next))
    const group = groups[at]
    if (group) groups[at] = merge(group, next)
    else groups.push(next)
  }
  return groups.map(({ allow }) => allow)
}

interface Mergeable {
  readonly allow: Allow
  /** Services whose ARNs the actions may take; undefined for any service. */
  readonly taken: ReadonlySet<string> | undefined
  /** Services of the resources; undefined if a resource is `*`. */
  readonly named: ReadonlySet<string> | undefined
}

/** Services with many statements come first, so that those with few find a place beside each of them. */
function mostStatementsFirst(statements: readonly Allow[]): readonly Allow[] {
  const firstService = ({ actions: [first = ''] }: Allow) => actionService(first)
  const count = new Map<string, number>()
  for (const each of statements) count.set(firstService(each), (count.get(firstService(each)) ?? 0) + 1)
  return [...statements].sort((a, b) => (count.get(firstService(b)) ?? 0) - (count.get(firstService(a)) ?? 0))
}

function toMergeable(allow: Allow): Mergeable {
  const taken = sortedSet(allow.actions.map(actionService)).map(arnServices)
  const named = allow.resources.map((resource) => splitArn(resource).service)
  return {
    allow,
    taken: taken.includes(undefined) ? undefined : new Set(taken.flatMap((services) => [...(services ?? [])])),
    named: named.includes(undefined) ? undefined : new Set(named as string[]),
  }
}

function canMerge(a: Mergeable, b: Mergeable): boolean {
  return a.allow.condition === b.allow.condition && isForeign(a.taken, b.named) && isForeign(b.taken, a.named)
}

function isForeign(taken: Mergeable['taken'], named: Mergeable['named']): boolean {
  return taken !== undefined && named !== undefined && ![...named].some((service) => taken.has(service))
}

function merge(a: Mergeable, b: Mergeable): Mergeable {
  return {
    allow: {
      actions: sortedSet([...a.allow.actions, ...b.allow.actions]),
      resources: sortedSet([...a.allow.resources, ...b.allow.resources]),
      condition: a.allow.condition,
    },
    taken: new Set([...(a.taken ?? []), ...(b.taken ?? [])]),
    named: new Set([...(a.named ?? []), ...(b.named ?? [])]),
  }
}

const arnServicesByService = new Map<string, ReadonlySet<string> | undefined>()

/**
 * Services whose ARNs the actions of this service take, its own included. Undefined for any service: the table does not know
 * this one, or a template leaves the service open.
 */
function arnServices(service: string): ReadonlySet<string> | undefined {
  if (arnServicesByService.has(service)) return arnServicesByService.get(service)
  const found = findArnServices(service)
  arnServicesByService.set(service, found)
  return found
}

function findArnServices(service: string): ReadonlySet<string> | undefined {
  const actions = actionsOfService(service)
  if (!actions) return undefined
  const templates = [...actions.values()].flatMap(({ resourceTypes }) => resourceTypes)
  const named = new Set([...RELATED.filter((row) => row.includes(service)).flat(), service])
  for (const { template } of templates) named.add(splitArn(template).service ?? '*')
  return [...named].every((name) => /^[a-z0-9-]+$/.test(name)) ? named : undefined
}
