import { StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import { type Budget, type BudgetSubject, findHolder, type ReachCap } from './budget.ts'

/** One bound of a cap that a plan is over. */
interface Excess {
  readonly measure: `reach.${keyof ReachCap}`
  /** The values of the plan that the cap does not allow, or their number. */
  readonly has: string
  readonly allowed: string
}

/** Most names in one sentence. */
const MAX_NAMED = 5

/**
 * Refuses a plan that reaches further than a budget of its agent allows.
 *
 * @throws {StintError} BUDGET_EXCEEDED with `budget`, `holder` and `measure`
 */
export function checkReach(budgets: readonly Budget[], subject: BudgetSubject, plan: Plan): void {
  for (const budget of budgets) {
    const holder = budget.reach && findHolder(budget, subject)
    const excess = holder && budget.reach && findExcess(budget.reach, plan)
    if (!excess) continue
    const { measure, has, allowed } = excess
    const explanation = `The budget ${budget.name} bounds the reach of each plan of ${holder.kind} ${holder.name}: it allows ${allowed}, and this plan has ${has}. Ask for less.`
    throw new StintError('BUDGET_EXCEEDED', {
      ...{ budget: budget.name, holder: `${holder.kind} ${holder.name}`, measure, explanation },
    })
  }
}

function findExcess(cap: ReachCap, plan: Plan): Excess | undefined {
  return (
    findOthers('classes', 'the classes', cap.classes, plan.classes) ??
    findOthers('labels', 'the labels', cap.labels, Object.keys(plan.blastRadius.byLabel)) ??
    findOthers('accounts', 'the accounts', cap.accounts, findAccounts(plan)) ??
    findMore('actions', 'actions', cap.actions, plan.blastRadius.actions) ??
    findMore('resourcePatterns', 'resource patterns', cap.resourcePatterns, plan.blastRadius.resourcePatterns)
  )
}

function findOthers(
  bound: keyof ReachCap,
  says: string,
  allowed: readonly string[] | undefined,
  found: readonly string[],
): Excess | undefined {
  const others = allowed && found.filter((name) => !allowed.includes(name))
  if (!others || others.length === 0) return undefined
  return { measure: `reach.${bound}`, has: list(others), allowed: `${says} ${list(allowed)}` }
}

function findMore(bound: keyof ReachCap, says: string, most: number | undefined, count: number): Excess | undefined {
  if (most === undefined || count <= most) return undefined
  return { measure: `reach.${bound}`, has: `${count}`, allowed: `${most} ${says}` }
}

/** Accounts that the role and the resources name; a pattern of account ids counts as one of its own. */
export function findAccounts({ task, pairs }: Pick<Plan, 'task' | 'pairs'>): string[] {
  const named = [task.roleArn, ...pairs.map(({ resource }) => resource)].map((arn) => arn.split(':')[4] ?? '')
  return [...new Set(named.filter((account) => account !== ''))].sort()
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const more = names.length - MAX_NAMED
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
