import { type ResourcePattern, splitArn } from '../../aws/arn.ts'
import { findAction } from '../../aws/classify.ts'
import type { Condition } from '../../aws/conditions/condition.ts'
import { hasTaggedResources } from '../../aws/conditions/known-keys.ts'
import { intersects, matches } from '../../aws/glob.ts'
import { findReach, type ReachingRole } from '../../aws/reach/action-reach.ts'
import { z } from '../../core/documents/schema.ts'

/** A label's resources by their tag: those whose tag `key` has one of the values. */
export interface TagSelector {
  readonly key: string
  readonly values: readonly string[]
  /** Service prefixes; absent: all services. */
  readonly services?: readonly string[] | undefined
  /** Account ids; absent: all accounts. */
  readonly accounts?: readonly string[] | undefined
}

/** The shape of a TagSelector in the labels file. */
export const tagSelectorSchema = z.strictObject({
  // Tagging AWS Resources User Guide, "Tag naming limits and requirements".
  key: z
    .string()
    .regex(
      /^[A-Za-z0-9 _.:/=+@\u00c0-\u00ff-]{1,128}$/,
      'must be a tag key of 1 to 128 letters, digits, spaces or _.:/=+-@',
    ),
  values: z
    .array(
      z
        .string()
        .min(1)
        .max(256)
        .regex(/^[^*?]*$/, 'must be the whole value of a tag: wildcards are not taken'),
    )
    .min(1)
    .max(100),
  services: z
    .array(z.string().regex(/^[a-z0-9-]+$/, 'must be a service prefix such as ec2'))
    .min(1)
    .max(100)
    .optional(),
  accounts: z
    .array(z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits'))
    .min(1)
    .max(1_000)
    .optional(),
})

/** A pair and its role. */
export interface TaggedPair {
  readonly action: string
  readonly resource: ResourcePattern
  readonly conditions?: readonly Condition[]
  readonly role: ReachingRole
}

/** The labels that a pair is within, and those that it touches, by their tags; both in the order of the labels. */
export function findTagLabels(
  labels: readonly { readonly label: string; readonly tags: readonly TagSelector[] }[],
  pair: TaggedPair,
): { readonly within: readonly string[]; readonly touches: readonly string[] } {
  const compared = labels.flatMap(({ label, tags }) =>
    tags.map((selector) => ({ label, ...compareTag(selector, pair) })),
  )
  const names = (found: typeof compared) => [...new Set(found.map(({ label }) => label))]
  return {
    within: names(compared.filter(({ within }) => within)),
    touches: names(compared.filter(({ touches }) => touches)),
  }
}

/**
 * Compares a pair with the resources of a tag. Only a condition on `aws:ResourceTag` with their key can put the pair within
 * them, or keep it from touching them. Without one, any resource of the service may have the tag.
 *
 * Tag keys are compared in any case, as AWS compares them in conditions.
 */
function compareTag(selector: TagSelector, pair: TaggedPair): { readonly within: boolean; readonly touches: boolean } {
  if (!isOfService(selector, pair)) return { within: false, touches: false }
  const accounts = compareAccounts(selector, pair)
  if (!accounts.touches) return { within: false, touches: false }
  const condition = pair.conditions?.find(({ key }) => isTagCondition(key, selector.key))
  if (!condition) return { within: false, touches: true }
  const { operator, values } = condition
  const isMeant = (value: string) =>
    operator === 'StringLike' ? selector.values.some((each) => matches(value, each)) : selector.values.includes(value)
  const isExact = (value: string) => operator === 'StringEquals' || !/[*?]/.test(value)
  return {
    within: accounts.within && values.every((value) => isExact(value) && isMeant(value)),
    touches: values.some(isMeant),
  }
}

/** True if the action, or a resource that it takes, is of the selector's services: `ssm:StartSession` takes instances of EC2. */
function isOfService({ services }: TagSelector, { action, resource }: TaggedPair): boolean {
  const { service, resourceTypes } = findAction(action)
  const isMeant = (each = '') => services?.includes(each) ?? hasTaggedResources(each)
  if (isMeant(service)) return true
  return resource.text === '*'
    ? resourceTypes.some(({ template }) => isMeant(splitArn(template).service))
    : isMeant(splitArn(resource.text).service)
}

function isTagCondition(conditionKey: string, tagKey: string): boolean {
  return conditionKey.toLowerCase() === `aws:resourcetag/${tagKey.toLowerCase()}`
}

/** Compares the accounts of a pair and a selector. An ARN without an account touches every account. */
function compareAccounts(
  { accounts }: TagSelector,
  { action, resource, role }: TaggedPair,
): { within: boolean; touches: boolean } {
  if (!accounts) return { within: true, touches: true }
  if (resource.text === '*')
    return { within: false, touches: accounts.some((each) => reachesAccount(action, role, each)) }
  const account = resource.parts[4]
  if (account === undefined || account.length === 0) return { within: false, touches: true }
  return {
    within: accounts.some((each) => isExactly(account, each)),
    touches: accounts.some((each) => intersects(account, each)),
  }
}

/** True if `*` may mean a resource in an account. Another account's key or queue may let the role in. */
function reachesAccount(action: string, role: ReachingRole, account: string): boolean {
  const reach = findReach(findAction(action), role)
  if (!reach) return true
  return reach.arns.some(({ parts, owner }) => {
    const own = parts[3]
    return (own !== undefined && intersects(own, account)) || (owner !== undefined && intersects(owner, account))
  })
}

function isExactly(glob: Int32Array, text: string): boolean {
  return glob.length === text.length && matches(glob, text) && glob.every((unit) => unit >= 0)
}
