import type { Json } from './canonical-json.ts'

/** How one error code looks at each edge. `retryable`: the same call may succeed later, unchanged. */
export interface ErrorSpec {
  readonly grpc: GrpcStatusName
  readonly http: number
  readonly retryable: boolean
  readonly title: string
}

type GrpcStatusName =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'

/** Every error a caller can meet. A code is part of the API: add freely, never rename or reuse one. */
export const ERROR_CATALOG = {
  // The caller's identity
  IDENTITY_REQUIRED: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'No identity was presented' },
  SPIFFE_ID_INVALID: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'Malformed SPIFFE ID' },
  SUBJECT_INVALID: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'Malformed agent name' },
  SVID_INVALID: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'The X.509-SVID is not valid' },
  SVID_EXPIRED: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'The X.509-SVID is expired or not yet valid',
  },
  SVID_AMBIGUOUS: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The Workload API offers several SVIDs and none is chosen',
  },
  SVID_WITHDRAWN: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'The Workload API no longer offers the SVID in use',
  },
  SVID_NOT_OFFERED: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The Workload API does not offer this SVID',
  },
  TRUST_DOMAIN_UNKNOWN: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'The trust domain is not trusted here',
  },
  TRUST_DOMAIN_UNAVAILABLE: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'Trust bundle unavailable',
  },
  TOKEN_INVALID: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'The bearer token is not valid' },
  TOKEN_EXPIRED: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'The bearer token is expired or not yet valid',
  },
  TOKEN_REPLAYED: { grpc: 'UNAUTHENTICATED', http: 401, retryable: false, title: 'The bearer token was already used' },
  IDENTITY_MISMATCH: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'Certificate and token name different identities',
  },
  TOKEN_BINDING_MISMATCH: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'The token is bound to another connection',
  },
  ISSUER_UNAVAILABLE: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'Token issuer keys unavailable',
  },
  ISSUER_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The token issuer publishes an invalid document',
  },
  BUNDLE_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The trust bundle is invalid',
  },

  // Registration
  AGENT_UNREGISTERED: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'No registration covers this agent',
  },
  REGISTRATION_EXPIRED: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: "This agent's registration has expired",
  },
  REGISTRATION_UNREVIEWED: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: "The review of this agent's registration is overdue",
  },
  REGISTRATION_OWNERLESS: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: "The owner of this agent's registration is not an operator",
  },
  REGISTRATION_NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, retryable: false, title: 'No such registration' },
  REGISTRATION_EXISTS: {
    grpc: 'ALREADY_EXISTS',
    http: 409,
    retryable: false,
    title: 'The name or the match is registered already',
  },
  REGISTRATION_CHANGED: {
    grpc: 'ABORTED',
    http: 409,
    retryable: false,
    title: 'Somebody else changed the registration',
  },
  REGISTRATION_IN_FILE: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The registry file decides about this registration',
  },
  REGISTRATION_HELD: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The agents of this registration are suspended or offboarded',
  },
  REGISTRATION_NOT_HELD: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The agents of this registration are not suspended or offboarded',
  },
  REGISTRATION_DUE: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'A registration will soon stop serving its agents, or already has',
  },
  REVIEW_NOT_ELIGIBLE: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'This operator cannot sign this review',
  },
  REVIEW_STALE: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The review has changed since it was shown',
  },
  REGISTRY_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The agent registrations cannot be used',
  },

  // The task
  TASK_INVALID: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'The task is malformed' },
  CHANGE_INVALID: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'The change file cannot be read',
  },
  CHANGE_DIFFERS: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The change file differs from the one in the request',
  },
  PURPOSE_MISSING: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'The task has no purpose',
  },
  ROLE_UNKNOWN: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'This role is not configured' },
  ACTION_UNKNOWN: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'Unknown AWS action' },
  RESOURCE_INVALID: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'Malformed resource pattern' },
  ACTION_RESOURCE_MISMATCH: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'An action does not apply to a resource in the task',
  },
  CONDITION_INVALID: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'A condition cannot be used' },
  CONDITION_MISMATCH: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'An action does not know the key of a condition',
  },
  RESOURCE_TOO_WIDE: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'The task must name its resources',
  },
  TTL_OUT_OF_RANGE: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'The requested time is out of range',
  },
  SESSION_POLICY_TOO_LARGE: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: "The session policy exceeds AWS's size limit",
  },
  LABELS_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The resource labels cannot be used',
  },
  ROLE_POLICIES_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The policies of a role cannot be read',
  },
  RESOURCE_INVENTORY_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The inventory of resources cannot be used',
  },
  ROLE_POLICIES_OLD: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The policies of a role were read long ago',
  },
  ACTION_OVERRIDES_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'The overrides of action classes cannot be used',
  },
  ACTION_CLASS_LOWERED: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'An operator has lowered the class of an action',
  },

  // Policy and approval
  POLICY_DENIED: { grpc: 'PERMISSION_DENIED', http: 403, retryable: false, title: 'No policy permits this request' },
  POLICY_INVALID: { grpc: 'FAILED_PRECONDITION', http: 422, retryable: false, title: 'The policy set cannot be used' },
  RULES_OUTDATED: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'Another broker has newer rules',
  },
  POLICY_UNAVAILABLE: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'No policy set is loaded' },

  // Holds
  KILLED: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'The kill switch has stopped this',
  },
  AGENT_SUSPENDED: { grpc: 'PERMISSION_DENIED', http: 403, retryable: false, title: 'This agent is suspended' },
  AGENT_OFFBOARDED: { grpc: 'PERMISSION_DENIED', http: 403, retryable: false, title: 'This agent was offboarded' },
  HOLD_NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, retryable: false, title: 'No such hold' },
  HOLD_LIFTED: { grpc: 'FAILED_PRECONDITION', http: 409, retryable: false, title: 'The hold was already lifted' },
  HOLD_IN_FILE: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The break-glass file still names this scope',
  },
  HOLD_OF_SAME_PERSON: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'A second person must lift this hold',
  },

  // The life of a grant
  IDEMPOTENCY_KEY_INVALID: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    retryable: false,
    title: 'Malformed idempotency key',
  },
  IDEMPOTENCY_KEY_REUSED: {
    grpc: 'ALREADY_EXISTS',
    http: 409,
    retryable: false,
    title: 'The idempotency key was already used for another task',
  },
  GRANT_NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, retryable: false, title: 'No such grant' },
  GRANT_NOT_ACTIVE: { grpc: 'FAILED_PRECONDITION', http: 409, retryable: false, title: 'The grant is not active' },
  APPROVAL_PENDING: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: true,
    title: 'The grant is awaiting approval',
  },
  APPROVAL_NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, retryable: false, title: 'No such approval' },
  APPROVAL_DECIDED: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The approval was already decided',
  },
  APPROVAL_REJECTED: { grpc: 'FAILED_PRECONDITION', http: 409, retryable: false, title: 'The approval was rejected' },
  REQUEST_WITHDRAWN: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The agent withdrew the request',
  },
  APPROVAL_EXPIRED: { grpc: 'FAILED_PRECONDITION', http: 409, retryable: false, title: 'The approval has expired' },
  APPROVAL_STALE: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The plan has changed since it was shown',
  },
  APPROVAL_VOIDED: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The question became void while it was open',
  },
  STEP_UP_REQUIRED: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'This vote needs a stronger proof of who casts it',
  },
  APPROVAL_NOT_ELIGIBLE: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: 'This person may not decide this approval',
  },
  QUOTA_EXCEEDED: { grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: true, title: 'Quota exceeded' },
  BUDGET_EXCEEDED: { grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: true, title: 'A budget is used up' },
  RATE_LIMITED: { grpc: 'RESOURCE_EXHAUSTED', http: 429, retryable: true, title: 'Too many calls' },

  // The cloud
  PROVIDER_UNAVAILABLE: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'The credential provider is unavailable',
  },
  PROVIDER_THROTTLED: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'The credential provider is throttling',
  },
  PROVIDER_REFUSED: {
    grpc: 'FAILED_PRECONDITION',
    http: 502,
    retryable: false,
    title: 'The credential provider rejected the call',
  },
  PROVIDER_ANSWER_INVALID: {
    grpc: 'INTERNAL',
    http: 502,
    retryable: false,
    title: 'The credential provider returned an invalid response',
  },
  DENY_LIST_FULL: {
    grpc: 'RESOURCE_EXHAUSTED',
    http: 507,
    retryable: false,
    title: 'The deny list is full: older sessions of all agents are cut',
  },
  DENY_LIST_CHANGED: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'Somebody else changed the policy document of a deny list',
  },

  DENY_LIST_LATE: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'A deny list was written and is not in force',
  },
  CANARY_UNUSABLE: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The canary of a deny list does not work',
  },

  // The record
  LEDGER_REPLACED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The ledger file is no longer under its name',
  },
  LEDGER_SPACE_LOW: {
    grpc: 'RESOURCE_EXHAUSTED',
    http: 503,
    retryable: false,
    title: 'The file system of the ledger is nearly full',
  },
  LEDGER_OUTDATED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'Another ledger, or a later state of this one, wrote the deny list',
  },
  LEDGER_QUARANTINED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The ledger was set back and is quarantined',
  },
  LEDGER_NOT_QUARANTINED: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'The ledger is not quarantined',
  },
  QUARANTINE_UNFINISHED: {
    grpc: 'FAILED_PRECONDITION',
    http: 409,
    retryable: false,
    title: 'Sessions from before the quarantine may still work',
  },
  LEDGER_UNAVAILABLE: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'The ledger cannot be written' },
  LEDGER_LISTEN_FAILED: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'Other replicas cannot be heard at once',
  },
  LEDGER_LOCKED: { grpc: 'UNAVAILABLE', http: 503, retryable: false, title: 'Another process holds the ledger' },
  LEDGER_VERSION_UNSUPPORTED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The ledger was written by a newer release',
  },
  LEDGER_MIGRATION_NEEDED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The ledger has an older schema than this release needs',
  },
  LEDGER_MOVED: {
    grpc: 'FAILED_PRECONDITION',
    http: 503,
    retryable: false,
    title: 'The ledger was moved to a database',
  },
  LEDGER_CORRUPT: { grpc: 'INTERNAL', http: 500, retryable: false, title: 'The ledger is damaged' },
  LEDGER_CONFLICT: { grpc: 'ABORTED', http: 409, retryable: true, title: 'Another writer changed the record' },
  AUDIT_INVALID: { grpc: 'INTERNAL', http: 500, retryable: false, title: 'The audit log failed verification' },
  CLOCK_UNSTABLE: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'The clock cannot be trusted' },

  // Any call
  REQUEST_INVALID: { grpc: 'INVALID_ARGUMENT', http: 400, retryable: false, title: 'The request is malformed' },
  NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, retryable: false, title: 'Not found' },
  METHOD_NOT_ALLOWED: {
    grpc: 'INVALID_ARGUMENT',
    http: 405,
    retryable: false,
    title: 'This path does not support this method',
  },
  BODY_TOO_LARGE: {
    grpc: 'INVALID_ARGUMENT',
    http: 413,
    retryable: false,
    title: 'The request body is too large',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    grpc: 'INVALID_ARGUMENT',
    http: 415,
    retryable: false,
    title: 'Unsupported media type',
  },
  OPERATOR_UNKNOWN: {
    grpc: 'UNAUTHENTICATED',
    http: 401,
    retryable: false,
    title: 'No valid operator token was presented',
  },
  OPERATOR_FORBIDDEN: {
    grpc: 'PERMISSION_DENIED',
    http: 403,
    retryable: false,
    title: "The operator's role does not allow this call",
  },
  CANCELLED: { grpc: 'CANCELLED', http: 499, retryable: true, title: 'The caller cancelled the call' },
  DEADLINE_EXCEEDED: {
    grpc: 'DEADLINE_EXCEEDED',
    http: 504,
    retryable: true,
    title: 'The call took longer than its deadline',
  },
  BROKER_UNAVAILABLE: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'The broker cannot be reached' },
  SHUTTING_DOWN: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'The broker is shutting down' },
  WORKLOAD_API_UNAVAILABLE: {
    grpc: 'UNAVAILABLE',
    http: 503,
    retryable: true,
    title: 'The SPIFFE Workload API provides no identity',
  },
  URL_REFUSED: { grpc: 'FAILED_PRECONDITION', http: 422, retryable: false, title: 'This URL must not be called' },
  FETCH_FAILED: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'A document could not be fetched' },
  CONFIG_INVALID: { grpc: 'FAILED_PRECONDITION', http: 422, retryable: false, title: 'The configuration is not valid' },
  CERTIFICATE_EXPIRING: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'A certificate of the broker was not renewed in time',
  },
  CONFIG_WAITS: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    retryable: false,
    title: 'Changed settings wait for a restart',
  },
  INTERNAL: { grpc: 'INTERNAL', http: 500, retryable: false, title: 'Internal error' },

  // Notices to receivers outside
  NOTICE_ENDPOINT_NOT_FOUND: {
    grpc: 'NOT_FOUND',
    http: 404,
    retryable: false,
    title: 'The configuration names no such receiver of notices',
  },
  NOTICE_UNDELIVERED: { grpc: 'UNAVAILABLE', http: 503, retryable: true, title: 'Notices cannot be delivered' },
} as const satisfies Record<string, ErrorSpec>

/** A row of ERROR_CATALOG. */
export type ErrorCode = keyof typeof ERROR_CATALOG

/** For the caller. `explanation` is the sentence that says what was wrong and what would be right; ids only, never secrets. */
export type ErrorDetails = { readonly explanation?: string; readonly [key: string]: Json | undefined }

/**
 * The one error class of this project.
 *
 * @param code a row of ERROR_CATALOG.
 * @param details goes to the caller; no token, key or credential may be in it.
 * @param cause goes to the log only.
 */
export class StintError extends Error {
  override readonly name = 'StintError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const { title } = ERROR_CATALOG[code]
    super(details.explanation ? `${title}: ${details.explanation}` : title, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  get retryable(): boolean {
    return ERROR_CATALOG[this.code].retryable
  }
}

/** The error itself if it is one of ours, else INTERNAL with the original as its cause. */
export function asStintError(error: unknown): StintError {
  return error instanceof StintError ? error : new StintError('INTERNAL', {}, error)
}

/** True for an error of this code; use it rather than reading the message. */
export function hasCode(error: unknown, code: ErrorCode): error is StintError {
  return error instanceof StintError && error.code === code
}
