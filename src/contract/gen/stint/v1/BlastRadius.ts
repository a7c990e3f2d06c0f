// Original file: proto/stint/v1/broker.proto

import type { OutlivingAction as _stint_v1_OutlivingAction, OutlivingAction__Output as _stint_v1_OutlivingAction__Output } from '../../stint/v1/OutlivingAction.ts';

/**
 * What a plan could do, in numbers.
 */
export interface BlastRadius {
  /**
   * Distinct actions.
   */
  'actions'?: (number);
  /**
   * Distinct resource patterns.
   */
  'resourcePatterns'?: (number);
  /**
   * Pairs by action class.
   */
  'byClass'?: ({[key: string]: number});
  /**
   * Pairs by touched label.
   */
  'byLabel'?: ({[key: string]: number});
  /**
   * Actions whose effect outlives revocation, each with the reason.
   */
  'outlives'?: (_stint_v1_OutlivingAction)[];
  /**
   * What these numbers do not know.
   */
  'unknown'?: (string)[];
  /**
   * Pairs by condition, such as `aws:ResourceTag/env StringEquals dev`.
   */
  'byCondition'?: ({[key: string]: number});
}

/**
 * What a plan could do, in numbers.
 */
export interface BlastRadius__Output {
  /**
   * Distinct actions.
   */
  'actions': (number);
  /**
   * Distinct resource patterns.
   */
  'resourcePatterns': (number);
  /**
   * Pairs by action class.
   */
  'byClass': ({[key: string]: number});
  /**
   * Pairs by touched label.
   */
  'byLabel': ({[key: string]: number});
  /**
   * Actions whose effect outlives revocation, each with the reason.
   */
  'outlives': (_stint_v1_OutlivingAction__Output)[];
  /**
   * What these numbers do not know.
   */
  'unknown': (string)[];
  /**
   * Pairs by condition, such as `aws:ResourceTag/env StringEquals dev`.
   */
  'byCondition': ({[key: string]: number});
}
