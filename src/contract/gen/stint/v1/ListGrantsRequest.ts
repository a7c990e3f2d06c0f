// Original file: proto/stint/v1/broker.proto

import type { GrantState as _stint_v1_GrantState, GrantState__Output as _stint_v1_GrantState__Output } from '../../stint/v1/GrantState.ts';

/**
 * Request of ListGrants.
 */
export interface ListGrantsRequest {
  /**
   * 1 to 200; 50 if 0.
   */
  'pageSize'?: (number);
  /**
   * From the page before; empty for the first.
   */
  'pageToken'?: (string);
  /**
   * Only grants in this state; all if unspecified.
   */
  'state'?: (_stint_v1_GrantState);
}

/**
 * Request of ListGrants.
 */
export interface ListGrantsRequest__Output {
  /**
   * 1 to 200; 50 if 0.
   */
  'pageSize': (number);
  /**
   * From the page before; empty for the first.
   */
  'pageToken': (string);
  /**
   * Only grants in this state; all if unspecified.
   */
  'state': (_stint_v1_GrantState__Output);
}
