import { ACTION_TABLE_VERSION } from '../aws/classify.ts'
import { planHash } from './assemble-plan.ts'
import type { Plan } from './plan.ts'
import type { Task } from './task.ts'

/**
 * The plan of a session that may do nothing at all, for a check of Stint's own: no agent can ask for one.
 *
 * @param sessionPolicy denies everything; a lease adds its end.
 */
export function planWithoutAccess(subject: string, task: Omit<Task, 'access'>, sessionPolicy: string): Plan {
  const body = {
    subject,
    task: { ...task, access: [] },
    pairs: [],
    classes: [],
    flags: [],
    sessionPolicy,
    sessionPolicyCharacters: sessionPolicy.length,
    blastRadius: {
      actions: 0,
      resourcePatterns: 0,
      byClass: {},
      byLabel: {},
      flags: [],
      outlives: [],
      unknown: [],
    },
    actionTableVersion: ACTION_TABLE_VERSION,
  }
  return { hash: planHash(body), ...body }
}
