import { ACTION_CLASSES, type ActionClass, type ActionFlag } from '../../aws/action-classes.ts'
import { arnAccount } from '../../aws/arn.ts'
import { conditionText } from '../../aws/conditions/condition.ts'
import { sha256Hex } from '../../core/canonical-json.ts'
import type { Plan, PlanPair } from '../plan.ts'
import type { LimitedPair, OnwardStep, PlanReach } from './reach-record.ts'

/** A plan, how many grants have it, and what its role lets it do; without that its declared access counts as the reach. */
export interface ReachingPlan {
  readonly plan: Plan
  readonly grants: number
  readonly reach?: PlanReach | undefined
}

/** Actions of one class on one resource pattern through one role. */
export interface ReachEntry {
  readonly class: ActionClass
  readonly roleArn: string
  readonly resource: string
  readonly actions: readonly string[]
  readonly flags: readonly ActionFlag[]
  /** Labels that it touches. */
  readonly labels: readonly string[]
  /** `unknown`: the role's own policies are not known. */
  readonly verdict: 'yes' | 'yes-if' | 'unknown'
  /** Conditions of the task itself. */
  readonly conditions?: readonly string[]
  /** With `yes-if`, as on a plan. */
  readonly limits?: Pick<LimitedPair, 'within' | 'except' | 'conditions' | 'unread' | 'more'>
  readonly grants: number
}

/** The combined reach of several plans. */
export interface CombinedReach {
  /** Distinct pairs of action and resource pattern that can work, through any role. */
  readonly pairs: number
  /** Distinct pairs that AWS will refuse. */
  readonly refused: number
  readonly byClass: Readonly<Partial<Record<ActionClass, number>>>
  /** Pairs by touched label. */
  readonly byLabel: Readonly<Record<string, number>>
  readonly roles: readonly string[]
  /** Accounts of the roles, and those that resource patterns spell. */
  readonly accounts: readonly string[]
  readonly outlives: readonly { readonly action: string; readonly reason: string }[]
  /** Further effects, one step on, that their own effects could have; at most 100. */
  readonly onward: readonly OnwardStep[]
  /** Policies that also decide and are not known. */
  readonly unknown: readonly string[]
  /** Riskiest class first. */
  readonly entries: readonly ReachEntry[]
}

/** Adds up plans: what several grants can do together. The same access in two grants counts once. */
export function combineReach(plans: readonly ReachingPlan[]): CombinedReach {
  const working = new Map<string, PlanPair>()
  const refused = new Set<string>()
  const entries = new Map<string, Growing>()
  for (const { plan, reach, grants } of plans) {
    const limits = new Map(reach?.limited.map((row) => [row.pair, row]))
    const { roleArn } = plan.task
    for (const [at, pair] of plan.pairs.entries()) {
      const limit = limits.get(at)
      const key = JSON.stringify([roleArn, pair.action, pair.resource, (pair.conditions ?? []).map(conditionText)])
      if (limit?.verdict === 'no') refused.add(key)
      else {
        working.set(key, pair)
        addEntry(entries, { roleArn, pair, limit, grants, isKnown: reach !== undefined })
      }
    }
  }
  const pairs = [...working.values()]
  const roles = unique(plans.map(({ plan }) => plan.task.roleArn))
  return {
    pairs: pairs.length,
    refused: [...refused].filter((key) => !working.has(key)).length,
    byClass: count(pairs, (pair) => [pair.class]),
    byLabel: count(pairs, (pair) => pair.touches),
    roles,
    accounts: unique(
      [...roles, ...pairs.map(({ resource }) => resource)].map(arnAccount).filter((one) => /^\d{12}$/.test(one)),
    ),
    outlives: outliving(plans),
    onward: onward(plans),
    unknown: unique(plans.flatMap(({ plan, reach }) => reach?.unknown ?? plan.blastRadius.unknown)),
    entries: [...entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { actions, ...entry }]) => ({ ...entry, actions: [...actions].sort() })),
  }
}

/** The place of an entry among all; entries are sorted by it. */
export function entryKey({
  class: risk,
  roleArn,
  resource,
  verdict,
  conditions = [],
  limits,
}: Omit<ReachEntry, 'actions' | 'grants' | 'labels' | 'flags'>): string {
  const rank = ACTION_CLASSES.length - ACTION_CLASSES.indexOf(risk)
  return JSON.stringify([
    rank,
    roleArn,
    resource,
    verdict,
    conditions,
    limits ? sha256Hex(JSON.stringify(limits)).slice(0, 16) : '',
  ])
}

type Growing = Omit<ReachEntry, 'actions'> & { readonly actions: Set<string> }

interface Found {
  readonly roleArn: string
  readonly pair: PlanPair
  readonly limit: LimitedPair | undefined
  readonly grants: number
  readonly isKnown: boolean
}

function addEntry(entries: Map<string, Growing>, { roleArn, pair, limit, grants, isKnown }: Found): void {
  const { pair: _, verdict: __, reason: ___, statement: ____, ...limits } = limit ?? { pair: 0, verdict: 'yes-if' }
  const entry = {
    class: pair.class,
    roleArn,
    resource: pair.resource,
    verdict: limit ? ('yes-if' as const) : isKnown ? ('yes' as const) : ('unknown' as const),
    ...(pair.conditions && { conditions: pair.conditions.map(conditionText) }),
    ...(limit && { limits }),
  }
  const key = entryKey(entry)
  const before = entries.get(key)
  const actions = before?.actions ?? new Set<string>()
  actions.add(pair.action)
  entries.set(key, {
    ...entry,
    actions,
    flags: unique([...(before?.flags ?? []), ...pair.flags]),
    labels: unique([...(before?.labels ?? []), ...pair.touches]),
    grants: Math.max(before?.grants ?? 0, grants),
  })
}

const MAX_STEPS = 100

function onward(plans: readonly ReachingPlan[]): readonly OnwardStep[] {
  const steps = plans.flatMap(({ plan }) => plan.onward ?? [])
  const distinct = new Map(steps.map((step) => [JSON.stringify(step), step]))
  return [...distinct]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_STEPS)
    .map(([, step]) => step)
}

function outliving(plans: readonly ReachingPlan[]): CombinedReach['outlives'] {
  const found = new Map(
    plans.flatMap(({ plan }) => plan.blastRadius.outlives.map((row): [string, typeof row] => [row.action, row])),
  )
  return [...found.values()].sort((a, b) => (a.action < b.action ? -1 : 1))
}

function count<Name extends string>(
  pairs: readonly PlanPair[],
  names: (pair: PlanPair) => readonly Name[],
): Readonly<Record<Name, number>> {
  const counts = new Map<Name, number>()
  for (const pair of pairs) for (const name of names(pair)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))) as Record<Name, number>
}

function unique<T extends string>(texts: readonly T[]): readonly T[] {
  return [...new Set(texts)].sort()
}
