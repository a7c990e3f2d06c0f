import { isPolicyArn, type RoleArn, splitArn } from '../../../aws/arn.ts'
import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import type { RoleRule, RoleRules } from '../../../aws/roles/role-rules.ts'
import { fillTemplate, type RolePlace } from '../../../aws/roles/role-template.ts'
import { StintError } from '../../../core/errors.ts'
import type { DenyListLocation } from '../../provider.ts'
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

/** Where the deny list of a role is kept. `inline` needs a right that could also widen the role: see docs/aws. */
export type RevocationPlacement =
  | {
      readonly kind: 'boundary'
      readonly policyArn: string
      readonly revoker?: Revoker | undefined
      readonly canary?: Canary | undefined
    }
  | { readonly kind: 'inline'; readonly policyName?: string; readonly revoker?: Revoker | undefined }
  | { readonly kind: 'none' }

/** A rule for roles, with where their deny lists are kept. */
export interface RevocationRule extends RoleRule {
  readonly revocation: RevocationPlacement
}

/** A policy document of IAM that one writer keeps. */
export type DenyDocument =
  | { readonly kind: 'boundary'; readonly policyArn: string }
  | { readonly kind: 'inline'; readonly roleName: string; readonly policyName: string }

/** A document, the account that it is in, and who writes it there. */
interface PlacedDocument {
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

/**
 * The roles' deny documents by key: `boundary:<policy ARN>` or `inline:<role ARN>`, so that a key says in which
 * account its document is. Roles of one account may share a boundary; the first rule that has it says who writes it.
 */
export class DenyListLocations {
  readonly #rules: RoleRules<RevocationRule>
  /** By key, of the roles that are listed by their own ARN. */
  readonly #listed = new Map<string, { placed: PlacedDocument; roleArns: string[] }>()

  /** @param list all rules of `rules` @throws {StintError} CONFIG_INVALID for a malformed boundary or policy name. */
  constructor(rules: RoleRules<RevocationRule>, list: readonly RevocationRule[]) {
    this.#rules = rules
    for (const { arn, accounts, revocation } of list) {
      if (revocation.kind === 'none') continue
      checkTemplates(revocation, arn)
      for (const roleArn of parseRolePattern(arn, accounts)?.spelled ?? []) {
        const placed = placedDocument(revocation, requireRoleArn(roleArn))
        this.#list(roleArn, keyOf(placed.document, roleArn), placed)
      }
    }
  }

  ofRole(roleArn: string): DenyListLocation | undefined {
    const found = this.#rules.find(roleArn)
    if (!found || found.rule.revocation.kind === 'none') return undefined
    const key = keyOf(placedDocument(found.rule.revocation, found.role).document, roleArn)
    return { key, roleArns: this.#listed.get(key)?.roleArns ?? [roleArn] }
  }

  find(key: string): PlacedDocument | undefined {
    const listed = this.#listed.get(key)?.placed
    if (listed) return listed
    const arn = key.slice(key.indexOf(':') + 1)
    if (key.startsWith('inline:')) return this.#inlineOf(arn)
    return key.startsWith('boundary:') ? this.#boundaryOf(arn) : undefined
  }

  /** @throws {StintError} PROVIDER_REFUSED for a key that no configured role has. */
  require(key: string): PlacedDocument {
    const placed = this.find(key)
    if (placed) return placed
    throw new StintError('PROVIDER_REFUSED', {
      explanation: 'No configured role has this deny list; put the role back into the configuration to revoke on it.',
      target: key,
      outcome: 'not_minted',
    })
  }

  #list(roleArn: string, key: string, placed: PlacedDocument): void {
    const listed = this.#listed.get(key) ?? { placed, roleArns: [] }
    listed.roleArns.push(roleArn)
    this.#listed.set(key, listed)
  }

  #inlineOf(roleArn: string): PlacedDocument | undefined {
    const found = this.#rules.find(roleArn)
    return found?.rule.revocation.kind === 'inline' ? placedDocument(found.rule.revocation, found.role) : undefined
  }

  #boundaryOf(policyArn: string): PlacedDocument | undefined {
    const { account = '' } = splitArn(policyArn)
    for (const { rule, pattern } of this.#rules.patternsIn(account)) {
      if (rule.revocation.kind !== 'boundary') continue
      const role = { partition: pattern.partition, accountId: account, name: '' }
      const placed = placedDocument(rule.revocation, role)
      if (placed.document.kind === 'boundary' && placed.document.policyArn === policyArn) return placed
    }
    return undefined
  }
}

/** The account of a deny list, by its key; '' with stand-ins for AWS that have none. */
export function accountOfList(key: string): string {
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

function keyOf(document: DenyDocument, roleArn: string): string {
  return document.kind === 'boundary' ? `boundary:${document.policyArn}` : `inline:${roleArn}`
}

function checkTemplates(revocation: Exclude<RevocationPlacement, { kind: 'none' }>, roleArn: string): void {
  const { document } = placedDocument(revocation, { partition: 'aws', accountId: '123456789012', name: '' })
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
