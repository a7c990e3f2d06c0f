// Original file: proto/stint/v1/broker.proto

import type { FailedPair as _stint_v1_FailedPair, FailedPair__Output as _stint_v1_FailedPair__Output } from '../../stint/v1/FailedPair.ts';
import type { ApprovalRequirement as _stint_v1_ApprovalRequirement, ApprovalRequirement__Output as _stint_v1_ApprovalRequirement__Output } from '../../stint/v1/ApprovalRequirement.ts';
import type { Waiver as _stint_v1_Waiver, Waiver__Output as _stint_v1_Waiver__Output } from '../../stint/v1/Waiver.ts';

/**
 * What policy says of a plan.
 */
export interface Decision {
  /**
   * permit, deny or approval.
   */
  'outcome'?: (string);
  /**
   * Ids of the policies that decided.
   */
  'determiningPolicies'?: (string)[];
  /**
   * Pairs that were not allowed.
   */
  'failedPairs'?: (_stint_v1_FailedPair)[];
  /**
   * What an approver must satisfy.
   */
  'approval'?: (_stint_v1_ApprovalRequirement)[];
  /**
   * Hex SHA-256 of the policy set.
   */
  'policySetHash'?: (string);
  /**
   * Approvals that a policy waived.
   */
  'waivers'?: (_stint_v1_Waiver)[];
}

/**
 * What policy says of a plan.
 */
export interface Decision__Output {
  /**
   * permit, deny or approval.
   */
  'outcome': (string);
  /**
   * Ids of the policies that decided.
   */
  'determiningPolicies': (string)[];
  /**
   * Pairs that were not allowed.
   */
  'failedPairs': (_stint_v1_FailedPair__Output)[];
  /**
   * What an approver must satisfy.
   */
  'approval': (_stint_v1_ApprovalRequirement__Output)[];
  /**
   * Hex SHA-256 of the policy set.
   */
  'policySetHash': (string);
  /**
   * Approvals that a policy waived.
   */
  'waivers': (_stint_v1_Waiver__Output)[];
}
