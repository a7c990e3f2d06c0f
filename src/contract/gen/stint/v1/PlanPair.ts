// Original file: proto/stint/v1/broker.proto

import type { Condition as _stint_v1_Condition, Condition__Output as _stint_v1_Condition__Output } from '../../stint/v1/Condition.ts';

/**
 * One action on one resource pattern.
 */
export interface PlanPair {
  /**
   * Canonical spelling, never a wildcard.
   */
  'action'?: (string);
  /**
   * ARN pattern or `*`.
   */
  'resource'?: (string);
  /**
   * list, read, tag, write, destructive, permissions or escalation.
   */
  'actionClass'?: (string);
  /**
   * secret, outlives, shares, audit.
   */
  'flags'?: (string)[];
  /**
   * Labels that hold for all the pattern matches.
   */
  'within'?: (string)[];
  /**
   * Labels that hold for some of what the pattern matches.
   */
  'touches'?: (string)[];
  /**
   * Conditions that every request must meet.
   */
  'conditions'?: (_stint_v1_Condition)[];
}

/**
 * One action on one resource pattern.
 */
export interface PlanPair__Output {
  /**
   * Canonical spelling, never a wildcard.
   */
  'action': (string);
  /**
   * ARN pattern or `*`.
   */
  'resource': (string);
  /**
   * list, read, tag, write, destructive, permissions or escalation.
   */
  'actionClass': (string);
  /**
   * secret, outlives, shares, audit.
   */
  'flags': (string)[];
  /**
   * Labels that hold for all the pattern matches.
   */
  'within': (string)[];
  /**
   * Labels that hold for some of what the pattern matches.
   */
  'touches': (string)[];
  /**
   * Conditions that every request must meet.
   */
  'conditions': (_stint_v1_Condition__Output)[];
}
