import { isPolicyArn, parseRoleArn, splitArn } from '../aws/arn.ts'
import { parseRolePattern, type RolePattern } from '../aws/roles/role-pattern.ts'
import { RoleRules, type RuleConflict } from '../aws/roles/role-rules.ts'
import { fillTemplate, PLACEHOLDERS, type RolePlace, unknownPlaceholders } from '../aws/roles/role-template.ts'
import { z } from '../core/documents/schema.ts'
import { DEFAULT_INLINE_POLICY_NAME } from '../credentials/aws-sts/deny/deny-list-locations.ts'
import { findOtherWriters } from './boundary-writers.ts'
import { furtherPolicyConflicts } from './further-policies.ts'
import { network, sourceIpProblem } from './values/network-setting.ts'

/** Accounts of one rule. */
const MAX_ACCOUNTS = 10_000
/** Rules of one configuration. */
const MAX_ROLES = 10_000

const path = z.string().min(1)
const arn = z
  .string()
  .refine(
    (text) => parseRolePattern(text) !== undefined,
    'must be the ARN of a role, or a pattern such as arn:aws:iam::*:role/stint/*',
  )

const accountId = z
  .string({ error: 'must be an account id of 12 digits in quotes: a number loses its leading zeros' })
  .regex(/^\d{12}$/, 'must be an account id of 12 digits')

/** An ARN, with `{account}` in place of the role's account if it serves several. */
const template = z.string().min(1)

/** A role that the broker assumes in the account of the deny list. */
const ownRole = z.strictObject({ roleArn: template, externalIdFile: path.optional() })

/** A role has 10 managed policies at most, or 20 where AWS has raised that; its own are among them. */
const MAX_FURTHER_POLICIES = 20
const furtherPolicies = z
  .array(template)
  .min(1)
  .max(
    MAX_FURTHER_POLICIES,
    `must list at most ${MAX_FURTHER_POLICIES}: AWS attaches no more managed policies to a role`,
  )

const role = z.strictObject({
  arn,
  /** The accounts that the `*` stands for; every account unless set. */
  accounts: z.array(accountId).min(1).max(MAX_ACCOUNTS).optional(),
  externalIdFile: path.optional(),
  /** Networks from which sessions of the role work; any unless set. */
  network: network.optional(),
  /** Tag keys that the role's own policies use. */
  tagKeys: z.array(z.string().min(1).max(128)).max(100).default([]),
  /** Actions that may take `*` or a pattern of a whole kind: true for all, or patterns such as `cloudwatch:Put*`. */
  allowWildcard: z.union([z.boolean(), z.array(z.string().min(1)).max(100)]).default(false),
  /** True if reads of configuration that need no resource (`ec2:Describe*`, `ce:Get*`) may take `*`; never reads of data. */
  allowWildcardReads: z.boolean().default(true),
  revocation: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('boundary'),
      policyArn: template,
      /** Managed policies that are attached to the roles and hold what the boundary has no room for. */
      furtherPolicyArns: furtherPolicies.optional(),
      /** Assumed for the document alone. */
      revoker: ownRole.optional(),
      /** Has the boundary too: its sessions show when a deny is in force. */
      canary: ownRole.optional(),
    }),
    z.strictObject({
      kind: z.literal('inline'),
      policyName: z.string().min(1).max(128).default(DEFAULT_INLINE_POLICY_NAME),
      furtherPolicyArns: furtherPolicies.optional(),
      revoker: ownRole.optional(),
    }),
    z.strictObject({ kind: z.literal('none') }),
  ]),
})

/** The setting `roles`. */
export const roles = z.array(role).min(1).max(MAX_ROLES)

/** One rule for roles, as configured. */
export type RoleSetting = z.output<typeof role>

/** Reports a problem of a setting by its path. */
export type SayProblem = (path: (string | number)[], message: string) => void

/** The templates of the broker's own roles, revokers and canaries: no agent may act through one. */
export function ownRoleTemplates(list: readonly RoleSetting[]): string[] {
  return list.flatMap(({ revocation: r }) => {
    const canary = r.kind === 'boundary' ? r.canary : undefined
    return [r.kind === 'none' ? undefined : r.revoker, canary].flatMap((own) => (own ? [own.roleArn] : []))
  })
}

/** The abilities of the store behind the endpoints. */
interface RoleStore {
  /** The partition of its roles; undefined for any. */
  readonly partition: string | undefined
  /** Credentials write policies in their own account only. */
  readonly oneAccount: boolean
  /** True if sessions can be bound to a network. */
  readonly bindsNetworks: boolean
  /** True if the role's endpoint is not AWS's own. */
  readonly ownEndpoint: boolean
}

