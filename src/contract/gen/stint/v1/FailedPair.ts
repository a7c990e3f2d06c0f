// Original file: proto/stint/v1/broker.proto


/**
 * A pair that policy did not allow.
 */
export interface FailedPair {
  /**
   * AWS action.
   */
  'action'?: (string);
  /**
   * ARN pattern or `*`.
   */
  'resource'?: (string);
  /**
   * no_permit, forbidden or evaluation_error.
   */
  'reason'?: (string);
  /**
   * Ids of the policies that forbade or failed.
   */
  'policies'?: (string)[];
  /**
   * The conditions of the pair, such as `aws:ResourceTag/env StringEquals dev`.
   */
  'conditions'?: (string)[];
}

/**
 * A pair that policy did not allow.
 */
export interface FailedPair__Output {
  /**
   * AWS action.
   */
  'action': (string);
  /**
   * ARN pattern or `*`.
   */
  'resource': (string);
  /**
   * no_permit, forbidden or evaluation_error.
   */
  'reason': (string);
  /**
   * Ids of the policies that forbade or failed.
   */
  'policies': (string)[];
  /**
   * The conditions of the pair, such as `aws:ResourceTag/env StringEquals dev`.
   */
  'conditions': (string)[];
}
