// Original file: proto/stint/v1/broker.proto

import type { Task as _stint_v1_Task, Task__Output as _stint_v1_Task__Output } from '../../stint/v1/Task.ts';
import type { PlanPair as _stint_v1_PlanPair, PlanPair__Output as _stint_v1_PlanPair__Output } from '../../stint/v1/PlanPair.ts';
import type { BlastRadius as _stint_v1_BlastRadius, BlastRadius__Output as _stint_v1_BlastRadius__Output } from '../../stint/v1/BlastRadius.ts';
import type { PlanWarning as _stint_v1_PlanWarning, PlanWarning__Output as _stint_v1_PlanWarning__Output } from '../../stint/v1/PlanWarning.ts';
import type { LabelMarks as _stint_v1_LabelMarks, LabelMarks__Output as _stint_v1_LabelMarks__Output } from '../../stint/v1/LabelMarks.ts';
import type { DroppedActions as _stint_v1_DroppedActions, DroppedActions__Output as _stint_v1_DroppedActions__Output } from '../../stint/v1/DroppedActions.ts';
import type { PlanReach as _stint_v1_PlanReach, PlanReach__Output as _stint_v1_PlanReach__Output } from '../../stint/v1/PlanReach.ts';
import type { OnwardStep as _stint_v1_OnwardStep, OnwardStep__Output as _stint_v1_OnwardStep__Output } from '../../stint/v1/OnwardStep.ts';

/**
 * What a task comes to.
 */
export interface Plan {
  /**
   * Hex SHA-256 over everything in the plan; an approval is bound to it.
   */
  'hash'?: (string);
  /**
   * The task as it was understood.
   */
  'task'?: (_stint_v1_Task | null);
  /**
   * Each action on each resource.
   */
  'pairs'?: (_stint_v1_PlanPair)[];
  /**
   * Allow statements of the session policy, JSON.
   */
  'sessionPolicy'?: (string);
  /**
   * Characters of the session policy with the time Deny; AWS takes 2048.
   */
  'sessionPolicyCharacters'?: (number);
  /**
   * What the grant could do.
   */
  'blastRadius'?: (_stint_v1_BlastRadius | null);
  /**
   * The agent that it was judged for: a SPIFFE ID, or the subject of an OIDC issuer.
   */
  'subject'?: (string);
  /**
   * Warnings for whoever approves or uses it.
   */
  'warnings'?: (_stint_v1_PlanWarning)[];
  /**
   * The labels that it touches and that the operator has marked.
   */
  'labelMarks'?: (_stint_v1_LabelMarks)[];
  /**
   * Actions of wildcards that are not in the plan.
   */
  'dropped'?: (_stint_v1_DroppedActions)[];
  /**
   * The part of it that the role's own policies allow; absent if the broker does not know them.
   */
  'reach'?: (_stint_v1_PlanReach | null);
  /**
   * What its effects could do in turn, one step further: as other roles, by code that it changes, by permissions that it gives.
   */
  'onward'?: (_stint_v1_OnwardStep)[];
}

/**
 * What a task comes to.
 */
export interface Plan__Output {
  /**
   * Hex SHA-256 over everything in the plan; an approval is bound to it.
   */
  'hash': (string);
  /**
   * The task as it was understood.
   */
  'task': (_stint_v1_Task__Output | null);
  /**
   * Each action on each resource.
   */
  'pairs': (_stint_v1_PlanPair__Output)[];
  /**
   * Allow statements of the session policy, JSON.
   */
  'sessionPolicy': (string);
  /**
   * Characters of the session policy with the time Deny; AWS takes 2048.
   */
  'sessionPolicyCharacters': (number);
  /**
   * What the grant could do.
   */
  'blastRadius': (_stint_v1_BlastRadius__Output | null);
  /**
   * The agent that it was judged for: a SPIFFE ID, or the subject of an OIDC issuer.
   */
  'subject': (string);
  /**
   * Warnings for whoever approves or uses it.
   */
  'warnings': (_stint_v1_PlanWarning__Output)[];
  /**
   * The labels that it touches and that the operator has marked.
   */
  'labelMarks': (_stint_v1_LabelMarks__Output)[];
  /**
   * Actions of wildcards that are not in the plan.
   */
  'dropped': (_stint_v1_DroppedActions__Output)[];
  /**
   * The part of it that the role's own policies allow; absent if the broker does not know them.
   */
  'reach': (_stint_v1_PlanReach__Output | null);
  /**
   * What its effects could do in turn, one step further: as other roles, by code that it changes, by permissions that it gives.
   */
  'onward': (_stint_v1_OnwardStep__Output)[];
}
