import { lookAlikes } from '../core/text/look-alikes.ts'
import type { DecisionInfo, GrantInfo, PlanInfo } from '../sdk/types.ts'
import { accessLines, RISKIEST_FIRST } from './access-lines.ts'
import { changeLines } from './change-lines.ts'
import type { CommandIo } from './command.ts'
import { countNoun, linesIfAny, type OutputFormat, printFacts, printValue } from './output.ts'

/** A grant as its agent sees it. */
export function printGrant(io: CommandIo, format: OutputFormat, grant: GrantInfo): void {
  if (format === 'table') printFacts(io, grantFacts(grant))
  else printValue(io, format, grant)
}

/** The parts of a grant that `printGrant` shows. */
export function grantFacts(grant: GrantInfo): (readonly [string, unknown])[] {
  return [
    ['Grant', grant.id],
    ['State', grant.reason ? `${grant.state} (${grant.reason})` : grant.state],
    ['Agent', grant.subject],
    ['Role', grant.roleArn],
    ['Purpose', grant.purpose],
    ['Plan', grant.planHash],
    ['Deadline', grant.deadline],
    ['Collect by', grant.claimBy],
    ['Ends by', grant.effectiveBy],
    ['Ended', grant.endedAt],
    ['Approval', grant.approvalId],
    ['Approval expires', grant.approvalExpiresAt],
    ...decisionFacts(grant.decision),
  ]
}

type PlanPairs = Pick<ShownPlan, 'pairs'> | undefined

/** The facts of a policy decision. With its plan, pairs that are not allowed are shown with their class. */
export function decisionFacts(decision: DecisionInfo | undefined, plan?: PlanPairs): (readonly [string, unknown])[] {
  if (!decision) return []
  return [
    ['Decision', decision.outcome],
    ['Decided by', decision.determiningPolicies.join(', ')],
    ['Not allowed', linesIfAny(decision.failedPairs.map((pair) => failedPairLine(pair, plan)))],
    [
      'Approval by',
      linesIfAny(
        decision.approval.map(
          ({ anyOf, count = 1, because }) =>
            `${count > 1 ? `${count} of ` : ''}${anyOf.join(' or ')} (${because.join(', ')})`,
        ),
      ),
    ],
    [
      'Approval waived',
      linesIfAny(
        (decision.waivers ?? []).map(
          (waiver) => `by ${waiver.policy} (${waiver.because.join(', ')}): ${waiver.reason}`,
        ),
      ),
    ],
  ]
}

/** The number of people who could answer an approval now, in words. */
export function approverCount(count: number | undefined): string | undefined {
  if (count === undefined) return undefined
  if (count === 0) return 'nobody now: no operator in these groups has the role approver and a valid token'
  return count === 1 ? '1 person now' : `${count} people now`
}

/**
 * The plan, in facts; the session policy is shown exactly.
 *
 * @param warnings of now, besides those of the plan.
 */
export function planFacts(
  plan: ShownPlan,
  warnings: NonNullable<ShownPlan['warnings']> = [],
): (readonly [string, unknown])[] {
  const radius = plan.blastRadius
  return [
    ['Plan', plan.hash],
    ['Role', plan.task.roleArn],
    ['Purpose', plan.task.purpose],
    ['Reference', plan.task.reference],
    ['Time', `${plan.task.ttlSeconds} s`],
    ['Change, as the agent says', plan.task.change && changeLines(plan.task.change)],
    ['Access', linesIfAny(accessLines(plan))],
    ['Not included', linesIfAny((plan.dropped ?? []).map(droppedLine))],
    ['Look-alikes', linesIfAny(planLookAlikes(plan))],
    [
      'Blast radius',
      radius && `${countNoun(radius.actions, 'action')} on ${countNoun(radius.resourcePatterns, 'resource pattern')}`,
    ],
    [
      'Marks',
      linesIfAny(Object.entries(plan.labelMarks ?? {}).map(([label, marks]) => `${label}: ${marks.join(', ')}`)),
    ],
    ['By class', radius && formatCounts(radius.byClass, RISKIEST_FIRST)],
    ['By label', radius && formatCounts(radius.byLabel)],
    ['By condition', linesIfAny(Object.entries(radius?.byCondition ?? {}).map(([name, count]) => `${name}: ${count}`))],
    ...reachFacts(plan),
    [
      'In turn',
      linesIfAny((plan.onward ?? []).map(({ action, resource, step }) => `${action} on ${resource}: ${step}`)),
    ],
    ['Outlives', radius && linesIfAny(radius.outlives.map(({ action, reason }) => `${action}: ${reason}`))],
    ['Unknown', radius?.unknown.join(', ')],
    ['Warnings', linesIfAny([...(plan.warnings ?? []), ...warnings].map(({ explanation }) => explanation))],
    ['Session policy', [plan.sessionPolicy, `(${plan.sessionPolicyCharacters} of 2048 characters)`]],
  ]
}

