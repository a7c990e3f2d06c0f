import { ACTION_CLASSES, type ActionClass } from '../aws/action-classes.ts'
import { classify } from '../aws/classify.ts'
import { riskierClass } from '../aws/judging/judge-action.ts'
import type { LabelMark } from '../plan/labels/labels.ts'
import type { Plan, PlanPair } from '../plan/plan.ts'
import type { Verdict } from './cedar/cedar-judge.ts'
import { ANYONE } from './checks/mentions.ts'
import {
  type ApprovalRequirement,
  type ReuseLimit,
  VOTE_ASSURANCES,
  type VoteAssurance,
  type Waiver,
} from './decision.ts'
import type { Policy } from './policy.ts'

/** Classes whose approval cannot be waived. */
export const NEVER_WAIVED: readonly string[] = ['permissions', 'escalation'] satisfies ActionClass[]

/** Classes whose approval is used once, whatever policies say. */
export const NEVER_REUSED: readonly string[] = ['destructive', 'permissions', 'escalation'] satisfies ActionClass[]

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
  /** Config's `approvals.byClass`: who must approve an action of a class, besides those whom policies ask. */
  readonly byClass?: Readonly<Partial<Record<ActionClass, ClassQuorum>>>
  /** Config's `approvals.minimumAssurance`: of every vote on a plan that needs an approval for an action of the class. */
  readonly minimumAssurance?: Readonly<Partial<Record<ActionClass, VoteAssurance>>>
}

/** The people who must approve an action of a class, whatever policies say. */
export interface ClassQuorum {
  /** Groups; `any` stands for every approver. */
  readonly anyOf: readonly string[]
  readonly count: number
}

/** The approvals of a plan. */
export interface Approvals {
  /** Requirements that must all be met; sorted, without repeats. */
  readonly approval: ApprovalRequirement[]
  /** Requirements that a policy waived. */
  readonly waivers: Waiver[]
  /** Set if every policy that asks lets its approval be used more than once; the strictest of them. */
  readonly reuse?: ReuseLimit
}

/**
 * Collects the approvals that a permitted plan still needs. A pair whose permits all ask for an approval needs one of them to be
 * met: see `chooseAsked`. A pair that a permit allows outright needs none, unless its class or the mark of a label asks for one; then
 * any approver may answer. What the configuration asks for a class comes on top.
 */
export function mergeRequirements(
  judged: readonly { readonly pair: PlanPair; readonly verdict: Verdict }[],
  rules: ApprovalRules,
  marks: Plan['labelMarks'] = {},
): Approvals {
  const asked = new Map<string, Omit<ApprovalRequirement, 'because'> & { because: Set<string> }>()
  const waived = new Map<string, { policy: string; reason: string; because: Set<string> }>()
  const askedFor: PlanPair[] = []
  const limits: (ReuseLimit | undefined)[] = []
  for (const { pair, verdict } of judged) {
    const needed = findRequirements(pair, verdict, rules, marks)
    if (needed.length === 0) continue
    const waivers = mayWaive(pair, rules, marks) ? verdict.applied.filter(({ waiver }) => waiver !== undefined) : []
    const because = needed.flatMap((requirement) => requirement.because)
    for (const { id, waiver = '' } of waivers)
      addReasons(waived, id, { policy: id, reason: waiver, because: new Set() }, because)
    if (waivers.length > 0) continue
    askedFor.push(pair)
    limits.push(...findLimits(pair, verdict, because))
    for (const requirement of needed) addRequirement(asked, requirement)
  }
  const assurance = strongestAssurance(askedFor, rules)
  const approval = sortEntries(asked).map((requirement) => ({ ...requirement, ...(assurance && { assurance }) }))
  const reuse = strictestLimit(limits)
  return { approval, waivers: sortEntries(waived), ...(reuse && { reuse }) }
}

/** The reuse that each reason for the approval of a pair permits; undefined for a reason that permits none, such as a class or a label. */
function findLimits(
  pair: PlanPair,
  { applied }: Verdict,
  because: readonly string[],
): readonly (ReuseLimit | undefined)[] {
  if (NEVER_REUSED.includes(riskierClass(pair.class, classify(pair.action).class))) return [undefined]
  return because.map((reason) => applied.find(({ id }) => id === reason)?.reuse)
}

function strictestLimit(limits: readonly (ReuseLimit | undefined)[]): ReuseLimit | undefined {
  const known = limits.filter((limit) => limit !== undefined)
  if (known.length === 0 || known.length < limits.length) return undefined
  return {
    uses: Math.min(...known.map(({ uses }) => uses)),
    withinMs: Math.min(...known.map(({ withinMs }) => withinMs)),
  }
}

