import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { CHAIN_PROBLEMS } from '../../ledger/audit/audit-log.ts'
import { LogVerifier } from '../../ledger/audit/log-verifier.ts'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { auditEventSchema, auditEventsQuery, auditHeadSchema, noQuery } from '../schemas.ts'
import { wire } from '../wire.ts'
import { answers, security } from './route-parts.ts'

const common = { tags: ['audit'], security }

const events = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/events',
  operationId: 'listAuditEvents',
  summary: 'List audit events in order',
  description: 'For the next page, send `nextAfterSeq` as `afterSeq`.',
  request: { query: auditEventsQuery },
  responses: answers(
    z
      .object({
        items: z.array(auditEventSchema),
        nextAfterSeq: z
          .number()
          .int()
          .optional()
          .openapi({ description: 'afterSeq of the next page; absent at the end' }),
      })
      .openapi('AuditEventPage'),
    'a page of events',
  ),
})

const head = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/head',
  operationId: 'getAuditHead',
  summary: 'Get the last event of the audit log',
  description: 'Save it elsewhere to detect a log that was truncated or replaced.',
  request: { query: noQuery },
  responses: answers(auditHeadSchema, 'the head'),
})

const verify = createRoute({
  ...common,
  method: 'get',
  path: '/v1/audit/verify',
  operationId: 'verifyAuditLog',
  summary: 'Verify the hash chain of the whole audit log',
  description: 'Reads every event. Verifications run one at a time, so a call may wait for another.',
  request: { query: noQuery },
  responses: answers(
    z
      .object({
        ok: z.boolean(),
        events: z.number().int().openapi({ description: 'number of events verified, starting with the first' }),
        head: auditHeadSchema,
        problem: z
          .object({
            seq: z.number().int(),
            kind: z.enum(CHAIN_PROBLEMS),
            explanation: z.string(),
          })
          .optional(),
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
    const { afterSeq, limit } = c.req.valid('query')
    const items = await ledger.auditEvents({ afterSeq, limit })
    const last = items.length < limit ? undefined : items.at(-1)
    return c.json(wire({ items, nextAfterSeq: last?.seq }), 200)
  })
  app.openapi(head, async (c) => c.json(wire(await ledger.auditHead()), 200))
  app.openapi(verify, async (c) => c.json(wire(await verifier.verify({ caller: c.req.raw.signal, stopping })), 200))
}
