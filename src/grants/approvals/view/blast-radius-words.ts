import type { Plan } from '../../../plan/plan.ts'
import type { PlanReach } from '../../../plan/reach/reach-record.ts'
import { CLASS_WORDS, countWords, RISKIEST_FIRST } from './words.ts'

/** How much the grant could do, as far as it is known. */
export interface BlastRadiusWords {
  readonly sentences: readonly string[]
  /** What the sentences do not count in. */
  readonly unknown: readonly string[]
}

/** The blast radius in words and numbers: what the task declares, and what the role's own policies leave of it if they are known. */
export function describeBlastRadius({
  pairs,
  blastRadius,
  labelMarks = {},
  reach,
  onward = [],
}: Plan): BlastRadiusWords {
  const { actions, resourcePatterns, byClass, byLabel, unknown } = blastRadius
  const everywhere = pairs.filter(({ resource }) => resource === '*').length
  const classes = RISKIEST_FIRST.flatMap((name) => {
    const count = byClass[name]
    return count === undefined ? [] : [`${countWords(count, 'pair')} to ${CLASS_WORDS[name]}`]
  })
  const labels = Object.entries(byLabel).map(([label, count]) => {
    const marks = labelMarks[label] ?? []
    return `${label}${marks.length > 0 ? ` (${marks.join(', ')})` : ''} in ${countWords(count, 'pair')}`
  })
  return {
    sentences: [
      `Declares ${countWords(actions, 'action')} on ${countWords(resourcePatterns, 'resource pattern')}: ${classes.join('; ')}.`,
      labels.length > 0 ? `Touches ${labels.join(', ')}.` : 'Touches no label.',
      ...(everywhere > 0 ? [`${countWords(everywhere, 'pair')} may act on every resource (*).`] : []),
      ...(reach ? [reachSentence(reach, pairs.length)] : []),
      ...onward.slice(0, MAX_STEPS).map(({ action, resource, step }) => `${action} on ${resource}, in turn: ${step}.`),
      ...(onward.length > MAX_STEPS ? [`${onward.length - MAX_STEPS} more such steps are in the plan.`] : []),
    ],
    unknown,
  }
}

/** Steps that are told one by one. */
const MAX_STEPS = 5

function reachSentence({ yes, yesIf, no }: PlanReach, pairs: number): string {
  const parts = [
    ...(yesIf > 0 ? [`${yesIf} in part or on conditions`] : []),
    ...(no > 0 ? [`and it will refuse ${no}`] : []),
  ]
  return `By the role's own policies AWS allows ${yes} of ${countWords(pairs, 'pair')}${parts.map((part) => `, ${part}`).join('')}.`
}
