import { z } from '@hono/zod-openapi'
import { ACTION_CLASSES, ACTION_FLAGS } from '../aws/action-classes.ts'
import { isId } from '../core/ids.ts'
import { OPERATOR_ROLES } from '../grants/operator.ts'
import { AUTH_METHODS } from '../identity/caller-identity.ts'
import {
  APPROVAL_STATES,
  END_REASONS,
  GRANT_STATES,
  LEASE_ENDS,
  LEASE_STATES,
  UNREGISTERED_REASONS,
} from '../ledger/records.ts'
import { FAILURE_REASONS, OUTCOMES } from '../policy/decision.ts'

const instant = () =>
  z.string().openapi({
    format: 'date-time',
    description: 'RFC 3339, UTC, with milliseconds',
    example: '2026-11-21T12:00:00.000Z',
  })
const sha256 = () => z.string().openapi({ pattern: '^[0-9a-f]{64}$' })
const count = () => z.number().int()
const authMethod = z.enum(AUTH_METHODS)

/** What the caller sends is never repeated in a message, and never stored when it could mislead a reader. */
const text = (max: number) =>
  z
    .string()
    .min(1, { error: 'must not be empty', abort: true })
    .max(max, `must be at most ${max} characters`)
    .refine((value) => value.isWellFormed() && !/(?![\n\t])\p{Cc}/u.test(value), 'must be plain text')

const idParam = (prefix: 'grt' | 'apr', example: string) =>
  z.strictObject({
    id: z
      .string()
      .refine((value) => isId(prefix, value), `must be ${prefix}_ and 26 characters`)
      .openapi({ param: { name: 'id', in: 'path' }, pattern: `^${prefix}_[0-7][0-9A-HJKMNP-TV-Z]{25}$`, example }),
  })

export const grantIdParam = idParam('grt', 'grt_01JD7Z0000EXAMPLE0GRANT000')
export const approvalIdParam = idParam('apr', 'apr_01JD7Z0000EXAMPLE0APPR0V00')

const integer = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback })

const instantQuery = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'must be an RFC 3339 date and time' })
    .transform((value) => new Date(value))
    .optional()
    .openapi({ type: 'string', format: 'date-time', description })

const pageQuery = {
  limit: integer(1, 200, 50),
  cursor: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'must be the nextCursor of the page before')
    .optional()
    .openapi({ description: 'nextCursor of the page before; opaque' }),
}

export const noQuery = z.strictObject({})
export const pageOnlyQuery = z.strictObject(pageQuery)
export const approvalsQuery = z.strictObject({
  state: z.enum(APPROVAL_STATES).optional(),
  ...pageQuery,
})
export const grantsQuery = z.strictObject({
  agent: text(2048).optional().openapi({
    description: 'SPIFFE ID or subject of an OIDC issuer, exact',
    example: 'spiffe://example.org/ci/deploy',
  }),
  owner: text(256).optional().openapi({ description: 'owner of the registration, exact' }),
  state: z.enum(GRANT_STATES).optional(),
  role: text(2048).optional().openapi({ description: 'role ARN, exact' }),
  requestedAfter: instantQuery('asked for after this instant'),
  requestedBefore: instantQuery('asked for before this instant'),
  ...pageQuery,
})
export const auditEventsQuery = z.strictObject({
  afterSeq: integer(0, Number.MAX_SAFE_INTEGER, 0).openapi({ description: 'events after this sequence number' }),
  // More than a list, since an export reads the whole log.
  limit: integer(1, 1_000, 100),
})

const note = text(500)
  .refine((value) => /\S/.test(value), 'must say why')
  .openapi({ description: 'why, in your own words; goes on record' })
export const noteBody = z.strictObject({ note }).openapi('Note')
export const decisionBody = z
  .strictObject({
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the hash of the plan that was shown, all 64 hex digits')
      .openapi({ description: 'hash of the plan that you were shown; another one is APPROVAL_STALE' }),
    note,
  })
  .openapi('ApprovalAnswer')

const approvalRequirement = z
  .object({ anyOf: z.array(z.string()), because: z.array(z.string()) })
  .openapi('ApprovalRequirement', { description: 'somebody of one of these groups must say yes; any = every approver' })

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
      }),
    ),
    approval: z.array(approvalRequirement),
    policySetHash: sha256(),
  })
  .openapi('Decision')

