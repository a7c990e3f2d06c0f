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

/** The resources that one action of a role can reach by the pattern that is labelled. */
interface LabelReach {
  readonly role: ReachingRole
  /** For a pattern that leaves the account open; undefined for one that does not, and for an action that reaches everything. */
  readonly ofAction?: ActionReach
}

/** Finds labels once for each pattern and reach, since most actions of a service reach the same. */
export function createLabelFinder(
  labels: LabelSet,
  roleArn: string,
): (action: string, resource: ResourcePattern) => Labelled {
  const { partition = '', accountId = '' } = parseRoleArn(roleArn) ?? {}
  const role = { partition, accountId }
  const known = new Map<ActionReach | undefined, Map<string, Labelled>>()
  return (action, resource) => {
    const ofAction = leavesAccountOpen(resource) ? findReach(findAction(action), role) : undefined
    const before = known.get(ofAction) ?? new Map<string, Labelled>()
    known.set(ofAction, before)
    const found = before.get(resource.text) ?? findLabels(labels, resource, { role, ...(ofAction && { ofAction }) })
    before.set(resource.text, found)
    return found
  }
}

/**
 * The labels of all that a pattern stands for (`within`) and of some of it (`touches`), by ARN; see `findTagLabels` for those
 * by tag.
 *
 * Within means wholly inside one pattern of the label: what several of its patterns cover only together counts as not within,
 * which can refuse but never grant. `*`, or a pattern with a wildcard in the account, touches the labels of what the action can
 * reach (all labels if it is not given); what hangs on a labelled resource (`table/orders/index/by-day`
 * on `table/orders`, `function:pay:live` on `function:pay`) touches its label; and an access point of S3 those of all buckets,
 * since its name does not say which bucket is behind it.
 */
export function findLabels({ labels }: LabelSet, resource: ResourcePattern, given?: LabelReach): Labelled {
  const reach = given?.ofAction ? { ...given, ofAction: narrowReach(given.ofAction, resource) } : given
  const within: string[] = []
  const touches: string[] = []
  const isDoor = isAccessPoint(resource)
  for (const { label, patterns } of labels) {
    const reached = patterns.filter(
      (pattern) =>
        !isElsewhere(pattern, resource) &&
        (!reach?.ofAction || reachesPattern(reach.ofAction, pattern.service, pattern)),
    )
    const met = reached.filter((pattern) => resourceIntersects(pattern, resource))
    const isTouched =
      met.length > 0 ||
      reached.some(({ below }) => below.some((glob) => intersects(glob, resource.glob))) ||
      (isDoor && patterns.some(({ text }) => BUCKETS.test(text))) ||
      (reach && patterns.some((pattern) => ownsWithoutAccount(pattern, resource, reach)))
    if (isTouched) touches.push(label)
    if (met.some((pattern) => resourceContains(pattern, resource))) within.push(label)
  }
  return { within, touches }
}

/**
 * True if the request spells service, region and account, and the label is of another one. Read as one text, the last `*` of
 * the request and the region `*` of the label could still meet, in an ARN that has one account after the other; there is none.
 */
function isElsewhere(label: ResourcePattern, { partition, text, parts }: ResourcePattern): boolean {
  if (partition === undefined || label.partition === undefined || /[*?]/.test(text.split(':', 5).join())) return false
  return parts.slice(0, 5).some((part, at) => !intersects(label.parts[at] ?? part, part))
}

/** The label of a whole account touches what is named without an account, if it may be in that account. */
function ownsWithoutAccount(label: LabelPattern, resource: ResourcePattern, { role, ofAction }: LabelReach): boolean {
  const [, , , , account, name] = label.parts
  if (label.service !== '*' || !account || !name) return false
  const owners = ownersWithoutAccount(resource, role)
  if (owners) return intersects(account, owners) && intersects(name, resource.parts[5] ?? name)
  return ofAction?.arns.some(({ owner }) => owner !== undefined && intersects(account, owner)) ?? false
}

/** The form of the ARNs of buckets and objects, which have neither region nor account; a wildcard may stand for neither. */
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
