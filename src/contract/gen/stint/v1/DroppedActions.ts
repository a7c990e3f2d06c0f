// Original file: proto/stint/v1/broker.proto


/**
 * Actions of one wildcard that are not in the plan, for one reason.
 */
export interface DroppedActions {
  /**
   * The wildcard as written, e.g. `iam:Get*`.
   */
  'pattern'?: (string);
  /**
   * Actions that it stands for.
   */
  'members'?: (number);
  /**
   * needs_resource, star_not_allowed, returns_secret, no_resource_fits, condition_unknown, unknown_to_store. Newer brokers may send others.
   */
  'reason'?: (string);
  /**
   * How many are left out for this reason.
   */
  'count'?: (number);
  /**
   * The first of them.
   */
  'actions'?: (string)[];
  /**
   * e.g. `20 of 34 actions of iam:Get* need a resource`
   */
  'explanation'?: (string);
}

/**
 * Actions of one wildcard that are not in the plan, for one reason.
 */
export interface DroppedActions__Output {
  /**
   * The wildcard as written, e.g. `iam:Get*`.
   */
  'pattern': (string);
  /**
   * Actions that it stands for.
   */
  'members': (number);
  /**
   * needs_resource, star_not_allowed, returns_secret, no_resource_fits, condition_unknown, unknown_to_store. Newer brokers may send others.
   */
  'reason': (string);
  /**
   * How many are left out for this reason.
   */
  'count': (number);
  /**
   * The first of them.
   */
  'actions': (string)[];
  /**
   * e.g. `20 of 34 actions of iam:Get* need a resource`
   */
  'explanation': (string);
}
