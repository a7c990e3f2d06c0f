import type { LabelSet } from '../../plan/labels/labels.ts'
import { type ApprovalRules, NEVER_WAIVED } from '../approval-requirements.ts'
import { findReach } from '../cedar/candidates.ts'
import type { Policy } from '../policy.ts'
import type { PolicyProblem } from '../policy-set.ts'
import { problemIn } from './known-names.ts'
import { labelsWithin } from './mentions.ts'

/** Facts that decide whether a waiver can have an effect. */
export interface WaiverFacts extends ApprovalRules {
  readonly labels: LabelSet
}

/** Finds waivers that can never apply, or that waive nothing. */
export function findIdleWaivers(policies: readonly Policy[], facts: WaiverFacts): PolicyProblem[] {
  return policies.flatMap((policy) => {
    const found = policy.waiver === undefined ? undefined : explainIdle(policy, facts)
    return found ? [problemIn(policy, 'none', found.severity, found.message, 'waiver-idle')] : []
  })
}

function explainIdle(
  policy: Policy,
  { allowWaivers = false, approvalsRequiredFor, labels }: WaiverFacts,
): { severity: PolicyProblem['severity']; message: string } | undefined {
  if (!allowWaivers)
    return {
      severity: 'error',
      message:
        'This waiver has no effect: the configuration does not allow waivers (policy.allowWaivers is false), so approvals are asked for as if it were not there.',
    }
  const { classes } = findReach(policy.json)
  if (!classes) return undefined
  const isOnly = (...names: readonly string[]) => [...classes].every((name) => names.includes(name))
  if (isOnly('destructive', ...NEVER_WAIVED)) return explainDestructive(policy, labels)
  if (
    isOnly('list', 'read') &&
    ![...classes].some((name) => (approvalsRequiredFor as readonly string[]).includes(name))
  )
    return {
      severity: 'warning',
      message: 'This waiver has no effect unless another permit asks for an approval: lists and reads require none.',
    }
  return undefined
}

function explainDestructive(policy: Policy, { labels }: LabelSet): ReturnType<typeof explainIdle> {
  const open = labels.flatMap(({ label, marks }) => (marks.includes('nonproduction') ? [label] : []))
  if (open.length === 0)
    return {
      severity: 'error',
      message:
        'This waiver never applies: approvals of class destructive are waived only within labels marked nonproduction, and no label has that mark (marks: [nonproduction] in the labels file).',
    }
  const named = labelsWithin(policy)
  if (named.length === 0 || named.some((label) => open.includes(label))) return undefined
  return {
    severity: 'warning',
    message: `This waiver applies only within a label marked nonproduction (${open.join(', ')}); ${named.join(', ')} does not have that mark.`,
  }
}
