import { visible } from '../../../core/text/visible.ts'
import type { Plan } from '../../../plan/plan.ts'
import { describePair } from '../../../plan/plan-difference.ts'
import { REFUSAL_REASONS } from '../../../plan/reach/plan-reach.ts'
import type { LimitedPair } from '../../../plan/reach/reach-record.ts'
import { CLASS_WORDS, countWords, RISKIEST_FIRST } from './words.ts'

/** The known blast radius of a grant, in words. */
export interface BlastRadiusWords {
  readonly sentences: readonly string[]
  /** Pairs that the role's own policies refuse or narrow, each with the reason; empty if those are not known. */
  readonly narrowed: readonly string[]
  /** Policies that the sentences do not take into account. */
  readonly unknown: readonly string[]
}

/** The blast radius in words and numbers: what the task declares and, if they are known, what the role's own policies leave of it. */
export function describeBlastRadius(plan: Plan): BlastRadiusWords {
  const { pairs, blastRadius, labelMarks = {}, reach, onward = [] } = plan
  const { actions, resourcePatterns, byClass, byLabel, unknown } = blastRadius
  const everywhere = pairs.filter(({ resource }) => resource === '*').length
  const labels = Object.entries(byLabel).map(([label, count]) => {
    const marks = labelMarks[label] ?? []
    return `${label}${marks.length > 0 ? ` (${marks.join(', ')})` : ''} in ${countWords(count, 'pair')}`
  })
  return {
    sentences: [
      `Declares ${countWords(actions, 'action')} on ${countWords(resourcePatterns, 'resource pattern')}: ${describeClasses(byClass)}.`,
      labels.length > 0 ? `Touches ${labels.join(', ')}.` : 'Touches no label.',
      ...(everywhere > 0 ? [`${countWords(everywhere, 'pair')} may act on every resource (*).`] : []),
      ...(reach ? [describeReach(reach, pairs.length)] : []),
      ...onward
        .slice(0, MAX_STEPS)
        .map(({ action, resource, step }) => visible(`${action} on ${resource}, in turn: ${step}.`)),
      ...(onward.length > MAX_STEPS ? [`${onward.length - MAX_STEPS} more such steps are in the plan.`] : []),
    ],
    narrowed: (reach?.limited ?? []).map((row) => visible(describeLimited(row, plan))),
    unknown: reach?.unknown ?? unknown,
  }
}

/** Steps that are told one by one. */
const MAX_STEPS = 5

function describeClasses(byClass: Plan['blastRadius']['byClass']): string {
  const classes = RISKIEST_FIRST.flatMap((name) => {
    const count = byClass[name]
    return count ? [`${countWords(count, 'pair')} to ${CLASS_WORDS[name]}`] : []
  })
  return classes.join('; ') || 'nothing'
}

function describeReach({ yes, no, yesIf, byClass }: NonNullable<Plan['reach']>, all: number): string {
  const parts = [
    `The role's own policies allow ${yes} of ${countWords(all, 'pair')}`,
    ...(yesIf > 0 ? [`${yesIf} in part or on conditions`] : []),
    ...(no > 0 ? [`and refuse ${no}`] : []),
  ]
  const left = no > 0 ? ` That leaves ${describeClasses(byClass)}.` : ''
  return `${parts.join(', ')}.${left}`
}

function describeLimited({ pair: at, verdict, ...row }: LimitedPair, { pairs }: Plan): string {
  const pair = pairs[at]
  const what = pair ? describePair(pair) : `pair ${at}`
  if (verdict === 'no')
    return `${what}: refused, ${row.reason ? REFUSAL_REASONS[row.reason] : 'for a reason that is not known'}`
  const notes = [
    ...(row.within ? [`within ${row.within.join(' or ')}`] : []),
    ...(row.except ? [`not on ${row.except.join(' or ')}`] : []),
    ...(row.conditions ? [`depends on ${row.conditions.map(({ text }) => text).join(' and ')}`] : []),
    ...(row.unread ? [`depends on what was not read: ${row.unread.join(', ')}`] : []),
    ...(row.more ? ['and more'] : []),
  ]
  return `${what}: ${notes.join('; ') || 'in part'}`
}
