// Original file: proto/stint/v1/broker.proto

import type { Plan as _stint_v1_Plan, Plan__Output as _stint_v1_Plan__Output } from '../../stint/v1/Plan.ts';
import type { Decision as _stint_v1_Decision, Decision__Output as _stint_v1_Decision__Output } from '../../stint/v1/Decision.ts';

/**
 * Response of PlanTask.
 */
export interface PlanTaskResponse {
  /**
   * What it comes to.
   */
  'plan'?: (_stint_v1_Plan | null);
  /**
   * What policy says of it now.
   */
  'decision'?: (_stint_v1_Decision | null);
  /**
   * Number of people who could approve now; set if the decision asks for an approval.
   */
  'couldApprove'?: (number);
  '_couldApprove'?: "couldApprove";
}

/**
 * Response of PlanTask.
 */
export interface PlanTaskResponse__Output {
  /**
   * What it comes to.
   */
  'plan': (_stint_v1_Plan__Output | null);
  /**
   * What policy says of it now.
   */
  'decision': (_stint_v1_Decision__Output | null);
  /**
   * Number of people who could approve now; set if the decision asks for an approval.
   */
  'couldApprove'?: (number);
  '_couldApprove'?: "couldApprove";
}
