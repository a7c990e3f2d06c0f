// Original file: proto/stint/v1/broker.proto


/**
 * One action on one resource pattern.
 */
export interface PlanPair {
  /**
   * Canonical spelling, never a wildcard.
   */
  'action'?: (string);
  /**
   * ARN pattern or `*`.
   */
  'resource'?: (string);
  /**
   * list, read, tag, write, destructive, permissions or escalation.
   */
  'actionClass'?: (string);
  /**
   * secret, outlives, shares, audit.
   */
  'flags'?: (string)[];
  /**
   * Labels that hold for all the pattern matches.
   */
  'within'?: (string)[];
  /**
   * Labels that hold for some of what the pattern matches.
   */
  'touches'?: (string)[];
}

/**
 * One action on one resource pattern.
 */
export interface PlanPair__Output {
  /**
   * Canonical spelling, never a wildcard.
   */
  'action': (string);
  /**
   * ARN pattern or `*`.
   */
  'resource': (string);
  /**
   * list, read, tag, write, destructive, permissions or escalation.
   */
  'actionClass': (string);
  /**
   * secret, outlives, shares, audit.
   */
  'flags': (string)[];
  /**
   * Labels that hold for all the pattern matches.
   */
  'within': (string)[];
  /**
   * Labels that hold for some of what the pattern matches.
   */
  'touches': (string)[];
}
