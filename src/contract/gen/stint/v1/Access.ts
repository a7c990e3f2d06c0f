// Original file: proto/stint/v1/broker.proto

import type { Condition as _stint_v1_Condition, Condition__Output as _stint_v1_Condition__Output } from '../../stint/v1/Condition.ts';

/**
 * Actions on resources.
 */
export interface Access {
  /**
   * AWS actions such as `s3:GetObject`; `*` and `?` are expanded; at most 100.
   */
  'actions'?: (string)[];
  /**
   * ARN patterns, or `*` for actions that take nothing narrower; at most 100.
   */
  'resources'?: (string)[];
  /**
   * Conditions that every request must meet; at most 10.
   */
  'conditions'?: (_stint_v1_Condition)[];
}

/**
 * Actions on resources.
 */
export interface Access__Output {
  /**
   * AWS actions such as `s3:GetObject`; `*` and `?` are expanded; at most 100.
   */
  'actions': (string)[];
  /**
   * ARN patterns, or `*` for actions that take nothing narrower; at most 100.
   */
  'resources': (string)[];
  /**
   * Conditions that every request must meet; at most 10.
   */
  'conditions': (_stint_v1_Condition__Output)[];
}
