// Original file: proto/stint/v1/broker.proto

import type { Activity as _stint_v1_Activity, Activity__Output as _stint_v1_Activity__Output } from '../../stint/v1/Activity.ts';

/**
 * Request of ReportActivity.
 */
export interface ReportActivityRequest {
  /**
   * A grant of the caller.
   */
  'grantId'?: (string);
  /**
   * What was done; 1 to 100 entries.
   */
  'activities'?: (_stint_v1_Activity)[];
}

/**
 * Request of ReportActivity.
 */
export interface ReportActivityRequest__Output {
  /**
   * A grant of the caller.
   */
  'grantId': (string);
  /**
   * What was done; 1 to 100 entries.
   */
  'activities': (_stint_v1_Activity__Output)[];
}
