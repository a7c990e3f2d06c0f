import { z } from '@hono/zod-openapi'
import { QUARANTINE_REASONS } from '../../ledger/records.ts'
import { count, instant } from './values.ts'

/** A quarantine of the ledger. */
export const quarantineSchema = z
  .object({
    number: count(),
    reason: z.enum(QUARANTINE_REASONS).openapi({
      description: '`restored`: a backup was restored. `outdated`: a deny document carries a later state of the ledger',
    }),
    since: instant(),
    by: z.string(),
    found: z.string().openapi({ description: 'the backup, or the document that showed it' }),
    opened: z
      .object({ at: instant(), by: z.string(), note: z.string(), acceptedRisk: z.string().optional() })
      .optional()
      .openapi({ description: 'absent while it is in force' }),
  })
  .openapi('Quarantine')

/** A quarantine, and what there is to wait for. */
export const quarantineViewSchema = z
  .object({
    inForce: z.boolean(),
    quarantine: quarantineSchema.optional(),
    unfinished: z.array(
      z.object({
        kind: z.enum(['deny_list', 'role', 'grants']),
        what: z.string().openapi({ description: 'the deny list, the role or its pattern, or the number of grants' }),
        explanation: z.string(),
        until: instant().optional().openapi({ description: 'when it is over at the latest' }),
      }),
    ),
  })
  .openapi('QuarantineView')
