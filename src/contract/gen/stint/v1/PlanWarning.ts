// Original file: proto/stint/v1/broker.proto


/**
 * A fact about a plan that forbids nothing.
 */
export interface PlanWarning {
  /**
   * cannot_revoke: its credentials work until they expire; sets_tag_key: an action may set a tag on which a label or the
   * role's policy rests; class_lowered: an operator has given an action of the plan a milder class than Stint does;
   * actions_shortened: the session policy has wildcards, which also match actions that AWS adds later; role_refuses: the
   * role's own policies do not allow some pairs. These two come with
   * PlanTask only, since they change with time and are not in the plan's hash: session_nearly_full, predicted from earlier mints;
   * session_too_large, STS refused the very same session lately. Newer brokers may send other kinds.
   */
  'kind'?: (string);
  /**
   * Its meaning for this plan, and what would change it.
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
   * actions_shortened: the session policy has wildcards, which also match actions that AWS adds later; role_refuses: the
   * role's own policies do not allow some pairs. These two come with
   * PlanTask only, since they change with time and are not in the plan's hash: session_nearly_full, predicted from earlier mints;
   * session_too_large, STS refused the very same session lately. Newer brokers may send other kinds.
   */
  'kind': (string);
  /**
   * Its meaning for this plan, and what would change it.
   */
  'explanation': (string);
}
