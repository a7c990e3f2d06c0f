import {
  type AccountSide,
  type NamedThing,
  pathAndName,
  splitPath,
  type TemplateRole,
  type TemplateRule,
} from './account-side.ts'
import {
  canaryPolicy,
  emptyBoundary,
  emptyFurtherPolicy,
  revokerPolicy,
  revokerTrust,
  type TemplateValue,
  taskRoleGuard,
  taskRoleTrust,
} from './policies.ts'

/** The parameter that names the role or user that the broker runs as. */
export const BROKER_PARAMETER = 'BrokerArn'
const BROKER: TemplateValue = { Ref: BROKER_PARAMETER }

/** A template of CloudFormation; plain JSON. */
export interface AccountTemplate {
  readonly AWSTemplateFormatVersion: '2010-09-09'
  readonly Description: string
  readonly Parameters: Readonly<Record<string, object>>
  readonly Conditions?: Readonly<Record<string, object>>
  readonly Resources: Readonly<Record<string, object>>
  readonly Outputs: Readonly<Record<string, object>>
}

/**
 * The CloudFormation template of what an account has to have: boundaries, revokers, canaries, and the task roles with trust and guard.
 * It names no account of its own, so that a StackSet can deploy it to many; each stack belongs into one region alone.
 *
 * @param broker default of the parameter `BrokerArn`.
 */
export function accountTemplate(side: AccountSide, { broker }: { readonly broker?: string | undefined } = {}) {
  const names = new LogicalNames()
  const boundaries = new Map(listBoundaries(side).map((role) => [role, names.take(role, 'Boundary')]))
  const further = new Map(listFurtherPolicies(side).map((policy) => [policy, names.take(policy, 'Policy')]))
  const revokers = new Map(listRevokers(side).map((role) => [role, names.take(role, 'Revoker')]))
  const canaries = new Map(listCanaries(side).map((role) => [role, names.take(role, 'Canary')]))
  const roles = side.roles.map((role) => [role, names.take(role.path + role.name, 'Role')] as const)
  const externalIds = externalIdParameters(side)
  // Those of other stacks too: each account may have one of its own beside that of the StackSet.
  const every = { ...side, rules: side.everyRule }
  const guarded = {
    broker: BROKER,
    boundaries: [...listBoundaries(every), ...listFurtherPolicies(every)].map(
      (policy) => reference(boundaries, policy) ?? reference(further, policy) ?? iamArn('policy', policy),
    ),
    roles: [
      ...new Set([...every.rules.map(({ arn }) => pathAndName(arn)), ...listRevokers(every), ...listCanaries(every)]),
    ].map(roleArn),
  }
  const context = { boundaries, further, revokers, externalIds, guard: taskRoleGuard(guarded) }
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'The account side of Stint: task roles, their permissions boundary with the deny list, the revoker and the canary.',
    Parameters: {
      [BROKER_PARAMETER]: brokerParameter(broker),
      ...Object.fromEntries([...externalIds.values()].map((id) => [id, EXTERNAL_ID_PARAMETER])),
      ...Object.fromEntries(roles.map(([role, id]) => [`${id}Policies`, policiesParameter(role)])),
    },
    ...(roles.length > 0 && {
      Conditions: Object.fromEntries(roles.map(([, id]) => [`${id}HasPolicies`, notEmpty(`${id}Policies`)])),
    }),
    Resources: Object.fromEntries([
      ...[...boundaries].map(([policy, id]) => [id, boundaryResource(splitPath(policy))]),
      ...[...further].map(([policy, id]) => [id, furtherPolicyResource(splitPath(policy))]),
      ...[...revokers].map(([role, id]) => [id, revokerResource(role, side, context)]),
      ...[...canaries].map(([role, id]) => [id, canaryResource(role, side, context)]),
      ...roles.map(([role, id]) => [id, taskRoleResource(role, id, context)]),
    ]),
    Outputs: Object.fromEntries([
      ...[...boundaries.values(), ...further.values()].map((id) => [`${id}Arn`, { Value: { Ref: id } }]),
      ...[...revokers.values(), ...canaries.values(), ...roles.map(([, id]) => id)].map((id) => [
        `${id}Arn`,
        { Value: { 'Fn::GetAtt': [id, 'Arn'] } },
      ]),
    ]),
  } as const satisfies AccountTemplate
}

