import type { ActionClass, ActionFlag } from '../../action-classes.ts'

/** Our own facts about some actions, in addition to AWS's access level, the action's name, its service and its model. */
export interface OverlayRow {
  /** Actions or action patterns with a blank between; each must name at least one action of the table. */
  readonly actions: string
  /** Raises the class to at least this. */
  readonly class?: ActionClass
  /** Corrects AWS's level, and what name and service say: the class before rows with `class` are applied. */
  readonly level?: ActionClass
  readonly flags?: readonly ActionFlag[]
  /** Why the effect or credential lives on after revocation; sets the flag `outlives`. */
  readonly outlives?: string
  /** True: somebody looked, and AWS's level is right. The defaults of the service do not apply. */
  readonly reviewed?: true
  /** Why the row is here, for whoever reviews it. */
  readonly reason: string
}
