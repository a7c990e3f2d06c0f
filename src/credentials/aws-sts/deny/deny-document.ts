import { StintError } from '../../../core/errors.ts'
import { idBody, isId } from '../../../core/ids.ts'
import type { DenyMark } from '../../../ledger/records.ts'
import type { DenyListContent } from '../../provider.ts'
import { agentName } from '../agent-name.ts'
import { markSid } from './document-mark.ts'

/** Characters that IAM allows in one managed policy version. */
export const MANAGED_POLICY_CHARACTERS = 6_144
/** Characters that IAM allows in all inline policies of one role together. */
export const INLINE_POLICIES_CHARACTERS = 10_240

/** The condition keys by which a boundary can name the sessions of a grant. */
export const DENY_KEYS = ['both', 'sourceIdentity', 'userid'] as const
/** The setting `aws.denyBy`. */
export type DenyKey = (typeof DENY_KEYS)[number]

/** How a list is written down. */
export interface DocumentForm {
  /** The key that a boundary denies by; an inline policy names sessions by aws:userid in any case. */
  readonly denyBy: DenyKey
  /** The grants that `both` names by aws:SourceIdentity too: all, or those whose sessions can chain. */
  readonly twice: 'all' | 'chaining'
  /** The writer's mark. */
  readonly mark?: DenyMark
}

const BOTH_KEYS: DocumentForm = { denyBy: 'both', twice: 'all' }

/**
 * The whole text of a permissions boundary that takes away nothing but the listed grants: `Allow *`, and a `Deny *` for
 * sessions that are listed, or were issued before a watermark over their agent or over all. An empty list is the Allow alone.
 *
 * @throws {StintError} REQUEST_INVALID for a grant that is not a grant id: a wildcard in the list would deny strangers.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
export function boundaryDocument(list: DenyListContent, form: DocumentForm = BOTH_KEYS): string {
  return document([
    { Sid: form.mark ? markSid(form.mark) : 'StintAllow', Effect: 'Allow', Action: '*', Resource: '*' },
    ...denyStatements(list, form),
  ])
}

/**
 * The whole text of a managed policy that is attached to roles and denies the listed grants. It has no Allow: as a permissions
 * policy that would grant everything. A policy needs a statement, so an empty list denies sessions from before there was AWS.
 *
 * @throws {StintError} REQUEST_INVALID as `boundaryDocument`.
 */
export function attachedDocument(list: DenyListContent, form: DocumentForm = BOTH_KEYS): string {
  const statements = denyStatements(list, form)
  return document(withMark(statements.length > 0 ? statements : [deny(issuedBefore(NEVER), 'StintDenyNobody')], form))
}

const NEVER = '1970-01-01T00:00:00Z'

function denyStatements(list: DenyListContent, form: DocumentForm) {
  const grants = checkedBodies(list.grants)
  const chaining = checkedBodies(list.chaining ?? [])
  const bySource =
    form.denyBy === 'userid' ? [] : form.denyBy === 'both' && form.twice === 'chaining' ? chaining : grants
  const byName = form.denyBy === 'sourceIdentity' ? [] : grants
  return [
    ...(bySource.length === 0 ? [] : [deny({ StringEquals: { 'aws:SourceIdentity': bySource } }, 'StintDeny')]),
    ...(byName.length === 0 ? [] : [deny(nameCondition(byName), 'StintDenyByName')]),
    ...watermarkStatements(list),
  ]
}

/**
 * The whole text of an inline role policy that denies the listed grants by session name: `aws:userid` is
 * `<role id>:<grant>.<lease number>.<agent>` in every request.
 *
 * @returns undefined for an empty list: then the inline policy is deleted, since a policy needs a statement.
 * @throws {StintError} REQUEST_INVALID as `boundaryDocument`.
 */
export function inlineDocument(list: DenyListContent, form: Pick<DocumentForm, 'mark'> = {}): string | undefined {
  const grants = checkedBodies(list.grants)
  const statements = [
    ...(grants.length === 0 ? [] : [deny(nameCondition(grants), 'StintDeny')]),
    ...watermarkStatements(list),
  ]
  return statements.length === 0 ? undefined : document(withMark(statements, form))
}

/** The first statement carries the mark. */
function withMark(statements: readonly object[], { mark }: Pick<DocumentForm, 'mark'>): readonly object[] {
  return mark ? statements.map((one, at) => (at === 0 ? { ...one, Sid: markSid(mark) } : one)) : statements
}

/** Length as IAM counts it: white space is free. */
export function policyCharacters(text: string | undefined): number {
  return text === undefined ? 0 : text.replace(/\s/g, '').length
}

/** The grants as AWS sees them: their ids without the prefix. */
function checkedBodies(grants: readonly string[]): string[] {
  for (const grant of grants) {
    if (!isId('grt', grant))
      throw new StintError('REQUEST_INVALID', { explanation: 'A deny list holds grant ids and nothing else.' })
  }
  return [...new Set(grants)].map(idBody).sort()
}

function nameCondition(bodies: readonly string[]) {
  return { StringLike: { 'aws:userid': bodies.map((body) => `*:${body}.*`) } }
}

function watermarkStatements({ agents = [], watermark }: DenyListContent) {
  const byInstant = Map.groupBy(agents, ({ before }) => wholeSecond(before))
  return [
    ...[...byInstant].sort().map(([instant, group]) => {
      const names = [...new Set(group.map(({ agent }) => `*.${agentName(agent)}`))].sort()
      return deny({ StringLike: { 'aws:userid': names }, ...issuedBefore(instant) })
    }),
    ...(watermark ? [deny(issuedBefore(wholeSecond(watermark)), 'StintWatermark')] : []),
  ]
}

function issuedBefore(instant: string) {
  return { DateLessThan: { 'aws:TokenIssueTime': instant } }
}

function wholeSecond(at: Date): string {
  return new Date(Math.ceil(at.getTime() / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
}

/** A Sid costs room, so those that there are many of have none. */
function deny(Condition: Record<string, Record<string, string | string[]>>, Sid?: string) {
  return { ...(Sid && { Sid }), Effect: 'Deny', Action: '*', Resource: '*', Condition }
}

function document(Statement: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}
