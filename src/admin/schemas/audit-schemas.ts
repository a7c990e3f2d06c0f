import { z } from '@hono/zod-openapi'
import { chainId, count, idText, instant, requestId, sha256, traceId } from './values.ts'

/** One event of an audit chain, with its hashes. */
export const auditEventSchema = z
  .object({
    id: idText('evt'),
    position: count().openapi({
      description: 'order of the event in this list; positions have gaps and are not covered by the hash',
    }),
    chain: z.string().optional().openapi({ description: 'broker process that wrote the event' }),
    seq: count().openapi({ description: 'number of the event in its chain, from 1' }),
    type: z.string(),
    at: instant(),
    actor: z.string(),
    grantId: idText('grt').optional(),
    leaseId: idText('lse').optional(),
    requestId: requestId().optional().openapi({ description: 'id of the call that caused the event' }),
    traceId: traceId(),
    data: z.any().optional().openapi({ description: 'details of the event; any JSON' }),
    prevHash: sha256(),
    hash: sha256(),
  })
  .openapi('AuditEvent')

/** The last event of an audit chain. */
export const chainHeadSchema = z.object({ chain: chainId(), seq: count(), hash: sha256() }).openapi('ChainHead')
