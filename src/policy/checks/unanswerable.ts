import type { GroupCount } from '../annotations.ts'
import type { ApprovalRules } from '../approval-requirements.ts'
import { ATTAINABLE_ASSURANCE, VOTE_ASSURANCES } from '../decision.ts'
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

/**
 * Finds what the configuration asks of approvals for a class, and that could not be given now.
 *
 * @param count as for `findUnanswerable`
 */
export function findUnanswerableClasses(
  { byClass = {}, minimumAssurance = {} }: ApprovalRules,
  count: (group: string) => number,
): PolicyProblem[] {
  const problem = (message: string): PolicyProblem => ({
    ...{ severity: 'warning', file: CONFIGURATION, line: 1, column: 1 },
    message,
    rule: 'approval-unanswerable',
  })
  const tooFew = Object.entries(byClass).flatMap(([name, { anyOf, count: needed }]) => {
    // Somebody may be a member of several groups, so this is the most that there can be.
    const found = anyOf.includes(ANYONE) ? count(ANYONE) : anyOf.reduce((sum, group) => sum + count(group), 0)
    if (found >= needed) return []
    const who = anyOf.includes(ANYONE) ? '' : ` in ${anyOf.join(' or ')}`
    return [
      problem(`approvals.byClass.${name} asks for ${needed} people${who}, and at most ${found} could answer now.`),
    ]
  })
  const unattainable = Object.entries(minimumAssurance).flatMap(([name, least]) => {
    if (VOTE_ASSURANCES.indexOf(least) <= VOTE_ASSURANCES.indexOf(ATTAINABLE_ASSURANCE)) return []
    return [
      problem(
        `approvals.minimumAssurance.${name} asks for ${least}, which no vote can have yet: votes by bearer token have ${ATTAINABLE_ASSURANCE}. Nothing of this class can be approved.`,
      ),
    ]
  })
  return [...tooFew, ...unattainable]
}

const CONFIGURATION = 'The configuration'
const ABLE = 'the role approver (or a higher one) and a token that has not expired'

function describe({ group, count }: GroupCount, found: number): string {
  const who = group === ANYONE ? '' : ` in the group ${group}`
  if (found === 0) return `Nobody can give this approval now: no operator${who} has ${ABLE}.`
  return `This approval needs ${count} people, and only ${found} operator${found === 1 ? '' : 's'}${who} ${found === 1 ? 'has' : 'have'} ${ABLE}.`
}
