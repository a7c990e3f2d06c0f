import type { ResourcePattern } from '../../aws/arn.ts'
import { classify } from '../../aws/classify.ts'
import type { Condition } from '../../aws/conditions/condition.ts'
import { intersects, matches } from '../../aws/glob.ts'
import { splitWords } from '../../core/text/split-words.ts'
import type { Pairing } from '../pairing/pair-access.ts'
import type { TagSelector } from './tag-labels.ts'

/** A tag key that decides access: setting it moves resources into a label or out of it. */
export interface ProtectedTagKey {
  readonly key: string
  /** The rule that uses it, for people, e.g. `the label env:dev`. */
  readonly usedBy: string
  /** Service prefixes; absent: all services. */
  readonly services?: readonly string[] | undefined
  /** True if tags of S3 objects count too: no label uses them, but a role's policy may. */
  readonly countsOnObjects: boolean
}

/** A protected key that a pair may set. */
export interface SettableKey extends ProtectedTagKey {
  /** True if a condition on `aws:TagKeys` could exclude it. */
  readonly canExclude: boolean
}

/** The protected tag keys of a role: those of labels, and those that the operator lists for the role. */
export function protectedTagKeys(
  labels: readonly { readonly label: string; readonly tags: readonly TagSelector[] }[],
  { roleArn, tagKeys }: { readonly roleArn: string; readonly tagKeys: readonly string[] },
): readonly ProtectedTagKey[] {
  const labelKeys = labels.flatMap(({ label, tags }) =>
    tags.map(({ key, services }) => ({ key, services, usedBy: `the label ${label}`, countsOnObjects: false })),
  )
  return [...labelKeys, ...tagKeys.map((key) => ({ key, usedBy: `the policies of ${roleArn}`, countsOnObjects: true }))]
}

/**
 * Finds the first protected key that a pair may set or remove.
 *
 * Only a condition on `aws:TagKeys` can exclude a key. A condition on `aws:RequestTag` names one tag that must be set, and says
 * nothing about the others in the request. Keys are compared in any case, as AWS compares them in conditions.
 *
 * @returns undefined for an action that sets no tags of existing resources, and if the conditions exclude every key. An action
 *   that tags a resource while creating it keeps its own class.
 */
export function findSettableKey(
  { action, resource, conditions = [] }: Pairing,
  protectedKeys: readonly ProtectedTagKey[],
): SettableKey | undefined {
  const [service = '', name = ''] = action.split(':')
  const isPlain = classify(action).class === 'tag' || TAGGING_NAME.test(name)
  if (!isPlain && !TAGGING_CALLS.has(action) && !removesTags(action, resource)) return undefined
  const countsOnObjects = OBJECT_TAGGING.test(name)
  const found = protectedKeys.find(
    (each) =>
      (!countsOnObjects || each.countsOnObjects) &&
      (each.services?.includes(service) ?? true) &&
      !(isPlain && conditions.some((condition) => excludes(condition, each.key))),
  )
  return found && { ...found, canExclude: isPlain }
}

/** Names of tagging actions that AWS files as plain writes. */
const TAGGING_NAME = /^(Tag|Untag)[A-Z]/
/**
 * Actions with other names that change the tags of existing resources: AWS's models have tags in the input of the call, and
 * AWS's documents say that the update applies them. Tags that the call does not name may be removed, so a condition on
 * `aws:TagKeys` excludes nothing.
 */
const TAGGING_CALLS: ReadonlySet<string> = splitWords(`
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
`)

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
