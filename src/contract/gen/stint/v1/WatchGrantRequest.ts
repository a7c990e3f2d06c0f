// Original file: proto/stint/v1/broker.proto


/**
 * Request of WatchGrant.
 */
export interface WatchGrantRequest {
  /**
   * A grant of the caller.
   */
  'grantId'?: (string);
}

/**
 * Request of WatchGrant.
 */
export interface WatchGrantRequest__Output {
  /**
   * A grant of the caller.
   */
  'grantId': (string);
}
