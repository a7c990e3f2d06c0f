import { parsePolicy } from '../policies/policy-document.ts'
import { AwsFault, validationError } from '../wire/aws-fault.ts'
import { authorize, element, type QueryCall, type QueryOperation } from '../wire/query-protocol.ts'
import { uriEncode } from '../wire/sigv4.ts'
import {
  identifyCaller,
  type ManagedPolicy,
  type PolicyVersion,
  type Role,
  type RoleState,
  storePolicy,
} from './state.ts'

/** XML namespace of IAM's answers. */
export const IAM_NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'

/** Quotas of IAM that Stint meets; white space is not counted. @see IAM User Guide, "IAM and AWS STS quotas" */
const IAM_LIMITS = {
  roleInlineCharacters: 10_240,
  managedPolicyCharacters: 6_144,
  trustPolicyCharacters: 2_048,
  policyVersions: 5,
  attachedPolicies: 10,
} as const

/** The calls of AWS IAM that are played here. Writes are read back at once and enforced after the propagation delay. */
export const IAM_OPERATIONS: Readonly<Record<string, QueryOperation>> = {
  CreateRole: createRole,
  GetRole: (call) => roleXml(requireRole(call, 'GetRole')),
  DeleteRole: deleteRole,
  PutRolePolicy: putRolePolicy,
  GetRolePolicy: getRolePolicy,
  DeleteRolePolicy: deleteRolePolicy,
  ListRolePolicies: listRolePolicies,
  ListAttachedRolePolicies: listAttachedRolePolicies,
  AttachRolePolicy: attachRolePolicy,
  DetachRolePolicy: detachRolePolicy,
  ListEntitiesForPolicy: listEntitiesForPolicy,
  PutRolePermissionsBoundary: putBoundary,
  DeleteRolePermissionsBoundary: deleteBoundary,
  CreatePolicy: createPolicy,
  GetPolicy: (call) => policyXml(requirePolicy(call, 'GetPolicy'), call.state),
  CreatePolicyVersion: createPolicyVersion,
  ListPolicyVersions: listPolicyVersions,
  GetPolicyVersion: getPolicyVersion,
  DeletePolicyVersion: deletePolicyVersion,
  SetDefaultPolicyVersion: setDefaultPolicyVersion,
}

function createRole(call: QueryCall): string {
  const path = readPath(call)
  const arn = `arn:aws:iam::${identifyCaller(call.caller).accountId}:role${path}${readName(call, 'RoleName', 64)}`
  authorize(call, 'iam:CreateRole', arn)
  const trust = call.params.required('AssumeRolePolicyDocument')
  if (counted(trust) > IAM_LIMITS.trustPolicyCharacters)
    throw limitExceeded(`Cannot exceed quota for ACLSizePerRole: ${IAM_LIMITS.trustPolicyCharacters}`)
  parsePolicy(trust, 'trust')
  const seconds = Number(call.params.optional('MaxSessionDuration') ?? '3600')
  if (!Number.isInteger(seconds) || seconds < 3_600 || seconds > 43_200)
    throw validationError("Value at 'maxSessionDuration' must be between 3600 and 43200")
  const boundaryArn = call.params.optional('PermissionsBoundary')
  if (boundaryArn !== undefined) findPolicy(call, boundaryArn)
  const spec = { arn, trust, maxSessionSeconds: seconds, ...(boundaryArn === undefined ? {} : { boundaryArn }) }
  return roleXml(call.state.createRole(spec, call.state.propagationDelayMs))
}

function deleteRole(call: QueryCall): string {
  const role = requireRole(call, 'DeleteRole')
  if (role.state.latest.inline.size > 0 || role.state.latest.attached.length > 0)
    throw new AwsFault('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.')
  call.state.changeRole(role, (state) => ({ ...state, deleted: true }))
  call.state.roles.delete(role.arn)
  return ''
}

