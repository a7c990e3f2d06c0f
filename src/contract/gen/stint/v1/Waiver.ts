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
   * Why, in the words of the policy.
   */
  'reason'?: (string);
  /**
   * What asked for the approval: policy ids, `class:<class>` or `label:<label>`.
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
   * Why, in the words of the policy.
   */
  'reason': (string);
  /**
   * What asked for the approval: policy ids, `class:<class>` or `label:<label>`.
   */
  'because': (string)[];
}