/** If two wishes name the same people, the larger number holds. */
function addRequirement(
  asked: Map<string, Omit<ApprovalRequirement, 'because'> & { because: Set<string> }>,
  { anyOf, count = 1, exclude, because }: ApprovalRequirement,
): void {
  const key = exclude ? `${anyOf.join(' ')} -${exclude.join(' ')}` : anyOf.join(' ')
  const most = Math.max(count, asked.get(key)?.count ?? 1)
  addReasons(asked, key, { anyOf, because: new Set() }, because)
  const reasons = asked.get(key)?.because ?? new Set()
  asked.set(key, { anyOf, ...(most > 1 && { count: most }), ...(exclude && { exclude }), because: reasons })
}

/** The approvals that a pair needs, waivers aside; empty for none. */
function findRequirements(
  pair: PlanPair,
  { applied }: Verdict,
  { approvalsRequiredFor, byClass = {} }: ApprovalRules,
  marks: NonNullable<Plan['labelMarks']>,
): readonly ApprovalRequirement[] {
  const classReason = `class:${pair.class}`
  const quorum = byClass[pair.class]
  const ofClass = quorum
    ? [
        {
          anyOf: normaliseGroups(quorum.anyOf),
          ...(quorum.count > 1 && { count: quorum.count }),
          because: [classReason],
        },
      ]
    : []
  const permits = applied.filter(({ waiver }) => waiver === undefined)
  if (permits.length > 0 && permits.every(({ approvalBy }) => approvalBy !== undefined))
    return [...chooseAsked(permits), ...ofClass]
  const because = [
    ...(approvalsRequiredFor.includes(pair.class) ? [classReason] : []),
    ...(CHANGING.includes(pair.class) ? guardedLabels(pair, marks).map((label) => `label:${label}`) : []),
  ]
  return because.length > 0 ? [{ anyOf: [ANYONE], because }, ...ofClass] : ofClass
}

/**
 * The approvals of the permits that apply to one pair, of which one has to be met. Those that ask for one person of one group come
 * to one requirement with all their groups. Wishes that cannot be put together so are not mixed, since two people of two groups
 * would then pass for two of one: the permit that asks for the fewest people counts; among equals one that excludes nobody, and then
 * the first by its groups.
 */
function chooseAsked(permits: readonly Policy[]): ApprovalRequirement[] {
  const wishes = permits.map(toWish).sort(compareWishes)
  const [first] = wishes
  if (!first) return []
  const { people, approvalBy, exclude } = first
  const excluded = exclude.length > 0 && { exclude }
  if (people === 1) {
    const alike = wishes.filter((wish) => wish.people === 1 && wish.exclude.join() === exclude.join())
    const groups = alike.flatMap((wish) => wish.approvalBy.map(({ group }) => group))
    return [{ anyOf: normaliseGroups(groups), ...excluded, because: alike.map(({ id }) => id) }]
  }
  const because = wishes.filter((wish) => compareWishes(wish, first) === 0).map(({ id }) => id)
  return approvalBy.map(({ group, count }) => ({ anyOf: [group], ...(count > 1 && { count }), ...excluded, because }))
}

/** The approvals that one permit asks for. */
interface Wish {
  readonly id: string
  readonly people: number
  readonly approvalBy: NonNullable<Policy['approvalBy']>
  readonly exclude: NonNullable<Policy['exclude']>
}

function toWish({ id, approvalBy = [], exclude = [] }: Policy): Wish {
  return { id, people: approvalBy.reduce((sum, { count }) => sum + count, 0), approvalBy, exclude }
}

function compareWishes(a: Wish, b: Wish): number {
  const groups = ({ approvalBy }: Wish) => JSON.stringify(approvalBy)
  const byGroups = groups(a) < groups(b) ? -1 : Number(groups(a) > groups(b))
  return a.people - b.people || a.exclude.length - b.exclude.length || byGroups
}

function normaliseGroups(groups: readonly string[]): readonly string[] {
  return groups.includes(ANYONE) ? [ANYONE] : [...new Set(groups)].sort()
}

/** The strongest assurance that a class of these pairs demands; undefined if none does. */
function strongestAssurance(
  pairs: readonly PlanPair[],
  { minimumAssurance = {} }: ApprovalRules,
): VoteAssurance | undefined {
  const ranks = pairs.map((pair) => VOTE_ASSURANCES.indexOf(minimumAssurance[pair.class] ?? VOTE_ASSURANCES[0]))
  const strongest = Math.max(0, ...ranks)
  return strongest === 0 ? undefined : VOTE_ASSURANCES[strongest]
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
