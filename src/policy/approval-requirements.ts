import { ACTION_CLASSES, type ActionClass } from '../aws/action-classes.ts'
import { classify } from '../aws/classify.ts'
import { riskierClass } from '../aws/judging/judge-action.ts'
import type { LabelMark } from '../plan/labels/labels.ts'
import type { Plan, PlanPair } from '../plan/plan.ts'
import type { Verdict } from './cedar/cedar-judge.ts'
import { ANYONE } from './checks/mentions.ts'
import type { ApprovalRequirement, Waiver } from './decision.ts'

/** Classes whose approval cannot be waived. */
export const NEVER_WAIVED: readonly string[] = ['permissions', 'escalation'] satisfies ActionClass[]

/** Marks of labels whose resources are changed only after an approval. */
const GUARDED: readonly LabelMark[] = ['production', 'stateful', 'public']
/** Classes that a guarding mark applies to: lists and reads change nothing. */
const CHANGING = ACTION_CLASSES.slice(ACTION_CLASSES.indexOf('tag'))

/** The configuration of approvals. */
export interface ApprovalRules {
  /** Config's `policy.approvalsRequiredFor`. */
  readonly approvalsRequiredFor: readonly ActionClass[]
  /** Config's `policy.allowWaivers`. Default false: a waiver has no effect. */
  readonly allowWaivers?: boolean
}

/** The approvals of a plan. */
export interface Approvals {
  /** Requirements that must all be met; sorted, without repeats. */
  readonly approval: ApprovalRequirement[]
  /** Requirements that a policy waived. */
  readonly waivers: Waiver[]
}

/**
 * Collects the approvals that a permitted plan still needs. A pair whose permits all ask for an approval needs a member of any
 * group that they name. A pair that a permit allows outright needs none, unless its class or the mark of a label asks for one;
 * then any approver may answer.
 */
export function mergeRequirements(
  judged: readonly { readonly pair: PlanPair; readonly verdict: Verdict }[],
  rules: ApprovalRules,
  marks: Plan['labelMarks'] = {},
): Approvals {
  const asked = new Map<string, { anyOf: readonly string[]; because: Set<string> }>()
  const waived = new Map<string, { policy: string; reason: string; because: Set<string> }>()
  for (const { pair, verdict } of judged) {
    const needed = findRequirement(pair, verdict, rules, marks)
    if (!needed) continue
    const waivers = mayWaive(pair, rules, marks) ? verdict.applied.filter(({ waiver }) => waiver !== undefined) : []
    for (const { id, waiver = '' } of waivers)
      addReasons(waived, id, { policy: id, reason: waiver, because: new Set() }, needed.because)
    if (waivers.length === 0)
      addReasons(asked, needed.anyOf.join(' '), { anyOf: needed.anyOf, because: new Set() }, needed.because)
  }
  return { approval: sortEntries(asked), waivers: sortEntries(waived) }
}

/** The approval that a pair needs, waivers aside; undefined for none. */
function findRequirement(
  pair: PlanPair,
  { applied }: Verdict,
  { approvalsRequiredFor }: ApprovalRules,
  marks: NonNullable<Plan['labelMarks']>,
): ApprovalRequirement | undefined {
  const permits = applied.filter(({ waiver }) => waiver === undefined)
  const groups = permits.flatMap(({ approvalGroup }) => approvalGroup ?? [])
  if (permits.length > 0 && groups.length === permits.length) {
    const anyOf = groups.includes(ANYONE) ? [ANYONE] : [...new Set(groups)].sort()
    return { anyOf, because: permits.map(({ id }) => id) }
  }
  const because = [
    ...(approvalsRequiredFor.includes(pair.class) ? [`class:${pair.class}`] : []),
    ...(CHANGING.includes(pair.class) ? guardedLabels(pair, marks).map((label) => `label:${label}`) : []),
  ]
  return because.length > 0 ? { anyOf: [ANYONE], because } : undefined
}

/**
 * True if the approval of a pair can be waived. A destructive pair must lie within a label marked `nonproduction` and touch no
 * guarded label, even if an operator's override gives it a milder class.
 */
function mayWaive(pair: PlanPair, { allowWaivers = false }: ApprovalRules, marks: NonNullable<Plan['labelMarks']>) {
  if (!allowWaivers || NEVER_WAIVED.includes(pair.class)) return false
  if (riskierClass(pair.class, classify(pair.action).class) !== 'destructive') return true
  const isWithin = pair.within.some((label) => getMarks(label, marks).includes('nonproduction'))
  return isWithin && guardedLabels(pair, marks).length === 0
}

function guardedLabels({ touches }: PlanPair, marks: NonNullable<Plan['labelMarks']>): string[] {
  return touches.filter((label) => getMarks(label, marks).some((mark) => GUARDED.includes(mark)))
}

/** The marks of a label. Own properties only, since a label may be named `constructor`. */
function getMarks(label: string, marks: NonNullable<Plan['labelMarks']>): readonly LabelMark[] {
  return Object.hasOwn(marks, label) ? (marks[label] ?? []) : []
}

function addReasons<Entry extends { because: Set<string> }>(
  entries: Map<string, Entry>,
  key: string,
  fresh: Entry,
  because: readonly string[],
): void {
  const entry = entries.get(key) ?? fresh
  for (const reason of because) entry.because.add(reason)
  entries.set(key, entry)
}

function sortEntries<Entry extends { because: Set<string> }>(entries: ReadonlyMap<string, Entry>) {
  return [...entries]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => ({ ...entry, because: [...entry.because].sort() }))
}
