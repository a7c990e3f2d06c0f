// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';

/**
 * Response of ListGrants.
 */
export interface ListGrantsResponse {
  /**
   * Newest first.
   */
  'grants'?: (_stint_v1_Grant)[];
  /**
   * Empty on the last page.
   */
  'nextPageToken'?: (string);
}

/**
 * Response of ListGrants.
 */
export interface ListGrantsResponse__Output {
  /**
   * Newest first.
   */
  'grants': (_stint_v1_Grant__Output)[];
  /**
   * Empty on the last page.
   */
  'nextPageToken': (string);
}
