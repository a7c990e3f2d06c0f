import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam'
import { parseRoleArn } from '../../../aws/arn.ts'
import { readAuthorizationDetails } from '../../../aws/role-policies/authorization-details.ts'
import type { RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import { StintError } from '../../../core/errors.ts'

/** Sends a command of IAM and retries it. @throws {StintError} PROVIDER_*, CANCELLED */
export type SendToIam = IAMClient['send']

/** Managed policies that were read, by ARN, in the shape of GetAccountAuthorizationDetails. */
export type ReadPolicies = Map<string, object>

/** Pages of one listing. A page has 100 entries, and a role has at most 20 attached policies. */
const MAX_PAGES = 100

/**
 * Reads the policies of one role: inline, attached, and the boundary, each in its default version.
 *
 * @param policies managed policies that roles of this account share; those that are read now are added.
 * @throws {StintError} as `send`; ROLE_POLICIES_INVALID for a policy that cannot be used; PROVIDER_ANSWER_INVALID for pages without
 *   an end, and for a role with this name and another ARN.
 */
export async function readRole(
  send: SendToIam,
  roleArn: string,
  { readAt, policies }: { readonly readAt: Date; readonly policies: ReadPolicies },
): Promise<RoleDocuments> {
  const RoleName = parseRoleArn(roleArn)?.name ?? ''
  const { Role } = await send(new GetRoleCommand({ RoleName }))
  if (Role?.Arn !== roleArn)
    throw invalidAnswer(`the role ${RoleName} of the account has the ARN ${Role?.Arn}; the configuration has another`)
  const names = await listAll(async (Marker) => {
    const page = await send(new ListRolePoliciesCommand({ RoleName, ...(Marker && { Marker }) }))
    return { ...page, found: page.PolicyNames ?? [] }
  })
  const attached = await listAll(async (Marker) => {
    const page = await send(new ListAttachedRolePoliciesCommand({ RoleName, ...(Marker && { Marker }) }))
    return { ...page, found: (page.AttachedPolicies ?? []).flatMap(({ PolicyArn }) => PolicyArn ?? []) }
  })
  const RolePolicyList: object[] = []
  for (const PolicyName of names) {
    const { PolicyDocument } = await send(new GetRolePolicyCommand({ RoleName, PolicyName }))
    RolePolicyList.push({ PolicyName, PolicyDocument })
  }
  const boundary = Role.PermissionsBoundary?.PermissionsBoundaryArn
  const managed = [...new Set([...attached, ...(boundary ? [boundary] : [])])]
  for (const arn of managed) if (!policies.has(arn)) policies.set(arn, await readPolicy(send, arn))
  // The same parser as for files, so that what is read and what is supplied has the same digest.
  const details = {
    RoleDetailList: [
      {
        Arn: roleArn,
        RolePolicyList,
        AttachedManagedPolicies: attached.map((PolicyArn) => ({ PolicyArn })),
        ...(boundary && { PermissionsBoundary: { PermissionsBoundaryArn: boundary } }),
      },
    ],
    Policies: managed.map((arn) => policies.get(arn)),
  }
  const [documents] = readAuthorizationDetails(details, { readAt, isWanted: () => true }).roles
  if (documents) return documents
  throw new StintError('INTERNAL')
}

async function readPolicy(send: SendToIam, PolicyArn: string): Promise<object> {
  const { Policy } = await send(new GetPolicyCommand({ PolicyArn }))
  const VersionId = Policy?.DefaultVersionId
  if (!VersionId) throw invalidAnswer(`the policy ${PolicyArn} has no default version`)
  const { PolicyVersion } = await send(new GetPolicyVersionCommand({ PolicyArn, VersionId }))
  const version = { VersionId, IsDefaultVersion: true, Document: PolicyVersion?.Document }
  return { Arn: PolicyArn, DefaultVersionId: VersionId, PolicyVersionList: [version] }
}

interface Page {
  readonly found: readonly string[]
  readonly IsTruncated?: boolean | undefined
  readonly Marker?: string | undefined
}

/** An incomplete list would be a reach that is too small, or one without a Deny: it is an error. */
async function listAll(readPage: (marker: string | undefined) => Promise<Page>): Promise<string[]> {
  const all: string[] = []
  let marker: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const { found, IsTruncated, Marker } = await readPage(marker)
    all.push(...found)
    if (!IsTruncated) return all
    if (!Marker) throw invalidAnswer('a list goes on without the marker of its next page')
    marker = Marker
  }
  throw invalidAnswer(`a list has more than ${MAX_PAGES} pages`)
}

function invalidAnswer(explanation: string): StintError {
  return new StintError('PROVIDER_ANSWER_INVALID', { explanation: `IAM's answer cannot be used: ${explanation}.` })
}
