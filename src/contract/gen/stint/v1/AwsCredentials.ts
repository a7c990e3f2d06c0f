// Original file: proto/stint/v1/broker.proto


/**
 * Temporary AWS credentials.
 */
export interface AwsCredentials {
  /**
   * `ASIA…`.
   */
  'accessKeyId'?: (string);
  /**
   * Secret.
   */
  'secretAccessKey'?: (string);
  /**
   * Secret.
   */
  'sessionToken'?: (string);
}

/**
 * Temporary AWS credentials.
 */
export interface AwsCredentials__Output {
  /**
   * `ASIA…`.
   */
  'accessKeyId': (string);
  /**
   * Secret.
   */
  'secretAccessKey': (string);
  /**
   * Secret.
   */
  'sessionToken': (string);
}
