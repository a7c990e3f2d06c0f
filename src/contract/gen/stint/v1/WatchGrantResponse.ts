// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';

/**
 * One state of a watched grant.
 */
export interface WatchGrantResponse {
  /**
   * As it is now.
   */
  'grant'?: (_stint_v1_Grant | null);
}

/**
 * One state of a watched grant.
 */
export interface WatchGrantResponse__Output {
  /**
   * As it is now.
   */
  'grant': (_stint_v1_Grant__Output | null);
}