/** The names of the parameters for external ids, by the file that the broker reads each from. */
export function externalIdParameters({ rules }: Pick<AccountSide, 'rules'>): ReadonlyMap<string, string> {
  const files = rules.flatMap(({ externalIdFile, revocation }) => [
    externalIdFile,
    revocation.kind === 'none' ? undefined : revocation.revoker?.externalIdFile,
    revocation.kind === 'boundary' ? revocation.canary?.externalIdFile : undefined,
  ])
  const known = [...new Set(files.filter((file) => file !== undefined))]
  return new Map(known.map((file, at) => [file, at === 0 ? 'ExternalId' : `ExternalId${at + 1}`]))
}

interface Context {
  /** Logical ids by path and name. */
  readonly boundaries: ReadonlyMap<string, string>
  readonly further: ReadonlyMap<string, string>
  readonly revokers: ReadonlyMap<string, string>
  /** Parameters by file. */
  readonly externalIds: ReadonlyMap<string, string>
  readonly guard: object
}

const EXTERNAL_ID_PARAMETER = {
  Type: 'String',
  NoEcho: true,
  MinLength: 2,
  MaxLength: 1_224,
  AllowedPattern: '[\\w+=,.@:/-]+',
  Description:
    'The external id that the broker sends, from the file of its configuration; one of its own in each account.',
}

function brokerParameter(broker: string | undefined) {
  return {
    Type: 'String',
    AllowedPattern: 'arn:aws[a-z-]*:iam::\\d{12}:(role|user)/.+',
    Description: 'ARN of the role or user that the broker runs as.',
    ...(broker !== undefined && { Default: broker }),
  }
}

function policiesParameter({ name }: NamedThing) {
  return {
    Type: 'CommaDelimitedList',
    Default: '',
    Description: `ARNs of the managed policies that say what ${name} may do at most.`,
  }
}

function notEmpty(parameter: string) {
  return { 'Fn::Not': [{ 'Fn::Equals': [{ 'Fn::Join': ['', { Ref: parameter }] }, ''] }] }
}

function boundaryResource({ path, name }: NamedThing) {
  return {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: {
      ManagedPolicyName: name,
      Path: path,
      Description:
        "Permissions boundary of Stint's task roles. Stint writes its deny list here: put nothing else in it.",
      PolicyDocument: emptyBoundary(),
    },
  }
}

function furtherPolicyResource({ path, name }: NamedThing) {
  return {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: {
      ManagedPolicyName: name,
      Path: path,
      Description:
        "Attached to Stint's task roles. Stint writes the rest of its deny list here: put nothing else in it.",
      PolicyDocument: emptyFurtherPolicy(),
    },
  }
}

function revokerResource(role: string, { rules }: AccountSide, { boundaries, further, externalIds }: Context) {
  const { path, name } = splitPath(role)
  const written = rules.flatMap(({ arn, revocation }) =>
    revocation.kind !== 'none' && revocation.revoker && pathAndName(revocation.revoker.roleArn) === role
      ? [{ arn, revocation, file: revocation.revoker.externalIdFile }]
      : [],
  )
  const documents = revokerPolicy({
    boundaries: [...new Set(written.flatMap(({ revocation: r }) => (r.kind === 'boundary' ? [r.policyArn] : [])))]
      .map((arn) => boundaries.get(pathAndName(arn)) ?? '')
      .map((id) => ({ Ref: id })),
    further: references(further, listFurtherPolicies({ rules: written })),
    roles: [
      ...new Set(written.flatMap(({ arn, revocation: r }) => (r.kind === 'inline' ? [pathAndName(arn)] : []))),
    ].map(roleArn),
    own: roleArn(role),
  })
  const file = written.find((each) => each.file !== undefined)?.file
  return roleResource(
    { path, name },
    {
      Description: 'Writes the deny lists of Stint in this account. The broker assumes it.',
      AssumeRolePolicyDocument: revokerTrust(BROKER, reference(externalIds, file)),
      Policies: [{ PolicyName: 'StintRevoker', PolicyDocument: documents }],
    },
  )
}

function canaryResource(role: string, { rules }: AccountSide, { boundaries, externalIds }: Context) {
  const { path, name } = splitPath(role)
  const [first] = rules.flatMap(({ revocation: r }) =>
    r.kind === 'boundary' && r.canary && pathAndName(r.canary.roleArn) === role
      ? [{ policy: pathAndName(r.policyArn), file: r.canary.externalIdFile }]
      : [],
  )
  const boundary = reference(boundaries, first?.policy)
  return roleResource(
    { path, name },
    {
      Description:
        'Shows Stint when its deny list is in force. The broker assumes it; it can read itself and nothing else.',
      AssumeRolePolicyDocument: taskRoleTrust(BROKER, reference(externalIds, first?.file)),
      ...(boundary && { PermissionsBoundary: boundary }),
      Policies: [{ PolicyName: 'StintCanary', PolicyDocument: canaryPolicy(roleArn(role)) }],
    },
  )
}

