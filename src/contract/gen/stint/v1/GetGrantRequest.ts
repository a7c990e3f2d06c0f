// Original file: proto/stint/v1/broker.proto


/**
 * Request of GetGrant.
 */
export interface GetGrantRequest {
  /**
   * A grant of the caller.
   */
  'grantId'?: (string);
}

/**
 * Request of GetGrant.
 */
export interface GetGrantRequest__Output {
  /**
   * A grant of the caller.
   */
  'grantId': (string);
}
