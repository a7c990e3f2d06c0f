import type { NetworkBinding } from '../aws/network-binding.ts'
import type { PlanWarning } from './plan.ts'

/** An operator's settings for a role that agents may act through. */
export interface RoleSettings {
  /**
   * Actions that may take `*` or a pattern of a whole kind: true for all actions, or patterns such as `cloudwatch:Put*`. An
   * action that only lists or reads, and takes nothing narrower than `*`, needs no permission. Default false.
   */
  readonly allowWildcard?: boolean | readonly string[]
  /**
   * True if reads of configuration may take `*` too: actions that list or read, need no resource and return no secret, such as
   * `rds:DescribeDBInstances`, never `s3:GetObject`. Default true.
   */
  readonly allowWildcardReads?: boolean
  /** The networks from which sessions of the role work; absent: any. */
  readonly network?: NetworkBinding
  /** Tag keys that the role's own policies use. Setting one counts as class `permissions`. */
  readonly tagKeys?: readonly string[]
  /** Warnings on each plan of the role. */
  readonly warnings?: readonly PlanWarning[]
}
