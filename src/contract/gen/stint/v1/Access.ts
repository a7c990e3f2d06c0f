// Original file: proto/stint/v1/broker.proto


/**
 * Actions on resources.
 */
export interface Access {
  /**
   * AWS actions such as `s3:GetObject`; `*` and `?` are expanded; at most 100.
   */
  'actions'?: (string)[];
  /**
   * ARN patterns, or `*` for actions that take nothing narrower; at most 100.
   */
  'resources'?: (string)[];
}

/**
 * Actions on resources.
 */
export interface Access__Output {
  /**
   * AWS actions such as `s3:GetObject`; `*` and `?` are expanded; at most 100.
   */
  'actions': (string)[];
  /**
   * ARN patterns, or `*` for actions that take nothing narrower; at most 100.
   */
  'resources': (string)[];
}
