// Original file: proto/stint/v1/broker.proto


/**
 * What an operator says of a label beyond its name.
 */
export interface LabelMarks {
  /**
   * A label that pairs of the plan touch.
   */
  'label'?: (string);
  /**
   * Of production, nonproduction, stateful, public.
   */
  'marks'?: (string)[];
}

/**
 * What an operator says of a label beyond its name.
 */
export interface LabelMarks__Output {
  /**
   * A label that pairs of the plan touch.
   */
  'label': (string);
  /**
   * Of production, nonproduction, stateful, public.
   */
  'marks': (string)[];
}
