import { z } from '@hono/zod-openapi'
import { ACTION_CLASSES, ACTION_FLAGS } from '../../aws/action-classes.ts'
import { CHANGE_ACTIONS, CHANGE_KINDS } from '../../plan/declared-change.ts'
import { LABEL_MARKS } from '../../plan/labels/labels.ts'
import { DROP_REASONS, PLAN_WARNINGS } from '../../plan/plan.ts'
import { count, sha256 } from './values.ts'

const conditionSchema = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) }).openapi({
  description: 'requests must carry this key with one of these values; operator: StringEquals or StringLike',
})

/** Facts about a plan that whoever approves it should know. */
export const warningsSchema = z.array(z.object({ kind: z.enum(PLAN_WARNINGS), explanation: z.string() }))

/** The limits of a pair that AWS allows in part, or on conditions. */
export const limitSchema = z.object({
  within: z.array(z.string()).optional(),
  except: z.array(z.string()).optional(),
  conditions: z
    .array(z.object({ effect: z.enum(['Allow', 'Deny']), key: z.string(), text: z.string(), statement: z.string() }))
    .optional(),
  unread: z.array(z.string()).optional(),
  more: z.literal(true).optional(),
})

/** The part of a plan that the role's own policies allow. */
const reachSchema = z
  .object({
    policiesDigest: sha256(),
    yes: count(),
    no: count(),
    yesIf: count(),
    byClass: z.partialRecord(z.enum(ACTION_CLASSES), count()),
    byLabel: z.record(z.string(), count()),
    limited: z.array(
      limitSchema.extend({
        pair: count(),
        verdict: z.enum(['no', 'yes-if']),
        reason: z.enum(['not_allowed', 'boundary', 'denied']).optional(),
        statement: z.string().optional(),
      }),
    ),
    unknown: z.array(z.string()),
  })
  .openapi({ description: "pairs that work, by the role's own policies; absent if they are not known" })

const changeSchema = z
  .object({
    kind: z.enum(CHANGE_KINDS),
    sha256: sha256(),
    artifactSha256: sha256().optional(),
    reference: z.string().optional(),
    counts: z.partialRecord(z.enum(CHANGE_ACTIONS), count()),
    resources: z.array(z.object({ action: z.enum(CHANGE_ACTIONS), type: z.string(), address: z.string() })),
  })
  .openapi('DeclaredChange')

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
      change: changeSchema.optional(),
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
    reach: reachSchema.optional(),
    onward: z
      .array(z.object({ action: z.string(), resource: z.string(), step: z.string() }))
      .optional()
      .openapi({ description: 'what its effects could do in turn, one step further' }),
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
