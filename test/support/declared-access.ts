import { StintError } from '../../src/core/errors.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Planner } from '../../src/plan/planner.ts'
import { evaluateIam } from './iam-evaluator.ts'

/** The plan of a random task, or undefined if it is refused, as many are. */
export function planIfAccepted(planner: Planner, input: unknown): Plan | undefined {
  try {
    return planner.plan('spiffe://example.org/a', input)
  } catch (error) {
    if (error instanceof StintError) return undefined
    throw error
  }
}

/** True if the independent evaluator allows a request by a policy with one statement for each of these entries. */
export function entriesAllow(
  entries: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[],
  action: string,
  resource: string,
): boolean {
  const Statement = entries.map(({ actions, resources }) => ({ Effect: 'Allow', Action: actions, Resource: resources }))
  return evaluateIam([JSON.stringify({ Statement })], { action, resource }) === 'allow'
}
