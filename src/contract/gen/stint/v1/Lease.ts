// Original file: proto/stint/v1/broker.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';
import type { AwsCredentials as _stint_v1_AwsCredentials, AwsCredentials__Output as _stint_v1_AwsCredentials__Output } from '../../stint/v1/AwsCredentials.ts';

/**
 * One set of credentials, valid for minutes.
 */
export interface Lease {
  /**
   * `lse_` and a ULID.
   */
  'id'?: (string);
  /**
   * 1, 2, 3 … within the grant.
   */
  'number'?: (number);
  /**
   * Nothing works after this instant.
   */
  'notAfter'?: (_google_protobuf_Timestamp | null);
  /**
   * When to have the next lease at the latest: before `not_after`, so that no call meets the end.
   */
  'usableUntil'?: (_google_protobuf_Timestamp | null);
  /**
   * For AWS.
   */
  'aws'?: (_stint_v1_AwsCredentials | null);
  /**
   * The credentials, by kind; in this response and nowhere else.
   */
  'credentials'?: "aws";
}

/**
 * One set of credentials, valid for minutes.
 */
export interface Lease__Output {
  /**
   * `lse_` and a ULID.
   */
  'id': (string);
  /**
   * 1, 2, 3 … within the grant.
   */
  'number': (number);
  /**
   * Nothing works after this instant.
   */
  'notAfter': (_google_protobuf_Timestamp__Output | null);
  /**
   * When to have the next lease at the latest: before `not_after`, so that no call meets the end.
   */
  'usableUntil': (_google_protobuf_Timestamp__Output | null);
  /**
   * For AWS.
   */
  'aws'?: (_stint_v1_AwsCredentials__Output | null);
  /**
   * The credentials, by kind; in this response and nowhere else.
   */
  'credentials'?: "aws";
}
