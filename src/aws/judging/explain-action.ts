import type { ActionClass, ActionFlag } from '../action-classes.ts'
import type { TableAction } from '../action-table.ts'
import { CONDITION_KEYS } from '../conditions/condition-keys.ts'
import { type ClassReason, judgeAction } from './judge-action.ts'
import { findResourceFlags, type ResourceFlagRow } from './resource-flags.ts'

/** The facts and rules about one action, as `stint actions explain` shows them. */
export interface ActionExplanation {
  readonly action: string
  readonly class: ActionClass
  readonly flags: readonly ActionFlag[]
  /** Flags on some of its resources only; absent rather than empty. */
  readonly resourceFlags?: readonly Omit<ResourceFlagRow, 'actions'>[]
  /** Why the effect or credential lives on after revocation; present with the flag `outlives`. */
  readonly outlives?: string
  /** The rule that decided the class. */
  readonly why: string
  /** Every rule that applied, in the order of judging. */
  readonly reasons: readonly ClassReason[]
  /** Empty: the action takes `*` only. */
  readonly resourceTypes: readonly { readonly name: string; readonly arn: string }[]
  /** False where a call may name no resource at all. */
  readonly needsResource: boolean
  /** Condition keys that a task may use with it, as AWS spells them; a family of keys ends in `/` or `:`. */
  readonly conditionKeys: readonly string[]
}

/** Explains one action of the table. */
export function explainAction(found: TableAction): ActionExplanation {
  const { class: risk, flags, outlivesReason, reasons } = judgeAction(found)
  const letters = `${found.keys}${found.typeKeys.join('')}`
  const keys = CONDITION_KEYS.filter(({ letter }) => letter === undefined || letters.includes(letter))
  const onResources = findResourceFlags(found.action).map(({ actions: _, ...row }) => row)
  return {
    action: found.action,
    class: risk,
    flags,
    ...(onResources.length > 0 && { resourceFlags: onResources }),
    ...(outlivesReason === undefined ? {} : { outlives: outlivesReason }),
    why: reasons.findLast((reason) => reason.class === risk)?.reason ?? '',
    reasons,
    resourceTypes: found.resourceTypes.map(({ name, template }) => ({ name, arn: template })),
    needsResource: found.needsResource,
    conditionKeys: keys.map(({ name }) => name),
  }
}
