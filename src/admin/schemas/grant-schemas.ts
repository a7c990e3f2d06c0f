import { z } from '@hono/zod-openapi'
import { VERDICTS, VOID_REASONS } from '../../ledger/approvals/vote.ts'
import {
  APPROVAL_STATES,
  END_REASONS,
  GRANT_AUTH_METHODS,
  GRANT_STATES,
  LEASE_ENDS,
  LEASE_STATES,
} from '../../ledger/records.ts'
import { EXCLUDABLE, FAILURE_REASONS, OUTCOMES, VOTE_ASSURANCES } from '../../policy/decision.ts'
import { count, idText, instant, sha256 } from './values.ts'

/** One requirement of an approval. */
export const approvalRequirement = z
  .object({
    anyOf: z.array(z.string()),
    count: count().optional().openapi({ description: 'how many different people; one unless set' }),
    exclude: z
      .array(z.enum(EXCLUDABLE))
      .optional()
      .openapi({ description: "people whose vote does not count; owner = of the agent's registration" }),
    assurance: z.enum(VOTE_ASSURANCES).optional().openapi({ description: 'the least assurance of each vote' }),
    because: z.array(z.string()),
  })
  .openapi('ApprovalRequirement', { description: 'members of these groups must approve; any = any approver' })

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
    reuse: z.object({ uses: count(), withinMs: count() }).optional().openapi({
      description: 'how many grants may rest on one approval of the plan, and how long after it; absent: one',
    }),
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
    id: idText('grt'),
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
    deadline: instant()
      .optional()
      .openapi({ description: 'the latest end of any lease; of an approved grant it is set with the first one' }),
    claimBy: instant()
      .optional()
      .openapi({ description: 'of an approved grant without a lease: by when its agent has to collect it' }),
    taskMs: count()
      .optional()
      .openapi({ description: 'with `claimBy`: the time of its task, which begins with its first lease' }),
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
    id: idText('lse'),
    grantId: idText('grt'),
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

const voteSchema = z
  .object({
    voter: z.string(),
    verdict: z.enum(VERDICTS),
    at: instant(),
    channel: z.string().openapi({ description: 'cli, token, or what a newer version has' }),
    assurance: z.enum(VOTE_ASSURANCES),
    note: z.string(),
    planHash: sha256(),
    groups: z.array(z.string()).openapi({ description: "the voter's groups when the vote was cast" }),
  })
  .openapi('Vote')

/** An approval: the question, and the answer once there is one. */
export const approvalSchema = z
  .object({
    id: idText('apr'),
    grantId: idText('grt'),
    planHash: sha256(),
    requirements: z.array(approvalRequirement),
    state: z
      .enum(APPROVAL_STATES)
      .openapi({ description: 'voided: the task came to another plan while it was open, or policy denies its plan' }),
    requestedAt: instant(),
    expiresAt: instant(),
    votes: z
      .array(voteSchema)
      .openapi({ description: 'one of a person at most, in the order in which they were cast' }),
    decidedBy: z.string().optional().openapi({ description: 'whoever ended it' }),
    uses: count().optional().openapi({ description: 'how many further grants rest on it' }),
    reuseOf: idText('apr').optional().openapi({ description: 'the earlier approval that this grant rests on' }),
    decidedAt: instant().optional(),
    note: z.string().optional(),
    voided: z
      .object({ reason: z.enum(VOID_REASONS), planHash: sha256(), changes: z.array(z.string()) })
      .optional()
      .openapi({ description: 'why, the plan that the task comes to now, and what changed or is denied' }),
    version: count(),
  })
  .openapi('Approval')

/** How far a revocation is. */
export const outcomeSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('ended'), at: instant() }),
    z.object({ kind: z.literal('ending'), effectiveBy: instant() }),
    z.object({ kind: z.literal('not-revocable'), usableUntil: instant() }),
  ])
  .openapi('RevocationOutcome')
