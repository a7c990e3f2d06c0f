// Original file: proto/stint/v1/broker.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CompleteGrantRequest as _stint_v1_CompleteGrantRequest, CompleteGrantRequest__Output as _stint_v1_CompleteGrantRequest__Output } from '../../stint/v1/CompleteGrantRequest.ts';
import type { CompleteGrantResponse as _stint_v1_CompleteGrantResponse, CompleteGrantResponse__Output as _stint_v1_CompleteGrantResponse__Output } from '../../stint/v1/CompleteGrantResponse.ts';
import type { GetGrantRequest as _stint_v1_GetGrantRequest, GetGrantRequest__Output as _stint_v1_GetGrantRequest__Output } from '../../stint/v1/GetGrantRequest.ts';
import type { GetGrantResponse as _stint_v1_GetGrantResponse, GetGrantResponse__Output as _stint_v1_GetGrantResponse__Output } from '../../stint/v1/GetGrantResponse.ts';
import type { ListGrantsRequest as _stint_v1_ListGrantsRequest, ListGrantsRequest__Output as _stint_v1_ListGrantsRequest__Output } from '../../stint/v1/ListGrantsRequest.ts';
import type { ListGrantsResponse as _stint_v1_ListGrantsResponse, ListGrantsResponse__Output as _stint_v1_ListGrantsResponse__Output } from '../../stint/v1/ListGrantsResponse.ts';
import type { PlanTaskRequest as _stint_v1_PlanTaskRequest, PlanTaskRequest__Output as _stint_v1_PlanTaskRequest__Output } from '../../stint/v1/PlanTaskRequest.ts';
import type { PlanTaskResponse as _stint_v1_PlanTaskResponse, PlanTaskResponse__Output as _stint_v1_PlanTaskResponse__Output } from '../../stint/v1/PlanTaskResponse.ts';
import type { RenewLeaseRequest as _stint_v1_RenewLeaseRequest, RenewLeaseRequest__Output as _stint_v1_RenewLeaseRequest__Output } from '../../stint/v1/RenewLeaseRequest.ts';
import type { RenewLeaseResponse as _stint_v1_RenewLeaseResponse, RenewLeaseResponse__Output as _stint_v1_RenewLeaseResponse__Output } from '../../stint/v1/RenewLeaseResponse.ts';
import type { ReportActivityRequest as _stint_v1_ReportActivityRequest, ReportActivityRequest__Output as _stint_v1_ReportActivityRequest__Output } from '../../stint/v1/ReportActivityRequest.ts';
import type { ReportActivityResponse as _stint_v1_ReportActivityResponse, ReportActivityResponse__Output as _stint_v1_ReportActivityResponse__Output } from '../../stint/v1/ReportActivityResponse.ts';
import type { RequestGrantRequest as _stint_v1_RequestGrantRequest, RequestGrantRequest__Output as _stint_v1_RequestGrantRequest__Output } from '../../stint/v1/RequestGrantRequest.ts';
import type { RequestGrantResponse as _stint_v1_RequestGrantResponse, RequestGrantResponse__Output as _stint_v1_RequestGrantResponse__Output } from '../../stint/v1/RequestGrantResponse.ts';
import type { WatchGrantRequest as _stint_v1_WatchGrantRequest, WatchGrantRequest__Output as _stint_v1_WatchGrantRequest__Output } from '../../stint/v1/WatchGrantRequest.ts';
import type { WatchGrantResponse as _stint_v1_WatchGrantResponse, WatchGrantResponse__Output as _stint_v1_WatchGrantResponse__Output } from '../../stint/v1/WatchGrantResponse.ts';

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
export interface BrokerServiceClient extends grpc.Client {
  /**
   * Says that the task is over: no lease follows, and where the plan could change anything the last one is denied at once. A grant
   * that waits for approval is withdrawn: nobody is asked any more. If a person has just approved it, it ends, so either way no
   * credential of it can be had from then on.
   */
  CompleteGrant(argument: _stint_v1_CompleteGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  CompleteGrant(argument: _stint_v1_CompleteGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  CompleteGrant(argument: _stint_v1_CompleteGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  CompleteGrant(argument: _stint_v1_CompleteGrantRequest, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Says that the task is over: no lease follows, and where the plan could change anything the last one is denied at once. A grant
   * that waits for approval is withdrawn: nobody is asked any more. If a person has just approved it, it ends, so either way no
   * credential of it can be had from then on.
   */
  completeGrant(argument: _stint_v1_CompleteGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  completeGrant(argument: _stint_v1_CompleteGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  completeGrant(argument: _stint_v1_CompleteGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  completeGrant(argument: _stint_v1_CompleteGrantRequest, callback: grpc.requestCallback<_stint_v1_CompleteGrantResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Reads one grant of the caller.
   */
  GetGrant(argument: _stint_v1_GetGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  GetGrant(argument: _stint_v1_GetGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  GetGrant(argument: _stint_v1_GetGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  GetGrant(argument: _stint_v1_GetGrantRequest, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Reads one grant of the caller.
   */
  getGrant(argument: _stint_v1_GetGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  getGrant(argument: _stint_v1_GetGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  getGrant(argument: _stint_v1_GetGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  getGrant(argument: _stint_v1_GetGrantRequest, callback: grpc.requestCallback<_stint_v1_GetGrantResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Reads the caller's grants, newest first.
   */
  ListGrants(argument: _stint_v1_ListGrantsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  ListGrants(argument: _stint_v1_ListGrantsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  ListGrants(argument: _stint_v1_ListGrantsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  ListGrants(argument: _stint_v1_ListGrantsRequest, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Reads the caller's grants, newest first.
   */
  listGrants(argument: _stint_v1_ListGrantsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  listGrants(argument: _stint_v1_ListGrantsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  listGrants(argument: _stint_v1_ListGrantsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  listGrants(argument: _stint_v1_ListGrantsRequest, callback: grpc.requestCallback<_stint_v1_ListGrantsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Says what a task comes to and what policy would say of it now. Hands out nothing and makes no grant.
   */
  PlanTask(argument: _stint_v1_PlanTaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  PlanTask(argument: _stint_v1_PlanTaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  PlanTask(argument: _stint_v1_PlanTaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  PlanTask(argument: _stint_v1_PlanTaskRequest, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Says what a task comes to and what policy would say of it now. Hands out nothing and makes no grant.
   */
  planTask(argument: _stint_v1_PlanTaskRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  planTask(argument: _stint_v1_PlanTaskRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  planTask(argument: _stint_v1_PlanTaskRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  planTask(argument: _stint_v1_PlanTaskRequest, callback: grpc.requestCallback<_stint_v1_PlanTaskResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Mints a new lease under an active grant after identity, registration and policy were judged again.
   */
  RenewLease(argument: _stint_v1_RenewLeaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  RenewLease(argument: _stint_v1_RenewLeaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  RenewLease(argument: _stint_v1_RenewLeaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  RenewLease(argument: _stint_v1_RenewLeaseRequest, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Mints a new lease under an active grant after identity, registration and policy were judged again.
   */
  renewLease(argument: _stint_v1_RenewLeaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  renewLease(argument: _stint_v1_RenewLeaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  renewLease(argument: _stint_v1_RenewLeaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  renewLease(argument: _stint_v1_RenewLeaseRequest, callback: grpc.requestCallback<_stint_v1_RenewLeaseResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Adds the agent's own account of what it did to the trail of its grant.
   */
  ReportActivity(argument: _stint_v1_ReportActivityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  ReportActivity(argument: _stint_v1_ReportActivityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  ReportActivity(argument: _stint_v1_ReportActivityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  ReportActivity(argument: _stint_v1_ReportActivityRequest, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Adds the agent's own account of what it did to the trail of its grant.
   */
  reportActivity(argument: _stint_v1_ReportActivityRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  reportActivity(argument: _stint_v1_ReportActivityRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  reportActivity(argument: _stint_v1_ReportActivityRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  reportActivity(argument: _stint_v1_ReportActivityRequest, callback: grpc.requestCallback<_stint_v1_ReportActivityResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Asks for a grant. An active grant comes with its first lease; one that needs a person comes back as
   * `GRANT_STATE_AWAITING_APPROVAL` without a lease.
   */
  RequestGrant(argument: _stint_v1_RequestGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  RequestGrant(argument: _stint_v1_RequestGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  RequestGrant(argument: _stint_v1_RequestGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  RequestGrant(argument: _stint_v1_RequestGrantRequest, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Asks for a grant. An active grant comes with its first lease; one that needs a person comes back as
   * `GRANT_STATE_AWAITING_APPROVAL` without a lease.
   */
  requestGrant(argument: _stint_v1_RequestGrantRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  requestGrant(argument: _stint_v1_RequestGrantRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  requestGrant(argument: _stint_v1_RequestGrantRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  requestGrant(argument: _stint_v1_RequestGrantRequest, callback: grpc.requestCallback<_stint_v1_RequestGrantResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Sends the grant as it is, then each change of it, and ends with its final state.
   */
  WatchGrant(argument: _stint_v1_WatchGrantRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_stint_v1_WatchGrantResponse__Output>;
  WatchGrant(argument: _stint_v1_WatchGrantRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_stint_v1_WatchGrantResponse__Output>;
  /**
   * Sends the grant as it is, then each change of it, and ends with its final state.
   */
  watchGrant(argument: _stint_v1_WatchGrantRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_stint_v1_WatchGrantResponse__Output>;
  watchGrant(argument: _stint_v1_WatchGrantRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_stint_v1_WatchGrantResponse__Output>;
  
}

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
export interface BrokerServiceHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Says that the task is over: no lease follows, and where the plan could change anything the last one is denied at once. A grant
   * that waits for approval is withdrawn: nobody is asked any more. If a person has just approved it, it ends, so either way no
   * credential of it can be had from then on.
   */
  CompleteGrant: grpc.handleUnaryCall<_stint_v1_CompleteGrantRequest__Output, _stint_v1_CompleteGrantResponse>;
  
  /**
   * Reads one grant of the caller.
   */
  GetGrant: grpc.handleUnaryCall<_stint_v1_GetGrantRequest__Output, _stint_v1_GetGrantResponse>;
  
  /**
   * Reads the caller's grants, newest first.
   */
  ListGrants: grpc.handleUnaryCall<_stint_v1_ListGrantsRequest__Output, _stint_v1_ListGrantsResponse>;
  
  /**
   * Says what a task comes to and what policy would say of it now. Hands out nothing and makes no grant.
   */
  PlanTask: grpc.handleUnaryCall<_stint_v1_PlanTaskRequest__Output, _stint_v1_PlanTaskResponse>;
  
  /**
   * Mints a new lease under an active grant after identity, registration and policy were judged again.
   */
  RenewLease: grpc.handleUnaryCall<_stint_v1_RenewLeaseRequest__Output, _stint_v1_RenewLeaseResponse>;
  
  /**
   * Adds the agent's own account of what it did to the trail of its grant.
   */
  ReportActivity: grpc.handleUnaryCall<_stint_v1_ReportActivityRequest__Output, _stint_v1_ReportActivityResponse>;
  
  /**
   * Asks for a grant. An active grant comes with its first lease; one that needs a person comes back as
   * `GRANT_STATE_AWAITING_APPROVAL` without a lease.
   */
  RequestGrant: grpc.handleUnaryCall<_stint_v1_RequestGrantRequest__Output, _stint_v1_RequestGrantResponse>;
  
  /**
   * Sends the grant as it is, then each change of it, and ends with its final state.
   */
  WatchGrant: grpc.handleServerStreamingCall<_stint_v1_WatchGrantRequest__Output, _stint_v1_WatchGrantResponse>;
  
}

export interface BrokerServiceDefinition extends grpc.ServiceDefinition {
  CompleteGrant: MethodDefinition<_stint_v1_CompleteGrantRequest, _stint_v1_CompleteGrantResponse, _stint_v1_CompleteGrantRequest__Output, _stint_v1_CompleteGrantResponse__Output>
  GetGrant: MethodDefinition<_stint_v1_GetGrantRequest, _stint_v1_GetGrantResponse, _stint_v1_GetGrantRequest__Output, _stint_v1_GetGrantResponse__Output>
  ListGrants: MethodDefinition<_stint_v1_ListGrantsRequest, _stint_v1_ListGrantsResponse, _stint_v1_ListGrantsRequest__Output, _stint_v1_ListGrantsResponse__Output>
  PlanTask: MethodDefinition<_stint_v1_PlanTaskRequest, _stint_v1_PlanTaskResponse, _stint_v1_PlanTaskRequest__Output, _stint_v1_PlanTaskResponse__Output>
  RenewLease: MethodDefinition<_stint_v1_RenewLeaseRequest, _stint_v1_RenewLeaseResponse, _stint_v1_RenewLeaseRequest__Output, _stint_v1_RenewLeaseResponse__Output>
  ReportActivity: MethodDefinition<_stint_v1_ReportActivityRequest, _stint_v1_ReportActivityResponse, _stint_v1_ReportActivityRequest__Output, _stint_v1_ReportActivityResponse__Output>
  RequestGrant: MethodDefinition<_stint_v1_RequestGrantRequest, _stint_v1_RequestGrantResponse, _stint_v1_RequestGrantRequest__Output, _stint_v1_RequestGrantResponse__Output>
  WatchGrant: MethodDefinition<_stint_v1_WatchGrantRequest, _stint_v1_WatchGrantResponse, _stint_v1_WatchGrantRequest__Output, _stint_v1_WatchGrantResponse__Output>
}
