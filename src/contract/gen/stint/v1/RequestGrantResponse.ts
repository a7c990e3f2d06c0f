// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';
import type { Lease as _stint_v1_Lease, Lease__Output as _stint_v1_Lease__Output } from '../../stint/v1/Lease.ts';

/**
 * Response of RequestGrant.
 */
export interface RequestGrantResponse {
  /**
   * As recorded.
   */
  'grant'?: (_stint_v1_Grant | null);
  /**
   * Only with an active grant.
   */
  'lease'?: (_stint_v1_Lease | null);
}

/**
 * Response of RequestGrant.
 */
export interface RequestGrantResponse__Output {
  /**
   * As recorded.
   */
  'grant': (_stint_v1_Grant__Output | null);
  /**
   * Only with an active grant.
   */
  'lease': (_stint_v1_Lease__Output | null);
}
