// Original file: proto/stint/v1/broker.proto


/**
 * Request of CompleteGrant.
 */
export interface CompleteGrantRequest {
  /**
   * A grant of the caller.
   */
  'grantId'?: (string);
  /**
   * The agent's own word on how it went; at most 500 characters; may be empty.
   */
  'note'?: (string);
}

/**
 * Request of CompleteGrant.
 */
export interface CompleteGrantRequest__Output {
  /**
   * A grant of the caller.
   */
  'grantId': (string);
  /**
   * The agent's own word on how it went; at most 500 characters; may be empty.
   */
  'note': (string);
}