/** Reports roles that can never work, alone or beside each other. */
export function checkRoles(list: readonly RoleSetting[], store: RoleStore, say: SayProblem): void {
  const rules = new RoleRules(list, ownRoleTemplates(list))
  for (const [at, setting] of list.entries()) {
    const pattern = parseRolePattern(setting.arn, setting.accounts)
    if (!pattern) continue
    for (const [path, message] of roleProblems(setting, pattern, store)) if (message) say([at, ...path], message)
    if (pattern.spelled?.some((arn) => !rules.find(arn)))
      say(
        [at, 'arn'],
        'is a revoker or a canary: an agent that acts through it could lift revocations, or fake them; serve another role',
      )
  }
  for (const [at, message] of furtherPolicyConflicts(list)) say([at, 'revocation', 'furtherPolicyArns'], message)
  for (const [at, other] of findOtherWriters(list))
    say(
      [at, 'revocation', 'revoker'],
      `is another than that of roles.${other} (${list[other]?.arn}), which has the same boundary; one boundary has one writer, so give both rules the same revoker`,
    )
  for (const at of findSharedCanaries(list))
    say(
      [at, 'revocation', 'canary', 'roleArn'],
      'is the canary of another boundary too, and a role has one boundary; name a canary for each',
    )
  for (const {
    rules: [first, second],
    kind,
  } of rules.conflicts) {
    say([second, 'arn'], CONFLICTS[kind](`roles.${first} (${list[first]?.arn})`))
  }
}

/** Rules whose canary an earlier rule has for another boundary. */
function findSharedCanaries(list: readonly RoleSetting[]): number[] {
  const boundaries = new Map<string, string>()
  return list.flatMap(({ revocation: r }, at) => {
    if (r.kind !== 'boundary' || !r.canary) return []
    const known = boundaries.get(r.canary.roleArn) ?? r.policyArn
    boundaries.set(r.canary.roleArn, known)
    return known === r.policyArn ? [] : [at]
  })
}

const CONFLICTS: Readonly<Record<RuleConflict['kind'], (other: string) => string>> = {
  same: (other) => `names the same roles as ${other}; list them once`,
  overlap: (other) =>
    `and ${other} both name some roles and neither is narrower; narrow one, or list these roles by their ARNs`,
  'same-name': (other) =>
    `and ${other} name roles of one account by the same name, with another path or case, of which IAM has one; keep that one`,
}

/** The problems of one role, by path; a message is undefined if that setting is fine. */
function* roleProblems(
  { arn: text, accounts, externalIdFile, network: bound, revocation }: RoleSetting,
  pattern: RolePattern,
  { partition, oneAccount, bindsNetworks, ownEndpoint }: RoleStore,
): Generator<[path: (string | number)[], message: string | undefined]> {
  if (bound && !bindsNetworks)
    yield [
      ['network'],
      'cannot be set: the store of aws.profile does not tell a session policy where a request comes from',
    ]
  for (const [at, range] of (bound?.sourceIps ?? []).entries())
    yield [['network', 'sourceIps', at], sourceIpProblem(range, ownEndpoint)]
  if (accounts && !text.includes('::*:'))
    yield [['accounts'], 'is for a pattern with * in the place of the account, such as arn:aws:iam::*:role/stint/*']
  if (partition !== undefined && partition !== pattern.partition)
    yield [['arn'], `must begin with arn:${partition}: since aws.region is in that partition`]
  if (revocation.kind === 'inline' && /[*?]/.test(pattern.path))
    yield [
      ['arn'],
      `must spell the path, such as role/stint/*: an inline deny list is written by the role's name alone, so its path must be known`,
    ]
  yield [['externalIdFile'], externalIdProblem(externalIdFile, pattern)]
  if (revocation.kind === 'none') return
  const places = samplePlaces(pattern)
  if (revocation.kind === 'boundary') {
    yield [['revocation', 'policyArn'], templateProblem(revocation.policyArn, BOUNDARY, places)]
    yield* canaryProblems(revocation, pattern, places)
  }
  yield* furtherPolicyProblems(revocation, pattern, places)
  const { revoker: writer } = revocation
  if (writer) {
    yield [['revocation', 'revoker', 'roleArn'], templateProblem(writer.roleArn, REVOKER, places)]
    yield [['revocation', 'revoker', 'externalIdFile'], externalIdProblem(writer.externalIdFile, pattern)]
  } else if (oneAccount && places.length > 1)
    yield [
      ['revocation', 'revoker'],
      'must be set where a rule serves several accounts, since credentials write policies in their own account only; name a role that the broker assumes there, such as arn:aws:iam::{account}:role/stint/revoker',
    ]
}

