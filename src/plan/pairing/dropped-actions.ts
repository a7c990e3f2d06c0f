import { type ErrorCode, StintError } from '../../core/errors.ts'
import { DROP_REASONS, type DroppedActions, type DropReason } from '../plan.ts'

/** Most actions that one row names. */
const MAX_NAMED = 20

/** Members of one action wildcard, and why some of them are not in the plan. */
export interface WildcardMembers {
  /** As written, e.g. `iam:Get*`. */
  readonly pattern: string
  readonly members: number
  readonly dropped: readonly { readonly action: string; readonly reason: DropReason }[]
}

/** One row for each reason, in the order of `DROP_REASONS`. */
export function summariseDropped({ pattern, members, dropped }: WildcardMembers): readonly DroppedActions[] {
  return DROP_REASONS.flatMap((reason) => {
    const actions = dropped.filter((each) => each.reason === reason).map(({ action }) => action)
    if (actions.length === 0) return []
    const { one, several } = DROP_TEXTS[reason]
    const explanation = `${actions.length} of ${members} actions of ${pattern} ${actions.length === 1 ? one : several}`
    return [{ pattern, members, reason, count: actions.length, actions: actions.slice(0, MAX_NAMED), explanation }]
  })
}

/** The refusal of a strict task for one row. */
export function strictError({ reason, actions, count, pattern, explanation }: DroppedActions): StintError {
  const named = actions.slice(0, 5).join(', ')
  const more = count > 5 ? ' and others' : ''
  return new StintError(DROP_TEXTS[reason].code, {
    action: pattern,
    explanation: `${explanation} (${named}${more}), and the task is strict; name the actions that it needs.`,
  })
}

interface DropText {
  /** The rest of a sentence about one action. */
  readonly one: string
  /** The same about several actions. */
  readonly several: string
  /** The code of a strict task's refusal. */
  readonly code: ErrorCode
}

const DROP_TEXTS: Readonly<Record<DropReason, DropText>> = {
  needs_resource: { one: 'needs a resource', several: 'need a resource', code: 'RESOURCE_TOO_WIDE' },
  star_not_allowed: {
    one: 'takes "*" only and does more than list or read, so it has to be named',
    several: 'take "*" only and do more than list or read, so they have to be named',
    code: 'RESOURCE_TOO_WIDE',
  },
  returns_secret: {
    one: 'returns a secret, so it has to be named',
    several: 'return secrets, so they have to be named',
    code: 'RESOURCE_TOO_WIDE',
  },
  no_resource_fits: {
    one: 'applies to no resource of its entry',
    several: 'apply to no resource of their entry',
    code: 'ACTION_RESOURCE_MISMATCH',
  },
  condition_unknown: {
    one: 'does not know a condition of its entry',
    several: 'do not know a condition of their entry',
    code: 'CONDITION_MISMATCH',
  },
  unknown_to_store: {
    one: 'is unknown to the store of this role',
    several: 'are unknown to the store of this role',
    code: 'ACTION_UNKNOWN',
  },
}
