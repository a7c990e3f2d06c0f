import type { NetworkBinding } from '../aws/network-binding.ts'
import type { PlanWarning } from './plan.ts'

/** An operator's settings for a role that agents may act through. */
export interface RoleSettings {
  /**
   * Actions that may take `*` although something narrower, or nothing, is usual: all of them, or those that match a pattern
   * such as `cloudwatch:Put*`. Listing and reading actions that take nothing narrower need no leave.
   */
  readonly allowWildcard?: boolean | readonly string[]
  /**
   * Whether actions that list or read configuration may take `*` as well: those of which no call names a resource and that
   * return no secret, such as `rds:DescribeDBInstances`, never `s3:GetObject`. Default true.
   */
  readonly allowWildcardReads?: boolean
  /** The networks from which sessions of the role work; absent: any. */
  readonly network?: NetworkBinding
  /** Tag keys on which the role's own policies rest: setting one is of class `permissions`. */
  readonly tagKeys?: readonly string[]
  /** Said on each plan of the role. */
  readonly warnings?: readonly PlanWarning[]
}
