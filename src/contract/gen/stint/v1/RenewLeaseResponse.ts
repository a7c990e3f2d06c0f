// Original file: proto/stint/v1/broker.proto

import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from '../../stint/v1/Grant.ts';
import type { Lease as _stint_v1_Lease, Lease__Output as _stint_v1_Lease__Output } from '../../stint/v1/Lease.ts';

/**
 * Response of RenewLease.
 */
export interface RenewLeaseResponse {
  /**
   * As it is now.
   */
  'grant'?: (_stint_v1_Grant | null);
  /**
   * The new lease; older ones run out.
   */
  'lease'?: (_stint_v1_Lease | null);
}

/**
 * Response of RenewLease.
 */
export interface RenewLeaseResponse__Output {
  /**
   * As it is now.
   */
  'grant': (_stint_v1_Grant__Output | null);
  /**
   * The new lease; older ones run out.
   */
  'lease': (_stint_v1_Lease__Output | null);
}
