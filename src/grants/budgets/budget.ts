import type { ActionClass } from '../../aws/action-classes.ts'
import type { BudgetDraw, BudgetHolder, BudgetMeasure, BudgetRequest } from '../../ledger/budgets/budget-records.ts'
import { BUDGET_MEASURES } from '../../ledger/budgets/budget-records.ts'
import type { OpenGrant } from '../../ledger/ledger.ts'
import { matchCovers } from '../../registry/agent-match.ts'

/** Bounds on what one plan may reach; each that is missing does not bound. */
export interface ReachCap {
  /** The only classes that a plan may have. */
  readonly classes?: readonly ActionClass[] | undefined
  /** The only labels that it may touch. */
  readonly labels?: readonly string[] | undefined
  /** The only accounts of its role and resources. */
  readonly accounts?: readonly string[] | undefined
  /** Maximum number of distinct actions. */
  readonly actions?: number | undefined
  /** Maximum number of distinct resource patterns. */
  readonly resourcePatterns?: number | undefined
}

/** A budget as the operator has written it: one of its own for each holder that it is for. */
export interface Budget extends Readonly<Partial<Record<BudgetMeasure, number | undefined>>> {
  readonly name: string
  /** One of the three; `*` for every one. */
  readonly for: Readonly<Partial<Record<BudgetHolder['kind'], string | undefined>>>
  readonly reach?: ReachCap | undefined
}

/** The facts about an agent that decide which budgets it counts on. */
export interface BudgetSubject {
  readonly subject: string
  readonly owner: string
  readonly team: string
}

/** The holder for whom a budget counts a request of an agent; undefined if it is not for that agent. */
export function findHolder({ for: wanted }: Budget, { subject, owner, team }: BudgetSubject): BudgetHolder | undefined {
  const { agent, owner: ofOwner, team: ofTeam } = wanted
  if (agent !== undefined)
    return agent === '*' || matchCovers(agent, subject) ? { kind: 'agent', name: subject } : undefined
  if (ofOwner !== undefined) return ofOwner === '*' || ofOwner === owner ? { kind: 'owner', name: owner } : undefined
  return ofTeam === '*' || ofTeam === team ? { kind: 'team', name: team } : undefined
}

/** The limits of a budget that the ledger counts. */
export function countedLimits(budget: Budget): BudgetDraw['limits'] {
  const limits = BUDGET_MEASURES.flatMap((measure) => {
    const limit = budget[measure]
    return limit === undefined ? [] : [[measure, limit] as const]
  })
  return Object.fromEntries(limits)
}

/** The draw of a new grant on the budgets of its agent; undefined if it has no budgets. */
export function describeDraws(
  budgets: readonly Budget[],
  subject: BudgetSubject,
  { plan, events }: Pick<OpenGrant, 'plan' | 'events'>,
): BudgetRequest | undefined {
  const draws = budgets.flatMap((budget): BudgetDraw[] => {
    const limits = countedLimits(budget)
    const holder = findHolder(budget, subject)
    return holder && Object.keys(limits).length > 0 ? [{ budget: budget.name, holder, limits }] : []
  })
  if (draws.length === 0) return undefined
  const counts = draws.some(({ limits }) => limits.recordBytesPerHour !== undefined)
  const recordBytes = counts ? Buffer.byteLength(JSON.stringify([events, plan])) : 0
  return { draws, isDestructive: plan.classes.includes('destructive'), recordBytes }
}
