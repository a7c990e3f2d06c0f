import { isPolicyArn } from '../../../aws/arn.ts'
import { StintError } from '../../../core/errors.ts'
import type { DenyListLocation } from '../../provider.ts'
import { requireRoleArn } from '../role-arn.ts'

/** Where the deny list of a role is kept. `inline` needs a right that could also widen the role: see docs/aws. */
export type RevocationPlacement =
  | { readonly kind: 'boundary'; readonly policyArn: string }
  | { readonly kind: 'inline'; readonly policyName?: string }
  | { readonly kind: 'none' }

/** A policy document of IAM that one writer keeps. */
export type DenyDocument =
  | { readonly kind: 'boundary'; readonly policyArn: string }
  | { readonly kind: 'inline'; readonly roleName: string; readonly policyName: string }

/** The inline policy's name unless configured. */
export const DEFAULT_INLINE_POLICY_NAME = 'StintDeny'

const POLICY_NAME = /^[\w+=,.@-]{1,128}$/

/** The roles' deny documents by key, each with the roles that it reaches. Roles may share a boundary. */
export class DenyListLocations {
  readonly #lists = new Map<string, { document: DenyDocument; roleArns: string[] }>()
  readonly #keyOfRole = new Map<string, string>()

  /** @throws {StintError} CONFIG_INVALID for a malformed ARN or name, or a role that is given twice. */
  constructor(roles: readonly { readonly arn: string; readonly revocation: RevocationPlacement }[]) {
    const seen = new Set<string>()
    for (const { arn, revocation } of roles) {
      const { name } = requireRoleArn(arn)
      if (seen.has(arn)) throw invalid('A role is configured twice; list it once.', arn)
      seen.add(arn)
      if (revocation.kind !== 'none') this.#add(arn, documentOf(revocation, arn, name))
    }
  }

  ofRole(roleArn: string): DenyListLocation | undefined {
    const key = this.#keyOfRole.get(roleArn)
    const list = key === undefined ? undefined : this.#lists.get(key)
    return key === undefined || !list ? undefined : { key, roleArns: list.roleArns }
  }

  find(key: string): DenyDocument | undefined {
    return this.#lists.get(key)?.document
  }

  /** @throws {StintError} PROVIDER_REFUSED for a key that no configured role has. */
  document(key: string): DenyDocument {
    const document = this.find(key)
    if (document) return document
    throw new StintError('PROVIDER_REFUSED', {
      explanation: 'No configured role has this deny list; put the role back into the configuration to revoke on it.',
      target: key,
      outcome: 'not_minted',
    })
  }

  #add(roleArn: string, document: DenyDocument): void {
    const key = document.kind === 'boundary' ? `boundary:${document.policyArn}` : `inline:${roleArn}`
    const list = this.#lists.get(key) ?? { document, roleArns: [] }
    list.roleArns.push(roleArn)
    this.#lists.set(key, list)
    this.#keyOfRole.set(roleArn, key)
  }
}

function documentOf(
  revocation: Exclude<RevocationPlacement, { kind: 'none' }>,
  roleArn: string,
  roleName: string,
): DenyDocument {
  if (revocation.kind === 'boundary') {
    if (!isPolicyArn(revocation.policyArn))
      throw invalid(
        'A boundary is named by the ARN of a customer-managed policy, such as arn:aws:iam::123456789012:policy/stint-boundary.',
        roleArn,
      )
    return { kind: 'boundary', policyArn: revocation.policyArn }
  }
  const policyName = revocation.policyName ?? DEFAULT_INLINE_POLICY_NAME
  if (!POLICY_NAME.test(policyName))
    throw invalid('An inline policy name needs 1 to 128 of A-Z a-z 0-9 _ + = , . @ -', roleArn)
  return { kind: 'inline', roleName, policyName }
}

function invalid(explanation: string, roleArn: string): StintError {
  return new StintError('CONFIG_INVALID', { explanation, roleArn })
}
