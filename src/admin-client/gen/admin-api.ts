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
        readonly get: operations["listAgents"];
        readonly put?: never;
        readonly post: operations["registerAgents"];
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
        readonly get: operations["listUnregisteredAgents"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["changeRegistration"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}/remove": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["removeRegistration"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agent-reviews/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["reviewAgents"];
        readonly put?: never;
        readonly post: operations["signReview"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}/suspend": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["suspendAgents"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}/resume": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["resumeAgents"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}/offboard": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["offboardAgents"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/agents/{name}/reinstate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["reinstateAgents"];
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
        readonly get: operations["getPolicies"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/deny-lists": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["listDenyLists"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/budgets": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["listBudgets"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/policies/impact": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["assessPolicyImpact"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/quarantine": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["getQuarantine"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/quarantine/open": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["openQuarantine"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/kills": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["listKills"];
        readonly put?: never;
        readonly post: operations["setKill"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/kills/drill": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["drillKill"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/kills/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["getKill"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/kills/{id}/lift": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["liftKill"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/reach": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["getReach"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/reach/may": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["getMayReach"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/webhooks": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["listWebhooks"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/webhooks/dead": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get: operations["listDeadNotices"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/webhooks/{name}/test": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["testWebhook"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/webhooks/{name}/resend": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post: operations["resendNotices"];
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
            readonly scope?: {
                readonly teams?: readonly string[];
                readonly accounts?: readonly string[];
            };
        };
        readonly Problem: {
            readonly type: string;
            readonly title: string;
            readonly status: number;
            /** @enum {string} */
            readonly code: "IDENTITY_REQUIRED" | "SPIFFE_ID_INVALID" | "SUBJECT_INVALID" | "SVID_INVALID" | "SVID_EXPIRED" | "SVID_AMBIGUOUS" | "SVID_WITHDRAWN" | "SVID_NOT_OFFERED" | "TRUST_DOMAIN_UNKNOWN" | "TRUST_DOMAIN_UNAVAILABLE" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "TOKEN_REPLAYED" | "IDENTITY_MISMATCH" | "TOKEN_BINDING_MISMATCH" | "ISSUER_UNAVAILABLE" | "ISSUER_INVALID" | "BUNDLE_INVALID" | "AGENT_UNREGISTERED" | "REGISTRATION_EXPIRED" | "REGISTRATION_UNREVIEWED" | "REGISTRATION_OWNERLESS" | "REGISTRATION_NOT_FOUND" | "REGISTRATION_EXISTS" | "REGISTRATION_CHANGED" | "REGISTRATION_IN_FILE" | "REGISTRATION_HELD" | "REGISTRATION_NOT_HELD" | "REGISTRATION_DUE" | "REVIEW_NOT_ELIGIBLE" | "REVIEW_STALE" | "REGISTRY_INVALID" | "TASK_INVALID" | "CHANGE_INVALID" | "CHANGE_DIFFERS" | "PURPOSE_MISSING" | "ROLE_UNKNOWN" | "ACTION_UNKNOWN" | "RESOURCE_INVALID" | "ACTION_RESOURCE_MISMATCH" | "CONDITION_INVALID" | "CONDITION_MISMATCH" | "RESOURCE_TOO_WIDE" | "TTL_OUT_OF_RANGE" | "SESSION_POLICY_TOO_LARGE" | "LABELS_INVALID" | "ROLE_POLICIES_INVALID" | "RESOURCE_INVENTORY_INVALID" | "ROLE_POLICIES_OLD" | "ACTION_OVERRIDES_INVALID" | "ACTION_CLASS_LOWERED" | "POLICY_DENIED" | "POLICY_INVALID" | "RULES_OUTDATED" | "POLICY_UNAVAILABLE" | "KILLED" | "AGENT_SUSPENDED" | "AGENT_OFFBOARDED" | "HOLD_NOT_FOUND" | "HOLD_LIFTED" | "HOLD_IN_FILE" | "HOLD_OF_SAME_PERSON" | "IDEMPOTENCY_KEY_INVALID" | "IDEMPOTENCY_KEY_REUSED" | "GRANT_NOT_FOUND" | "GRANT_NOT_ACTIVE" | "APPROVAL_PENDING" | "APPROVAL_NOT_FOUND" | "APPROVAL_DECIDED" | "APPROVAL_REJECTED" | "REQUEST_WITHDRAWN" | "APPROVAL_EXPIRED" | "APPROVAL_STALE" | "APPROVAL_VOIDED" | "STEP_UP_REQUIRED" | "APPROVAL_NOT_ELIGIBLE" | "QUOTA_EXCEEDED" | "BUDGET_EXCEEDED" | "RATE_LIMITED" | "PROVIDER_UNAVAILABLE" | "PROVIDER_THROTTLED" | "PROVIDER_REFUSED" | "PROVIDER_ANSWER_INVALID" | "DENY_LIST_FULL" | "DENY_LIST_CHANGED" | "DENY_LIST_LATE" | "CANARY_UNUSABLE" | "LEDGER_REPLACED" | "LEDGER_SPACE_LOW" | "LEDGER_OUTDATED" | "LEDGER_QUARANTINED" | "LEDGER_NOT_QUARANTINED" | "QUARANTINE_UNFINISHED" | "LEDGER_UNAVAILABLE" | "LEDGER_LISTEN_FAILED" | "LEDGER_LOCKED" | "LEDGER_VERSION_UNSUPPORTED" | "LEDGER_MIGRATION_NEEDED" | "LEDGER_MOVED" | "LEDGER_CORRUPT" | "LEDGER_CONFLICT" | "AUDIT_INVALID" | "CLOCK_UNSTABLE" | "REQUEST_INVALID" | "NOT_FOUND" | "METHOD_NOT_ALLOWED" | "BODY_TOO_LARGE" | "MEDIA_TYPE_UNSUPPORTED" | "OPERATOR_UNKNOWN" | "OPERATOR_FORBIDDEN" | "CANCELLED" | "DEADLINE_EXCEEDED" | "BROKER_UNAVAILABLE" | "SHUTTING_DOWN" | "WORKLOAD_API_UNAVAILABLE" | "URL_REFUSED" | "FETCH_FAILED" | "CONFIG_INVALID" | "CERTIFICATE_EXPIRING" | "CONFIG_WAITS" | "INTERNAL" | "NOTICE_ENDPOINT_NOT_FOUND" | "NOTICE_UNDELIVERED";
            readonly detail?: string;
            readonly details: {
                readonly [key: string]: unknown;
            };
            readonly errors?: readonly {
                readonly pointer: string;
                readonly message: string;
            }[];
            readonly requestId: string;
            readonly traceId?: string;
        };
        readonly Status: {
            readonly ready: boolean;
            readonly notReady: readonly {
                readonly part: string;
                readonly code: string;
                readonly explanation: string;
                readonly since: string;
            }[];
            readonly problems: readonly {
                readonly component: string;
                readonly finding?: string;
                readonly code: string;
                readonly explanation: string;
                readonly since: string;
            }[];
            readonly identity: {
                readonly spiffeId?: string;
                readonly notAfter?: string;
                readonly bundles: readonly {
                    readonly trustDomain: string;
                    readonly source: string;
                    readonly x509Authorities: number;
                    readonly jwtAuthorities: number;
                }[];
            };
            readonly grants: {
                readonly denied?: number;
                readonly awaiting_approval?: number;
                readonly rejected?: number;
                readonly withdrawn?: number;
                readonly approval_expired?: number;
                readonly active?: number;
                readonly ending?: number;
                readonly ended?: number;
            };
            readonly replicas?: readonly {
                readonly id: string;
                readonly self: boolean;
                readonly since: string;
                readonly seenAt: string;
                readonly version?: string;
                readonly clockOffsetMs?: number;
            }[];
            readonly version: string;
        };
        readonly GrantPage: {
            readonly items: readonly components["schemas"]["Grant"][];
            readonly nextCursor?: string;
        };
        readonly Grant: {
            readonly id: string;
            readonly subject: string;
            readonly trustDomain: string;
            /** @enum {string} */
            readonly authMethod: "x509-svid" | "jwt-svid" | "x509-svid+jwt-svid" | "oidc" | "x509-svid+oidc" | "broker";
            readonly registration: string;
            readonly owner: string;
            readonly team: string;
            readonly idempotencyKey: string;
            readonly taskHash: string;
            readonly planHash: string;
            readonly roleArn: string;
            readonly purpose: string;
            /** @enum {string} */
            readonly state: "denied" | "awaiting_approval" | "rejected" | "withdrawn" | "approval_expired" | "active" | "ending" | "ended";
            /** @enum {string} */
            readonly reason?: "completed" | "deadline" | "revoked" | "killed" | "identity_lost" | "policy_changed" | "parent_ended" | "mint_failed" | "restored" | "claim_expired" | "offboarded" | "alarm";
            readonly decision: components["schemas"]["Decision"];
            /** Format: date-time */
            readonly requestedAt: string;
            /** Format: date-time */
            readonly activeAt?: string;
            /** Format: date-time */
            readonly deadline?: string;
            /** Format: date-time */
            readonly claimBy?: string;
            readonly taskMs?: number;
            /** Format: date-time */
            readonly effectiveBy?: string;
            /** Format: date-time */
            readonly endedAt?: string;
            /** Format: date-time */
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
                readonly conditions?: readonly string[];
            }[];
            readonly failedPairsLeftOut?: number;
            readonly approval: readonly components["schemas"]["ApprovalRequirement"][];
            readonly reuse?: {
                readonly uses: number;
                readonly withinMs: number;
            };
            readonly waivers?: readonly {
                readonly policy: string;
                readonly reason: string;
                readonly because: readonly string[];
            }[];
            readonly policySetHash: string;
        };
        readonly ApprovalRequirement: {
            readonly anyOf: readonly string[];
            readonly count?: number;
            readonly exclude?: readonly "owner"[];
            /** @enum {string} */
            readonly assurance?: "no_step_up" | "step_up";
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
            readonly hash: string;
            readonly subject: string;
            readonly task: {
                readonly purpose: string;
                readonly roleArn: string;
                readonly access: readonly {
                    readonly actions: readonly string[];
                    readonly resources: readonly string[];
                    readonly conditions?: readonly {
                        readonly key: string;
                        readonly operator: string;
                        readonly values: readonly string[];
                    }[];
                }[];
                readonly ttlSeconds: number;
                readonly reference?: string;
                /** @enum {boolean} */
                readonly strict?: true;
                readonly change?: components["schemas"]["DeclaredChange"];
            };
            readonly pairs: readonly {
                readonly action: string;
                readonly resource: string;
                /** @enum {string} */
                readonly class: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
                readonly within: readonly string[];
                readonly touches: readonly string[];
                readonly conditions?: readonly {
                    readonly key: string;
                    readonly operator: string;
                    readonly values: readonly string[];
                }[];
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
                readonly byCondition?: {
                    readonly [key: string]: number;
                };
                readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
                readonly outlives: readonly {
                    readonly action: string;
                    readonly reason: string;
                }[];
                readonly unknown: readonly string[];
            };
            readonly reach?: {
                readonly policiesDigest: string;
                readonly yes: number;
                readonly no: number;
                readonly yesIf: number;
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
                readonly limited: readonly {
                    readonly within?: readonly string[];
                    readonly except?: readonly string[];
                    readonly conditions?: readonly {
                        /** @enum {string} */
                        readonly effect: "Allow" | "Deny";
                        readonly key: string;
                        readonly text: string;
                        readonly statement: string;
                    }[];
                    readonly unread?: readonly string[];
                    /** @enum {boolean} */
                    readonly more?: true;
                    readonly pair: number;
                    /** @enum {string} */
                    readonly verdict: "no" | "yes-if";
                    /** @enum {string} */
                    readonly reason?: "not_allowed" | "boundary" | "denied";
                    readonly statement?: string;
                }[];
                readonly unknown: readonly string[];
            };
            readonly onward?: readonly {
                readonly action: string;
                readonly resource: string;
                readonly step: string;
            }[];
            readonly labelMarks?: {
                readonly [key: string]: readonly ("production" | "nonproduction" | "stateful" | "public")[];
            };
            readonly dropped?: readonly {
                readonly pattern: string;
                readonly members: number;
                /** @enum {string} */
                readonly reason: "needs_resource" | "star_not_allowed" | "returns_secret" | "no_resource_fits" | "condition_unknown" | "unknown_to_store";
                readonly count: number;
                readonly actions: readonly string[];
                readonly explanation: string;
            }[];
            readonly warnings?: readonly {
                /** @enum {string} */
                readonly kind: "cannot_revoke" | "sets_tag_key" | "class_lowered" | "actions_shortened" | "role_refuses" | "session_nearly_full" | "session_too_large";
                readonly explanation: string;
            }[];
            readonly actionTableVersion: string;
        };
        readonly DeclaredChange: {
            /** @enum {string} */
            readonly kind: "terraform_plan" | "cloudformation_change_set";
            readonly sha256: string;
            readonly artifactSha256?: string;
            readonly reference?: string;
            readonly counts: {
                readonly delete?: number;
                readonly replace?: number;
                readonly may_replace?: number;
                readonly unknown?: number;
                readonly forget?: number;
                readonly update?: number;
                readonly import?: number;
                readonly create?: number;
                readonly read?: number;
            };
            readonly resources: readonly {
                /** @enum {string} */
                readonly action: "delete" | "replace" | "may_replace" | "unknown" | "forget" | "update" | "import" | "create" | "read";
                readonly type: string;
                readonly address: string;
            }[];
        };
        readonly Lease: {
            readonly id: string;
            readonly grantId: string;
            readonly number: number;
            readonly roleArn: string;
            readonly sessionName: string;
            /** @enum {string} */
            readonly state: "intended" | "issued" | "ended";
            /** @enum {string} */
            readonly end?: "expired" | "not_minted" | "cut";
            /** Format: date-time */
            readonly notAfter: string;
            /** Format: date-time */
            readonly intendedAt: string;
            readonly replica?: string;
            /** Format: date-time */
            readonly mintUntil?: string;
            /** Format: date-time */
            readonly issuedAt?: string;
            /** Format: date-time */
            readonly endedAt?: string;
            readonly accessKeyId?: string;
            readonly outcomeUnknown?: boolean;
        };
        readonly Approval: {
            readonly id: string;
            readonly grantId: string;
            readonly planHash: string;
            readonly requirements: readonly components["schemas"]["ApprovalRequirement"][];
            /** @enum {string} */
            readonly state: "pending" | "approved" | "rejected" | "withdrawn" | "expired" | "voided";
            /** Format: date-time */
            readonly requestedAt: string;
            /** Format: date-time */
            readonly expiresAt: string;
            readonly votes: readonly components["schemas"]["Vote"][];
            readonly decidedBy?: string;
            readonly uses?: number;
            readonly reuseOf?: string;
            /** Format: date-time */
            readonly decidedAt?: string;
            readonly note?: string;
            readonly voided?: {
                /** @enum {string} */
                readonly reason: "plan_changed" | "policy_denied";
                readonly planHash: string;
                readonly changes: readonly string[];
            };
            readonly version: number;
        };
        readonly Vote: {
            readonly voter: string;
            /** @enum {string} */
            readonly verdict: "approve" | "reject";
            /** Format: date-time */
            readonly at: string;
            readonly channel: string;
            /** @enum {string} */
            readonly assurance: "no_step_up" | "step_up";
            readonly note: string;
            readonly planHash: string;
            readonly groups: readonly string[];
        };
        readonly DenyEntry: {
            readonly grantId: string;
            readonly listKey: string;
            /** Format: date-time */
            readonly wantedAt: string;
            /** Format: date-time */
            readonly until: string;
            /** Format: date-time */
            readonly lastIssuedAt: string;
            readonly chains?: boolean;
            readonly urgent?: boolean;
            /** Format: date-time */
            readonly writtenAt?: string;
            readonly byWatermark?: boolean;
            /** Format: date-time */
            readonly enforcedAt?: string;
            /** @enum {string} */
            readonly enforcedBy?: "canary" | "settle_time";
            readonly failing?: {
                /** Format: date-time */
                readonly since: string;
                readonly attempts: number;
                readonly error: string;
            };
        };
        readonly GrantTrail: {
            readonly events: readonly components["schemas"]["AuditEvent"][];
            readonly deny?: components["schemas"]["DenyEntry"];
        };
        readonly AuditEvent: {
            readonly id: string;
            readonly position: number;
            readonly chain?: string;
            readonly seq: number;
            readonly type: string;
            /** Format: date-time */
            readonly at: string;
            readonly actor: string;
            readonly grantId?: string;
            readonly leaseId?: string;
            readonly requestId?: string;
            readonly traceId?: string;
            readonly data?: Json;
            readonly prevHash: string;
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
            /** Format: date-time */
            readonly at: string;
        } | {
            /** @enum {string} */
            readonly kind: "ending";
            /** Format: date-time */
            readonly effectiveBy: string;
        } | {
            /** @enum {string} */
            readonly kind: "not-revocable";
            /** Format: date-time */
            readonly usableUntil: string;
        };
        readonly Note: {
            readonly note: string;
        };
        readonly ApprovalPage: {
            readonly items: readonly components["schemas"]["ApprovalListItem"][];
            readonly nextCursor?: string;
        };
        readonly ApprovalListItem: components["schemas"]["Approval"] & {
            readonly ageSeconds: number;
            readonly secondsLeft: number;
            readonly canDecide: boolean;
            readonly whyNot?: string;
            readonly asks?: {
                readonly agent: string;
                readonly owner: string;
                readonly team: string;
                readonly roleArn: string;
                readonly purpose: string;
                /** @enum {string} */
                readonly class?: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                readonly access?: string;
                readonly pairs?: number;
            };
            readonly problem?: string;
        };
        readonly ApprovalDetails: {
            readonly approval: components["schemas"]["Approval"];
            readonly grant: components["schemas"]["Grant"];
            readonly plan: components["schemas"]["Plan"];
            readonly eligible: boolean;
            readonly couldDecide: number;
            readonly tally: components["schemas"]["Tally"];
            readonly warnings: readonly {
                /** @enum {string} */
                readonly kind: "cannot_revoke" | "sets_tag_key" | "class_lowered" | "actions_shortened" | "role_refuses" | "session_nearly_full" | "session_too_large";
                readonly explanation: string;
            }[];
            readonly view: components["schemas"]["ApprovalView"];
        };
        readonly Tally: {
            readonly isMet: boolean;
            readonly requirements: readonly components["schemas"]["RequirementTally"][];
            readonly votes: readonly {
                readonly voter: string;
                /** @enum {string} */
                readonly verdict: "approve" | "reject";
                /** Format: date-time */
                readonly at: string;
                readonly channel: string;
                /** @enum {string} */
                readonly assurance: "no_step_up" | "step_up";
                readonly note: string;
                readonly counts: boolean;
                readonly obstacle?: {
                    /** @enum {string} */
                    readonly reason: "unknown" | "role" | "scope" | "own_agent" | "group" | "owner" | "assurance";
                    readonly explanation: string;
                };
            }[];
            readonly couldDecide: number;
            readonly you: {
                /** @enum {string} */
                readonly voted?: "approve" | "reject";
                readonly approve: components["schemas"]["VotePermission"];
                readonly reject: components["schemas"]["VotePermission"];
            };
        };
        readonly RequirementTally: {
            readonly anyOf: readonly string[];
            readonly count: number;
            readonly exclude: readonly string[];
            /** @enum {string} */
            readonly assurance?: "no_step_up" | "step_up";
            readonly because: readonly string[];
            readonly approvedBy: readonly string[];
            readonly missing: number;
            readonly couldApprove: readonly string[];
            readonly couldApproveMore: number;
            readonly canBeMet: boolean;
        };
        readonly VotePermission: {
            readonly allowed: boolean;
            readonly code?: string;
            /** @enum {string} */
            readonly reason?: "unknown" | "role" | "scope" | "own_agent" | "group" | "owner" | "assurance";
            readonly explanation?: string;
        };
        readonly ApprovalView: {
            readonly verdict: {
                readonly what: string;
                readonly agent: string;
                readonly owner: string;
                /** Format: date-time */
                readonly expiresAt: string;
                /** @enum {string} */
                readonly state: "pending" | "approved" | "rejected" | "withdrawn" | "expired" | "voided";
                readonly sentence: string;
                readonly stopped?: string;
            };
            readonly agent: {
                readonly subject: string;
                readonly trustDomain: string;
                /** @enum {string} */
                readonly authMethod: "x509-svid" | "jwt-svid" | "x509-svid+jwt-svid" | "oidc" | "x509-svid+oidc" | "broker";
                readonly proof: string;
                readonly registration: {
                    readonly name: string;
                    /** @enum {string} */
                    readonly state: "current" | "changed" | "expired" | "other" | "gone";
                    readonly notes: readonly string[];
                    readonly purpose?: string;
                    /** Format: date-time */
                    readonly expiresAt?: string;
                    /** Format: date-time */
                    readonly reviewAt?: string;
                };
                readonly owner: string;
                readonly team: string;
                /** Format: date-time */
                readonly firstRequestedAt?: string;
                readonly known: string;
            };
            readonly agentSays: {
                readonly purpose: string;
                readonly reference?: string;
                readonly lookAlikes: readonly string[];
            };
            readonly change?: {
                readonly sentence: string;
                readonly lines: readonly string[];
                readonly leftOut?: string;
                readonly file: string;
            };
            readonly roleArn: string;
            readonly duration: string;
            readonly access: readonly {
                /** @enum {string} */
                readonly class: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                readonly means: string;
                readonly pairs: number;
                readonly lines: readonly string[];
            }[];
            readonly notIncluded: readonly string[];
            readonly blastRadius: {
                readonly sentences: readonly string[];
                readonly narrowed: readonly string[];
                readonly unknown: readonly string[];
            };
            readonly outlives: readonly string[];
            readonly flags: readonly {
                /** @enum {string} */
                readonly flag: "secret" | "outlives" | "shares" | "audit";
                readonly means: string;
                readonly actions: readonly string[];
            }[];
            readonly warnings: readonly string[];
            readonly deciders: {
                readonly determiningPolicies: readonly string[];
                readonly requirements: readonly (components["schemas"]["ApprovalRequirement"] & {
                    readonly sentence: string;
                    readonly approvedBy: readonly string[];
                    readonly missing: number;
                })[];
                readonly waived: readonly string[];
                readonly votes: readonly {
                    readonly by: string;
                    /** @enum {string} */
                    readonly verdict: "approve" | "reject";
                    /** Format: date-time */
                    readonly at: string;
                    readonly note?: string;
                    readonly channel?: string;
                    readonly assurance?: string;
                    readonly lost?: string;
                }[];
                readonly canDecide: boolean;
                readonly whyNot?: string;
                readonly others: readonly string[];
                readonly moreOthers: number;
                readonly alarm?: string;
            };
            readonly lastApproved: {
                /** @enum {string} */
                readonly kind: "none" | "same" | "differs" | "unreadable";
                readonly sentence: string;
                readonly grantId?: string;
                /** Format: date-time */
                readonly decidedAt?: string;
                readonly decidedBy?: string;
                readonly added?: readonly string[];
                readonly removed?: readonly string[];
                readonly changed?: readonly string[];
            };
            readonly history: readonly {
                readonly id: string;
                /** Format: date-time */
                readonly requestedAt: string;
                readonly roleArn: string;
                /** @enum {string} */
                readonly state: "denied" | "awaiting_approval" | "rejected" | "withdrawn" | "approval_expired" | "active" | "ending" | "ended";
                /** @enum {string} */
                readonly reason?: "completed" | "deadline" | "revoked" | "killed" | "identity_lost" | "policy_changed" | "parent_ended" | "mint_failed" | "restored" | "claim_expired" | "offboarded" | "alarm";
                readonly outcome: string;
                readonly purpose: string;
                readonly samePlan: boolean;
            }[];
            readonly sessionPolicy: {
                readonly text: string;
                readonly characters: number;
                readonly limit: number;
            };
            readonly planHash: string;
            readonly timeLeft: {
                readonly seconds: number;
                readonly words: string;
            };
        };
        readonly AnsweredApproval: {
            readonly approval: components["schemas"]["Approval"];
            readonly grant: components["schemas"]["Grant"];
        };
        readonly ApprovalAnswer: {
            readonly planHash: string;
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
            readonly contact?: string;
            /** Format: date-time */
            readonly expiresAt: string;
            /** Format: date-time */
            readonly reviewAt?: string;
            /** @enum {string} */
            readonly source: "file" | "api";
            readonly version?: number;
            /** @enum {string} */
            readonly standing: "good" | "expired" | "unreviewed" | "ownerless" | "suspended" | "offboarded" | "set_aside";
            readonly because?: string;
        };
        readonly FileProblem: {
            readonly code: string;
            readonly explanation: string;
        };
        readonly UnregisteredPage: {
            readonly items: readonly components["schemas"]["UnregisteredAttempt"][];
            readonly nextCursor?: string;
        };
        readonly UnregisteredAttempt: {
            readonly subject: string;
            readonly trustDomain: string;
            /** @enum {string} */
            readonly authMethod: "x509-svid" | "jwt-svid" | "x509-svid+jwt-svid" | "oidc" | "x509-svid+oidc";
            /** @enum {string} */
            readonly reason: "AGENT_UNREGISTERED" | "REGISTRATION_EXPIRED";
            /** Format: date-time */
            readonly firstSeenAt: string;
            /** Format: date-time */
            readonly lastSeenAt: string;
            readonly count: number;
        };
        readonly NewRegistration: {
            readonly name: string;
            readonly match: string;
            readonly owner: string;
            readonly team: string;
            readonly purpose: string;
            readonly contact?: string;
            readonly expires: string;
            readonly review?: string;
            readonly note: string;
        };
        readonly RegistrationChange: {
            readonly match?: string;
            readonly owner?: string;
            readonly team?: string;
            readonly purpose?: string;
            readonly contact?: string;
            readonly expires?: string;
            readonly review?: string;
            readonly version: number;
            readonly note: string;
        };
        readonly RegistrationVersion: {
            readonly version: number;
            readonly note: string;
        };
        readonly AgentReview: {
            readonly registration: components["schemas"]["Registration"];
            readonly usage: components["schemas"]["AgentUsage"];
            readonly last?: {
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
                /** Format: date-time */
                readonly nextAt: string;
            };
            /** Format: date-time */
            readonly nextAt: string;
            readonly maySign: boolean;
            readonly shown: string;
        };
        readonly AgentUsage: {
            readonly grants: {
                readonly denied: number;
                readonly awaiting_approval: number;
                readonly rejected: number;
                readonly withdrawn: number;
                readonly approval_expired: number;
                readonly active: number;
                readonly ending: number;
                readonly ended: number;
            };
            readonly isWhole: boolean;
            /** Format: date-time */
            readonly firstSeenAt?: string;
            /** Format: date-time */
            readonly lastSeenAt?: string;
            readonly agents: readonly string[];
            readonly agentsLeftOut: number;
            readonly used: components["schemas"]["UsedThings"];
            readonly neverUsed: components["schemas"]["UsedThings"];
        };
        readonly UsedThings: {
            readonly roles: readonly string[];
            readonly classes: readonly string[];
            readonly labels: readonly string[];
            readonly actions: readonly string[];
        };
        readonly ReviewSignature: {
            readonly shown: string;
            readonly note: string;
        };
        readonly PolicySet: {
            readonly hash?: string;
            /** Format: date-time */
            readonly loadedAt?: string;
            readonly policies: readonly {
                readonly id: string;
                /** @enum {string} */
                readonly effect: "permit" | "forbid";
                readonly file: string;
                readonly approval?: string;
                readonly waiver?: string;
            }[];
            readonly problem?: components["schemas"]["FileProblem"];
        };
        readonly DenyLists: {
            readonly items: readonly components["schemas"]["DenyList"][];
        };
        readonly DenyList: {
            readonly key: string;
            /** Format: date-time */
            readonly nextAttemptAt?: string;
            readonly attempts: number;
            readonly lastError?: string;
            /** Format: date-time */
            readonly failingSince?: string;
            /** Format: date-time */
            readonly lastWrittenAt?: string;
            /** Format: date-time */
            readonly watermark?: string;
            readonly documents?: readonly {
                readonly key: string;
                readonly attempts: number;
                readonly lastError?: string;
                /** Format: date-time */
                readonly failingSince?: string;
            }[];
            readonly claimedBy?: string;
            /** Format: date-time */
            readonly claimedUntil?: string;
            readonly claimVersion: number;
        };
        readonly BudgetPage: {
            readonly items: readonly components["schemas"]["BudgetUse"][];
            readonly nextCursor?: string;
        };
        readonly BudgetUse: {
            readonly budget: string;
            readonly holder: {
                /** @enum {string} */
                readonly kind: "agent" | "owner" | "team";
                readonly name: string;
            };
            readonly measures: readonly {
                /** @enum {string} */
                readonly measure: "liveGrants" | "approvalsPending" | "grantsPerHour" | "destructiveGrantsPerDay" | "deniedPerHour" | "recordBytesPerHour";
                readonly used: number;
                readonly limit: number;
                /** Format: date-time */
                readonly freesAt?: string;
            }[];
        };
        readonly PolicyImpact: {
            readonly policySetHash: string;
            readonly active: {
                readonly judged: number;
                readonly ending: number;
                readonly needingApproval: number;
            };
            readonly waiting: {
                readonly judged: number;
                readonly refused: number;
            };
            readonly undecided: number;
            readonly byAgent: readonly {
                readonly name: string;
                readonly count: number;
            }[];
            readonly byTeam: readonly {
                readonly name: string;
                readonly count: number;
            }[];
            readonly byPolicy: readonly {
                readonly name: string;
                readonly count: number;
            }[];
            readonly first: readonly {
                readonly grantId: string;
                readonly subject: string;
                readonly owner: string;
                readonly team: string;
                /** @enum {string} */
                readonly state: "active" | "awaiting_approval";
                /** @enum {string} */
                readonly effect: "ends" | "needs_approval";
                readonly code: string;
                readonly action?: string;
                readonly resource?: string;
                readonly policies: readonly string[];
            }[];
        };
        readonly PolicyFiles: {
            readonly files: readonly {
                readonly name: string;
                readonly text: string;
            }[];
        };
        readonly QuarantineView: {
            readonly inForce: boolean;
            readonly quarantine?: components["schemas"]["Quarantine"];
            readonly unfinished: readonly {
                /** @enum {string} */
                readonly kind: "deny_list" | "role" | "grants";
                readonly what: string;
                readonly explanation: string;
                /** Format: date-time */
                readonly until?: string;
            }[];
        };
        readonly Quarantine: {
            readonly number: number;
            /** @enum {string} */
            readonly reason: "restored" | "outdated";
            /** Format: date-time */
            readonly since: string;
            readonly by: string;
            readonly found: string;
            readonly opened?: {
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
                readonly note: string;
                readonly acceptedRisk?: string;
            };
        };
        readonly QuarantineOpening: {
            readonly note: string;
            readonly acceptRisk?: string;
        };
        readonly KillAnswer: {
            readonly kill: components["schemas"]["Kill"];
            readonly warning?: string;
            readonly isExisting: boolean;
            /** Format: date-time */
            readonly noLeaseSince?: string;
            readonly shutOut: readonly {
                readonly id: string;
                readonly version?: string;
            }[];
        };
        readonly Kill: {
            readonly id: string;
            /** @enum {string} */
            readonly scope: "grant" | "agent" | "owner" | "team" | "trust_domain" | "issuer" | "role" | "account" | "label" | "everything";
            readonly value: string;
            readonly asked?: string;
            /** Format: date-time */
            readonly since: string;
            readonly by: string;
            readonly why: string;
            readonly isPublic: boolean;
            readonly inForce: boolean;
            readonly lifted?: {
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
                readonly note: string;
                readonly alone?: boolean;
            };
            /** @enum {string} */
            readonly state: "holding" | "ending" | "denying" | "settling" | "done";
            /** Format: date-time */
            readonly heldAt?: string;
            readonly found?: {
                readonly grants: number;
                readonly ending: number;
                readonly approvals: number;
                readonly agents: number;
                readonly unreadable: number;
            };
            readonly ended: number;
            readonly leases: number;
            readonly unreadable: readonly string[];
            readonly undeniable: {
                readonly grants: number;
                /** Format: date-time */
                readonly until?: string;
            };
            readonly isCutShort: boolean;
            /** Format: date-time */
            readonly endedAt?: string;
            /** Format: date-time */
            readonly writtenAt?: string;
            /** Format: date-time */
            readonly enforcedAt?: string;
            readonly denies?: {
                readonly unwritten: number;
                readonly unenforced: number;
                /** Format: date-time */
                readonly until?: string;
            };
        };
        /**
         * @example {
         *       "scope": "agent",
         *       "value": "spiffe://example.org/ci/deploy",
         *       "why": "It deletes buckets"
         *     }
         */
        readonly KillOrder: {
            /** @enum {string} */
            readonly scope: "lease" | "grant" | "agent" | "owner" | "team" | "trust_domain" | "issuer" | "role" | "account" | "label" | "everything";
            readonly value?: string;
            readonly why: string;
            readonly isPublic?: boolean;
            readonly roleWatermarks?: readonly string[];
        };
        readonly KillDrill: {
            /** @enum {string} */
            readonly scope: "grant" | "agent" | "owner" | "team" | "trust_domain" | "issuer" | "role" | "account" | "label" | "everything";
            readonly value: string;
            readonly warning?: string;
            readonly counts: {
                readonly grants: number;
                readonly ending: number;
                readonly approvals: number;
                readonly leases: number;
                readonly agents: number;
                readonly teams: number;
                readonly owners: number;
                readonly unreadable: number;
            };
            readonly agents: readonly {
                readonly name: string;
                readonly grants: number;
            }[];
            readonly teams: readonly {
                readonly name: string;
                readonly grants: number;
            }[];
            readonly grants: readonly {
                readonly id: string;
                readonly subject: string;
                readonly roleArn: string;
                /** @enum {string} */
                readonly state: "denied" | "awaiting_approval" | "rejected" | "withdrawn" | "approval_expired" | "active" | "ending" | "ended";
            }[];
            readonly denyLists: readonly {
                readonly key: string;
                readonly roleArns: readonly string[];
                readonly grants: number;
                readonly documents: number;
                readonly fits: boolean;
                readonly runningOut: number;
                readonly others?: {
                    readonly grants: number;
                    readonly agents: number;
                    readonly first: readonly string[];
                };
            }[];
            readonly undeniable: readonly {
                readonly name: string;
                readonly grants: number;
            }[];
            readonly estimate: {
                readonly endedSeconds: number;
                readonly writtenSeconds: number;
                readonly enforcedSeconds: number;
            };
        };
        readonly KillWish: {
            /** @enum {string} */
            readonly scope: "lease" | "grant" | "agent" | "owner" | "team" | "trust_domain" | "issuer" | "role" | "account" | "label" | "everything";
            readonly value?: string;
        };
        readonly KillPage: {
            readonly items: readonly components["schemas"]["Kill"][];
            readonly nextCursor?: string;
        };
        readonly ReachReport: {
            readonly scope: {
                /** @enum {string} */
                readonly kind: "grant" | "agent" | "owner" | "team" | "account";
                readonly name: string;
            };
            /** Format: date-time */
            readonly at: string;
            /** Format: date-time */
            readonly since?: string;
            readonly inventory?: {
                /** Format: date-time */
                readonly takenAt: string;
                readonly resources: number;
            };
            readonly grants: number;
            readonly agents: readonly string[];
            readonly complete: boolean;
            readonly pairs: number;
            readonly refused: number;
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
            readonly roles: readonly string[];
            readonly accounts: readonly string[];
            readonly outlives: readonly {
                readonly action: string;
                readonly reason: string;
            }[];
            readonly onward: readonly {
                readonly action: string;
                readonly resource: string;
                readonly step: string;
            }[];
            readonly unknown: readonly string[];
            readonly entries: readonly {
                /** @enum {string} */
                readonly class: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                readonly roleArn: string;
                readonly resource: string;
                readonly actions: readonly string[];
                readonly flags: readonly ("secret" | "outlives" | "shares" | "audit")[];
                readonly labels: readonly string[];
                /** @enum {string} */
                readonly verdict: "yes" | "yes-if" | "unknown";
                readonly conditions?: readonly string[];
                readonly limits?: {
                    readonly within?: readonly string[];
                    readonly except?: readonly string[];
                    readonly conditions?: readonly {
                        /** @enum {string} */
                        readonly effect: "Allow" | "Deny";
                        readonly key: string;
                        readonly text: string;
                        readonly statement: string;
                    }[];
                    readonly unread?: readonly string[];
                    /** @enum {boolean} */
                    readonly more?: true;
                };
                readonly grants: number;
                readonly resources?: {
                    readonly count: number;
                    readonly names: readonly string[];
                };
            }[];
            readonly nextCursor?: string;
        };
        readonly MayReach: {
            readonly subject: string;
            readonly policySetHash: string;
            readonly entries: readonly {
                readonly roleArn: string;
                readonly label: string;
                /** @enum {string} */
                readonly class: "list" | "read" | "tag" | "write" | "destructive" | "permissions" | "escalation";
                /** @enum {string} */
                readonly outcome: "unasked" | "waits" | "forbidden" | "depends";
                readonly roleRefuses?: boolean;
                readonly policies: readonly string[];
                readonly anyOf: readonly string[];
                readonly example: string;
            }[];
            readonly approximated: readonly string[];
            readonly nextCursor?: string;
        };
        readonly NoticeEndpoints: {
            readonly items: readonly components["schemas"]["NoticeEndpoint"][];
        };
        readonly NoticeEndpoint: {
            readonly name: string;
            readonly configured: boolean;
            readonly target?: string;
            readonly events: readonly string[];
            readonly waiting: number;
            readonly dead: number;
            readonly failures?: number;
            /** Format: date-time */
            readonly failingSince?: string;
            readonly lastError?: string;
            /** Format: date-time */
            readonly pausedUntil?: string;
            /** Format: date-time */
            readonly deliveredAt?: string;
            /** Format: date-time */
            readonly disabledAt?: string;
        };
        readonly DeadNoticePage: {
            readonly items: readonly components["schemas"]["DeadNotice"][];
            readonly nextCursor?: string;
        };
        readonly DeadNotice: {
            readonly id: string;
            readonly endpoint: string;
            readonly type: string;
            readonly summary: string;
            readonly count: number;
            readonly attempts: number;
            /** Format: date-time */
            readonly createdAt: string;
            /** Format: date-time */
            readonly deadAt?: string;
            readonly lastError?: string;
        };
        readonly NoticeTest: {
            readonly endpoint: string;
            readonly delivered: boolean;
            readonly error?: string;
        };
        readonly WebhookTest: Record<string, never>;
        readonly ResentNotices: {
            readonly endpoint: string;
            readonly count: number;
        };
        readonly Resend: {
            readonly id?: string;
        };
        readonly AuditEventPage: {
            readonly items: readonly components["schemas"]["AuditEvent"][];
            readonly nextAfterPosition?: number;
        };
        readonly AuditHeads: {
            readonly position: number;
            readonly heads: readonly components["schemas"]["ChainHead"][];
        };
        readonly ChainHead: {
            readonly chain: string;
            readonly seq: number;
            readonly hash: string;
        };
        readonly AuditVerdict: {
            /** @enum {string} */
            readonly verdict: "whole" | "unwitnessed" | "broken";
            readonly events: number;
            readonly chains: number;
            readonly heads: readonly components["schemas"]["ChainHead"][];
            readonly unwitnessed: readonly {
                readonly chain: string;
                readonly afterSeq: number;
                readonly events: number;
            }[];
            readonly problem?: {
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
                readonly agent?: string;
                readonly owner?: string;
                readonly state?: "denied" | "awaiting_approval" | "rejected" | "withdrawn" | "approval_expired" | "active" | "ending" | "ended";
                readonly role?: string;
                readonly requestedAfter?: string;
                readonly requestedBefore?: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
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
                readonly agent?: string;
                readonly state?: "pending" | "approved" | "rejected" | "withdrawn" | "expired" | "voided";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
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
    readonly registerAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["NewRegistration"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly listUnregisteredAgents: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
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
    readonly changeRegistration: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RegistrationChange"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly removeRegistration: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RegistrationVersion"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly reviewAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AgentReview"];
                };
            };
        };
    };
    readonly signReview: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ReviewSignature"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly suspendAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Note"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly resumeAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Note"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly offboardAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Note"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
                };
            };
        };
    };
    readonly reinstateAgents: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Note"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Registration"];
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
    readonly listDenyLists: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DenyLists"];
                };
            };
        };
    };
    readonly listBudgets: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["BudgetPage"];
                };
            };
        };
    };
    readonly assessPolicyImpact: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PolicyFiles"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PolicyImpact"];
                };
            };
        };
    };
    readonly getQuarantine: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["QuarantineView"];
                };
            };
        };
    };
    readonly openQuarantine: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["QuarantineOpening"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Quarantine"];
                };
            };
        };
    };
    readonly listKills: {
        readonly parameters: {
            readonly query?: {
                readonly state?: "in_force" | "lifted";
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KillPage"];
                };
            };
        };
    };
    readonly setKill: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["KillOrder"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KillAnswer"];
                };
            };
        };
    };
    readonly drillKill: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["KillWish"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["KillDrill"];
                };
            };
        };
    };
    readonly getKill: {
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
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Kill"];
                };
            };
        };
    };
    readonly liftKill: {
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
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Kill"];
                };
            };
        };
    };
    readonly getReach: {
        readonly parameters: {
            readonly query?: {
                readonly grant?: string;
                readonly agent?: string;
                readonly owner?: string;
                readonly team?: string;
                readonly account?: string;
                readonly since?: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ReachReport"];
                };
            };
        };
    };
    readonly getMayReach: {
        readonly parameters: {
            readonly query: {
                readonly agent: string;
                readonly limit?: number;
                readonly cursor?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MayReach"];
                };
            };
        };
    };
    readonly listWebhooks: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["NoticeEndpoints"];
                };
            };
        };
    };
    readonly listDeadNotices: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string;
                readonly endpoint?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["DeadNoticePage"];
                };
            };
        };
    };
    readonly testWebhook: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["WebhookTest"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["NoticeTest"];
                };
            };
        };
    };
    readonly resendNotices: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["Resend"];
            };
        };
        readonly responses: {
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ResentNotices"];
                };
            };
        };
    };
    readonly listAuditEvents: {
        readonly parameters: {
            readonly query?: {
                readonly afterPosition?: number;
                readonly limit?: number;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
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
