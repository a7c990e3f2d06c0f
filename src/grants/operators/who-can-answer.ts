import { hasRole, type Operator } from './operator.ts'

/** How many people could answer for a group, or `any`; their own agents aside. */
export function countInGroup(operators: readonly Operator[], group: string): number {
  return operators.filter(
    (operator) => hasRole(operator, 'approver') && (group === 'any' || operator.groups.includes(group)),
  ).length
}
