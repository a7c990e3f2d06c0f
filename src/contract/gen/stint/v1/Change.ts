// Original file: proto/stint/v1/broker.proto

import type { ChangedResource as _stint_v1_ChangedResource, ChangedResource__Output as _stint_v1_ChangedResource__Output } from '../../stint/v1/ChangedResource.ts';

/**
 * What a file says that the command of a task would change: the agent's claim, since the broker does not see the file. The
 * digests are part of the plan's hash, so an approval is for this file and no other.
 */
export interface Change {
  /**
   * `terraform_plan` (the output of `terraform show -json PLAN`) or `cloudformation_change_set` (that of
   * `aws cloudformation describe-change-set`).
   */
  'kind'?: (string);
  /**
   * SHA-256 of the file that it was read from, lower-case hex.
   */
  'sha256'?: (string);
  /**
   * The same of the file that the command applies, if that is another one, such as a saved Terraform plan; may be empty.
   */
  'artifactSha256'?: (string);
  /**
   * A name of its own, such as the id of the change set; at most 300 characters; may be empty.
   */
  'reference'?: (string);
  /**
   * Number of resources by what happens to them. Worst first: `delete`, `replace`, `may_replace`, `unknown`, `forget`, `update`,
   * `import`, `create`, `read`.
   */
  'counts'?: ({[key: string]: number});
  /**
   * All of these resources or, of more than 50, the first 50 in that order.
   */
  'resources'?: (_stint_v1_ChangedResource)[];
}

/**
 * What a file says that the command of a task would change: the agent's claim, since the broker does not see the file. The
 * digests are part of the plan's hash, so an approval is for this file and no other.
 */
export interface Change__Output {
  /**
   * `terraform_plan` (the output of `terraform show -json PLAN`) or `cloudformation_change_set` (that of
   * `aws cloudformation describe-change-set`).
   */
  'kind': (string);
  /**
   * SHA-256 of the file that it was read from, lower-case hex.
   */
  'sha256': (string);
  /**
   * The same of the file that the command applies, if that is another one, such as a saved Terraform plan; may be empty.
   */
  'artifactSha256': (string);
  /**
   * A name of its own, such as the id of the change set; at most 300 characters; may be empty.
   */
  'reference': (string);
  /**
   * Number of resources by what happens to them. Worst first: `delete`, `replace`, `may_replace`, `unknown`, `forget`, `update`,
   * `import`, `create`, `read`.
   */
  'counts': ({[key: string]: number});
  /**
   * All of these resources or, of more than 50, the first 50 in that order.
   */
  'resources': (_stint_v1_ChangedResource__Output)[];
}
