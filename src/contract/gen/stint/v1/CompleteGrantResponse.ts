// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';

/**
 * Response of CompleteGrant.
 */
export interface CompleteGrantResponse {
  /**
   * Ending, with `effective_by`, ended, or withdrawn.
   */
  'grant'?: (_stint_v1_Grant | null);
}

/**
 * Response of CompleteGrant.
 */
export interface CompleteGrantResponse__Output {
  /**
   * Ending, with `effective_by`, ended, or withdrawn.
   */
  'grant': (_stint_v1_Grant__Output | null);
}
