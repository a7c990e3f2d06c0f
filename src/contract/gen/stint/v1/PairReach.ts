// Original file: proto/stint/v1/broker.proto


/**
 * A pair of a plan that the role's own policies narrow.
 */
export interface PairReach {
  /**
   * Its place in Plan.pairs, from 0.
   */
  'pair'?: (number);
  /**
   * no or yes-if.
   */
  'verdict'?: (string);
  /**
   * Of a no: not_allowed, boundary or denied.
   */
  'reason'?: (string);
  /**
   * Of a yes-if: what works lies within one of these patterns; empty: anywhere in the pair's.
   */
  'within'?: (string)[];
  /**
   * Of a yes-if: parts that do not work.
   */
  'except'?: (string)[];
  /**
   * Of a yes-if: condition keys that decide.
   */
  'conditionKeys'?: (string)[];
  /**
   * True if there are more patterns or keys than are listed.
   */
  'more'?: (boolean);
}

/**
 * A pair of a plan that the role's own policies narrow.
 */
export interface PairReach__Output {
  /**
   * Its place in Plan.pairs, from 0.
   */
  'pair': (number);
  /**
   * no or yes-if.
   */
  'verdict': (string);
  /**
   * Of a no: not_allowed, boundary or denied.
   */
  'reason': (string);
  /**
   * Of a yes-if: what works lies within one of these patterns; empty: anywhere in the pair's.
   */
  'within': (string)[];
  /**
   * Of a yes-if: parts that do not work.
   */
  'except': (string)[];
  /**
   * Of a yes-if: condition keys that decide.
   */
  'conditionKeys': (string)[];
  /**
   * True if there are more patterns or keys than are listed.
   */
  'more': (boolean);
}
