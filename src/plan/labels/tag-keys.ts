import type { ResourcePattern } from '../../aws/arn.ts'
import { classify } from '../../aws/classify.ts'
import type { Condition } from '../../aws/conditions/condition.ts'
import { intersects, matches } from '../../aws/glob.ts'
import type { Pairing } from '../pairing.ts'
import type { TagSelector } from './tag-labels.ts'

/** A tag key on which access rests: whoever sets it moves resources into a label or out of it. */
export interface ProtectedTagKey {
  readonly key: string
  /** The rule that rests on it, for people, e.g. `the label env:dev`. */
  readonly usedBy: string
  /** Service prefixes; absent: all services. */
  readonly services?: readonly string[] | undefined
  /** Where tags of S3 objects count too: no label rests on them, but a role's policy may. */
  readonly ofObjects: boolean
}

/** A protected key that a pair may set. */
export interface SettableKey extends ProtectedTagKey {
  /** True if a condition on `aws:TagKeys` could exclude it. */
  readonly canExclude: boolean
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
  { action, resource, conditions = [] }: Pairing,
  protectedKeys: readonly ProtectedTagKey[],
): SettableKey | undefined {
  const [service = '', name = ''] = action.split(':')
  const isPlain = classify(action).class === 'tag' || TAGGING_NAME.test(name)
  if (!isPlain && !TAGGING_CALLS.has(action) && !removesTags(action, resource)) return undefined
  const ofObjects = OBJECT_TAGGING.test(name)
  const found = protectedKeys.find(
    (each) =>
      (!ofObjects || each.ofObjects) &&
      (each.services?.includes(service) ?? true) &&
      !(isPlain && conditions.some((condition) => excludes(condition, each.key))),
  )
  return found && { ...found, canExclude: isPlain }
}

/** Tagging that AWS lists as a plain write. */
const TAGGING_NAME = /^(Tag|Untag)[A-Z]/
/**
 * Actions under other names that change the tags of what exists: AWS's models have tags among the input of the call, and its
 * documents say that an update takes them. What is not named may be removed, so a condition on `aws:TagKeys` excludes nothing.
 */
const TAGGING_CALLS: ReadonlySet<string> = new Set(
  `
  cloudformation:CreateChangeSet cloudformation:UpdateStack cloudformation:UpdateStackSet
  codebuild:UpdateFleet codebuild:UpdateProject codebuild:UpdateReportGroup
  cognito-identity:UpdateIdentityPool cognito-idp:UpdateUserPool
  mediatailor:PutPlaybackConfiguration
  medialive:UpdateInputSecurityGroup
  mobiletargeting:UpdateCampaign mobiletargeting:UpdateEmailTemplate mobiletargeting:UpdateInAppTemplate
  mobiletargeting:UpdatePushTemplate mobiletargeting:UpdateSegment mobiletargeting:UpdateSmsTemplate
  mobiletargeting:UpdateVoiceTemplate
  profile:UpdateDomain
  s3:PutStorageLensConfiguration
  sagemaker:UpdatePartnerApp sagemaker:UpdateProject
  servicecatalog:UpdatePortfolio servicecatalog:UpdateProduct servicecatalog:UpdateProvisionedProduct
  storagegateway:UpdateSnapshotSchedule
  tnb:UpdateSolNetworkInstance
`
    .trim()
    .split(/\s+/),
)

/** API Gateway removes tags by DELETE of `/tags/…`; setting them is `permissions` for whoever may PUT. */
function removesTags(action: string, { parts: [, , , , , path] }: ResourcePattern): boolean {
  return action === 'apigateway:DELETE' && (path === undefined || intersects(path, '/tags/*'))
}

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
