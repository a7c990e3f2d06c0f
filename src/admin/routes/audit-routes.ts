import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { LogVerifier } from '../../ledger/audit/log-verifier.ts'
import { AUDIT_PROBLEMS, AUDIT_VERDICTS } from '../../ledger/audit/walk-chains.ts'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { auditEventSchema, chainHeadSchema } from '../schemas/audit-schemas.ts'
import { auditEventsQuery, noQuery } from '../schemas/inputs.ts'
import { chainId } from '../schemas/values.ts'
import { wire } from '../wire.ts'
import { answers, security } from './route-parts.ts'

const common = { tags: ['audit'], security }

const events = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/events',
  operationId: 'listAuditEvents',
  summary: 'List audit events in order',
  description: 'To get the next page, send `nextAfterPosition` as `afterPosition`.',
  request: { query: auditEventsQuery },
  responses: answers(
    z
      .object({
        items: z.array(auditEventSchema),
        nextAfterPosition: z
          .number()
          .int()
          .optional()
          .openapi({ description: 'afterPosition of the next page; absent at the end' }),
      })
      .openapi('AuditEventPage'),
    'a page of events',
  ),
})

const heads = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/heads',
  operationId: 'getAuditHeads',
  summary: 'Get the last event of each chain of the audit log',
  description: 'Save the heads outside the broker: they reveal a log that was truncated or replaced.',
  request: { query: noQuery },
  responses: answers(
    z
      .object({
        position: z.number().int().openapi({ description: 'position of the last event' }),
        heads: z.array(chainHeadSchema).openapi({
          description: 'last events of the chains whose end no other chain names; together they cover every chain',
        }),
      })
      .openapi('AuditHeads'),
    'the heads',
  ),
})

const verify = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/verify',
  operationId: 'verifyAuditLog',
  summary: 'Verify the hash chains of the whole audit log',
  description: 'Reads every event. One verification runs at a time; a second call is refused with RATE_LIMITED.',
  request: { query: noQuery },
  responses: answers(
    z
      .object({
        verdict: z.enum(AUDIT_VERDICTS).openapi({
          description:
            'unwitnessed: whole as far as it goes, but the end of a chain could have been cut off unnoticed; always so for the newest chain, closed or not',
        }),
        events: z.number().int().openapi({ description: 'number of events verified' }),
        chains: z.number().int(),
        heads: z.array(chainHeadSchema).openapi({
          description: 'last events of the chains whose end no other chain names; save them outside the broker',
        }),
        unwitnessed: z
          .array(z.object({ chain: chainId(), afterSeq: z.number().int(), events: z.number().int() }))
          .openapi({ description: 'ends of chains that no other chain and no saved head confirms' }),
        problem: z
          .object({
            chain: chainId(),
            seq: z.number().int(),
            kind: z.enum(AUDIT_PROBLEMS),
            explanation: z.string(),
          })
          .optional()
          .openapi({ description: 'the first problem found; set if the verdict is broken' }),
      })
      .openapi('AuditVerdict'),
    'the verdict',
    ['CANCELLED', 'LEDGER_CORRUPT'],
  ),
})

/** `/v1/audit…` */
export function auditRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps, limits: AdminLimits): void {
  const { ledger, stopping } = deps
  const verifier = new LogVerifier({ ledger, pageSize: limits.verifyPageSize })
  app.openapi(events, async (c) => {
    const { afterPosition, limit } = c.req.valid('query')
    const items = await ledger.auditEvents({ afterPosition, limit })
    const last = items.length < limit ? undefined : items.at(-1)
    return c.json(wire({ items, nextAfterPosition: last?.position }), 200)
  })
  app.openapi(heads, async (c) => c.json(wire(await ledger.auditHeads()), 200))
  app.openapi(verify, async (c) => c.json(wire(await verifier.verify({ caller: c.req.raw.signal, stopping })), 200))
}
