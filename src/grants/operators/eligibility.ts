import type { Grant } from '../../ledger/records.ts'
import type { ApprovalRequirement } from '../../policy/decision.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import { hasRole, type Operator } from './operator.ts'

/** Explains why an operator cannot answer: the wrong role, its own agent, or none of the groups. Undefined if it can. */
export function explainIneligible(
  operator: Operator,
  grant: Pick<Grant, 'subject'>,
  requirements: readonly ApprovalRequirement[],
): string | undefined {
  if (!hasRole(operator, 'approver')) return 'Approving or rejecting requires the approver role.'
  if (operator.subjects.some((match) => matchCovers(match, grant.subject)) || operator.name === grant.subject) {
    return 'Operators cannot approve for their own agents; somebody else must decide.'
  }
  const unmet = requirements.find(
    ({ anyOf }) => !anyOf.includes('any') && !anyOf.some((group) => operator.groups.includes(group)),
  )
  return unmet && `A member of ${unmet.anyOf.join(' or ')} must decide (required by ${unmet.because.join(', ')}).`
}
