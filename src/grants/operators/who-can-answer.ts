import { neededVotes } from '../../ledger/rules/approval-rules.ts'
import { type ApprovalRequirement, ATTAINABLE_ASSURANCE } from '../../policy/decision.ts'
import { type AskedGrant, findConcerned, findObstacle, findObstacleTo } from '../approvals/voters.ts'
import { hasRole, type Operator } from './operator.ts'

/** The people who could answer approvals. */
export interface People {
  /** Operators with a token that has not expired, each once. */
  current(now: Date): readonly Operator[]
}

/** Counts the people who could approve for this agent; 0 if all of them together could not meet every requirement. */
export function countAnswerers(
  operators: readonly Operator[],
  grant: AskedGrant,
  requirements: readonly ApprovalRequirement[],
): number {
  const concerned = findConcerned(grant)
  const counting = (requirement: ApprovalRequirement) =>
    operators.filter((operator) => findObstacleTo(operator, concerned, requirement, ATTAINABLE_ASSURANCE) === undefined)
  const isReachable = requirements.every((requirement) => counting(requirement).length >= neededVotes(requirement))
  if (!isReachable) return 0
  return operators.filter(
    (operator) => findObstacle(operator, concerned, requirements, ATTAINABLE_ASSURANCE) === undefined,
  ).length
}

/** Counts the people who could answer for a group, or for `any`. Their own agents are not considered. */
export function countInGroup(operators: readonly Operator[], group: string): number {
  return operators.filter(
    (operator) => hasRole(operator, 'approver') && (group === 'any' || operator.groups.includes(group)),
  ).length
}
