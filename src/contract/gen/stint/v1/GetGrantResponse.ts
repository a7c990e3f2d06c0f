// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';

/**
 * Response of GetGrant.
 */
export interface GetGrantResponse {
  /**
   * As it is now.
   */
  'grant'?: (_stint_v1_Grant | null);
}

/**
 * Response of GetGrant.
 */
export interface GetGrantResponse__Output {
  /**
   * As it is now.
   */
  'grant': (_stint_v1_Grant__Output | null);
}
