import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';
import type { Access as _stint_v1_Access, Access__Output as _stint_v1_Access__Output } from './stint/v1/Access.ts';
import type { Activity as _stint_v1_Activity, Activity__Output as _stint_v1_Activity__Output } from './stint/v1/Activity.ts';
import type { ApprovalRequirement as _stint_v1_ApprovalRequirement, ApprovalRequirement__Output as _stint_v1_ApprovalRequirement__Output } from './stint/v1/ApprovalRequirement.ts';
import type { AwsCredentials as _stint_v1_AwsCredentials, AwsCredentials__Output as _stint_v1_AwsCredentials__Output } from './stint/v1/AwsCredentials.ts';
import type { BlastRadius as _stint_v1_BlastRadius, BlastRadius__Output as _stint_v1_BlastRadius__Output } from './stint/v1/BlastRadius.ts';
import type { BrokerServiceClient as _stint_v1_BrokerServiceClient, BrokerServiceDefinition as _stint_v1_BrokerServiceDefinition } from './stint/v1/BrokerService.ts';
import type { Change as _stint_v1_Change, Change__Output as _stint_v1_Change__Output } from './stint/v1/Change.ts';
import type { ChangedResource as _stint_v1_ChangedResource, ChangedResource__Output as _stint_v1_ChangedResource__Output } from './stint/v1/ChangedResource.ts';
import type { CompleteGrantRequest as _stint_v1_CompleteGrantRequest, CompleteGrantRequest__Output as _stint_v1_CompleteGrantRequest__Output } from './stint/v1/CompleteGrantRequest.ts';
import type { CompleteGrantResponse as _stint_v1_CompleteGrantResponse, CompleteGrantResponse__Output as _stint_v1_CompleteGrantResponse__Output } from './stint/v1/CompleteGrantResponse.ts';
import type { Condition as _stint_v1_Condition, Condition__Output as _stint_v1_Condition__Output } from './stint/v1/Condition.ts';
import type { Decision as _stint_v1_Decision, Decision__Output as _stint_v1_Decision__Output } from './stint/v1/Decision.ts';
import type { DroppedActions as _stint_v1_DroppedActions, DroppedActions__Output as _stint_v1_DroppedActions__Output } from './stint/v1/DroppedActions.ts';
import type { FailedPair as _stint_v1_FailedPair, FailedPair__Output as _stint_v1_FailedPair__Output } from './stint/v1/FailedPair.ts';
import type { GetGrantRequest as _stint_v1_GetGrantRequest, GetGrantRequest__Output as _stint_v1_GetGrantRequest__Output } from './stint/v1/GetGrantRequest.ts';
import type { GetGrantResponse as _stint_v1_GetGrantResponse, GetGrantResponse__Output as _stint_v1_GetGrantResponse__Output } from './stint/v1/GetGrantResponse.ts';
import type { Grant as _stint_v1_Grant, Grant__Output as _stint_v1_Grant__Output } from './stint/v1/Grant.ts';
import type { LabelMarks as _stint_v1_LabelMarks, LabelMarks__Output as _stint_v1_LabelMarks__Output } from './stint/v1/LabelMarks.ts';
import type { Lease as _stint_v1_Lease, Lease__Output as _stint_v1_Lease__Output } from './stint/v1/Lease.ts';
import type { ListGrantsRequest as _stint_v1_ListGrantsRequest, ListGrantsRequest__Output as _stint_v1_ListGrantsRequest__Output } from './stint/v1/ListGrantsRequest.ts';
import type { ListGrantsResponse as _stint_v1_ListGrantsResponse, ListGrantsResponse__Output as _stint_v1_ListGrantsResponse__Output } from './stint/v1/ListGrantsResponse.ts';
import type { OnwardStep as _stint_v1_OnwardStep, OnwardStep__Output as _stint_v1_OnwardStep__Output } from './stint/v1/OnwardStep.ts';
import type { OutlivingAction as _stint_v1_OutlivingAction, OutlivingAction__Output as _stint_v1_OutlivingAction__Output } from './stint/v1/OutlivingAction.ts';
import type { PairReach as _stint_v1_PairReach, PairReach__Output as _stint_v1_PairReach__Output } from './stint/v1/PairReach.ts';
import type { Plan as _stint_v1_Plan, Plan__Output as _stint_v1_Plan__Output } from './stint/v1/Plan.ts';
import type { PlanPair as _stint_v1_PlanPair, PlanPair__Output as _stint_v1_PlanPair__Output } from './stint/v1/PlanPair.ts';
import type { PlanReach as _stint_v1_PlanReach, PlanReach__Output as _stint_v1_PlanReach__Output } from './stint/v1/PlanReach.ts';
import type { PlanTaskRequest as _stint_v1_PlanTaskRequest, PlanTaskRequest__Output as _stint_v1_PlanTaskRequest__Output } from './stint/v1/PlanTaskRequest.ts';
import type { PlanTaskResponse as _stint_v1_PlanTaskResponse, PlanTaskResponse__Output as _stint_v1_PlanTaskResponse__Output } from './stint/v1/PlanTaskResponse.ts';
import type { PlanWarning as _stint_v1_PlanWarning, PlanWarning__Output as _stint_v1_PlanWarning__Output } from './stint/v1/PlanWarning.ts';
import type { RenewLeaseRequest as _stint_v1_RenewLeaseRequest, RenewLeaseRequest__Output as _stint_v1_RenewLeaseRequest__Output } from './stint/v1/RenewLeaseRequest.ts';
import type { RenewLeaseResponse as _stint_v1_RenewLeaseResponse, RenewLeaseResponse__Output as _stint_v1_RenewLeaseResponse__Output } from './stint/v1/RenewLeaseResponse.ts';
import type { ReportActivityRequest as _stint_v1_ReportActivityRequest, ReportActivityRequest__Output as _stint_v1_ReportActivityRequest__Output } from './stint/v1/ReportActivityRequest.ts';
import type { ReportActivityResponse as _stint_v1_ReportActivityResponse, ReportActivityResponse__Output as _stint_v1_ReportActivityResponse__Output } from './stint/v1/ReportActivityResponse.ts';
import type { RequestGrantRequest as _stint_v1_RequestGrantRequest, RequestGrantRequest__Output as _stint_v1_RequestGrantRequest__Output } from './stint/v1/RequestGrantRequest.ts';
import type { RequestGrantResponse as _stint_v1_RequestGrantResponse, RequestGrantResponse__Output as _stint_v1_RequestGrantResponse__Output } from './stint/v1/RequestGrantResponse.ts';
import type { Task as _stint_v1_Task, Task__Output as _stint_v1_Task__Output } from './stint/v1/Task.ts';
import type { Waiver as _stint_v1_Waiver, Waiver__Output as _stint_v1_Waiver__Output } from './stint/v1/Waiver.ts';
import type { WatchGrantRequest as _stint_v1_WatchGrantRequest, WatchGrantRequest__Output as _stint_v1_WatchGrantRequest__Output } from './stint/v1/WatchGrantRequest.ts';
import type { WatchGrantResponse as _stint_v1_WatchGrantResponse, WatchGrantResponse__Output as _stint_v1_WatchGrantResponse__Output } from './stint/v1/WatchGrantResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
  stint: {
    v1: {
      Access: MessageTypeDefinition<_stint_v1_Access, _stint_v1_Access__Output>
      Activity: MessageTypeDefinition<_stint_v1_Activity, _stint_v1_Activity__Output>
      ApprovalRequirement: MessageTypeDefinition<_stint_v1_ApprovalRequirement, _stint_v1_ApprovalRequirement__Output>
      AwsCredentials: MessageTypeDefinition<_stint_v1_AwsCredentials, _stint_v1_AwsCredentials__Output>
      BlastRadius: MessageTypeDefinition<_stint_v1_BlastRadius, _stint_v1_BlastRadius__Output>
      /**
       * Hands out and takes back credentials. Every call is authenticated by an X.509-SVID over mTLS, by a JWT-SVID as
       * `authorization: Bearer`, or by both, which then must agree. An error carries google.rpc.ErrorInfo in
       * `grpc-status-details-bin`: `reason` is Stint's stable code, `domain` is `stint.v1`. What is wrong with a request comes all at
       * once, as google.rpc.BadRequest: fields by their path (`task.access[0].actions[1]`), each with its own code as `reason`.
       * PlanTask and RequestGrant refuse a request with a field that the broker does not know, at any depth, since a later client may
       * have narrowed the task there.
       * 
       * A call may carry `x-request-id` (1 to 64 of A-Z a-z 0-9 . _ : -) and a W3C `traceparent` as metadata. The request id, or one
       * made here, comes back as `x-request-id`; both ids are in ErrorInfo, as `requestId` and `traceId`, and on record.
       */
      BrokerService: SubtypeConstructor<typeof grpc.Client, _stint_v1_BrokerServiceClient> & { service: _stint_v1_BrokerServiceDefinition }
      Change: MessageTypeDefinition<_stint_v1_Change, _stint_v1_Change__Output>
      ChangedResource: MessageTypeDefinition<_stint_v1_ChangedResource, _stint_v1_ChangedResource__Output>
      CompleteGrantRequest: MessageTypeDefinition<_stint_v1_CompleteGrantRequest, _stint_v1_CompleteGrantRequest__Output>
      CompleteGrantResponse: MessageTypeDefinition<_stint_v1_CompleteGrantResponse, _stint_v1_CompleteGrantResponse__Output>
      Condition: MessageTypeDefinition<_stint_v1_Condition, _stint_v1_Condition__Output>
      Decision: MessageTypeDefinition<_stint_v1_Decision, _stint_v1_Decision__Output>
      DroppedActions: MessageTypeDefinition<_stint_v1_DroppedActions, _stint_v1_DroppedActions__Output>
      FailedPair: MessageTypeDefinition<_stint_v1_FailedPair, _stint_v1_FailedPair__Output>
      GetGrantRequest: MessageTypeDefinition<_stint_v1_GetGrantRequest, _stint_v1_GetGrantRequest__Output>
      GetGrantResponse: MessageTypeDefinition<_stint_v1_GetGrantResponse, _stint_v1_GetGrantResponse__Output>
      Grant: MessageTypeDefinition<_stint_v1_Grant, _stint_v1_Grant__Output>
      GrantState: EnumTypeDefinition
      LabelMarks: MessageTypeDefinition<_stint_v1_LabelMarks, _stint_v1_LabelMarks__Output>
      Lease: MessageTypeDefinition<_stint_v1_Lease, _stint_v1_Lease__Output>
      ListGrantsRequest: MessageTypeDefinition<_stint_v1_ListGrantsRequest, _stint_v1_ListGrantsRequest__Output>
      ListGrantsResponse: MessageTypeDefinition<_stint_v1_ListGrantsResponse, _stint_v1_ListGrantsResponse__Output>
      OnwardStep: MessageTypeDefinition<_stint_v1_OnwardStep, _stint_v1_OnwardStep__Output>
      OutlivingAction: MessageTypeDefinition<_stint_v1_OutlivingAction, _stint_v1_OutlivingAction__Output>
      PairReach: MessageTypeDefinition<_stint_v1_PairReach, _stint_v1_PairReach__Output>
      Plan: MessageTypeDefinition<_stint_v1_Plan, _stint_v1_Plan__Output>
      PlanPair: MessageTypeDefinition<_stint_v1_PlanPair, _stint_v1_PlanPair__Output>
      PlanReach: MessageTypeDefinition<_stint_v1_PlanReach, _stint_v1_PlanReach__Output>
      PlanTaskRequest: MessageTypeDefinition<_stint_v1_PlanTaskRequest, _stint_v1_PlanTaskRequest__Output>
      PlanTaskResponse: MessageTypeDefinition<_stint_v1_PlanTaskResponse, _stint_v1_PlanTaskResponse__Output>
      PlanWarning: MessageTypeDefinition<_stint_v1_PlanWarning, _stint_v1_PlanWarning__Output>
      RenewLeaseRequest: MessageTypeDefinition<_stint_v1_RenewLeaseRequest, _stint_v1_RenewLeaseRequest__Output>
      RenewLeaseResponse: MessageTypeDefinition<_stint_v1_RenewLeaseResponse, _stint_v1_RenewLeaseResponse__Output>
      ReportActivityRequest: MessageTypeDefinition<_stint_v1_ReportActivityRequest, _stint_v1_ReportActivityRequest__Output>
      ReportActivityResponse: MessageTypeDefinition<_stint_v1_ReportActivityResponse, _stint_v1_ReportActivityResponse__Output>
      RequestGrantRequest: MessageTypeDefinition<_stint_v1_RequestGrantRequest, _stint_v1_RequestGrantRequest__Output>
      RequestGrantResponse: MessageTypeDefinition<_stint_v1_RequestGrantResponse, _stint_v1_RequestGrantResponse__Output>
      Task: MessageTypeDefinition<_stint_v1_Task, _stint_v1_Task__Output>
      Waiver: MessageTypeDefinition<_stint_v1_Waiver, _stint_v1_Waiver__Output>
      WatchGrantRequest: MessageTypeDefinition<_stint_v1_WatchGrantRequest, _stint_v1_WatchGrantRequest__Output>
      WatchGrantResponse: MessageTypeDefinition<_stint_v1_WatchGrantResponse, _stint_v1_WatchGrantResponse__Output>
    }
  }
}

