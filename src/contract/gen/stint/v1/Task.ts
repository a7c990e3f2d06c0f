// Original file: proto/stint/v1/broker.proto

import type { Access as _stint_v1_Access, Access__Output as _stint_v1_Access__Output } from '../../stint/v1/Access.ts';
import type { Change as _stint_v1_Change, Change__Output as _stint_v1_Change__Output } from '../../stint/v1/Change.ts';

/**
 * What an agent is about to do.
 */
export interface Task {
  /**
   * Why, in words that a person can judge; 8 to 500 characters.
   */
  'purpose'?: (string);
  /**
   * The role to act through, as ARN.
   */
  'roleArn'?: (string);
  /**
   * What is needed; at least one entry, at most 50.
   */
  'access'?: (_stint_v1_Access)[];
  /**
   * How long the task may take, in seconds.
   */
  'ttlSeconds'?: (number);
  /**
   * A ticket or run id of the agent's own; at most 128 characters; may be empty.
   */
  'reference'?: (string);
  /**
   * Refuses the task if any action of a wildcard would be left out of its plan, see Plan.dropped.
   */
  'strict'?: (boolean);
  /**
   * What the command of the task would change; absent unless a file says it.
   */
  'change'?: (_stint_v1_Change | null);
  /**
   * What to act on or through; exactly one.
   */
  'target'?: "roleArn";
}

/**
 * What an agent is about to do.
 */
export interface Task__Output {
  /**
   * Why, in words that a person can judge; 8 to 500 characters.
   */
  'purpose': (string);
  /**
   * The role to act through, as ARN.
   */
  'roleArn'?: (string);
  /**
   * What is needed; at least one entry, at most 50.
   */
  'access': (_stint_v1_Access__Output)[];
  /**
   * How long the task may take, in seconds.
   */
  'ttlSeconds': (number);
  /**
   * A ticket or run id of the agent's own; at most 128 characters; may be empty.
   */
  'reference': (string);
  /**
   * Refuses the task if any action of a wildcard would be left out of its plan, see Plan.dropped.
   */
  'strict': (boolean);
  /**
   * What the command of the task would change; absent unless a file says it.
   */
  'change': (_stint_v1_Change__Output | null);
  /**
   * What to act on or through; exactly one.
   */
  'target'?: "roleArn";
}
