import { parseRoleArn, type ResourcePattern, resourceContains, resourceIntersects } from '../../aws/arn.ts'
import { findAction } from '../../aws/classify.ts'
import { intersects } from '../../aws/glob.ts'
import {
  type ActionReach,
  findReach,
  leavesAccountOpen,
  narrowReach,
  ownersWithoutAccount,
  type ReachingRole,
  reachesPattern,
} from '../../aws/reach/action-reach.ts'
import type { Labelled, LabelPattern, LabelSet } from './labels.ts'

/** The reach of an action and its role. */
interface LabelReach {
  readonly role: ReachingRole
  /** Set if the pattern leaves the account open, unless the action reaches everything. */
  readonly actionReach?: ActionReach
}

/** Makes a function that finds labels. It remembers them by pattern and reach, since most actions of a service share one. */
export function createLabelFinder(
  labels: LabelSet,
  roleArn: string,
): (action: string, resource: ResourcePattern) => Labelled {
  const { partition = '', accountId = '' } = parseRoleArn(roleArn) ?? {}
  const role = { partition, accountId }
  const known = new Map<ActionReach | undefined, Map<string, Labelled>>()
  return (action, resource) => {
    const actionReach = leavesAccountOpen(resource) ? findReach(findAction(action), role) : undefined
    const before = known.get(actionReach) ?? new Map<string, Labelled>()
    known.set(actionReach, before)
    const found =
      before.get(resource.text) ?? findLabels(labels, resource, { role, ...(actionReach && { actionReach }) })
    before.set(resource.text, found)
    return found
  }
}

/**
 * Finds labels by ARN: those of every resource that a pattern may mean (`within`), and those of at least one (`touches`). See
 * `findTagLabels` for labels by tag.
 *
 * - A pattern is within a label if it lies wholly inside one of the label's patterns. If only several of them together cover it,
 *   it is not within, which can refuse but never grant.
 * - `*`, and a pattern with a wildcard in the account, touch the labels that the action can reach; all labels without `given`.
 * - A resource below a labelled one touches its label: `table/orders/index/by-day` on `table/orders`, `function:pay:live` on
 *   `function:pay`.
 * - An S3 access point touches the labels of all buckets, since its name does not say which bucket is behind it.
 */
export function findLabels({ labels }: LabelSet, resource: ResourcePattern, given?: LabelReach): Labelled {
  const reach = given?.actionReach ? { ...given, actionReach: narrowReach(given.actionReach, resource) } : given
  const within: string[] = []
  const touches: string[] = []
  const isAccessPointPattern = isAccessPoint(resource)
  const isSpelled = spellsPlace(resource)
  for (const { label, patterns } of labels) {
    const reached = patterns.filter(
      (pattern) =>
        !(isSpelled && isElsewhere(pattern, resource)) &&
        (!reach?.actionReach || reachesPattern(reach.actionReach, pattern.service, pattern)),
    )
    const met = reached.filter((pattern) => resourceIntersects(pattern, resource))
    const isTouched =
      met.length > 0 ||
      reached.some(({ below }) => below.some((glob) => intersects(glob, resource.glob))) ||
      (isAccessPointPattern && patterns.some(({ text }) => BUCKETS.test(text))) ||
      (reach && patterns.some((pattern) => ownsWithoutAccount(pattern, resource, reach)))
    if (isTouched) touches.push(label)
    if (met.some((pattern) => resourceContains(pattern, resource))) within.push(label)
  }
  return { within, touches }
}

/** True if the resource spells service, region and account. */
function spellsPlace({ partition, text }: ResourcePattern): boolean {
  return partition !== undefined && !/[*?]/.test(text.split(':', 5).join())
}

/**
 * True if the label has another service, region or account than a resource that spells them. Compared as whole texts they could
 * still intersect, by the last `*` of the resource and the `*` in the region of the label, in an ARN that cannot exist.
 */
function isElsewhere(label: ResourcePattern, { parts }: ResourcePattern): boolean {
  if (label.partition === undefined) return false
  return parts.slice(0, 5).some((part, at) => !intersects(label.parts[at] ?? part, part))
}

/** True if the label is a whole account that may own a resource whose ARN names no account. */
function ownsWithoutAccount(
  label: LabelPattern,
  resource: ResourcePattern,
  { role, actionReach }: LabelReach,
): boolean {
  const [, , , , account, name] = label.parts
  if (label.service !== '*' || !account || !name) return false
  const owners = ownersWithoutAccount(resource, role)
  if (owners) return intersects(account, owners) && intersects(name, resource.parts[5] ?? name)
  return actionReach?.arns.some(({ owner }) => owner !== undefined && intersects(account, owner)) ?? false
}

/** Patterns of buckets and objects, whose ARNs have neither region nor account. */
const BUCKETS = /^arn:[^:]+:s3:[*]*:[*]*:/

/** @see Amazon S3 User Guide, "Referencing access points"; the access points of Object Lambda and Outposts likewise */
function isAccessPoint({ parts }: ResourcePattern): boolean {
  const [, , service, , account, name] = parts
  if (
    !service ||
    !account ||
    !name ||
    !['s3', 's3-object-lambda', 's3-outposts'].some((each) => intersects(service, each))
  )
    return false
  return intersects(account, '?*') && (intersects(name, 'accesspoint/*') || intersects(name, 'outpost/*'))
}
