import { z } from '@hono/zod-openapi'
import { ACTION_CLASSES, ACTION_FLAGS } from '../aws/action-classes.ts'
import { ERROR_CATALOG, type ErrorCode } from '../core/errors.ts'
import { type IdPrefix, idPattern } from '../core/ids.ts'
import { parseInstant } from '../core/instant.ts'
import { OPERATOR_ROLES } from '../grants/operators/operator.ts'
import { AUTH_METHODS } from '../identity/caller-identity.ts'
import {
  APPROVAL_STATES,
  DENY_PROOFS,
  END_REASONS,
  GRANT_AUTH_METHODS,
  GRANT_STATES,
  LEASE_ENDS,
  LEASE_STATES,
  UNREGISTERED_REASONS,
} from '../ledger/records.ts'
import { LABEL_MARKS } from '../plan/labels/labels.ts'
import { DROP_REASONS, PLAN_WARNINGS } from '../plan/plan.ts'
import { FAILURE_REASONS, OUTCOMES } from '../policy/decision.ts'

const instant = () =>
  z.string().openapi({
    format: 'date-time',
    description: 'RFC 3339, UTC, with milliseconds',
    example: '2026-11-21T12:00:00.000Z',
  })
const requestId = () => z.string().openapi({ example: EXAMPLE_REQUEST_ID })
/** Shown in the OpenAPI document. */
export const EXAMPLE_REQUEST_ID = '0d9b7b0c-6f0e-4f3e-9a53-0f5d2b2f3c1e'
const traceId = () =>
  z.string().optional().openapi({ pattern: '^[0-9a-f]{32}$', description: "trace id from the caller's `traceparent`" })
const sha256 = () => z.string().openapi({ pattern: '^[0-9a-f]{64}$', example: EXAMPLE_HASH })
const EXAMPLE_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const idOf = (prefix: keyof typeof EXAMPLE_IDS) =>
  z.string().openapi({ pattern: idPattern(prefix).source, example: EXAMPLE_IDS[prefix] })
const EXAMPLE_IDS = {
  grt: 'grt_01JD7Z0000EXAMP1E0GRANT000',
  apr: 'apr_01JD7Z0000EXAMP1E0APPR0V00',
  lse: 'lse_01JD7Z0000EXAMP1E01EASE000',
  evt: 'evt_01JD7Z0000EXAMP1E0EVENT000',
} as const satisfies Partial<Record<IdPrefix, string>>
const count = () => z.number().int()
const authMethod = z.enum(AUTH_METHODS)

// Patterns are enforced and published, and read by regular expressions of other languages: so classes are spelled out.
const CONTROLS = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f'
const BLANKS = '\\t\\n \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff'
/** No control character but line end and tab. */
const PLAIN_TEXT = new RegExp(`^[^${CONTROLS}]*$`)
/** The same, with something to read. */
const WORDS = new RegExp(`^[^${CONTROLS}]*[^${CONTROLS}${BLANKS}][^${CONTROLS}]*$`)

/** Text from a caller: never repeated in a message, and not stored if it could mislead a reader. @param max code points */
const text = (max: number, pattern = PLAIN_TEXT, problem = 'must be plain text') =>
  z
    .string()
    .min(1, { error: 'must not be empty', abort: true })
    .refine((value) => [...value].length <= max, `must be at most ${max} characters`)
    .regex(pattern, problem)
    .refine((value) => value.isWellFormed(), problem)
    .openapi({ maxLength: max })

const idParam = (prefix: 'grt' | 'apr') =>
  z.strictObject({
    id: z
      .string()
      .regex(idPattern(prefix), `must be ${prefix}_ and 26 characters`)
      .openapi({ param: { name: 'id', in: 'path' }, example: EXAMPLE_IDS[prefix] }),
  })

/** The path parameter `id` of a grant. */
export const grantIdParam = idParam('grt')
/** The path parameter `id` of an approval. */
export const approvalIdParam = idParam('apr')

const integer = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback })

const instantQuery = (description: string) =>
  z
    .string()
    .transform((value, context) => {
      const at = parseInstant(value)
      if (at) return at
      context.addIssue('must be an RFC 3339 date and time; the + of an offset is written %2B in a URL')
      return z.NEVER
    })
    .optional()
    .openapi({ type: 'string', format: 'date-time', description })

