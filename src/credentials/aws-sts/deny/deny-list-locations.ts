import { isPolicyArn, type RoleArn, splitArn } from '../../../aws/arn.ts'
import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import { type RoleRule, type RoleRules, roleIdentity } from '../../../aws/roles/role-rules.ts'
import { fillTemplate, type RolePlace } from '../../../aws/roles/role-template.ts'
import { StintError } from '../../../core/errors.ts'
import type { DenyListLocation, DenyReach } from '../../provider.ts'
import type { ExternalIdSource } from '../mint/external-ids.ts'
import { requireRoleArn } from '../role-arn.ts'

/** The role that writes the deny lists of an account; ARNs are templates with `{account}` and `{partition}`. */
export interface Revoker {
  readonly roleArn: string
  readonly externalId?: ExternalIdSource
}

/** A role under a boundary whose sessions show whether the boundary is in force; its ARN is a template as that of a revoker. */
export interface Canary {
  readonly roleArn: string
  readonly externalId?: ExternalIdSource
}

/**
 * Where the deny list of a role is kept. `inline` and `furtherPolicyArns` need rights that could also widen the role: see
 * docs/aws. The latter are templates of managed policies that are attached to the roles and hold the rest of a long list.
 */
export type RevocationPlacement =
  | ({ readonly kind: 'boundary'; readonly policyArn: string; readonly canary?: Canary | undefined } & Written)
  | ({ readonly kind: 'inline'; readonly policyName?: string } & Written)
  | { readonly kind: 'none' }

interface Written {
  readonly furtherPolicyArns?: readonly string[] | undefined
  readonly revoker?: Revoker | undefined
}

/** A rule for roles, with where their deny lists are kept. */
export interface RevocationRule extends RoleRule {
  readonly revocation: RevocationPlacement
}

/** A policy document of IAM that one writer keeps. */
export type DenyDocument =
  | { readonly kind: 'boundary' | 'attached'; readonly policyArn: string }
  | { readonly kind: 'inline'; readonly roleName: string; readonly policyName: string }

/** A document, the account that it is in, and who writes it there. */
export interface PlacedDocument {
  readonly document: DenyDocument
  readonly place: RolePlace
  /** Undefined where the broker's own credentials, or those of its revoker, write. */
  readonly revoker: Revoker | undefined
  /** Undefined where nothing shows whether the document is in force. */
  readonly canary: Canary | undefined
}

/** The inline policy's name unless configured. */
export const DEFAULT_INLINE_POLICY_NAME = 'StintDeny'

const POLICY_NAME = /^[\w+=,.@-]{1,128}$/

/** By account and name: the spelling of roles that had a session. */
export type Spellings = Map<string, string>

/**
 * The roles' deny documents by key: `boundary:<policy ARN>`, `inline:<role ARN>` or `attached:<policy ARN>`, so that a key says
 * in which account its document is. Roles of one account may share a boundary; the first rule that has it says who writes it,
 * and which further documents hold the rest of its list. The key of a list is that of its first document.
 */
export class DenyListLocations {
  readonly #rules: RoleRules<RevocationRule>
  readonly #all: readonly RevocationRule[]
  /** By key: the documents of the roles that are listed by their own ARN. */
  readonly #listed = new Map<
    string,
    { placed: PlacedDocument; further: readonly PlacedDocument[]; roleArns: string[] }
  >()
  readonly #spelled: Spellings

  /**
   * @param list all rules of `rules`
   * @param spelled shared by all that answer for the same roles
   * @throws {StintError} CONFIG_INVALID for a malformed boundary or policy name.
   */
  constructor(rules: RoleRules<RevocationRule>, list: readonly RevocationRule[], spelled: Spellings = new Map()) {
    this.#rules = rules
    this.#spelled = spelled
    this.#all = list
    for (const { arn, accounts, revocation } of list) {
      if (revocation.kind === 'none') continue
      checkTemplates(revocation, arn)
      for (const roleArn of parseRolePattern(arn, accounts)?.spelled ?? []) {
        const role = requireRoleArn(roleArn)
        const [placed, further] = [placedDocument(revocation, role), furtherDocuments(revocation, role)]
        for (const each of [placed, ...further]) this.#list(roleArn, toKey(each.document, roleArn), each, further)
      }
    }
  }

  /** True for a role that a rule matches. */
  serves(roleArn: string): boolean {
    return this.#rules.find(roleArn) !== undefined
  }

  /** Undefined for a role that no rule matches, or whose sessions can only run out. */
  findList(roleArn: string): DenyListLocation | undefined {
    const found = this.#rules.find(roleArn)
    if (!found || found.rule.revocation.kind === 'none') return undefined
    const key = toKey(placedDocument(found.rule.revocation, found.role).document, this.#findSpelling(roleArn))
    return { key, roleArns: this.#listed.get(key)?.roleArns ?? [roleArn] }
  }

  /**
   * Notes how a role is spelled, once a session of it was started. Names of roles ignore case, and an inline policy is found by
   * the name: another spelling under a pattern must not get a list of its own, which would overwrite this one's document.
   */
  confirmSpelling(roleArn: string): void {
    this.#spelled.set(roleIdentity(roleArn), roleArn)
  }

  /** See `CredentialProvider.denyReach`. */
  reach(): DenyReach {
    const lists = new Set<string>()
    const beyond: string[] = []
    for (const rule of this.#all) {
      const own = findOwnLists(rule)
      if (!own) beyond.push(rule.arn)
      for (const key of own ?? []) lists.add(key)
    }
    return { lists: [...lists], beyond }
  }

  /** The keys of the documents of a list, its own first; none for a list that no configured role has. */
  listDocuments(listKey: string): readonly string[] {
    const found = this.#listed.get(listKey) ?? this.#findPlaced(listKey)
    return found ? [listKey, ...found.further.map(({ document }) => toKey(document, ''))] : []
  }

  /** The roles of a list that are listed by their own ARN. */
  listedRoles(key: string): readonly string[] {
    return this.#listed.get(key)?.roleArns ?? []
  }

  /** @param key of any document of a list */
  find(key: string): PlacedDocument | undefined {
    return (this.#listed.get(key) ?? this.#findPlaced(key))?.placed
  }

  #list(roleArn: string, key: string, placed: PlacedDocument, further: readonly PlacedDocument[]): void {
    const listed = this.#listed.get(key) ?? { placed, further, roleArns: [] }
    listed.roleArns.push(roleArn)
    this.#listed.set(key, listed)
  }

  #findSpelling(roleArn: string): string {
    return this.#spelled.get(roleIdentity(roleArn)) ?? roleArn
  }

  #findPlaced(key: string): Placed | undefined {
    const arn = key.slice(key.indexOf(':') + 1)
    return key.startsWith('inline:') ? this.#findInline(arn) : this.#findManaged(key, arn)
  }

