// Original file: proto/stint/v1/broker.proto


/**
 * A condition on a request. A request that does not carry the key does not meet it.
 */
export interface Condition {
  /**
   * A condition key that the actions know, e.g. `aws:ResourceTag/env`; of `aws:TagKeys` and other keys with several values all
   * must be among the values below.
   */
  'key'?: (string);
  /**
   * StringEquals (also if empty), or StringLike, whose values may contain `*` and `?`.
   */
  'operator'?: (string);
  /**
   * One of these must be the value of the key; at least one, at most 50.
   */
  'values'?: (string)[];
}

/**
 * A condition on a request. A request that does not carry the key does not meet it.
 */
export interface Condition__Output {
  /**
   * A condition key that the actions know, e.g. `aws:ResourceTag/env`; of `aws:TagKeys` and other keys with several values all
   * must be among the values below.
   */
  'key': (string);
  /**
   * StringEquals (also if empty), or StringLike, whose values may contain `*` and `?`.
   */
  'operator': (string);
  /**
   * One of these must be the value of the key; at least one, at most 50.
   */
  'values': (string)[];
}
