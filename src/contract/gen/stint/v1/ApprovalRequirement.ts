// Original file: proto/stint/v1/broker.proto


/**
 * One condition of an approval.
 */
export interface ApprovalRequirement {
  /**
   * A member of one of these groups; `any` stands for every approver.
   */
  'anyOf'?: (string)[];
  /**
   * Policy ids, `class:<class>` or `label:<label>` that asked for it.
   */
  'because'?: (string)[];
  /**
   * How many different people must approve; 0, from older brokers, stands for one.
   */
  'count'?: (number);
}

/**
 * One condition of an approval.
 */
export interface ApprovalRequirement__Output {
  /**
   * A member of one of these groups; `any` stands for every approver.
   */
  'anyOf': (string)[];
  /**
   * Policy ids, `class:<class>` or `label:<label>` that asked for it.
   */
  'because': (string)[];
  /**
   * How many different people must approve; 0, from older brokers, stands for one.
   */
  'count': (number);
}
