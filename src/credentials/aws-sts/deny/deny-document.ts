import { StintError } from '../../../core/errors.ts'
import { idBody, isId } from '../../../core/ids.ts'
import type { DenyListContent } from '../../provider.ts'

/** Characters that IAM allows in one managed policy version. */
export const MANAGED_POLICY_CHARACTERS = 6_144
/** Characters that IAM allows in all inline policies of one role together. */
export const INLINE_POLICIES_CHARACTERS = 10_240

/**
 * The whole text of a permissions boundary that takes away nothing but the listed grants: `Allow *`, and a `Deny *` for
 * sessions whose aws:SourceIdentity is listed or that were issued before the watermark. An empty list is the Allow alone.
 *
 * @throws {StintError} REQUEST_INVALID for a grant that is not a grant id: a wildcard in the list would deny strangers.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
export function boundaryDocument(list: DenyListContent): string {
  const grants = checkedGrants(list)
  return document([
    { Sid: 'StintAllow', Effect: 'Allow', Action: '*', Resource: '*' },
    ...(grants.length === 0 ? [] : [deny('StintDeny', { StringEquals: { 'aws:SourceIdentity': grants } })]),
    ...watermarkStatement(list),
  ])
}

/**
 * The whole text of an inline role policy that denies the listed grants by session name: `aws:userid` is
 * `<role id>:<grant>.<lease number>` in every request.
 *
 * @returns undefined for an empty list: then the inline policy is deleted, since a policy needs a statement.
 * @throws {StintError} REQUEST_INVALID as `boundaryDocument`.
 */
export function inlineDocument(list: DenyListContent): string | undefined {
  const grants = checkedGrants(list)
  const statements = [
    ...(grants.length === 0
      ? []
      : [deny('StintDeny', { StringLike: { 'aws:userid': grants.map((grant) => `*:${grant}.*`) } })]),
    ...watermarkStatement(list),
  ]
  return statements.length === 0 ? undefined : document(statements)
}

/** Length as IAM counts it: white space is free. */
export function policyCharacters(text: string | undefined): number {
  return text === undefined ? 0 : text.replace(/\s/g, '').length
}

/** What AWS sees of the grants: their ids without the prefix. */
function checkedGrants({ grants }: DenyListContent): string[] {
  for (const grant of grants) {
    if (!isId('grt', grant))
      throw new StintError('REQUEST_INVALID', { explanation: 'A deny list holds grant ids and nothing else.' })
  }
  return [...new Set(grants)].map(idBody).sort()
}

function watermarkStatement({ watermark }: DenyListContent) {
  if (!watermark) return []
  const seconds = Math.ceil(watermark.getTime() / 1_000)
  const text = new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
  return [deny('StintWatermark', { DateLessThan: { 'aws:TokenIssueTime': text } })]
}

function deny(Sid: string, Condition: Record<string, Record<string, string | string[]>>) {
  return { Sid, Effect: 'Deny', Action: '*', Resource: '*', Condition }
}

function document(Statement: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}