const pageQuery = {
  limit: integer(1, 200, 50),
  cursor: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'must be the nextCursor of the previous page')
    .optional()
    .openapi({ description: 'nextCursor of the previous page; opaque' }),
}

/** The query of a route that takes none. */
export const noQuery = z.strictObject({})
/** The query of a list that cannot be filtered. */
export const pageOnlyQuery = z.strictObject(pageQuery)
/** The query of `GET /v1/approvals`. */
export const approvalsQuery = z.strictObject({
  state: z.enum(APPROVAL_STATES).optional(),
  ...pageQuery,
})
/** The query of `GET /v1/grants`. */
export const grantsQuery = z.strictObject({
  agent: text(2048).optional().openapi({
    description: 'exact SPIFFE ID, or exact subject at an OIDC issuer',
    example: 'spiffe://example.org/ci/deploy',
  }),
  owner: text(256).optional().openapi({ description: "exact owner, from the agent's registration" }),
  state: z.enum(GRANT_STATES).optional(),
  role: text(2048).optional().openapi({ description: 'exact role ARN' }),
  requestedAfter: instantQuery('requested after this instant'),
  requestedBefore: instantQuery('requested before this instant'),
  ...pageQuery,
})
/** The query of `GET /v1/audit/events`. */
export const auditEventsQuery = z.strictObject({
  afterPosition: integer(0, Number.MAX_SAFE_INTEGER, 0).openapi({ description: 'returns events after this position' }),
  // More than a list, since an export reads the whole log.
  limit: integer(1, 1_000, 100),
})

const note = text(500, WORDS, 'must say why, in plain text').openapi({
  description: 'the reason, in your own words; recorded in the audit log',
  example: 'Wrong bucket: the job runs against staging',
})
/** The body of a call that needs a reason only. */
export const noteBody = z.strictObject({ note }).openapi('Note')
/** The body of an approval or a rejection: the plan that the person saw, and why. */
export const decisionBody = z
  .strictObject({
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the hash of the plan that was shown, all 64 hex digits')
      .openapi({ description: 'hash of the plan that you were shown; a different hash fails with APPROVAL_STALE' }),
    note,
  })
  .openapi('ApprovalAnswer')

const approvalRequirement = z
  .object({ anyOf: z.array(z.string()), because: z.array(z.string()) })
  .openapi('ApprovalRequirement', { description: 'a member of one of these groups must approve; any = any approver' })

const decision = z
  .object({
    outcome: z.enum(OUTCOMES),
    determiningPolicies: z.array(z.string()),
    failedPairs: z.array(
      z.object({
        action: z.string(),
        resource: z.string(),
        reason: z.enum(FAILURE_REASONS),
        policies: z.array(z.string()),
        conditions: z.array(z.string()).optional(),
      }),
    ),
    failedPairsLeftOut: count().optional().openapi({ description: 'number of failed pairs that are not listed' }),
    approval: z.array(approvalRequirement),
    waivers: z
      .array(z.object({ policy: z.string(), reason: z.string(), because: z.array(z.string()) }))
      .optional()
      .openapi({ description: 'approvals that a policy waived, and why; absent if there are none' }),
    policySetHash: sha256(),
  })
  .openapi('Decision')

/** A grant, without its leases and plan. */
export const grantSchema = z
  .object({
    id: idOf('grt'),
    subject: z.string().openapi({ description: 'SPIFFE ID of the agent, or its subject at an OIDC issuer' }),
    trustDomain: z.string(),
    authMethod: z.enum(GRANT_AUTH_METHODS).openapi({ description: '`broker`: for a check of its own' }),
    registration: z.string(),
    owner: z.string(),
    team: z.string(),
    idempotencyKey: z.string(),
    taskHash: sha256(),
    planHash: sha256(),
    roleArn: z.string(),
    purpose: z.string().openapi({ description: "the agent's own words" }),
    state: z.enum(GRANT_STATES),
    reason: z.enum(END_REASONS).optional(),
    decision,
    requestedAt: instant(),
    activeAt: instant().optional(),
    deadline: instant().optional(),
    effectiveBy: instant().optional().openapi({ description: 'when its credentials stop working, at the latest' }),
    endedAt: instant().optional(),
    dueAt: instant().optional(),
    leaseCount: count(),
    version: count(),
  })
  .openapi('Grant')

