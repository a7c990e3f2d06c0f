import { splitArn } from '../aws/arn.ts'
import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import type { RoleSetting } from '../config/role-settings.ts'
import type { PartFinding } from '../core/health/part-health.ts'

/** Names that one sentence lists. */
const MAX_NAMED = 10

/** The roles whose sessions nobody can revoke, by the configuration alone; said at start and on the status. */
export function findUnrevocable(roles: readonly RoleSetting[]): PartFinding[] {
  const arns = roles.filter(({ revocation }) => revocation.kind === 'none').map(({ arn }) => arn)
  if (arns.length === 0) return []
  const explanation = `Sessions of these roles cannot be revoked, only run out (revocation: {kind: none}): ${listed(arns)}.`
  return [{ finding: 'cannot-revoke', code: 'CONFIG_INVALID', explanation }]
}

/**
 * The accounts whose deny lists the broker can never write: its credentials are of another account, and no revoker is
 * configured there.
 *
 * @param writer whom AWS takes the writer of deny lists for: an ARN
 */
export function findOutOfReach(roles: readonly RoleSetting[], writer: string): PartFinding[] {
  const { account: own } = splitArn(writer)
  const arns = roles.flatMap(({ arn, accounts, revocation }) => {
    const isReached = revocation.kind === 'none' || revocation.revoker !== undefined
    return isReached ? [] : (parseRolePattern(arn, accounts)?.spelled ?? [])
  })
  const outside = [...new Set(arns.map((arn) => splitArn(arn).account ?? ''))].filter(
    (account) => account !== '' && account !== own,
  )
  if (outside.length === 0) return []
  const explanation = `Deny lists are written as ${writer}, which can write in account ${own} only. Sessions of roles in these accounts cannot be revoked until a revoker is configured (roles[].revocation.revoker): ${listed(outside)}.`
  return [{ finding: 'account-out-of-reach', code: 'CONFIG_INVALID', explanation }]
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED
  return [...names.slice(0, MAX_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