function* furtherPolicyProblems(
  revocation: Exclude<RoleSetting['revocation'], { kind: 'none' }>,
  pattern: RolePattern,
  places: readonly RolePlace[],
): Generator<[path: (string | number)[], message: string | undefined]> {
  const { kind, furtherPolicyArns: further = [] } = revocation
  const path = ['revocation', 'furtherPolicyArns']
  for (const [at, template] of further.entries()) {
    const isTwice = further.indexOf(template) < at
    yield [[...path, at], isTwice ? 'is listed twice' : templateProblem(template, FURTHER_POLICY, places)]
  }
  if (further.length > 0 && kind === 'inline' && !pattern.spelled)
    yield [
      path,
      'needs a rule that names its roles: the inline deny list of each role needs policies of its own; list the roles by their ARNs',
    ]
  if (further.length > 0 && kind === 'boundary' && revocation.canary)
    yield [path, 'cannot be set beside a canary, which shows that the boundary is in force and not the other policies']
}

function* canaryProblems(
  { canary, revoker }: Extract<RoleSetting['revocation'], { kind: 'boundary' }>,
  pattern: RolePattern,
  places: readonly RolePlace[],
): Generator<[path: (string | number)[], message: string | undefined]> {
  if (!canary) return
  const isRevoker = canary.roleArn === revoker?.roleArn
  yield [
    ['revocation', 'canary', 'roleArn'],
    isRevoker
      ? 'is the revoker, which must not have the boundary; a canary must: name another role'
      : templateProblem(canary.roleArn, CANARY, places),
  ]
  yield [['revocation', 'canary', 'externalIdFile'], externalIdProblem(canary.externalIdFile, pattern)]
}

/** A kind of ARN that must be in the account of its role. */
interface AccountThing {
  readonly what: string
  readonly is: (arn: string) => boolean
  readonly example: string
}

const BOUNDARY: AccountThing = {
  what: 'a boundary',
  is: isPolicyArn,
  example: 'must be the ARN of a customer-managed policy, such as arn:aws:iam::{account}:policy/stint-boundary',
}
const FURTHER_POLICY: AccountThing = {
  what: 'a further policy',
  is: isPolicyArn,
  example: 'must be the ARN of a customer-managed policy, such as arn:aws:iam::{account}:policy/stint-deny-2',
}
const REVOKER: AccountThing = {
  what: 'a revoker',
  is: (text) => parseRoleArn(text) !== undefined,
  example: 'must be the ARN of a role, such as arn:aws:iam::{account}:role/stint/revoker',
}

const CANARY: AccountThing = {
  what: 'a canary',
  is: REVOKER.is,
  example: 'must be the ARN of a role, such as arn:aws:iam::{account}:role/stint/canary',
}

function templateProblem(
  template: string,
  { what, is, example }: AccountThing,
  places: readonly RolePlace[],
): string | undefined {
  const unknown = placeholderProblem(template)
  if (unknown) return unknown
  for (const place of places) {
    const arn = fillTemplate(template, place)
    if (!is(arn)) return example
    const { partition, account } = splitArn(arn)
    if (partition !== place.partition)
      return `must begin with arn:${place.partition}: like its role; ${what} of another partition never works`
    if (account === place.accountId) continue
    const own = places.length > 1 ? 'each role that the rule serves; write {account}' : `its role, ${place.accountId}`
    return `names account ${account} and must be in the account of ${own}`
  }
  return undefined
}

function externalIdProblem(file: string | undefined, { accounts }: RolePattern): string | undefined {
  if (file === undefined || accounts || file.includes('{account}')) return placeholderProblem(file)
  return 'must contain {account} where a rule serves every account: an agent could have the one external id sent to an account of its own'
}

function placeholderProblem(text: string | undefined): string | undefined {
  const unknown = text === undefined ? [] : unknownPlaceholders(text)
  if (unknown.length === 0) return undefined
  return `has the unknown placeholder ${unknown.join(', ')}; the placeholders are ${PLACEHOLDERS.join(' and ')}`
}

/** One account that a rule serves, or two if it serves more: a template that fits two fits all. */
function samplePlaces({ accounts, partition }: RolePattern): RolePlace[] {
  const some = accounts ? [...accounts].slice(0, 2) : ['111111111111', '222222222222']
  // Roles of a stand-in for AWS may have no account; then there is nothing to compare.
  return some.filter((account) => account !== '').map((accountId) => ({ partition, accountId }))
}
