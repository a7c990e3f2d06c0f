// Original file: proto/stint/v1/broker.proto

/**
 * Where a grant stands.
 */
export const GrantState = {
  /**
   * Never sent.
   */
  GRANT_STATE_UNSPECIFIED: 'GRANT_STATE_UNSPECIFIED',
  /**
   * Refused by policy; final.
   */
  GRANT_STATE_DENIED: 'GRANT_STATE_DENIED',
  /**
   * Waits for a person.
   */
  GRANT_STATE_AWAITING_APPROVAL: 'GRANT_STATE_AWAITING_APPROVAL',
  /**
   * A person said no; final.
   */
  GRANT_STATE_REJECTED: 'GRANT_STATE_REJECTED',
  /**
   * Nobody answered in time; final.
   */
  GRANT_STATE_APPROVAL_EXPIRED: 'GRANT_STATE_APPROVAL_EXPIRED',
  /**
   * Leases can be had.
   */
  GRANT_STATE_ACTIVE: 'GRANT_STATE_ACTIVE',
  /**
   * No more leases; the last one stops working by `effective_by`.
   */
  GRANT_STATE_ENDING: 'GRANT_STATE_ENDING',
  /**
   * No credential of it works any more; final.
   */
  GRANT_STATE_ENDED: 'GRANT_STATE_ENDED',
  /**
   * The agent took the request back before anybody had answered; final.
   */
  GRANT_STATE_WITHDRAWN: 'GRANT_STATE_WITHDRAWN',
} as const;

/**
 * Where a grant stands.
 */
export type GrantState =
  /**
   * Never sent.
   */
  | 'GRANT_STATE_UNSPECIFIED'
  | 0
  /**
   * Refused by policy; final.
   */
  | 'GRANT_STATE_DENIED'
  | 1
  /**
   * Waits for a person.
   */
  | 'GRANT_STATE_AWAITING_APPROVAL'
  | 2
  /**
   * A person said no; final.
   */
  | 'GRANT_STATE_REJECTED'
  | 3
  /**
   * Nobody answered in time; final.
   */
  | 'GRANT_STATE_APPROVAL_EXPIRED'
  | 4
  /**
   * Leases can be had.
   */
  | 'GRANT_STATE_ACTIVE'
  | 5
  /**
   * No more leases; the last one stops working by `effective_by`.
   */
  | 'GRANT_STATE_ENDING'
  | 6
  /**
   * No credential of it works any more; final.
   */
  | 'GRANT_STATE_ENDED'
  | 7
  /**
   * The agent took the request back before anybody had answered; final.
   */
  | 'GRANT_STATE_WITHDRAWN'
  | 8

/**
 * Where a grant stands.
 */
export type GrantState__Output = typeof GrantState[keyof typeof GrantState]
