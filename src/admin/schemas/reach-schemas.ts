import { z } from '@hono/zod-openapi'
import { ACTION_CLASSES, ACTION_FLAGS } from '../../aws/action-classes.ts'
import { REACH_SCOPES } from '../../grants/reach/load-reach.ts'
import { MAY_OUTCOMES } from '../../grants/reach/may-reach.ts'
import { limitSchema } from './plan-schemas.ts'
import { count, instant } from './values.ts'

const nextCursor = z.string().optional().openapi({ description: 'absent on the last page' })

const entrySchema = z.object({
  class: z.enum(ACTION_CLASSES),
  roleArn: z.string(),
  resource: z.string(),
  actions: z.array(z.string()),
  flags: z.array(z.enum(ACTION_FLAGS)),
  labels: z.array(z.string()).openapi({ description: 'labels that it touches' }),
  verdict: z
    .enum(['yes', 'yes-if', 'unknown'])
    .openapi({ description: "by the role's own policies; unknown if they are not known" }),
  conditions: z.array(z.string()).optional().openapi({ description: 'conditions of the task' }),
  limits: limitSchema.optional(),
  grants: count(),
  resources: z
    .object({ count: count(), names: z.array(z.string()) })
    .optional()
    .openapi({ description: 'what the inventory has of them; names are the first' }),
})

/** The combined reach of the grants of a scope. */
export const reachReportSchema = z
  .object({
    scope: z.object({ kind: z.enum(REACH_SCOPES), name: z.string() }),
    at: instant(),
    since: instant().optional(),
    inventory: z
      .object({ takenAt: instant(), resources: count() })
      .optional()
      .openapi({ description: 'the inventory that entries are matched with; absent if there is none' }),
    grants: count(),
    agents: z.array(z.string()),
    complete: z.boolean().openapi({ description: 'false if there are more grants than one report looks at' }),
    pairs: count(),
    refused: count().openapi({ description: 'pairs that AWS will refuse' }),
    byClass: z.partialRecord(z.enum(ACTION_CLASSES), count()),
    byLabel: z.record(z.string(), count()),
    roles: z.array(z.string()),
    accounts: z.array(z.string()),
    outlives: z.array(z.object({ action: z.string(), reason: z.string() })),
    onward: z
      .array(z.object({ action: z.string(), resource: z.string(), step: z.string() }))
      .openapi({ description: 'what their effects could do in turn, one step further' }),
    unknown: z.array(z.string()),
    entries: z.array(entrySchema).openapi({ description: 'a page of them, riskiest class first' }),
    nextCursor,
  })
  .openapi('ReachReport')

/** The access that current policies permit an agent. */
export const mayReachSchema = z
  .object({
    subject: z.string(),
    policySetHash: z.string(),
    entries: z.array(
      z.object({
        roleArn: z.string().openapi({ description: 'as the configuration has it, maybe a pattern' }),
        label: z.string().openapi({ description: 'empty for resources without a label of their own' }),
        class: z.enum(ACTION_CLASSES),
        outcome: z.enum(MAY_OUTCOMES),
        roleRefuses: z.boolean().optional(),
        policies: z.array(z.string()),
        anyOf: z.array(z.string()),
        example: z.string(),
      }),
    ),
    approximated: z.array(z.string()),
    nextCursor,
  })
  .openapi('MayReach')
