// Original file: proto/stint/v1/broker.proto


/**
 * Request of RenewLease.
 */
export interface RenewLeaseRequest {
  /**
   * An active grant of the caller.
   */
  'grantId'?: (string);
}

/**
 * Request of RenewLease.
 */
export interface RenewLeaseRequest__Output {
  /**
   * An active grant of the caller.
   */
  'grantId': (string);
}