function putRolePolicy(call: QueryCall): string {
  const role = requireRole(call, 'PutRolePolicy')
  const name = readName(call, 'PolicyName', 128)
  const stored = storePolicy(call.params.required('PolicyDocument'))
  const inline = new Map(role.state.latest.inline).set(name, stored)
  const total = [...inline.values()].reduce((sum, policy) => sum + counted(policy.text), 0)
  if (total > IAM_LIMITS.roleInlineCharacters)
    throw limitExceeded(
      `Maximum policy size of ${IAM_LIMITS.roleInlineCharacters} bytes exceeded for role ${role.name}`,
    )
  call.state.changeRole(role, (state) => ({ ...state, inline }))
  return ''
}

function getRolePolicy(call: QueryCall): string {
  const role = requireRole(call, 'GetRolePolicy')
  const name = readName(call, 'PolicyName', 128)
  const policy = role.state.latest.inline.get(name)
  if (policy === undefined) throw noSuchEntity(`The role policy with name ${name} cannot be found.`)
  return (
    element('RoleName', role.name) + element('PolicyName', name) + element('PolicyDocument', uriEncode(policy.text))
  )
}

function deleteRolePolicy(call: QueryCall): string {
  const role = requireRole(call, 'DeleteRolePolicy')
  const inline = new Map(role.state.latest.inline)
  const name = readName(call, 'PolicyName', 128)
  if (!inline.delete(name)) throw noSuchEntity(`The role policy with name ${name} cannot be found.`)
  call.state.changeRole(role, (state) => ({ ...state, inline }))
  return ''
}

function listRolePolicies(call: QueryCall): string {
  const names = [...requireRole(call, 'ListRolePolicies').state.latest.inline.keys()].sort()
  const { entries, end } = readPage(call, names)
  return `<PolicyNames>${entries.map((name) => element('member', name)).join('')}</PolicyNames>${end}`
}

function listAttachedRolePolicies(call: QueryCall): string {
  const { entries, end } = readPage(call, requireRole(call, 'ListAttachedRolePolicies').state.latest.attached)
  const members = entries.map(
    (arn) =>
      `<member>${element('PolicyName', arn.slice(arn.lastIndexOf('/') + 1))}${element('PolicyArn', arn)}</member>`,
  )
  return `<AttachedPolicies>${members.join('')}</AttachedPolicies>${end}`
}

function attachRolePolicy(call: QueryCall): string {
  const role = requireRole(call, 'AttachRolePolicy')
  const { arn } = findPolicy(call, call.params.required('PolicyArn'))
  const attached = [...new Set([...role.state.latest.attached, arn])]
  if (attached.length > IAM_LIMITS.attachedPolicies)
    throw limitExceeded(`Cannot exceed quota for PoliciesPerRole: ${IAM_LIMITS.attachedPolicies}`)
  call.state.changeRole(role, (state) => ({ ...state, attached }))
  return ''
}

function detachRolePolicy(call: QueryCall): string {
  const role = requireRole(call, 'DetachRolePolicy')
  const arn = call.params.required('PolicyArn')
  if (!role.state.latest.attached.includes(arn)) throw noSuchEntity(`Policy ${arn.slice(0, 200)} was not found.`)
  call.state.changeRole(role, (state) => ({ ...state, attached: state.attached.filter((other) => other !== arn) }))
  return ''
}

/** The roles that have the policy attached; a boundary is no attachment. */
function listEntitiesForPolicy(call: QueryCall): string {
  const { arn } = requirePolicy(call, 'ListEntitiesForPolicy')
  const roles = rolesWith(call.state, arn).map(
    ({ name, roleId }) => element('RoleName', name) + element('RoleId', roleId),
  )
  return `<PolicyRoles>${roles.map((role) => `<member>${role}</member>`).join('')}</PolicyRoles>${NOT_TRUNCATED}`
}

function rolesWith({ roles }: QueryCall['state'], policyArn: string): Role[] {
  return [...roles.values()].filter(({ state }) => state.latest.attached.includes(policyArn))
}

function putBoundary(call: QueryCall): string {
  const role = requireRole(call, 'PutRolePermissionsBoundary')
  const { arn } = findPolicy(call, call.params.required('PermissionsBoundary'))
  call.state.changeRole(role, (state) => ({ ...state, boundaryArn: arn }))
  return ''
}

function deleteBoundary(call: QueryCall): string {
  const role = requireRole(call, 'DeleteRolePermissionsBoundary')
  call.state.changeRole(role, ({ boundaryArn: _, ...state }): RoleState => state)
  return ''
}

