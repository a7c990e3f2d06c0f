import { StintError } from '../../core/errors.ts'
import { printable } from '../../core/text/printable.ts'
import { type PolicyKind, parsePolicyDocument } from './policy-document.ts'
import type { NamedDocument, ResourcePolicy, RoleDocuments } from './role-documents.ts'

/** The policies of one file. */
export interface AuthorizationDetails {
  readonly roles: readonly RoleDocuments[]
  readonly resourcePolicies: readonly ResourcePolicy[]
}

/** Options of `readAuthorizationDetails`. */
export interface DetailsOptions {
  /** When the account was read, unless the file says so itself (`ReadAt`). */
  readonly readAt: Date
  /** The roles whose policies are wanted; those of others are not even parsed. */
  readonly isWanted: (roleArn: string) => boolean
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads what IAM's GetAccountAuthorizationDetails answers: `aws iam get-account-authorization-details` writes it. Two fields of our
 * own may be beside it: `ReadAt`, an instant, and `ResourcePolicies`, a list of `{ Resource, Account?, Policy }`.
 *
 * @throws {StintError} ROLE_POLICIES_INVALID; the explanation completes a sentence that names the file.
 * @see IAM API Reference, GetAccountAuthorizationDetails
 */
export function readAuthorizationDetails(value: unknown, { readAt, isWanted }: DetailsOptions): AuthorizationDetails {
  const file = asFields(value, 'must be a JSON object')
  if (file.IsTruncated === true)
    throw invalid('is one page of several (IsTruncated); write it with the AWS CLI, which joins the pages')
  if (file.RoleDetailList === undefined && file.ResourcePolicies === undefined)
    throw invalid(
      'has neither RoleDetailList nor ResourcePolicies: it is not the output of get-account-authorization-details',
    )
  const managed = new Map(asList(file.Policies, 'Policies').map((one) => [text(one.Arn, 'Policies[].Arn'), one]))
  const at = file.ReadAt === undefined ? readAt : new Date(text(file.ReadAt, 'ReadAt'))
  if (Number.isNaN(at.getTime())) throw invalid('has a ReadAt that is not an instant such as 2026-11-21T12:00:00Z')
  const wanted = asList(file.RoleDetailList, 'RoleDetailList').filter((role) =>
    isWanted(text(role.Arn, 'RoleDetailList[].Arn')),
  )
  return {
    roles: wanted.map((role) => readRole(role, managed, at)),
    resourcePolicies: asList(file.ResourcePolicies, 'ResourcePolicies').map(readResourcePolicy),
  }
}

function readRole(role: Fields, managed: ReadonlyMap<string, Fields>, readAt: Date): RoleDocuments {
  const roleArn = text(role.Arn, 'RoleDetailList[].Arn')
  const inline = asList(role.RolePolicyList, 'RolePolicyList').map((one): NamedDocument => {
    const name = text(one.PolicyName, 'PolicyName')
    return { name, document: parse(one.PolicyDocument, 'identity', `${name} of ${roleArn}`) }
  })
  const attached = asList(role.AttachedManagedPolicies, 'AttachedManagedPolicies').map((one) =>
    text(one.PolicyArn, 'PolicyArn'),
  )
  const { PermissionsBoundaryArn: boundaryArn } =
    role.PermissionsBoundary === undefined || role.PermissionsBoundary === null
      ? ({} as Fields)
      : asFields(role.PermissionsBoundary, `has a PermissionsBoundary of ${roleArn} that is not an object`)
  const found = attached.map((arn) => ({ arn, document: defaultVersion(arn, managed) }))
  const boundary = boundaryArn === undefined ? undefined : text(boundaryArn, 'PermissionsBoundaryArn')
  const limit = boundary === undefined ? undefined : defaultVersion(boundary, managed)
  return {
    roleArn,
    identity: [...inline, ...found.flatMap(({ arn, document }) => (document ? [{ name: arn, document }] : []))],
    ...(boundary !== undefined && limit && { boundary: { name: boundary, document: limit } }),
    unreadIdentity: found.flatMap(({ arn, document }) => (document ? [] : [arn])),
    ...(boundary !== undefined && !limit && { unreadBoundary: boundary }),
    readAt,
  }
}

function defaultVersion(arn: string, managed: ReadonlyMap<string, Fields>) {
  const policy = managed.get(arn)
  const versions = asList(policy?.PolicyVersionList, 'PolicyVersionList')
  const version = versions.find(
    ({ IsDefaultVersion, VersionId }) => IsDefaultVersion === true || VersionId === policy?.DefaultVersionId,
  )
  return version?.Document === undefined ? undefined : parse(version.Document, 'identity', arn)
}

function readResourcePolicy({ Resource, Account, Policy }: Fields): ResourcePolicy {
  const resourceArn = text(Resource, 'ResourcePolicies[].Resource')
  return {
    resourceArn,
    ...(Account !== undefined && { accountId: text(Account, 'ResourcePolicies[].Account') }),
    document: parse(Policy, 'resource', `the policy of ${resourceArn}`),
  }
}

function parse(value: unknown, kind: PolicyKind, name: string) {
  try {
    return parsePolicyDocument(value, kind)
  } catch (error) {
    if (!(error instanceof StintError)) throw error
    throw invalid(`has a policy that cannot be used: ${printable(name, 200)} ${error.details.explanation}`, error)
  }
}

function asFields(value: unknown, message: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(message)
  return value as Fields
}

function asList(value: unknown, name: string): readonly Fields[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(`has a ${name} that is not a list`)
  return value.map((one) => asFields(one, `has an entry in ${name} that is not an object`))
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`has a ${name} that is missing or not a text`)
}

function invalid(explanation: string, cause?: unknown): StintError {
  return new StintError('ROLE_POLICIES_INVALID', { explanation }, cause)
}
