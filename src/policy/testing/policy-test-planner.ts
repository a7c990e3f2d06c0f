import { parseLabels } from '../../plan/labels/labels.ts'
import { createPlanner, type PlannerOptions } from '../../plan/planner.ts'
import type { PolicyTestPlanner } from './policy-tests.ts'

/** The broker's own planner for policy tests; a case that brings labels is planned with those instead of the operator's. */
export function createPolicyTestPlanner(options: PlannerOptions): PolicyTestPlanner {
  const usual = createPlanner(options)
  return (subject, task, labels) => {
    if (!labels) return usual.plan(subject, task)
    const own = Object.entries(labels).map(([label, members]) => ({ label, ...members }))
    return createPlanner({ ...options, labels: parseLabels({ labels: own }) }).plan(subject, task)
  }
}