function taskRoleResource({ rule, path, name }: TemplateRole, id: string, context: Context) {
  const { revocation, externalIdFile } = rule
  const boundary = revocation.kind === 'boundary' && reference(context.boundaries, pathAndName(revocation.policyArn))
  return roleResource(
    { path, name },
    {
      Description: 'Task role of Stint: only the broker starts its sessions, each for one grant.',
      AssumeRolePolicyDocument: taskRoleTrust(BROKER, reference(context.externalIds, externalIdFile)),
      ...(boundary && { PermissionsBoundary: boundary }),
      ManagedPolicyArns: managedPolicies(id, listFurtherPolicies({ rules: [rule] }), context),
      Policies: [{ PolicyName: 'StintGuard', PolicyDocument: context.guard }],
    },
  )
}

function references(names: ReadonlyMap<string, string>, keys: readonly string[]): TemplateValue[] {
  return keys.flatMap((key) => {
    const found = reference(names, key)
    return found === undefined ? [] : [found]
  })
}

/** The policies of the parameter, and the further ones of the deny list. */
function managedPolicies(id: string, policies: readonly string[], { further }: Context): TemplateValue {
  const own = references(further, policies)
  const given = { Ref: `${id}Policies` }
  if (own.length === 0) return { 'Fn::If': [`${id}HasPolicies`, given, { Ref: 'AWS::NoValue' }] }
  // CloudFormation cannot put two lists together, but their texts.
  const both = { 'Fn::Split': [',', { 'Fn::Join': [',', [{ 'Fn::Join': [',', given] }, ...own]] }] }
  return { 'Fn::If': [`${id}HasPolicies`, both, own] }
}

function roleResource({ path, name }: NamedThing, properties: object) {
  return {
    Type: 'AWS::IAM::Role',
    Properties: { RoleName: name, Path: path, MaxSessionDuration: 3_600, ...properties },
  }
}

function reference(names: ReadonlyMap<string, string>, key: string | undefined): TemplateValue | undefined {
  const name = key === undefined ? undefined : names.get(key)
  return name === undefined ? undefined : { Ref: name }
}

/** The ARN of a role of the account that the template is deployed to; wildcards stay. */
function roleArn(role: string): TemplateValue {
  return iamArn('role', role)
}

function iamArn(kind: 'role' | 'policy', pathAndName: string): TemplateValue {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:${kind}${pathAndName}` }
}

function listBoundaries({ rules }: Pick<AccountSide, 'rules'>): string[] {
  const policies = rules.flatMap(({ revocation: r }) => (r.kind === 'boundary' ? [pathAndName(r.policyArn)] : []))
  return [...new Set(policies)]
}

function listFurtherPolicies({ rules }: { readonly rules: readonly Pick<TemplateRule, 'revocation'>[] }): string[] {
  const policies = rules.flatMap(({ revocation: r }) => (r.kind === 'none' ? [] : (r.furtherPolicyArns ?? [])))
  return [...new Set(policies.map(pathAndName))]
}

function listRevokers({ rules }: Pick<AccountSide, 'rules'>): string[] {
  const roles = rules.flatMap(({ revocation: r }) =>
    r.kind !== 'none' && r.revoker ? [pathAndName(r.revoker.roleArn)] : [],
  )
  return [...new Set(roles)]
}

function listCanaries({ rules }: Pick<AccountSide, 'rules'>): string[] {
  const roles = rules.flatMap(({ revocation: r }) =>
    r.kind === 'boundary' && r.canary ? [pathAndName(r.canary.roleArn)] : [],
  )
  return [...new Set(roles)]
}

/** Names of resources in a template: letters and digits, each once. */
class LogicalNames {
  readonly #taken = new Set<string>()

  /** @param thing path and name, e.g. `/stint/agent-data` */
  take(thing: string, kind: string): string {
    const words = splitPath(thing).name.match(/[A-Za-z0-9]+/g) ?? []
    const spoken = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
    const base = spoken.endsWith(kind) ? spoken : `${spoken}${kind}`
    let name = base
    for (let n = 2; this.#taken.has(name); n += 1) name = `${base}${n}`
    this.#taken.add(name)
    return name
  }
}
