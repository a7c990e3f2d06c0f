import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { inputError } from '../../core/input-error.ts'
import { REACH_SCOPES } from '../../grants/reach/load-reach.ts'
import type { AdminDeps, AdminEnv } from '../deps.ts'
import { mayQuery, reachQuery } from '../schemas/inputs.ts'
import { mayReachSchema, reachReportSchema } from '../schemas/reach-schemas.ts'
import { wire } from '../wire.ts'
import { answers, security } from './route-parts.ts'

const tags = ['reach']

const show = createRoute({
  method: 'get',
  path: '/v1/reach',
  tags,
  security,
  operationId: 'getReach',
  summary: 'Show what grants can do together',
  description:
    'Send exactly one of `grant`, `agent` (subject, or name of its registration), `owner`, `team` and `account` (of the role). Without `since`, the grants that can act now are added up. The summary is the same on every page.',
  request: { query: reachQuery },
  responses: answers(reachReportSchema, 'the reach', ['GRANT_NOT_FOUND', 'REGISTRATION_NOT_FOUND']),
})

const may = createRoute({
  method: 'get',
  path: '/v1/reach/may',
  tags,
  security,
  operationId: 'getMayReach',
  summary: 'Show what an agent may do',
  description:
    'By the policies, labels and roles of now, without any task: what is permitted, what waits for an approval and what is forbidden. `approximated` says what was not tried.',
  request: { query: mayQuery },
  responses: answers(mayReachSchema, 'what it may do', [
    'REGISTRATION_NOT_FOUND',
    'AGENT_UNREGISTERED',
    'REGISTRATION_EXPIRED',
    'POLICY_UNAVAILABLE',
  ]),
})

/** `/v1/reach…` */
export function reachRoutes(app: OpenAPIHono<AdminEnv>, { reach }: AdminDeps): void {
  app.openapi(show, async (c) => {
    const { since, limit, cursor, ...names } = c.req.valid('query')
    const given = REACH_SCOPES.flatMap((kind) => (names[kind] === undefined ? [] : [{ kind, name: names[kind] }]))
    const [scope, another] = given
    if (!scope || another) {
      const message = `must name exactly one of ${REACH_SCOPES.join(', ')}`
      throw inputError([{ field: another?.kind ?? 'agent', code: 'REQUEST_INVALID', message }])
    }
    return c.json(wire(await reach.show(scope, since, { limit, cursor })), 200)
  })
  app.openapi(may, async (c) => {
    const { agent, limit, cursor } = c.req.valid('query')
    return c.json(wire(await reach.may(agent, { limit, cursor })), 200)
  })
}
