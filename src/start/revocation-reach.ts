import { splitArn } from '../aws/arn.ts'
import { parseRolePattern } from '../aws/roles/role-pattern.ts'
import type { RoleSetting } from '../config/role-settings.ts'
import type { PartFinding } from '../core/health/part-health.ts'

/** Most names in one sentence. */
const MAX_NAMED = 10

/** Finds the roles whose sessions cannot be revoked, by the configuration alone, for the log at start and the status. */
export function findUnrevocable(roles: readonly RoleSetting[]): PartFinding[] {
  const arns = roles.filter(({ revocation }) => revocation.kind === 'none').map(({ arn }) => arn)
  if (arns.length === 0) return []
  const explanation = `Sessions of these roles cannot be revoked; they work until they expire (revocation: {kind: none}): ${listed(arns)}.`
  return [{ finding: 'cannot-revoke', code: 'CONFIG_INVALID', explanation }]
}

/**
 * Finds the accounts whose deny lists the broker can never write: its credentials belong to another account, and no revoker is
 * configured.
 *
 * @param writer ARN of the identity that writes deny lists.
 */
export function findOutOfReach(roles: readonly RoleSetting[], writer: string): PartFinding[] {
  const { account: own } = splitArn(writer)
  const served = roles.flatMap(({ arn, accounts, revocation }) => {
    const isReached = revocation.kind === 'none' || revocation.revoker !== undefined
    return isReached ? [] : [...(parseRolePattern(arn, accounts)?.accounts ?? [])]
  })
  const outside = [...new Set(served)].filter((account) => account !== '' && account !== own)
  if (outside.length === 0) return []
  const explanation = `Deny lists are written as ${writer}, which can write in account ${own} only. Sessions of roles in these accounts cannot be revoked until a revoker is configured (roles[].revocation.revoker): ${listed(outside)}.`
  return [{ finding: 'account-out-of-reach', code: 'CONFIG_INVALID', explanation }]
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED
  return [...names.slice(0, MAX_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
