import type { Plan } from '../plan/plan.ts'
import type { Decision } from '../policy/decision.ts'

/** A stored plan. @throws {Error} for a text that is not the plan with that hash */
export function parsePlan(body: string, hash: string): Plan {
  const plan = JSON.parse(body) as Partial<Plan> | null
  const isWhole = plan?.hash === hash && Array.isArray(plan.classes) && Array.isArray(plan.pairs)
  if (!isWhole || !Array.isArray(plan.flags) || typeof plan.task !== 'object')
    throw new Error('not the plan with its hash')
  return plan as Plan
}

/** A stored decision. @throws {Error} for any other text */
export function parseDecision(body: string): Decision {
  const decision = JSON.parse(body) as Partial<Decision> | null
  if (!decision || !Array.isArray(decision.determiningPolicies) || !Array.isArray(decision.failedPairs)) {
    throw new Error('not a decision')
  }
  return decision as Decision
}
