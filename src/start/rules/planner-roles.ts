import type { RoleArn } from '../../aws/arn.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { ownRoleTemplates, type RoleSetting } from '../../config/role-settings.ts'
import type { PlanWarning } from '../../plan/plan.ts'
import type { RoleSettings } from '../../plan/role-settings.ts'

/** The planner's settings of each role, with a warning if its sessions cannot be revoked. */
export class PlannerRoles {
  readonly #rules: RoleRules<RoleSetting>
  #writerAccount: string | undefined

  constructor(roles: readonly RoleSetting[]) {
    this.#rules = new RoleRules(roles, ownRoleTemplates(roles))
  }

  /** Undefined for a role that no rule serves. */
  get(roleArn: string): RoleSettings | undefined {
    const found = this.#rules.find(roleArn)
    if (!found) return undefined
    const { allowWildcard, allowWildcardReads, tagKeys, network, revocation } = found.rule
    const settings = { allowWildcard, allowWildcardReads, tagKeys, ...(network && { network }) }
    const warning = cannotRevoke(revocation, found.role, this.#writerAccount)
    return warning ? { ...settings, warnings: [warning] } : settings
  }

  /**
   * Sets the account whose deny lists the broker's credentials can write, as AWS told it.
   *
   * @returns true if it has changed, since earlier plans may lack a warning.
   */
  setWriterAccount(accountId: string): boolean {
    const isNew = this.#writerAccount !== accountId
    this.#writerAccount = accountId
    return isNew
  }
}

function cannotRevoke(
  revocation: RoleSetting['revocation'],
  { accountId }: RoleArn,
  writerAccount: string | undefined,
): PlanWarning | undefined {
  if (revocation.kind === 'none') return NO_DENY_LIST
  if (revocation.revoker || accountId === '' || writerAccount === undefined || writerAccount === accountId)
    return undefined
  const explanation = `Sessions of this role cannot be revoked: the broker's credentials write deny lists in account ${writerAccount} only. An operator can name a revoker in account ${accountId} (revocation.revoker).`
  return { kind: 'cannot_revoke', explanation }
}

const NO_DENY_LIST: PlanWarning = {
  kind: 'cannot_revoke',
  explanation:
    'Sessions of this role cannot be revoked: their credentials work until the lease ends. An operator can give the role a deny list (revocation: boundary or inline).',
}
