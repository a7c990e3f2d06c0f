import { z } from '@hono/zod-openapi'
import { DENY_PROOFS } from '../../ledger/records.ts'
import { count, idText, instant } from './values.ts'

/** One grant on the deny list of one policy document. */
export const denySchema = z
  .object({
    grantId: idText('grt'),
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
    documents: z
      .array(
        z.object({
          key: z.string(),
          attempts: count(),
          lastError: z.string().optional(),
          failingSince: instant().optional(),
        }),
      )
      .optional()
      .openapi({ description: 'the documents of a list that has several; `attempts` is 0 for those that hold' }),
    claimedBy: z.string().optional(),
    claimedUntil: instant().optional(),
    claimVersion: count(),
  })
  .openapi('DenyList')
