import { classify } from '../aws/classify.ts'
import type { Condition } from '../aws/conditions/condition.ts'
import { matches } from '../aws/glob.ts'
import type { TagSelector } from './tag-labels.ts'

/** A tag key on which access rests: whoever sets it moves resources into a label or out of it. */
export interface ProtectedTagKey {
  readonly key: string
  /** What rests on it, for people, e.g. `the label env:dev`. */
  readonly usedBy: string
  /** Service prefixes; absent: all services. */
  readonly services?: readonly string[] | undefined
  /** Where tags of S3 objects count too: no label rests on them, but a role's policy may. */
  readonly ofObjects: boolean
}

/** The tag keys of a task: those of labels, and those that the operator names for its role. */
export function protectedTagKeys(
  labels: readonly { readonly label: string; readonly tags: readonly TagSelector[] }[],
  { roleArn, tagKeys }: { readonly roleArn: string; readonly tagKeys: readonly string[] },
): readonly ProtectedTagKey[] {
  const ofLabels = labels.flatMap(({ label, tags }) =>
    tags.map(({ key, services }) => ({ key, services, usedBy: `the label ${label}`, ofObjects: false })),
  )
  return [...ofLabels, ...tagKeys.map((key) => ({ key, usedBy: `the policies of ${roleArn}`, ofObjects: true }))]
}

/**
 * The first protected key that a pair may set or remove.
 *
 * Only `aws:TagKeys` can exclude a key: a condition on `aws:RequestTag` names a tag that must be set, and says nothing of the
 * others in the request. The keys are compared without regard to case, since AWS does so where the tag is asked for.
 *
 * @returns undefined for an action that sets no tags of existing resources, and where the conditions exclude every key. What
 *   tags a resource while creating it keeps its own class.
 */
export function findSettableKey(
  { action, conditions = [] }: { readonly action: string; readonly conditions?: readonly Condition[] },
  protectedKeys: readonly ProtectedTagKey[],
): ProtectedTagKey | undefined {
  const [service = '', name = ''] = action.split(':')
  if (classify(action).class !== 'tag' && !TAGGING_NAME.test(name)) return undefined
  const ofObjects = OBJECT_TAGGING.test(name)
  return protectedKeys.find(
    (each) =>
      (!ofObjects || each.ofObjects) &&
      (each.services?.includes(service) ?? true) &&
      !conditions.some((condition) => excludes(condition, each.key)),
  )
}

/** Tagging that AWS lists as a plain write. */
const TAGGING_NAME = /^(Tag|Untag)[A-Z]/
/** `aws:ResourceTag` does not see the tags of S3 objects. */
const OBJECT_TAGGING = /Object(Version)?Tagging$/

function excludes({ key, operator, values }: Condition, tagKey: string): boolean {
  if (key !== 'aws:TagKeys') return false
  const wanted = tagKey.toLowerCase()
  return !values.some((value) => {
    const lower = value.toLowerCase()
    return operator === 'StringLike' ? matches(lower, wanted) : lower === wanted
  })
}
