// Original file: proto/stint/v1/broker.proto

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

/**
 * One thing an agent says it did.
 */
export interface Activity {
  /**
   * When, by the agent's clock.
   */
  'at'?: (_google_protobuf_Timestamp | null);
  /**
   * AWS action such as `s3:GetObject`; at most 128 characters.
   */
  'action'?: (string);
  /**
   * ARN; at most 2048 characters; may be empty.
   */
  'resource'?: (string);
  /**
   * In words; at most 500 characters; may be empty.
   */
  'note'?: (string);
}

/**
 * One thing an agent says it did.
 */
export interface Activity__Output {
  /**
   * When, by the agent's clock.
   */
  'at': (_google_protobuf_Timestamp__Output | null);
  /**
   * AWS action such as `s3:GetObject`; at most 128 characters.
   */
  'action': (string);
  /**
   * ARN; at most 2048 characters; may be empty.
   */
  'resource': (string);
  /**
   * In words; at most 500 characters; may be empty.
   */
  'note': (string);
}
