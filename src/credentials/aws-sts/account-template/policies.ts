import { DOCUMENT_ACTIONS, REVOKER_SESSION_NAME } from '../accounts/revoker-session.ts'
import { attachedDocument, boundaryDocument } from '../deny/deny-document.ts'
import { SESSION_TAG_KEYS } from '../mint/lease-session.ts'

/** A value of CloudFormation: a text, or something that it fills in, such as `{ Ref: 'Boundary' }`. */
export type TemplateValue = string | { readonly [fn: string]: unknown }

/** A policy document, ready for CloudFormation or for JSON. */
export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly object[]
}

/** A further policy of task roles as it is before anything has been revoked: it denies nobody, and allows nothing. */
export function emptyFurtherPolicy(): PolicyDocument {
  return JSON.parse(attachedDocument({ grants: [] }))
}

/** A grant id as STS sees it: 26 characters. */
const GRANT = '?'.repeat(26)

/** The boundary of task roles as it is before anything has been revoked. */
export function emptyBoundary(): PolicyDocument {
  return JSON.parse(boundaryDocument({ grants: [] }))
}

/**
 * Lets the broker start sessions of a task role, and only such as a lease has. Three statements, since each action sees other
 * condition keys.
 *
 * @param externalId absent for a role that has none.
 */
export function taskRoleTrust(broker: TemplateValue, externalId?: TemplateValue): PolicyDocument {
  const statement = (Sid: string, Action: string, Condition: object) => ({
    Sid,
    Effect: 'Allow',
    Principal: { AWS: broker },
    Action,
    Condition,
  })
  return document([
    statement('MintLeases', 'sts:AssumeRole', {
      ...(externalId !== undefined && { StringEquals: { 'sts:ExternalId': externalId } }),
      StringLike: { 'sts:RoleSessionName': `${GRANT}.*`, 'sts:SourceIdentity': GRANT },
      Null: Object.fromEntries(SESSION_TAG_KEYS.map((key) => [`aws:RequestTag/${key}`, 'false'])),
    }),
    statement('NameTheGrant', 'sts:SetSourceIdentity', { StringLike: { 'sts:SourceIdentity': GRANT } }),
    statement('TagTheSession', 'sts:TagSession', {
      'ForAllValues:StringEquals': { 'aws:TagKeys': [...SESSION_TAG_KEYS] },
    }),
  ])
}

/** ARNs or patterns that the guard of a task role protects from the sessions of all task roles. */
export interface Guarded {
  /** The principal that the broker runs as: in its own account a session could pass its role to an instance, and so become it. */
  readonly broker: TemplateValue
  readonly boundaries: readonly TemplateValue[]
  /** Task roles and revokers. */
  readonly roles: readonly TemplateValue[]
}

/**
 * Denies a task role everything in a session that no grant names, and keeps any session from undoing its revocation: but for
 * looking, it can do nothing with the boundaries, the task roles, the revokers and the broker. All but looking is named, since
 * a list of changes would miss some (`iam:CreateRole` under the path of a pattern makes a task role without a boundary).
 */
export function taskRoleGuard({ broker, boundaries, roles }: Guarded): PolicyDocument {
  return document([
    {
      Sid: 'OnlySessionsOfAGrant',
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { Null: { 'aws:SourceIdentity': 'true' } },
    },
    {
      Sid: 'KeepRevocation',
      Effect: 'Deny',
      NotAction: [...LOOKS],
      Resource: [...boundaries, ...roles, broker],
    },
  ])
}

const LOOKS = [
  'iam:GenerateServiceLastAccessedDetails',
  'iam:Get*',
  'iam:List*',
  'iam:SimulatePrincipalPolicy',
] as const

/** Lets the broker assume a revoker, whose sessions have no source identity and no tags. */
export function revokerTrust(broker: TemplateValue, externalId?: TemplateValue): PolicyDocument {
  const StringEquals = {
    'sts:RoleSessionName': REVOKER_SESSION_NAME,
    ...(externalId !== undefined && { 'sts:ExternalId': externalId }),
  }
  return document([
    {
      Sid: 'WriteDenyLists',
      Effect: 'Allow',
      Principal: { AWS: broker },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals, Null: { 'sts:SourceIdentity': 'true' } },
    },
  ])
}

/** The actions of a revoker on boundaries, on further policies, and to the inline policies of roles. */
export function revokerPolicy(of: {
  boundaries: readonly TemplateValue[]
  further: readonly TemplateValue[]
  roles: readonly TemplateValue[]
  /** The revoker itself, which a pattern of `roles` may name: it could else give itself any permission. */
  own: TemplateValue
}) {
  const keepOwn = {
    Sid: 'KeepItsOwnPolicies',
    Effect: 'Deny',
    Action: ['iam:DeleteRolePolicy', 'iam:PutRolePolicy'],
    Resource: of.own,
  }
  const allow = (Sid: string, kind: keyof typeof DOCUMENT_ACTIONS, resources: readonly TemplateValue[]) =>
    resources.length === 0
      ? []
      : [{ Sid, Effect: 'Allow', Action: [...DOCUMENT_ACTIONS[kind]], Resource: oneOrList(resources) }]
  return document([
    ...allow('WriteTheDenyList', 'boundary', of.boundaries),
    ...allow('WriteTheRestOfTheDenyListAndAnythingElse', 'attached', of.further),
    ...allow('WriteTheDenyListAndAnythingElse', 'inline', of.roles),
    ...(of.roles.length > 0 ? [keepOwn] : []),
  ])
}

/** The one read of a canary: of its own role. */
export function canaryPolicy(role: TemplateValue): PolicyDocument {
  return document([{ Sid: 'LookWhetherItIsDenied', Effect: 'Allow', Action: 'iam:GetRole', Resource: role }])
}

function oneOrList(values: readonly TemplateValue[]): TemplateValue | readonly TemplateValue[] {
  const [only, another] = values
  return only !== undefined && another === undefined ? only : values
}

function document(Statement: readonly object[]): PolicyDocument {
  return { Version: '2012-10-17', Statement }
}
