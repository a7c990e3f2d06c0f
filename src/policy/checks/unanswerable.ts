import type { Policy } from '../policy.ts'
import type { PolicyProblem } from '../policy-set.ts'
import { problemIn } from './known-names.ts'
import { ANYONE } from './mentions.ts'

/**
 * Finds approvals that nobody could give now.
 *
 * @param count counts the people who could answer for a group; `any` stands for all approvers.
 */
export function findUnanswerable(policies: readonly Policy[], count: (group: string) => number): PolicyProblem[] {
  return policies.flatMap((policy) => {
    const { approvalGroup: group } = policy
    if (group === undefined || count(group) > 0) return []
    const who = group === ANYONE ? 'no operator' : `no operator in the group ${group}`
    const message = `Nobody can give this approval now: ${who} has the role approver (or a higher one) and a token that has not expired. A request for it waits until somebody does, or expires.`
    return [problemIn(policy, group, 'warning', message, 'approval-unanswerable')]
  })
}
