import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv } from '../deps.ts'
import { noQuery, pageOnlyQuery } from '../schemas/inputs.ts'
import { registrationSchema, unregisteredSchema } from '../schemas/people-schemas.ts'
import { fileProblemSchema } from '../schemas/problem-schemas.ts'
import { wire } from '../wire.ts'
import { answers, pageSchema, security } from './route-parts.ts'

const tags = ['agents']

const list = createRoute({
  method: 'get',
  path: '/v1/agents',
  tags,
  security,
  operationId: 'listAgents',
  summary: 'List current registrations',
  description: 'Returns all of them on one page. `problem` says why the newest file was rejected.',
  request: { query: noQuery },
  responses: answers(
    z.object({ items: z.array(registrationSchema), problem: fileProblemSchema.optional() }).openapi('RegistrationList'),
    'all registrations',
  ),
})

const unregistered = createRoute({
  method: 'get',
  path: '/v1/agents/unregistered',
  tags,
  security,
  operationId: 'listUnregisteredAgents',
  summary: 'List unregistered identities',
  description: 'Most recent first. Each proved its identity and was refused because no registration covers it.',
  request: { query: pageOnlyQuery },
  responses: answers(pageSchema('UnregisteredPage', unregisteredSchema), 'a page of identities'),
})

/** `/v1/agents…` */
export function agentsRoutes(app: OpenAPIHono<AdminEnv>, { registry, ledger }: AdminDeps): void {
  app.openapi(list, (c) => c.json(wire({ items: registry.list(), problem: registry.problem?.() }), 200))
  app.openapi(unregistered, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    return c.json(wire(await ledger.listUnregistered({ limit, ...(cursor === undefined ? {} : { cursor }) })), 200)
  })
}
