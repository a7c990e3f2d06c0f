// Original file: proto/stint/v1/broker.proto


/**
 * An action whose effect revocation does not reach.
 */
export interface OutlivingAction {
  /**
   * AWS action.
   */
  'action'?: (string);
  /**
   * What lives on, and for how long.
   */
  'reason'?: (string);
}

/**
 * An action whose effect revocation does not reach.
 */
export interface OutlivingAction__Output {
  /**
   * AWS action.
   */
  'action': (string);
  /**
   * What lives on, and for how long.
   */
  'reason': (string);
}
