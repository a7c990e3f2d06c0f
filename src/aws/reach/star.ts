import type { TableAction } from '../action-table.ts'
import { classify } from '../classify.ts'

/** The verdict on `*` as the resource of an action: why a task may ask for it, or why not. */
export type StarUse =
  /** Yes: it takes nothing narrower, and only lists or reads. */
  | 'nothing_narrower'
  /** Yes, if the task spells it: it takes nothing narrower and only lists or reads, but returns a secret. */
  | 'returns_secret_by_name'
  /** Yes, if the task spells it: it takes nothing narrower, but does more than list or read. */
  | 'does_more_by_name'
  /** Yes, unless the role's settings turn it off: it shows how things are set up, never their content. */
  | 'reads_configuration'
  /** No: it only lists or reads, but every call names a resource. */
  | 'needs_resource'
  /** No: it does more than list or read, and takes something narrower. */
  | 'takes_narrower'
  /** No: it only lists or reads, but returns a secret. */
  | 'returns_secret'

/**
 * Judges `*` for an action, before the operator's own allowance for a role.
 *
 * @param risk its class; default ours, without an operator's override.
 */
export function judgeStar(action: TableAction, risk = classify(action.action).class): StarUse {
  const takesStarOnly = action.resourceTypes.length === 0
  if (risk !== 'list' && risk !== 'read') return takesStarOnly ? 'does_more_by_name' : 'takes_narrower'
  const isSecret = classify(action.action).flags.includes('secret')
  if (takesStarOnly) return isSecret ? 'returns_secret_by_name' : 'nothing_narrower'
  if (action.needsResource) return 'needs_resource'
  return isSecret ? 'returns_secret' : 'reads_configuration'
}

/** True if an action may have `*` only where the task spells it: no wildcard of actions brings it along. */
export function takesStarByName(use: StarUse): boolean {
  return use === 'returns_secret_by_name' || use === 'does_more_by_name'
}
