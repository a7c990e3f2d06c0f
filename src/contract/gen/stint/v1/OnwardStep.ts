// Original file: proto/stint/v1/broker.proto


/**
 * What a pair's effect could do in turn. The session policy does not bind it, and a revocation does not reach it.
 */
export interface OnwardStep {
  /**
   * AWS action.
   */
  'action'?: (string);
  /**
   * ARN pattern or `*`.
   */
  'resource'?: (string);
  /**
   * What acts then, and by whose permissions.
   */
  'step'?: (string);
}

/**
 * What a pair's effect could do in turn. The session policy does not bind it, and a revocation does not reach it.
 */
export interface OnwardStep__Output {
  /**
   * AWS action.
   */
  'action': (string);
  /**
   * ARN pattern or `*`.
   */
  'resource': (string);
  /**
   * What acts then, and by whose permissions.
   */
  'step': (string);
}
