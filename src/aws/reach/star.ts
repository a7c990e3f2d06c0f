import type { TableAction } from '../action-table.ts'
import { classify } from '../classify.ts'

/** The verdict on an action with resource `*`: may be asked for (the first two), or the reason against it. */
export type StarUse =
  /** It takes nothing narrower, and only lists or reads. */
  | 'nothing_narrower'
  /** The same, but a secret comes back: whoever asks for it names it. */
  | 'returns_secret_by_name'
  /** It shows how things are set up, never their content; a role may have this turned off. */
  | 'reads_configuration'
  /** It takes nothing narrower, but does more than list or read. */
  | 'does_more_than_read'
  /** It only lists or reads, but every call names a resource. */
  | 'needs_resource'
  /** It does more than list or read, and takes something narrower. */
  | 'takes_narrower'
  /** It only lists or reads, but a secret comes back. */
  | 'returns_secret'

/**
 * Judges `*` for an action, before the operator's own allowance for a role.
 *
 * @param risk its class; default ours, without an operator's override.
 */
export function judgeStar(action: TableAction, risk = classify(action.action).class): StarUse {
  const takesStarOnly = action.resourceTypes.length === 0
  if (risk !== 'list' && risk !== 'read') return takesStarOnly ? 'does_more_than_read' : 'takes_narrower'
  const isSecret = classify(action.action).flags.includes('secret')
  if (takesStarOnly) return isSecret ? 'returns_secret_by_name' : 'nothing_narrower'
  if (action.needsResource) return 'needs_resource'
  return isSecret ? 'returns_secret' : 'reads_configuration'
}