function createPolicy(call: QueryCall): string {
  const arn = `arn:aws:iam::${identifyCaller(call.caller).accountId}:policy${readPath(call)}${readName(call, 'PolicyName', 128)}`
  authorize(call, 'iam:CreatePolicy', arn)
  const policy = call.state.createPolicy({ arn, document: managedDocument(call) }, call.state.propagationDelayMs)
  return policyXml(policy, call.state)
}

function createPolicyVersion(call: QueryCall): string {
  const policy = requirePolicy(call, 'CreatePolicyVersion')
  const stored = storePolicy(managedDocument(call))
  if (policy.versions.length >= IAM_LIMITS.policyVersions)
    throw limitExceeded(
      `A managed policy can have up to ${IAM_LIMITS.policyVersions} versions. Before you create a new version, you must delete an existing version.`,
    )
  const version: PolicyVersion = { id: `v${policy.nextVersion++}`, policy: stored, createdAt: new Date(call.nowMs) }
  policy.versions = [...policy.versions, version]
  if (call.params.optional('SetAsDefault') === 'true') makeDefault(call, policy, version)
  return versionXml(policy, version, 'PolicyVersion')
}

function setDefaultPolicyVersion(call: QueryCall): string {
  const policy = requirePolicy(call, 'SetDefaultPolicyVersion')
  makeDefault(call, policy, requireVersion(call, policy))
  return ''
}

function listPolicyVersions(call: QueryCall): string {
  const policy = requirePolicy(call, 'ListPolicyVersions')
  const newestFirst = policy.versions.toReversed()
  return `<Versions>${newestFirst.map((version) => versionXml(policy, version, 'member')).join('')}</Versions>${NOT_TRUNCATED}`
}

function getPolicyVersion(call: QueryCall): string {
  const policy = requirePolicy(call, 'GetPolicyVersion')
  const version = requireVersion(call, policy)
  return versionXml(policy, version, 'PolicyVersion', element('Document', uriEncode(version.policy.text)))
}

function deletePolicyVersion(call: QueryCall): string {
  const policy = requirePolicy(call, 'DeletePolicyVersion')
  const version = requireVersion(call, policy)
  if (version.id === policy.defaultVersionId)
    throw new AwsFault('DeleteConflict', 409, 'Cannot delete the default version of a policy.')
  policy.versions = policy.versions.filter((other) => other !== version)
  return ''
}

function makeDefault(call: QueryCall, policy: ManagedPolicy, version: PolicyVersion): void {
  policy.defaultVersionId = version.id
  policy.inForce.set(version.policy.document, call.nowMs, call.nowMs + call.state.propagationDelayMs)
}

function managedDocument(call: QueryCall): string {
  const document = call.params.required('PolicyDocument')
  if (counted(document) > IAM_LIMITS.managedPolicyCharacters)
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${IAM_LIMITS.managedPolicyCharacters}`)
  return document
}

/** The role by its name, in the caller's account; asks the caller's policies before saying whether it is there. */
function requireRole(call: QueryCall, operation: string): Role {
  const name = readName(call, 'RoleName', 64)
  const { accountId } = identifyCaller(call.caller)
  const role = [...call.state.roles.values()].find(
    (candidate) => candidate.name === name && candidate.accountId === accountId,
  )
  authorize(call, `iam:${operation}`, role?.arn ?? `arn:aws:iam::${accountId}:role/${name}`)
  if (role === undefined) throw noSuchEntity(`The role with name ${name} cannot be found.`)
  return role
}

function requirePolicy(call: QueryCall, operation: string): ManagedPolicy {
  const arn = call.params.required('PolicyArn')
  authorize(call, `iam:${operation}`, arn)
  return findPolicy(call, arn)
}

function findPolicy(call: QueryCall, arn: string): ManagedPolicy {
  const policy = call.state.policies.get(arn)
  if (policy === undefined || !arn.startsWith(`arn:aws:iam::${identifyCaller(call.caller).accountId}:`))
    throw noSuchEntity(`Policy ${arn.slice(0, 200)} does not exist or is not attachable.`)
  return policy
}

function requireVersion(call: QueryCall, policy: ManagedPolicy): PolicyVersion {
  const id = call.params.required('VersionId')
  const version = policy.versions.find((candidate) => candidate.id === id)
  if (version === undefined)
    throw noSuchEntity(`Policy ${policy.arn} version ${id.slice(0, 32)} does not exist or is not attachable.`)
  return version
}

function readName(call: QueryCall, field: string, maxLength: number): string {
  const name = call.params.required(field)
  if (name.length > maxLength || !/^[\w+=,.@-]+$/.test(name))
    throw validationError(
      `The specified value for ${field} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    )
  return name
}