/** A lease; never its credentials. */
export const leaseSchema = z
  .object({
    id: idOf('lse'),
    grantId: idOf('grt'),
    number: count(),
    roleArn: z.string(),
    sessionName: z.string(),
    state: z.enum(LEASE_STATES),
    end: z.enum(LEASE_ENDS).optional(),
    notAfter: instant().openapi({ description: 'when the credentials stop working' }),
    intendedAt: instant(),
    replica: z.string().optional().openapi({ description: 'the broker process that mints it' }),
    mintUntil: instant().optional().openapi({ description: 'by then its mint has been answered or given up' }),
    issuedAt: instant().optional(),
    endedAt: instant().optional(),
    accessKeyId: z.string().optional().openapi({ description: 'for correlation with CloudTrail' }),
    outcomeUnknown: z.boolean().optional(),
  })
  .openapi('Lease')

/** An approval: the question, and the answer once there is one. */
export const approvalSchema = z
  .object({
    id: idOf('apr'),
    grantId: idOf('grt'),
    planHash: sha256(),
    requirements: z.array(approvalRequirement),
    state: z.enum(APPROVAL_STATES),
    requestedAt: instant(),
    expiresAt: instant(),
    decidedBy: z.string().optional(),
    decidedAt: instant().optional(),
    note: z.string().optional(),
    version: count(),
  })
  .openapi('Approval')

const conditionSchema = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) }).openapi({
  description: 'requests must carry this key with one of these values; operator: StringEquals or StringLike',
})

/** Facts about a plan that whoever approves it should know. */
export const warningsSchema = z.array(z.object({ kind: z.enum(PLAN_WARNINGS), explanation: z.string() }))

/** A plan in full, as approvers see it. */
export const planSchema = z
  .object({
    hash: sha256(),
    subject: z.string(),
    task: z.object({
      purpose: z.string(),
      roleArn: z.string(),
      access: z.array(
        z.object({
          actions: z.array(z.string()),
          resources: z.array(z.string()),
          conditions: z.array(conditionSchema).optional(),
        }),
      ),
      ttlSeconds: count(),
      reference: z.string().optional(),
      strict: z.literal(true).optional(),
    }),
    pairs: z.array(
      z.object({
        action: z.string(),
        resource: z.string(),
        class: z.enum(ACTION_CLASSES),
        flags: z.array(z.enum(ACTION_FLAGS)),
        within: z.array(z.string()),
        touches: z.array(z.string()),
        conditions: z.array(conditionSchema).optional(),
      }),
    ),
    classes: z.array(z.enum(ACTION_CLASSES)),
    flags: z.array(z.enum(ACTION_FLAGS)),
    sessionPolicy: z.string(),
    sessionPolicyCharacters: count(),
    blastRadius: z.object({
      actions: count(),
      resourcePatterns: count(),
      byClass: z.partialRecord(z.enum(ACTION_CLASSES), count()),
      byLabel: z.record(z.string(), count()),
      byCondition: z.record(z.string(), count()).optional().openapi({ description: 'pairs of each condition' }),
      flags: z.array(z.enum(ACTION_FLAGS)),
      outlives: z.array(z.object({ action: z.string(), reason: z.string() })),
      unknown: z.array(z.string()),
    }),
    labelMarks: z
      .record(z.string(), z.array(z.enum(LABEL_MARKS)))
      .optional()
      .openapi({ description: 'marks of the labels that the plan touches' }),
    dropped: z
      .array(
        z.object({
          pattern: z.string(),
          members: count(),
          reason: z.enum(DROP_REASONS),
          count: count(),
          actions: z.array(z.string()),
          explanation: z.string(),
        }),
      )
      .optional()
      .openapi({ description: 'actions of wildcards that are not in the plan' }),
    warnings: warningsSchema.optional(),
    actionTableVersion: z.string(),
  })
  .openapi('Plan')

