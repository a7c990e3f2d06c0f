// Original file: proto/stint/v1/broker.proto


/**
 * An approval that nobody has to give, since a policy waived it.
 */
export interface Waiver {
  /**
   * Id of the policy.
   */
  'policy'?: (string);
  /**
   * The reason given in the policy.
   */
  'reason'?: (string);
  /**
   * Policy ids, `class:<class>` or `label:<label>` that asked for the approval.
   */
  'because'?: (string)[];
}

/**
 * An approval that nobody has to give, since a policy waived it.
 */
export interface Waiver__Output {
  /**
   * Id of the policy.
   */
  'policy': (string);
  /**
   * The reason given in the policy.
   */
  'reason': (string);
  /**
   * Policy ids, `class:<class>` or `label:<label>` that asked for the approval.
   */
  'because': (string)[];
}
