// Original file: proto/stint/v1/broker.proto

import type { PairReach as _stint_v1_PairReach, PairReach__Output as _stint_v1_PairReach__Output } from '../../stint/v1/PairReach.ts';

/**
 * What a plan can truly do: its pairs, cut by the role's own policies and its permissions boundary.
 */
export interface PlanReach {
  /**
   * Pairs that work on every resource of their pattern.
   */
  'yes'?: (number);
  /**
   * Pairs that AWS will refuse.
   */
  'no'?: (number);
  /**
   * Pairs of which a part works, or that depend on conditions of the role's policies.
   */
  'yesIf'?: (number);
  /**
   * Pairs that can work, by action class.
   */
  'byClass'?: ({[key: string]: number});
  /**
   * Pairs that can work, by touched label.
   */
  'byLabel'?: ({[key: string]: number});
  /**
   * Pairs that do not plainly work.
   */
  'limited'?: (_stint_v1_PairReach)[];
  /**
   * Policies that also decide and that the broker does not know.
   */
  'unknown'?: (string)[];
}

/**
 * What a plan can truly do: its pairs, cut by the role's own policies and its permissions boundary.
 */
export interface PlanReach__Output {
  /**
   * Pairs that work on every resource of their pattern.
   */
  'yes': (number);
  /**
   * Pairs that AWS will refuse.
   */
  'no': (number);
  /**
   * Pairs of which a part works, or that depend on conditions of the role's policies.
   */
  'yesIf': (number);
  /**
   * Pairs that can work, by action class.
   */
  'byClass': ({[key: string]: number});
  /**
   * Pairs that can work, by touched label.
   */
  'byLabel': ({[key: string]: number});
  /**
   * Pairs that do not plainly work.
   */
  'limited': (_stint_v1_PairReach__Output)[];
  /**
   * Policies that also decide and that the broker does not know.
   */
  'unknown': (string)[];
}
