import type { ApprovalRequirement } from '../../policy/decision.ts'
import { explainIneligible } from './eligibility.ts'
import { hasRole, type Operator } from './operator.ts'

/** The people who could answer approvals. */
export interface People {
  /** Operators with a token that has not expired, each once. */
  current(now: Date): readonly Operator[]
}

/** Counts the people who could approve for this agent: one person must meet all requirements. */
export function countAnswerers(
  operators: readonly Operator[],
  subject: string,
  requirements: readonly ApprovalRequirement[],
): number {
  return operators.filter((operator) => explainIneligible(operator, { subject }, requirements) === undefined).length
}

/** Counts the people who could answer for a group, or for `any`. Their own agents are not considered. */
export function countInGroup(operators: readonly Operator[], group: string): number {
  return operators.filter(
    (operator) => hasRole(operator, 'approver') && (group === 'any' || operator.groups.includes(group)),
  ).length
}
