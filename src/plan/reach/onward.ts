import { matches } from '../../aws/glob.ts'
import { ONWARD, PASS_ROLE, TAKES_ROLE } from '../../aws/onward/onward-table.ts'
import type { PlanPair } from '../plan.ts'
import type { OnwardStep } from './reach-record.ts'

/**
 * Names what the effects of a plan could do in turn, one step further: as other roles, by code that it changes or starts, by
 * permissions that it gives. None of that is bound by the session policy, and a revocation does not reach it.
 */
export function onwardSteps(pairs: readonly PlanPair[]): readonly OnwardStep[] {
  return pairs.flatMap((pair): OnwardStep[] => {
    const { action, resource } = pair
    if (action === PASS_ROLE) return [{ action, resource, step: passedRole(pair, pairs) }]
    const known = ONWARD.get(action)
    return known ? [{ action, resource, step: known.step }] : []
  })
}

/** A role that is passed does something only with an action that takes it. */
function passedRole(pass: PlanPair, pairs: readonly PlanPair[]): string {
  const allowed = pass.conditions?.find(({ key }) => key === 'iam:PassedToService')?.values
  const takers = pairs.filter(({ action }) => {
    const service = TAKES_ROLE.get(action)
    return service !== undefined && (!allowed || allowed.some((pattern) => matches(pattern, service)))
  })
  const actions = [...new Set(takers.map(({ action }) => action))]
  if (actions.length > 0)
    return `that role can be handed to a service by ${actions.join(', ')}, which then acts with its permissions`
  const to = allowed ? ` (${allowed.join(', ')})` : ''
  return `that role can be handed to a service${to}, but no action of this plan is known to take one`
}
