import type { ActionClass } from '../../aws/action-classes.ts'
import type { DecidingCondition, NoReason } from '../../aws/role-policies/role-reach.ts'

/** A pair that the role's own policies narrow. */
export interface LimitedPair {
  /** Its place in the plan's pairs. */
  readonly pair: number
  readonly verdict: 'no' | 'yes-if'
  /** With `no`: nothing allows it, the permissions boundary does not, or a statement denies it. */
  readonly reason?: NoReason
  /** With `no`: the denying statement. */
  readonly statement?: string
  /** With `yes-if`: the patterns that contain everything allowed; absent: the pair's own. */
  readonly within?: readonly string[]
  /** With `yes-if`: parts that are not allowed. */
  readonly except?: readonly string[]
  /** With `yes-if`: conditions that decide. */
  readonly conditions?: readonly DecidingCondition[]
  /** With `yes-if`: policies that were not read and can decide. */
  readonly unread?: readonly string[]
  /** True if there are more patterns or conditions than are listed. */
  readonly more?: true
}

/** The reach of a plan: its pairs, cut by the role's own policies and its permissions boundary. */
export interface PlanReach {
  /** SHA-256 of what the role's policies say; statements that deny other sessions do not count. */
  readonly policiesDigest: string
  /** Pairs by verdict. */
  readonly yes: number
  readonly no: number
  readonly yesIf: number
  /** Pairs that can work, by class. */
  readonly byClass: Readonly<Partial<Record<ActionClass, number>>>
  /** Pairs that can work, by touched label. */
  readonly byLabel: Readonly<Record<string, number>>
  /** Pairs that are not plainly `yes`. */
  readonly limited: readonly LimitedPair[]
  /** Policies that also decide and are not known. */
  readonly unknown: readonly string[]
}

/** A further effect of a pair's own effect, beyond the session and its revocation. */
export interface OnwardStep {
  readonly action: string
  readonly resource: string
  /** The actor of that step, and whose permissions it has. */
  readonly step: string
}
