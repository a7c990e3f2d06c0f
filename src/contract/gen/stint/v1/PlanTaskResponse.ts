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
   * Set if the decision asks for an approval: how many people could give it now. 0: nobody could.
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
   * Set if the decision asks for an approval: how many people could give it now. 0: nobody could.
   */
  'couldApprove'?: (number);
  '_couldApprove'?: "couldApprove";
}
