// Original file: proto/stint/v1/broker.proto

import type { Task as _stint_v1_Task, Task__Output as _stint_v1_Task__Output } from '../../stint/v1/Task.ts';

/**
 * Request of PlanTask.
 */
export interface PlanTaskRequest {
  /**
   * What would be done.
   */
  'task'?: (_stint_v1_Task | null);
}

/**
 * Request of PlanTask.
 */
export interface PlanTaskRequest__Output {
  /**
   * What would be done.
   */
  'task': (_stint_v1_Task__Output | null);
}
