// Original file: proto/stint/v1/broker.proto

import type { GrantState as _stint_v1_GrantState, GrantState__Output as _stint_v1_GrantState__Output } from '../../stint/v1/GrantState.ts';
import type { Decision as _stint_v1_Decision, Decision__Output as _stint_v1_Decision__Output } from '../../stint/v1/Decision.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from '../../google/protobuf/Timestamp.ts';

/**
 * A recorded permission to act on one plan until a deadline.
 */
export interface Grant {
  /**
   * `grt_` and a ULID.
   */
  'id'?: (string);
  /**
   * Where it stands.
   */
  'state'?: (_stint_v1_GrantState);
  /**
   * Why it is ending or ended: completed, deadline, revoked, killed, identity_lost, policy_changed, mint_failed,
   * restored (the broker's ledger was set back), claim_expired (approved, and its agent did not collect it in time),
   * offboarded (the agent was taken out of service), alarm. Newer brokers may send others.
   */
  'reason'?: (string);
  /**
   * The agent.
   */
  'subject'?: (string);
  /**
   * The role acted through.
   */
  'roleArn'?: (string);
  /**
   * From the task.
   */
  'purpose'?: (string);
  /**
   * Hash of the plan.
   */
  'planHash'?: (string);
  /**
   * What policy said.
   */
  'decision'?: (_stint_v1_Decision | null);
  /**
   * When it was asked for.
   */
  'requestedAt'?: (_google_protobuf_Timestamp | null);
  /**
   * The latest instant a lease can reach; set once active, and for an approved grant with its first lease.
   */
  'deadline'?: (_google_protobuf_Timestamp | null);
  /**
   * While ending: when its credentials stop working at the latest.
   */
  'effectiveBy'?: (_google_protobuf_Timestamp | null);
  /**
   * When it ended.
   */
  'endedAt'?: (_google_protobuf_Timestamp | null);
  /**
   * Leases minted so far.
   */
  'leaseCount'?: (number);
  /**
   * While awaiting approval: the id to give to an approver.
   */
  'approvalId'?: (string);
  /**
   * While awaiting approval: when the question lapses.
   */
  'approvalExpiresAt'?: (_google_protobuf_Timestamp | null);
  /**
   * Leases issued before this instant were cut to make room on the deny list: renew now.
   */
  'renewAfter'?: (_google_protobuf_Timestamp | null);
  /**
   * Of an approved grant that has had no lease: by when its agent must ask for the first one, by repeating its request or by RenewLease.
   * The time of the task begins with it.
   */
  'claimBy'?: (_google_protobuf_Timestamp | null);
  /**
   * Of a rejected grant whose task came to another plan while it awaited approval, or whose plan policy has come to deny: what changed
   * or is denied, each a sentence.
   */
  'voidedBecause'?: (string)[];
}

/**
 * A recorded permission to act on one plan until a deadline.
 */
export interface Grant__Output {
  /**
   * `grt_` and a ULID.
   */
  'id': (string);
  /**
   * Where it stands.
   */
  'state': (_stint_v1_GrantState__Output);
  /**
   * Why it is ending or ended: completed, deadline, revoked, killed, identity_lost, policy_changed, mint_failed,
   * restored (the broker's ledger was set back), claim_expired (approved, and its agent did not collect it in time),
   * offboarded (the agent was taken out of service), alarm. Newer brokers may send others.
   */
  'reason': (string);
  /**
   * The agent.
   */
  'subject': (string);
  /**
   * The role acted through.
   */
  'roleArn': (string);
  /**
   * From the task.
   */
  'purpose': (string);
  /**
   * Hash of the plan.
   */
  'planHash': (string);
  /**
   * What policy said.
   */
  'decision': (_stint_v1_Decision__Output | null);
  /**
   * When it was asked for.
   */
  'requestedAt': (_google_protobuf_Timestamp__Output | null);
  /**
   * The latest instant a lease can reach; set once active, and for an approved grant with its first lease.
   */
  'deadline': (_google_protobuf_Timestamp__Output | null);
  /**
   * While ending: when its credentials stop working at the latest.
   */
  'effectiveBy': (_google_protobuf_Timestamp__Output | null);
  /**
   * When it ended.
   */
  'endedAt': (_google_protobuf_Timestamp__Output | null);
  /**
   * Leases minted so far.
   */
  'leaseCount': (number);
  /**
   * While awaiting approval: the id to give to an approver.
   */
  'approvalId': (string);
  /**
   * While awaiting approval: when the question lapses.
   */
  'approvalExpiresAt': (_google_protobuf_Timestamp__Output | null);
  /**
   * Leases issued before this instant were cut to make room on the deny list: renew now.
   */
  'renewAfter': (_google_protobuf_Timestamp__Output | null);
  /**
   * Of an approved grant that has had no lease: by when its agent must ask for the first one, by repeating its request or by RenewLease.
   * The time of the task begins with it.
   */
  'claimBy': (_google_protobuf_Timestamp__Output | null);
  /**
   * Of a rejected grant whose task came to another plan while it awaited approval, or whose plan policy has come to deny: what changed
   * or is denied, each a sentence.
   */
  'voidedBecause': (string)[];
}