/** One grant on the deny list of one policy document. */
export const denySchema = z
  .object({
    grantId: idOf('grt'),
    listKey: z.string(),
    wantedAt: instant(),
    until: instant(),
    lastIssuedAt: instant(),
    chains: z.boolean().optional().openapi({ description: 'its sessions may have made others' }),
    urgent: z.boolean().optional().openapi({ description: 'an operator ended it, so it has a place in reserve' }),
    writtenAt: instant().optional(),
    byWatermark: z.boolean().optional().openapi({ description: 'a watermark covers it, rather than its own name' }),
    enforcedAt: instant().optional(),
    enforcedBy: z
      .enum(DENY_PROOFS)
      .optional()
      .openapi({ description: 'a canary that the document denies was refused, or the settle time has passed' }),
    failing: z
      .object({ since: instant(), attempts: count(), error: z.string() })
      .optional()
      .openapi({ description: 'it is not written, and why' }),
  })
  .openapi('DenyEntry')

/** One policy document that holds a deny list, and how its last write went. */
export const denyListSchema = z
  .object({
    key: z.string(),
    nextAttemptAt: instant().optional(),
    attempts: count(),
    lastError: z.string().optional(),
    failingSince: instant().optional(),
    lastWrittenAt: instant().optional(),
    watermark: instant().optional(),
    claimedBy: z.string().optional(),
    claimedUntil: instant().optional(),
    claimVersion: count(),
  })
  .openapi('DenyList')

/** The chain of an event, by the process that wrote it. */
export const chainId = () =>
  z
    .string()
    .openapi({ description: 'broker process that wrote the chain; empty for events recorded before chains had names' })

/** One event of an audit chain, with its hashes. */
export const auditEventSchema = z
  .object({
    id: idOf('evt'),
    position: count().openapi({
      description: 'order of the event in this list; positions have gaps and are not covered by the hash',
    }),
    chain: z.string().optional().openapi({ description: 'broker process that wrote the event' }),
    seq: count().openapi({ description: 'number of the event in its chain, from 1' }),
    type: z.string(),
    at: instant(),
    actor: z.string(),
    grantId: idOf('grt').optional(),
    leaseId: idOf('lse').optional(),
    requestId: requestId().optional().openapi({ description: 'id of the call that caused the event' }),
    traceId: traceId(),
    data: z.any().optional().openapi({ description: 'details of the event; any JSON' }),
    prevHash: sha256(),
    hash: sha256(),
  })
  .openapi('AuditEvent')

/** The last event of an audit chain. */
export const chainHeadSchema = z.object({ chain: chainId(), seq: count(), hash: sha256() }).openapi('ChainHead')

/** A registration of agents. */
export const registrationSchema = z
  .object({
    name: z.string(),
    match: z.string(),
    owner: z.string(),
    team: z.string(),
    purpose: z.string(),
    expiresAt: instant(),
    reviewAt: instant().optional(),
  })
  .openapi('Registration')

/** A caller that proved who it is and has no registration. */
export const unregisteredSchema = z
  .object({
    subject: z.string(),
    trustDomain: z.string(),
    authMethod,
    reason: z.enum(UNREGISTERED_REASONS),
    firstSeenAt: instant(),
    lastSeenAt: instant(),
    count: count(),
  })
  .openapi('UnregisteredAttempt')

/** Why a configuration file is not in force. */
export const fileProblemSchema = z
  .object({ code: z.string(), explanation: z.string() })
  .openapi('FileProblem', { description: 'why the newest file was rejected; the last valid one stays in use' })

/** How far a revocation is. */
export const outcomeSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('ended'), at: instant() }),
    z.object({ kind: z.literal('ending'), effectiveBy: instant() }),
    z.object({ kind: z.literal('not-revocable'), usableUntil: instant() }),
  ])
  .openapi('RevocationOutcome')

/** The operator whose token made the call. */
export const operatorSchema = z
  .object({ name: z.string(), role: z.enum(OPERATOR_ROLES), groups: z.array(z.string()) })
  .openapi('Operator')

const ERROR_CODES = Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]]

/** An error as it is sent: a problem document (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:stint:error:GRANT_NOT_FOUND' }),
    title: z.string(),
    status: count(),
    code: z
      .enum(ERROR_CODES)
      .openapi({ description: 'stable, for programs to branch on; a later version may add codes' }),
    detail: z.string().optional().openapi({ description: 'what was wrong, and what would be valid' }),
    details: z.record(z.string(), z.unknown()),
    errors: z
      .array(
        z.object({
          pointer: z.string().openapi({ description: 'JSON pointer', example: '/query/limit' }),
          message: z.string(),
        }),
      )
      .optional(),
    requestId: requestId(),
    traceId: traceId(),
  })
  .openapi('Problem', { description: 'RFC 9457' })
