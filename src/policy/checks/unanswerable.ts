import type { GroupCount } from '../annotations.ts'
import type { Policy } from '../policy.ts'
import type { PolicyProblem } from '../policy-set.ts'
import { problemIn } from './known-names.ts'
import { ANYONE } from './mentions.ts'

/**
 * Finds approvals that could not be given now, since too few people could answer.
 *
 * @param count counts the people who could answer for a group; `any` stands for all approvers.
 */
export function findUnanswerable(policies: readonly Policy[], count: (group: string) => number): PolicyProblem[] {
  return policies.flatMap((policy) =>
    (policy.approvalBy ?? []).flatMap((asked) => {
      const found = count(asked.group)
      if (found >= asked.count) return []
      const message = `${describe(asked, found)} A request for it waits until enough do, or expires.`
      return [problemIn(policy, asked.group, 'warning', message, 'approval-unanswerable')]
    }),
  )
}

const ABLE = 'the role approver (or a higher one) and a token that has not expired'

function describe({ group, count }: GroupCount, found: number): string {
  const who = group === ANYONE ? '' : ` in the group ${group}`
  if (found === 0) return `Nobody can give this approval now: no operator${who} has ${ABLE}.`
  return `This approval needs ${count} people, and only ${found} operator${found === 1 ? '' : 's'}${who} ${found === 1 ? 'has' : 'have'} ${ABLE}.`
}
