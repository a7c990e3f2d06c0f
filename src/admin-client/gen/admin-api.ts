// Written by npm run generate:admin-client out of the OpenAPI document of the admin API.
import type { Json } from '../../core/canonical-json.ts'

export interface paths {
    readonly "/v1/whoami": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get the current operator
         * @description Returns the operator's name, role and groups.
         */
        readonly get: operations["whoami"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get whether the broker can issue credentials, and its problems
         * @description Also responds while the ledger is unreadable, and reports that as a problem.
         */
        readonly get: operations["getStatus"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/grants": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List grants, newest first
         * @description Filters match exactly and are combined with AND. For the next page, send `nextCursor` and the same filters.
         */
        readonly get: operations["listGrants"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/grants/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get a grant with its plan, leases and approval
         * @description Includes the plan (absent once retention has removed it, and for a denied grant whose plan is over 4 KiB) and any leases, approval and deny list entry.
         */
        readonly get: operations["getGrant"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/grants/{id}/trail": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List a grant's audit events, in time order
         * @description Audit events remain after retention has removed the grant itself.
         */
        readonly get: operations["getGrantTrail"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/grants/{id}/leases": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List a grant's leases, by number
         * @description Each lease is one set of credentials. Secrets are never stored, so none are returned.
         */
        readonly get: operations["listGrantLeases"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/grants/{id}/revoke": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Revoke a grant
         * @description Idempotent. `outcome` says when the grant's credentials stop working, which may be after this response.
         */
        readonly post: operations["revokeGrant"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/approvals": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List approvals, newest first
         * @description To get the next page, send `nextCursor` as `cursor` with the same filter.
         */
        readonly get: operations["listApprovals"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/approvals/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get an approval with its plan
         * @description Returns the agent, its purpose, the blast radius and the exact session policy. The decision is bound to all of them.
         */
        readonly get: operations["getApproval"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/approvals/{id}/approve": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Approve one plan
         * @description Checks identity, registration and policy again first. The approval is bound to the hash of the plan that was shown.
         */
        readonly post: operations["approveApproval"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/approvals/{id}/reject": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Reject one plan
         * @description Final. The rejection is bound to the hash of the plan that was shown.
         */
        readonly post: operations["rejectApproval"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List current registrations
         * @description Returns all of them on one page. `problem` says why the newest file was rejected.
         */
        readonly get: operations["listAgents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/unregistered": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List unregistered identities
         * @description Most recent first. Each proved its identity and was refused because no registration covers it.
         */
        readonly get: operations["listUnregisteredAgents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/policies": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get the active policy set
         * @description Returns the set's ids, effects and hash. `problem` says why the newest set was rejected.
         */
        readonly get: operations["getPolicies"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/revocations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List the deny lists
         * @description One for each IAM policy document that denies revoked grants. Failing ones come first.
         */
        readonly get: operations["listRevocations"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/audit/events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * List audit events in order
         * @description To get the next page, send `nextAfterPosition` as `afterPosition`.
         */
        readonly get: operations["listAuditEvents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/audit/heads": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Get the last event of each chain of the audit log
         * @description Save the heads outside the broker: they reveal a log that was truncated or replaced.
         */
        readonly get: operations["getAuditHeads"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/audit/verify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Verify the hash chains of the whole audit log
         * @description Reads every event. One verification runs at a time; a second call is refused with RATE_LIMITED.
         */
        readonly get: operations["verifyAuditLog"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export interface components {
    schemas: {
        readonly Operator: {
            readonly name: string;
            /** @enum {string} */
            readonly role: "viewer" | "approver" | "operator" | "admin";
            readonly groups: readonly string[];
        };
        /** @description RFC 9457 */
        readonly Problem: {
            /** @example urn:stint:error:GRANT_NOT_FOUND */
            readonly type: string;
            readonly title: string;
            readonly status: number;
            /**
             * @description stable, for programs to branch on; a later version may add codes
             * @enum {string}
             */
            readonly code: "IDENTITY_REQUIRED" | "SPIFFE_ID_INVALID" | "SUBJECT_INVALID" | "SVID_INVALID" | "SVID_EXPIRED" | "SVID_AMBIGUOUS" | "SVID_WITHDRAWN" | "SVID_NOT_OFFERED" | "TRUST_DOMAIN_UNKNOWN" | "TRUST_DOMAIN_UNAVAILABLE" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "TOKEN_REPLAYED" | "IDENTITY_MISMATCH" | "TOKEN_BINDING_MISMATCH" | "ISSUER_UNAVAILABLE" | "ISSUER_INVALID" | "BUNDLE_INVALID" | "AGENT_UNREGISTERED" | "REGISTRATION_EXPIRED" | "REGISTRY_INVALID" | "TASK_INVALID" | "PURPOSE_MISSING" | "ROLE_UNKNOWN" | "ACTION_UNKNOWN" | "RESOURCE_INVALID" | "ACTION_RESOURCE_MISMATCH" | "RESOURCE_TOO_WIDE" | "TTL_OUT_OF_RANGE" | "SESSION_POLICY_TOO_LARGE" | "LABELS_INVALID" | "POLICY_DENIED" | "POLICY_INVALID" | "POLICY_UNAVAILABLE" | "IDEMPOTENCY_KEY_INVALID" | "IDEMPOTENCY_KEY_REUSED" | "GRANT_NOT_FOUND" | "GRANT_NOT_ACTIVE" | "APPROVAL_PENDING" | "APPROVAL_NOT_FOUND" | "APPROVAL_DECIDED" | "APPROVAL_REJECTED" | "APPROVAL_EXPIRED" | "APPROVAL_STALE" | "APPROVAL_NOT_ELIGIBLE" | "QUOTA_EXCEEDED" | "RATE_LIMITED" | "PROVIDER_UNAVAILABLE" | "PROVIDER_THROTTLED" | "PROVIDER_REFUSED" | "PROVIDER_ANSWER_INVALID" | "LEDGER_UNAVAILABLE" | "LEDGER_LOCKED" | "LEDGER_VERSION_UNSUPPORTED" | "LEDGER_CORRUPT" | "LEDGER_CONFLICT" | "AUDIT_INVALID" | "CLOCK_UNSTABLE" | "REQUEST_INVALID" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "BODY_TOO_LARGE" | "MEDIA_TYPE_UNSUPPORTED" | "OPERATOR_UNKNOWN" | "OPERATOR_FORBIDDEN" | "CANCELLED" | "DEADLINE_EXCEEDED" | "BROKER_UNAVAILABLE" | "SHUTTING_DOWN" | "WORKLOAD_API_UNAVAILABLE" | "URL_REFUSED" | "FETCH_FAILED" | "CONFIG_INVALID" | "INTERNAL";
            /** @description what was wrong, and what would be valid */
            readonly detail?: string;
            readonly details: {
                readonly [key: string]: unknown;
            };
            readonly errors?: readonly {
                /**
                 * @description JSON pointer
                 * @example /query/limit
                 */
                readonly pointer: string;
                readonly message: string;
            }[];
            /** @example 0d9b7b0c-6f0e-4f3e-9a53-0f5d2b2f3c1e */
            readonly requestId: string;
            /** @description trace id from the caller's `traceparent` */
            readonly traceId?: string;
        };
        readonly Status: {
            readonly ready: boolean;
            readonly problems: readonly {
                /** @description the part of the broker, e.g. policy or bundle:example.org */
                readonly component: string;
                /** @description set if the part works but something in it needs attention */
                readonly finding?: string;
                readonly code: string;
                readonly explanation: string;
                /** @description RFC 3339; when the part first had it */
                readonly since: string;
            }[];
            /** @description the broker's own identity, and the keys of each configured trust domain */
            readonly identity: {
                readonly spiffeId?: string;
                /** @description RFC 3339; expiry of the SVID in use */
                readonly notAfter?: string;
                readonly bundles: readonly {
                    readonly trustDomain: string;
                    /** @description file, workload-api or federation */
                    readonly source: string;
                    readonly x509Authorities: number;
                    readonly jwtAuthorities: number;
                }[];
            };
            /** @description grants by state; empty while the ledger cannot be read */
            readonly grants: {
                readonly denied?: number;
                readonly awaiting_approval?: number;
                readonly rejected?: number;
                readonly approval_expired?: number;
                readonly active?: number;
                readonly ending?: number;
                readonly ended?: number;
            };
            readonly version: string;
        };
        readonly GrantPage: {
            readonly items: readonly components["schemas"]["Grant"][];
            /** @description absent on the last page */
            readonly nextCursor?: string;
        };
        readonly Grant: {
            /** @example grt_01JD7Z0000EXAMP1E0GRANT000 */
            readonly id: string;
            /** @description SPIFFE ID of the agent, or its subject at an OIDC issuer */
            readonly subject: string;
            readonly trustDomain: string;
            /** @enum {string} */
            readonly authMethod: "x509-svid" | "jwt-svid" | "x509-svid+jwt-svid" | "oidc" | "x509-svid+oidc";
            readonly registration: string;
            readonly owner: string;
            readonly team: string;
            readonly idempotencyKey: string;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly taskHash: string;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly planHash: string;
            readonly roleArn: string;
            /** @description the agent's own words */
            readonly purpose: string;
            /** @enum {string} */
            readonly state: "denied" | "awaiting_approval" | "rejected" | "approval_expired" | "active" | "ending" | "ended";
            /** @enum {string} */
            readonly reason?: "completed" | "deadline" | "revoked" | "killed" | "identity_lost" | "policy_changed" | "parent_ended" | "mint_failed";
            readonly decision: components["schemas"]["Decision"];
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly requestedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly activeAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly deadline?: string;
            /**
             * Format: date-time
             * @description when its credentials stop working, at the latest
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly effectiveBy?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly endedAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly dueAt?: string;
            readonly leaseCount: number;
            readonly version: number;
        };
        readonly Decision: {
            /** @enum {string} */
            readonly outcome: "permit" | "deny" | "approval";
            readonly determiningPolicies: readonly string[];
            readonly failedPairs: readonly {
                readonly action: string;
                readonly resource: string;
                /** @enum {string} */
                readonly reason: "no_permit" | "forbidden" | "evaluation_error";
                readonly policies: readonly string[];
            }[];
            /** @description number of failed pairs that are not listed */
            readonly failedPairsLeftOut?: number;
            readonly approval: readonly components["schemas"]["ApprovalRequirement"][];
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly policySetHash: string;
        };
        /** @description a member of one of these groups must approve; any = any approver */
        readonly ApprovalRequirement: {
            readonly anyOf: readonly string[];
            readonly because: readonly string[];
        };
        readonly GrantDetails: {
            readonly grant: components["schemas"]["Grant"];
            readonly plan?: components["schemas"]["Plan"];
            readonly leases: readonly components["schemas"]["Lease"][];
            readonly approval?: components["schemas"]["Approval"];
            readonly deny?: components["schemas"]["DenyEntry"];
        };
        readonly Plan: {
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly hash: string;
            readonly subject: string;
            readonly task: {
                readonly purpose: string;
                readonly roleArn: string;
                readonly access: readonly {
                    readonly actions: readonly string[];
                    readonly resources: readonly string[];
                }[];
                readonly ttlSeconds: number;
                readonly reference?: string;
            };
            readonly pairs: readonly {
                readonly action: string;
                readonly resource: string;
                /** @enum {string} */
                readonly class: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
                readonly within: readonly string[];
                readonly touches: readonly string[];
            }[];
            readonly classes: readonly ("list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation")[];
            readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
            readonly sessionPolicy: string;
            readonly sessionPolicyCharacters: number;
            readonly blastRadius: {
                readonly actions: number;
                readonly resourcePatterns: number;
                readonly byClass: {
                    readonly list?: number;
                    readonly read?: number;
                    readonly tag?: number;
                    readonly write?: number;
                    readonly destructive?: number;
                    readonly permissions?: number;
                    readonly escalation?: number;
                };
                readonly byLabel: {
                    readonly [key: string]: number;
                };
                readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
                readonly outlives: readonly {
                    readonly action: string;
                    readonly reason: string;
                }[];
                readonly unknown: readonly string[];
            };
            readonly actionTableVersion: string;
        };
        readonly Lease: {
            /** @example lse_01JD7Z0000EXAMP1E01EASE000 */
            readonly id: string;
            /** @example grt_01JD7Z0000EXAMP1E0GRANT000 */
            readonly grantId: string;
            readonly number: number;
            readonly roleArn: string;
            readonly sessionName: string;
            /** @enum {string} */
            readonly state: "intended" | "issued" | "ended";
            /** @enum {string} */
            readonly end?: "expired" | "not_minted" | "denied";
            /**
             * Format: date-time
             * @description when the credentials stop working
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly notAfter: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly intendedAt: string;
            /** @description the broker process that mints it */
            readonly replica?: string;
            /**
             * Format: date-time
             * @description by then its mint has been answered or given up
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly mintUntil?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly issuedAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly endedAt?: string;
            /** @description for correlation with CloudTrail */
            readonly accessKeyId?: string;
            readonly outcomeUnknown?: boolean;
        };
        readonly Approval: {
            /** @example apr_01JD7Z0000EXAMP1E0APPR0V00 */
            readonly id: string;
            /** @example grt_01JD7Z0000EXAMP1E0GRANT000 */
            readonly grantId: string;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly planHash: string;
            readonly requirements: readonly components["schemas"]["ApprovalRequirement"][];
            /** @enum {string} */
            readonly state: "pending" | "approved" | "rejected" | "expired";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly requestedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly expiresAt: string;
            readonly decidedBy?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly decidedAt?: string;
            readonly note?: string;
            readonly version: number;
        };
        readonly DenyEntry: {
            /** @example grt_01JD7Z0000EXAMP1E0GRANT000 */
            readonly grantId: string;
            readonly target: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly wantedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly until: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly lastIssuedAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly writtenAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly enforcedAt?: string;
        };
        readonly GrantTrail: {
            readonly events: readonly components["schemas"]["AuditEvent"][];
        };
        readonly AuditEvent: {
            /** @example evt_01JD7Z0000EXAMP1E0EVENT000 */
            readonly id: string;
            /** @description order of the event in this list; positions have gaps and are not covered by the hash */
            readonly position: number;
            /** @description broker process that wrote the event */
            readonly chain?: string;
            /** @description number of the event in its chain, from 1 */
            readonly seq: number;
            readonly type: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly at: string;
            readonly actor: string;
            /** @example grt_01JD7Z0000EXAMP1E0GRANT000 */
            readonly grantId?: string;
            /** @example lse_01JD7Z0000EXAMP1E01EASE000 */
            readonly leaseId?: string;
            /**
             * @description id of the call that caused the event
             * @example 0d9b7b0c-6f0e-4f3e-9a53-0f5d2b2f3c1e
             */
            readonly requestId?: string;
            /** @description trace id from the caller's `traceparent` */
            readonly traceId?: string;
            /** @description details of the event; any JSON */
            readonly data?: Json;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly prevHash: string;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly hash: string;
        };
        readonly LeaseList: {
            readonly items: readonly components["schemas"]["Lease"][];
        };
        readonly Revocation: {
            readonly grant: components["schemas"]["Grant"];
            readonly outcome: components["schemas"]["RevocationOutcome"];
        };
        readonly RevocationOutcome: {
            /** @enum {string} */
            readonly kind: "ended";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly at: string;
        } | {
            /** @enum {string} */
            readonly kind: "ending";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly effectiveBy: string;
        } | {
            /** @enum {string} */
            readonly kind: "not-revocable";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly usableUntil: string;
        };
        readonly Note: {
            /**
             * @description the reason, in your own words; recorded in the audit log
             * @example Wrong bucket: the job runs against staging
             */
            readonly note: string;
        };
        readonly ApprovalPage: {
            readonly items: readonly components["schemas"]["Approval"][];
            /** @description absent on the last page */
            readonly nextCursor?: string;
        };
        readonly ApprovalDetails: {
            readonly approval: components["schemas"]["Approval"];
            readonly grant: components["schemas"]["Grant"];
            readonly plan: components["schemas"]["Plan"];
            /** @description whether you may decide it, checked in advance as far as possible */
            readonly eligible: boolean;
        };
        readonly AnsweredApproval: {
            readonly approval: components["schemas"]["Approval"];
            readonly grant: components["schemas"]["Grant"];
        };
        readonly ApprovalAnswer: {
            /** @description hash of the plan that you were shown; a different hash fails with APPROVAL_STALE */
            readonly planHash: string;
            /**
             * @description the reason, in your own words; recorded in the audit log
             * @example Wrong bucket: the job runs against staging
             */
            readonly note: string;
        };
        readonly RegistrationList: {
            readonly items: readonly components["schemas"]["Registration"][];
            readonly problem?: components["schemas"]["FileProblem"];
        };
        readonly Registration: {
            readonly name: string;
            readonly match: string;
            readonly owner: string;
            readonly team: string;
            readonly purpose: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly expiresAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly reviewAt?: string;
        };
        /** @description why the newest file was rejected; the last valid one stays in use */
        readonly FileProblem: {
            readonly code: string;
            readonly explanation: string;
        };
        readonly UnregisteredPage: {
            readonly items: readonly components["schemas"]["UnregisteredAttempt"][];
            /** @description absent on the last page */
            readonly nextCursor?: string;
        };
        readonly UnregisteredAttempt: {
            readonly subject: string;
            readonly trustDomain: string;
            /** @enum {string} */
            readonly authMethod: "x509-svid" | "jwt-svid" | "x509-svid+jwt-svid" | "oidc" | "x509-svid+oidc";
            /** @enum {string} */
            readonly reason: "AGENT_UNREGISTERED" | "REGISTRATION_EXPIRED";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly firstSeenAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly lastSeenAt: string;
            readonly count: number;
        };
        readonly PolicySet: {
            /** @description absent until a set has been loaded */
            readonly hash?: string;
            /** Format: date-time */
            readonly loadedAt?: string;
            readonly policies: readonly {
                readonly id: string;
                /** @enum {string} */
                readonly effect: "permit" | "forbid";
                readonly file: string;
                readonly approval?: string;
            }[];
            readonly problem?: components["schemas"]["FileProblem"];
        };
        readonly DenyTargetList: {
            readonly items: readonly components["schemas"]["DenyTarget"][];
        };
        readonly DenyTarget: {
            readonly target: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly nextAttemptAt?: string;
            readonly attempts: number;
            readonly lastError?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly lastWrittenAt?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly watermark?: string;
            readonly claimedBy?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-21T12:00:00.000Z
             */
            readonly claimedUntil?: string;
            readonly claimVersion: number;
        };
        readonly AuditEventPage: {
            readonly items: readonly components["schemas"]["AuditEvent"][];
            /** @description afterPosition of the next page; absent at the end */
            readonly nextAfterPosition?: number;
        };
        readonly AuditHeads: {
            /** @description position of the last event */
            readonly position: number;
            /** @description last events of the chains whose end no other chain names; together they cover every chain */
            readonly heads: readonly components["schemas"]["ChainHead"][];
        };
        readonly ChainHead: {
            /** @description broker process that wrote the chain; empty for events recorded before chains had names */
            readonly chain: string;
            readonly seq: number;
            /** @example e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 */
            readonly hash: string;
        };
        readonly AuditVerdict: {
            /**
             * @description unwitnessed: whole as far as it goes, but the end of a chain could have been cut off unnoticed; always so for the newest chain, closed or not
             * @enum {string}
             */
            readonly verdict: "whole" | "unwitnessed" | "broken";
            /** @description number of events verified */
            readonly events: number;
            readonly chains: number;
            /** @description last events of the chains whose end no other chain names; save them outside the broker */
            readonly heads: readonly components["schemas"]["ChainHead"][];
            /** @description ends of chains that no other chain and no saved head confirms */
            readonly unwitnessed: readonly {
                /** @description broker process that wrote the chain; empty for events recorded before chains had names */
                readonly chain: string;
                readonly afterSeq: number;
                readonly events: number;
            }[];
            /** @description the first problem found; set if the verdict is broken */
            readonly problem?: {
                /** @description broker process that wrote the chain; empty for events recorded before chains had names */
                readonly chain: string;
                readonly seq: number;
                /** @enum {string} */
                readonly kind: "edited" | "missing" | "reordered" | "truncated" | "forked" | "unreadable";
                readonly explanation: string;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export interface operations {
    readonly whoami: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the operator */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Operator"];
                };
            };
        };
    };
    readonly getStatus: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the state */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    readonly listGrants: {
        readonly parameters: {
            readonly query?: {
                /** @description exact SPIFFE ID, or exact subject at an OIDC issuer */
                readonly agent?: string;
                /** @description exact owner, from the agent's registration */
                readonly owner?: string;
                readonly state?: "denied" | "awaiting_approval" | "rejected" | "approval_expired" | "active" | "ending" | "ended";
                /** @description exact role ARN */
                readonly role?: string;
                /** @description requested after this instant */
                readonly requestedAfter?: string;
                /** @description requested before this instant */
                readonly requestedBefore?: string;
                readonly limit?: number;
                /** @description nextCursor of the previous page; opaque */
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description a page of grants */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["GrantPage"];
                };
            };
        };
    };
    readonly getGrant: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the grant */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["GrantDetails"];
                };
            };
        };
    };
    readonly getGrantTrail: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description its events */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["GrantTrail"];
                };
            };
        };
    };
    readonly listGrantLeases: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description its leases */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LeaseList"];
                };
            };
        };
    };
    readonly revokeGrant: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Note"];
            };
        };
        readonly responses: {
            /** @description what it came to */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Revocation"];
                };
            };
        };
    };
    readonly listApprovals: {
        readonly parameters: {
            readonly query?: {
                readonly state?: "pending" | "approved" | "rejected" | "expired";
                readonly limit?: number;
                /** @description nextCursor of the previous page; opaque */
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description a page of approvals */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ApprovalPage"];
                };
            };
        };
    };
    readonly getApproval: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the approval */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ApprovalDetails"];
                };
            };
        };
    };
    readonly approveApproval: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApprovalAnswer"];
            };
        };
        readonly responses: {
            /** @description the approval as it is now */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AnsweredApproval"];
                };
            };
        };
    };
    readonly rejectApproval: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApprovalAnswer"];
            };
        };
        readonly responses: {
            /** @description the approval as it is now */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AnsweredApproval"];
                };
            };
        };
    };
    readonly listAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description all registrations */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RegistrationList"];
                };
            };
        };
    };
    readonly listUnregisteredAgents: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                /** @description nextCursor of the previous page; opaque */
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description a page of identities */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["UnregisteredPage"];
                };
            };
        };
    };
    readonly getPolicies: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the set */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PolicySet"];
                };
            };
        };
    };
    readonly listRevocations: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description all targets */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DenyTargetList"];
                };
            };
        };
    };
    readonly listAuditEvents: {
        readonly parameters: {
            readonly query?: {
                /** @description returns events after this position */
                readonly afterPosition?: number;
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description a page of events */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AuditEventPage"];
                };
            };
        };
    };
    readonly getAuditHeads: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the heads */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AuditHeads"];
                };
            };
        };
    };
    readonly verifyAuditLog: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description the verdict */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AuditVerdict"];
                };
            };
        };
    };
}