  #findInline(roleArn: string): Placed | undefined {
    const found = this.#rules.find(roleArn)
    if (found?.rule.revocation.kind !== 'inline' || this.#findSpelling(roleArn) !== roleArn) return undefined
    const { revocation } = found.rule
    return { placed: placedDocument(revocation, found.role), further: furtherDocuments(revocation, found.role) }
  }

  #findManaged(key: string, policyArn: string): Placed | undefined {
    const { account = '' } = splitArn(policyArn)
    for (const { rule, pattern } of this.#rules.patternsIn(account)) {
      const { revocation } = rule
      if (revocation.kind === 'none') continue
      const role = { partition: pattern.partition, accountId: account, name: '' }
      const further = furtherDocuments(revocation, role)
      const all = revocation.kind === 'boundary' ? [placedDocument(revocation, role), ...further] : further
      const placed = all.find(({ document }) => toKey(document, '') === key)
      if (placed) return { placed, further }
    }
    return undefined
  }
}

/** The lists of a rule, as far as its own words name them all; undefined where they do not. */
function findOwnLists({ arn, accounts, revocation }: RevocationRule): string[] | undefined {
  const pattern = parseRolePattern(arn, accounts)
  if (revocation.kind === 'none' || !pattern) return undefined
  if (pattern.spelled) {
    return pattern.spelled.map((roleArn) =>
      toKey(placedDocument(revocation, requireRoleArn(roleArn)).document, roleArn),
    )
  }
  if (revocation.kind === 'inline' || !pattern.accounts) return undefined
  const { partition } = pattern
  return [...pattern.accounts].map((accountId) =>
    toKey(placedDocument(revocation, { partition, accountId, name: '' }).document, ''),
  )
}

/** A document, and the further ones of its list. */
interface Placed {
  readonly placed: PlacedDocument
  readonly further: readonly PlacedDocument[]
}

/** The account of a deny list, by its key; '' with stand-ins for AWS that have none. */
export function readAccount(key: string): string {
  return splitArn(key.slice(key.indexOf(':') + 1)).account ?? ''
}

function placedDocument(
  revocation: Exclude<RevocationPlacement, { kind: 'none' }>,
  { partition, accountId, name }: RolePlace & Pick<RoleArn, 'name'>,
): PlacedDocument {
  const place = { partition, accountId }
  const { revoker } = revocation
  if (revocation.kind === 'boundary') {
    const policyArn = fillTemplate(revocation.policyArn, place)
    return { document: { kind: 'boundary', policyArn }, place, revoker, canary: revocation.canary }
  }
  const policyName = revocation.policyName ?? DEFAULT_INLINE_POLICY_NAME
  return { document: { kind: 'inline', roleName: name, policyName }, place, revoker, canary: undefined }
}

function furtherDocuments(
  { furtherPolicyArns = [], revoker }: Exclude<RevocationPlacement, { kind: 'none' }>,
  { partition, accountId }: RolePlace,
): PlacedDocument[] {
  const place = { partition, accountId }
  return furtherPolicyArns.map((template) => ({
    document: { kind: 'attached', policyArn: fillTemplate(template, place) },
    place,
    revoker,
    canary: undefined,
  }))
}

function toKey(document: DenyDocument, roleArn: string): string {
  return document.kind === 'inline' ? `inline:${roleArn}` : `${document.kind}:${document.policyArn}`
}

function checkTemplates(revocation: Exclude<RevocationPlacement, { kind: 'none' }>, roleArn: string): void {
  const place = { partition: 'aws', accountId: '123456789012', name: '' } as const
  const { document } = placedDocument(revocation, place)
  for (const { document: further } of furtherDocuments(revocation, place))
    if (further.kind === 'attached' && !isPolicyArn(further.policyArn))
      throw invalid(
        'A further document is named by the ARN of a customer-managed policy, such as arn:aws:iam::123456789012:policy/stint-deny-2.',
        roleArn,
      )
  if (document.kind === 'boundary' && !isPolicyArn(document.policyArn))
    throw invalid(
      'A boundary is named by the ARN of a customer-managed policy, such as arn:aws:iam::123456789012:policy/stint-boundary.',
      roleArn,
    )
  if (document.kind === 'inline' && !POLICY_NAME.test(document.policyName))
    throw invalid('An inline policy name needs 1 to 128 of A-Z a-z 0-9 _ + = , . @ -', roleArn)
}

function invalid(explanation: string, roleArn: string): StintError {
  return new StintError('CONFIG_INVALID', { explanation, roleArn })
}
