import { hasRole, type Operator } from '../grants/operator.ts'
import type { Approval, Grant } from '../ledger/records.ts'

/**
 * Whether an operator may answer an approval now, so that a person is not asked in vain. A hint for display: the
 * OperatorService decides again when the answer is given.
 */
export function mayDecide(input: { operator: Operator; approval: Approval; grant: Grant; now: Date }): boolean {
  const { operator, approval, grant, now } = input
  if (!hasRole(operator, 'approver') || operator.subjects.includes(grant.subject)) return false
  if (approval.state !== 'pending' || approval.expiresAt <= now) return false
  return approval.requirements.every(({ anyOf }) =>
    anyOf.some((group) => group === 'any' || operator.groups.includes(group)),
  )
}
