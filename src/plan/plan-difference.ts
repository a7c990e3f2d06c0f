import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { conditionText } from '../aws/conditions/condition.ts'
import type { Plan, PlanPair } from './plan.ts'

/** The pairs that a plan has and an earlier one does not, and the reverse. All lists have the riskiest pairs first. */
export interface PlanDifference {
  readonly added: readonly PlanPair[]
  readonly removed: readonly PlanPair[]
  /** Pairs of both plans whose class, flags or labels are others now. */
  readonly changed: readonly { readonly now: PlanPair; readonly before: PlanPair }[]
  readonly sameSessionPolicy: boolean
}

/** Compares two plans pair by pair. A pair with other conditions is another pair. */
export function comparePlans(now: Plan, before: Plan): PlanDifference {
  const earlier = new Map(before.pairs.map((pair) => [describePair(pair), pair]))
  const later = new Map(now.pairs.map((pair) => [describePair(pair), pair]))
  const changed = [...later].flatMap(([text, pair]) => {
    const was = earlier.get(text)
    return was && judgement(was) !== judgement(pair) ? [{ now: pair, before: was }] : []
  })
  return {
    added: riskiestFirst([...later].flatMap(([text, pair]) => (earlier.has(text) ? [] : [pair]))),
    removed: riskiestFirst([...earlier].flatMap(([text, pair]) => (later.has(text) ? [] : [pair]))),
    changed,
    sameSessionPolicy: now.sessionPolicy === before.sessionPolicy,
  }
}

/** The pairs, riskiest class first, otherwise in their order. */
export function riskiestFirst(pairs: readonly PlanPair[]): PlanPair[] {
  return pairs.toSorted((a, b) => ACTION_CLASSES.indexOf(b.class) - ACTION_CLASSES.indexOf(a.class))
}

/** A pair in words, e.g. `s3:ListBucket on arn:aws:s3:::loads only if s3:prefix StringLike day/*`. */
export function describePair({ action, resource, conditions = [] }: PlanPair): string {
  const only = conditions.length > 0 ? ` only if ${conditions.map(conditionText).join(' and ')}` : ''
  return `${action} on ${resource}${only}`
}

function judgement({ class: actionClass, flags, within, touches }: PlanPair): string {
  return JSON.stringify([actionClass, flags, within, touches])
}