function readPath(call: QueryCall): string {
  const path = call.params.optional('Path') ?? '/'
  if (path.length > 512 || !/^\/([!-.0-~]+\/)*$/.test(path))
    throw validationError('The specified value for path is invalid.')
  return path
}

function roleXml(role: Role): string {
  const { trust, boundaryArn } = role.state.latest
  const boundary =
    boundaryArn === undefined
      ? ''
      : `<PermissionsBoundary>${element('PermissionsBoundaryType', 'Policy')}${element('PermissionsBoundaryArn', boundaryArn)}</PermissionsBoundary>`
  return (
    `<Role>${element('Path', role.path)}${element('RoleName', role.name)}${element('RoleId', role.roleId)}${element('Arn', role.arn)}` +
    `${element('CreateDate', role.createdAt.toISOString())}${element('AssumeRolePolicyDocument', uriEncode(trust.text))}` +
    `${element('MaxSessionDuration', String(role.maxSessionSeconds))}${boundary}</Role>`
  )
}

function policyXml(policy: ManagedPolicy, state: QueryCall['state']): string {
  const { roles } = state
  const boundaryOf = [...roles.values()].filter(({ state }) => state.latest.boundaryArn === policy.arn).length
  return (
    `<Policy>${element('PolicyName', policy.name)}${element('PolicyId', policy.policyId)}${element('Arn', policy.arn)}${element('Path', policy.path)}` +
    `${element('DefaultVersionId', policy.defaultVersionId)}${element('AttachmentCount', String(rolesWith(state, policy.arn).length))}${element('PermissionsBoundaryUsageCount', String(boundaryOf))}` +
    `${element('IsAttachable', 'true')}${element('CreateDate', policy.createdAt.toISOString())}</Policy>`
  )
}

function versionXml(policy: ManagedPolicy, version: PolicyVersion, name: string, document = ''): string {
  const isDefault = String(version.id === policy.defaultVersionId)
  return `<${name}>${document}${element('VersionId', version.id)}${element('IsDefaultVersion', isDefault)}${element('CreateDate', version.createdAt.toISOString())}</${name}>`
}

function counted(text: string): number {
  return text.replace(/\s/g, '').length
}

function limitExceeded(message: string): AwsFault {
  return new AwsFault('LimitExceeded', 409, message)
}

function noSuchEntity(message: string): AwsFault {
  return new AwsFault('NoSuchEntity', 404, message)
}

/** One page of a list, and how it ends. @throws {AwsFault} ValidationError for a marker that IAM never gave out */
function readPage(call: QueryCall, list: readonly string[]): { entries: readonly string[]; end: string } {
  const size = Number(call.params.optional('MaxItems') ?? MAX_ITEMS)
  if (!Number.isInteger(size) || size < 1 || size > 1_000)
    throw validationError("Value at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000")
  const marker = call.params.optional('Marker')
  const from = marker === undefined ? 0 : Number(/^page-(\d{1,6})$/.exec(marker)?.[1])
  if (Number.isNaN(from)) throw validationError('Invalid Marker.')
  const next = from + size
  const end =
    next >= list.length ? NOT_TRUNCATED : `${element('IsTruncated', 'true')}${element('Marker', `page-${next}`)}`
  return { entries: list.slice(from, next), end }
}

/** Entries of a page unless the call says otherwise. @see IAM API Reference, ListRolePolicies */
const MAX_ITEMS = '100'

const NOT_TRUNCATED = '<IsTruncated>false</IsTruncated>'
