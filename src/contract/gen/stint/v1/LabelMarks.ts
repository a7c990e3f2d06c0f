// Original file: proto/stint/v1/broker.proto


/**
 * The operator's marks of a label.
 */
export interface LabelMarks {
  /**
   * A label that pairs of the plan touch.
   */
  'label'?: (string);
  /**
   * production, nonproduction, stateful, public.
   */
  'marks'?: (string)[];
}

/**
 * The operator's marks of a label.
 */
export interface LabelMarks__Output {
  /**
   * A label that pairs of the plan touch.
   */
  'label': (string);
  /**
   * production, nonproduction, stateful, public.
   */
  'marks': (string)[];
}
