import type { ApprovalRequirement } from '../../policy/decision.ts'
import { explainIneligible } from './eligibility.ts'
import { hasRole, type Operator } from './operator.ts'

/** The people who could answer approvals. */
export interface People {
  /** Whoever has a token that has not expired; each person once. */
  current(now: Date): readonly Operator[]
}

/** How many people could give the one answer that meets all requirements for this agent. */
export function countAnswerers(
  operators: readonly Operator[],
  subject: string,
  requirements: readonly ApprovalRequirement[],
): number {
  return operators.filter((operator) => explainIneligible(operator, { subject }, requirements) === undefined).length
}

/** How many people could answer for a group, or `any`; their own agents aside. */
export function countInGroup(operators: readonly Operator[], group: string): number {
  return operators.filter(
    (operator) => hasRole(operator, 'approver') && (group === 'any' || operator.groups.includes(group)),
  ).length
}
