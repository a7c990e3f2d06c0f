// Original file: proto/stint/v1/broker.proto


/**
 * One resource of a change; never its values.
 */
export interface ChangedResource {
  /**
   * One of the actions of `Change.counts`.
   */
  'action'?: (string);
  /**
   * e.g. `aws_s3_bucket` or `AWS::S3::Bucket`; at most 100 characters.
   */
  'type'?: (string);
  /**
   * Its name in the file, e.g. `module.data.aws_s3_bucket.invoices`; at most 200 characters.
   */
  'address'?: (string);
}

/**
 * One resource of a change; never its values.
 */
export interface ChangedResource__Output {
  /**
   * One of the actions of `Change.counts`.
   */
  'action': (string);
  /**
   * e.g. `aws_s3_bucket` or `AWS::S3::Bucket`; at most 100 characters.
   */
  'type': (string);
  /**
   * Its name in the file, e.g. `module.data.aws_s3_bucket.invoices`; at most 200 characters.
   */
  'address': (string);
}