export const grantSchema = z
  .object({
    id: z.string(),
    subject: z.string().openapi({ description: 'SPIFFE ID of the agent, or its subject at an OIDC issuer' }),
    trustDomain: z.string(),
    authMethod,
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
    effectiveBy: instant().optional().openapi({ description: 'by when its credentials will have stopped working' }),
    endedAt: instant().optional(),
    dueAt: instant().optional(),
    leaseCount: count(),
    version: count(),
  })
  .openapi('Grant')

export const leaseSchema = z
  .object({
    id: z.string(),
    grantId: z.string(),
    number: count(),
    roleArn: z.string(),
    sessionName: z.string(),
    state: z.enum(LEASE_STATES),
    end: z.enum(LEASE_ENDS).optional(),
    notAfter: instant().openapi({ description: 'nothing works after it' }),
    intendedAt: instant(),
    issuedAt: instant().optional(),
    endedAt: instant().optional(),
    accessKeyId: z.string().optional().openapi({ description: 'for correlation with CloudTrail' }),
    outcomeUnknown: z.boolean().optional(),
  })
  .openapi('Lease')

export const approvalSchema = z
  .object({
    id: z.string(),
    grantId: z.string(),
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

export const planSchema = z
  .object({
    hash: sha256(),
    subject: z.string(),
    task: z.object({
      purpose: z.string(),
      roleArn: z.string(),
      access: z.array(z.object({ actions: z.array(z.string()), resources: z.array(z.string()) })),
      ttlSeconds: count(),
      reference: z.string().optional(),
    }),
    pairs: z.array(
      z.object({
        action: z.string(),
        resource: z.string(),
        class: z.enum(ACTION_CLASSES),
        flags: z.array(z.enum(ACTION_FLAGS)),
        within: z.array(z.string()),
        touches: z.array(z.string()),
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
      flags: z.array(z.enum(ACTION_FLAGS)),
      outlives: z.array(z.object({ action: z.string(), reason: z.string() })),
      unknown: z.array(z.string()),
    }),
    actionTableVersion: z.string(),
  })
  .openapi('Plan')

export const denySchema = z
  .object({
    grantId: z.string(),
    target: z.string(),
    wantedAt: instant(),
    until: instant(),
    lastIssuedAt: instant(),
    writtenAt: instant().optional(),
    enforcedAt: instant().optional(),
  })
  .openapi('DenyEntry')

export const denyTargetSchema = z
  .object({
    target: z.string(),
    nextAttemptAt: instant().optional(),
    attempts: count(),
    lastError: z.string().optional(),
    lastWrittenAt: instant().optional(),
    watermark: instant().optional(),
    claimedBy: z.string().optional(),
    claimedUntil: instant().optional(),
    claimVersion: count(),
  })
  .openapi('DenyTarget')

export const auditEventSchema = z
  .object({
    id: z.string(),
    seq: count(),
    type: z.string(),
    at: instant(),
    actor: z.string(),
    grantId: z.string().optional(),
    leaseId: z.string().optional(),
    data: z.any().optional().openapi({ description: 'facts of the event; any JSON' }),
    prevHash: sha256(),
    hash: sha256(),
  })
  .openapi('AuditEvent')

export const auditHeadSchema = z.object({ seq: count(), hash: sha256() }).openapi('AuditHead')

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

export const fileProblemSchema = z
  .object({ code: z.string(), explanation: z.string() })
  .openapi('FileProblem', { description: 'why the newest file is not in force; the last good one is' })

export const outcomeSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('ended'), at: instant() }),
    z.object({ kind: z.literal('ending'), effectiveBy: instant() }),
    z.object({ kind: z.literal('not-revocable'), usableUntil: instant() }),
  ])
  .openapi('RevocationOutcome')

export const operatorSchema = z
  .object({ name: z.string(), role: z.enum(OPERATOR_ROLES), groups: z.array(z.string()) })
  .openapi('Operator')

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:stint:error:GRANT_NOT_FOUND' }),
    title: z.string(),
    status: count(),
    code: z.string().openapi({ description: 'stable; switch on it' }),
    detail: z.string().optional().openapi({ description: 'what was wrong and what would be right' }),
    details: z.record(z.string(), z.unknown()),
    errors: z
      .array(z.object({ pointer: z.string().openapi({ description: 'JSON pointer' }), message: z.string() }))
      .optional(),
    requestId: z.string(),
  })
  .openapi('Problem', { description: 'RFC 9457' })