/** The part of a plan that the role's own policies allow. */
function reachFacts({ pairs, reach }: Pick<ShownPlan, 'pairs' | 'reach'>): (readonly [string, unknown])[] {
  if (!reach) return []
  const parts = [`${reach.yes} of ${countNoun(pairs.length, 'pair')} work`]
  if (reach.yesIf > 0) parts.push(`${reach.yesIf} in part or on conditions`)
  if (reach.no > 0) parts.push(`${reach.no} will be refused`)
  return [
    ['Reach', parts.join(', ')],
    ['Reach by class', formatCounts(reach.byClass, RISKIEST_FIRST)],
    ['Reach by label', formatCounts(reach.byLabel)],
    ['Narrowed', linesIfAny(reach.limited.map((row) => limitedLine(row, pairs)))],
  ]
}

type LimitedRow = NonNullable<ShownPlan['reach']>['limited'][number]

function limitedLine({ pair: at, verdict, ...row }: LimitedRow, pairs: ShownPlan['pairs']): string {
  const pair = pairs[at]
  const what = pair ? `${pair.action} on ${pair.resource}` : `pair ${at}`
  if (verdict === 'no') return `${what}: refused, ${REFUSALS[row.reason ?? ''] ?? row.reason}`
  const conditions = (row.conditions ?? []).map(({ key, text = key }) => text)
  const notes = [
    ...(row.within ? [`within ${row.within.join(' or ')}`] : []),
    ...(row.except ? [`not on ${row.except.join(' or ')}`] : []),
    ...(conditions.length > 0 ? [`depends on ${conditions.join(' and ')}`] : []),
    ...(row.more ? ['and more'] : []),
  ]
  return `${what}: ${notes.join('; ') || 'in part'}`
}

const REFUSALS: Readonly<Record<string, string>> = {
  not_allowed: "the role's own policies do not allow it",
  boundary: "the role's permissions boundary does not allow it",
  denied: 'a policy of the role denies it',
}

/** A plan from the SDK, or from the admin API, which leaves out empty members. */
type ShownPlan = Omit<PlanInfo, 'warnings' | 'dropped'> & Partial<Pick<PlanInfo, 'warnings' | 'dropped'>>

/** e.g. `20 of 34 actions of iam:Get* need a resource: iam:GetRole, iam:GetUser …` */
function droppedLine({ explanation, actions, count }: PlanInfo['dropped'][number]): string {
  const shown = actions.slice(0, MAX_DROPPED_NAMES)
  return `${explanation}: ${shown.join(', ')}${count > shown.length ? ' …' : ''}`
}

const MAX_DROPPED_NAMES = 5

/** Words of a plan that a person may take for others. */
function planLookAlikes({ task, pairs }: ShownPlan): string[] {
  const conditions = pairs.flatMap(({ conditions = [] }) => conditions.flatMap(({ key, values }) => [key, ...values]))
  const texts = [task.purpose, task.reference ?? '', ...pairs.map(({ resource }) => resource), ...conditions]
  return lookAlikes(texts.join('\n')).map(({ word, why }) => `${word} ${why}`)
}

function failedPairLine({ action, resource, ...pair }: DecisionInfo['failedPairs'][number], plan: PlanPairs): string {
  const policies = pair.policies.length > 0 ? `: ${pair.policies.join(', ')}` : ''
  const only = pair.conditions ? ` only if ${pair.conditions.join(' and ')}` : ''
  const planned = plan?.pairs.find((one) => one.action === action && one.resource === resource)
  const kind = planned ? ` [${planned.class}]` : ''
  return `${action} on ${resource}${only}${kind} (${pair.reason}${policies})`
}

function formatCounts(byName: Readonly<Record<string, number>>, order: readonly string[] = []): string {
  return Object.entries(byName)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
