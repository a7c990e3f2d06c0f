// Original file: proto/stint/v1/broker.proto

import type { Task as _stint_v1_Task, Task__Output as _stint_v1_Task__Output } from '../../stint/v1/Task.ts';

/**
 * Request of RequestGrant.
 */
export interface RequestGrantRequest {
  /**
   * What is about to be done.
   */
  'task'?: (_stint_v1_Task | null);
  /**
   * Chosen by the agent, 8 to 128 characters of `A-Za-z0-9._:-`: a repeat with the same key and task is the same grant.
   */
  'idempotencyKey'?: (string);
}

/**
 * Request of RequestGrant.
 */
export interface RequestGrantRequest__Output {
  /**
   * What is about to be done.
   */
  'task': (_stint_v1_Task__Output | null);
  /**
   * Chosen by the agent, 8 to 128 characters of `A-Za-z0-9._:-`: a repeat with the same key and task is the same grant.
   */
  'idempotencyKey': (string);
}
