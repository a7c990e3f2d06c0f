import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv } from '../deps.ts'
import { denyListSchema } from '../schemas/deny-schemas.ts'
import { noQuery } from '../schemas/inputs.ts'
import { fileProblemSchema } from '../schemas/problem-schemas.ts'
import { wire } from '../wire.ts'
import { answers, security } from './route-parts.ts'

const policies = createRoute({
  method: 'get',
  path: '/v1/policies',
  tags: ['policies'],
  security,
  operationId: 'getPolicies',
  summary: 'Get the active policy set',
  description: "Returns the set's ids, effects and hash. `problem` says why the newest set was rejected.",
  request: { query: noQuery },
  responses: answers(
    z
      .object({
        hash: z.string().optional().openapi({ description: 'absent until a set has been loaded' }),
        loadedAt: z.string().optional().openapi({ format: 'date-time' }),
        policies: z.array(
          z.object({
            id: z.string(),
            effect: z.enum(['permit', 'forbid']),
            file: z.string(),
            approval: z.string().optional(),
            waiver: z.string().optional().openapi({ description: 'why it waives approvals, if it does' }),
          }),
        ),
        problem: fileProblemSchema.optional(),
      })
      .openapi('PolicySet'),
    'the set',
  ),
})

const denyLists = createRoute({
  method: 'get',
  path: '/v1/deny-lists',
  tags: ['deny-lists'],
  security,
  operationId: 'listDenyLists',
  summary: 'List the deny lists',
  description: 'One for each IAM policy document that denies revoked grants. Failing ones come first.',
  request: { query: noQuery },
  responses: answers(z.object({ items: z.array(denyListSchema) }).openapi('DenyLists'), 'all deny lists'),
})

/** `/v1/policies` and `/v1/deny-lists` */
export function policiesRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps): void {
  app.openapi(policies, (c) => c.json(wire(deps.policies.status()), 200))
  app.openapi(denyLists, async (c) => c.json(wire({ items: await deps.ledger.listDenyLists() }), 200))
}
