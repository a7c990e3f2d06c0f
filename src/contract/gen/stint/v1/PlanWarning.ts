// Original file: proto/stint/v1/broker.proto


/**
 * A fact about a plan that forbids nothing.
 */
export interface PlanWarning {
  /**
   * cannot_revoke: its credentials work until they expire; sets_tag_key: an action may set a tag on which a label or the
   * role's policy rests; class_lowered: an operator has given an action of the plan a milder class than Stint does;
   * actions_shortened: the session policy has wildcards that AWS could add actions to. Of PlanTask only, since they change
   * with time and are not in the plan's hash: session_nearly_full, by what STS said of earlier mints; session_too_large, since
   * STS refused the very same session lately. Newer brokers may send other kinds.
   */
  'kind'?: (string);
  /**
   * What it means, and what would change it.
   */
  'explanation'?: (string);
}

/**
 * A fact about a plan that forbids nothing.
 */
export interface PlanWarning__Output {
  /**
   * cannot_revoke: its credentials work until they expire; sets_tag_key: an action may set a tag on which a label or the
   * role's policy rests; class_lowered: an operator has given an action of the plan a milder class than Stint does;
   * actions_shortened: the session policy has wildcards that AWS could add actions to. Of PlanTask only, since they change
   * with time and are not in the plan's hash: session_nearly_full, by what STS said of earlier mints; session_too_large, since
   * STS refused the very same session lately. Newer brokers may send other kinds.
   */
  'kind': (string);
  /**
   * What it means, and what would change it.
   */
  'explanation': (string);
}
