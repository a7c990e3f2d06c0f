import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { listChosenGrants } from '../../grants/operators/agent-choice.ts'
import type { Operator } from '../../grants/operators/operator.ts'
import { scopeLedger } from '../../grants/operators/operator-scope.ts'
import { loadGrantDetails, loadLeases, loadTrail } from '../../grants/operators/read-as-operator.ts'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { auditEventSchema } from '../schemas/audit-schemas.ts'
import { denySchema } from '../schemas/deny-schemas.ts'
import { approvalSchema, grantSchema, leaseSchema, outcomeSchema } from '../schemas/grant-schemas.ts'
import { grantIdParam, grantsQuery, noQuery, noteBody } from '../schemas/inputs.ts'
import { planSchema } from '../schemas/plan-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, isRegisteredFor, pageSchema, security } from './route-parts.ts'

const tags = ['grants']
const oneGrant = { tags, security, request: { params: grantIdParam, query: noQuery } }

const list = createRoute({
  method: 'get',
  path: '/v1/grants',
  tags,
  security,
  operationId: 'listGrants',
  summary: 'List grants, newest first',
  description:
    'Filters match exactly and are combined with AND. For the next page, send `nextCursor` and the same filters. A page by the name of a registration may have fewer grants than asked for.',
  request: { query: grantsQuery },
  responses: answers(pageSchema('GrantPage', grantSchema), 'a page of grants', ['REGISTRATION_NOT_FOUND']),
})

const read = createRoute({
  ...oneGrant,
  method: 'get',
  path: '/v1/grants/{id}',
  operationId: 'getGrant',
  summary: 'Get a grant with its plan, leases and approval',
  description:
    'Includes the plan (absent once retention has removed it, and for a denied grant whose plan is over 4 KiB) and any leases, approval and deny list entry.',
  responses: answers(
    z
      .object({
        grant: grantSchema,
        plan: planSchema.optional(),
        leases: z.array(leaseSchema),
        approval: approvalSchema.optional(),
        deny: denySchema.optional(),
      })
      .openapi('GrantDetails'),
    'the grant',
    ['GRANT_NOT_FOUND'],
  ),
})

const trail = createRoute({
  ...oneGrant,
  method: 'get',
  path: '/v1/grants/{id}/trail',
  operationId: 'getGrantTrail',
  summary: "List a grant's audit events, in time order",
  description:
    'Audit events remain after retention has removed the grant itself. `deny` is its deny list entry, as long as there is one: whether it is written or, if it fails, since when and why.',
  responses: answers(
    z.object({ events: z.array(auditEventSchema), deny: denySchema.optional() }).openapi('GrantTrail'),
    'its events',
    ['GRANT_NOT_FOUND'],
  ),
})

const leases = createRoute({
  ...oneGrant,
  method: 'get',
  path: '/v1/grants/{id}/leases',
  operationId: 'listGrantLeases',
  summary: "List a grant's leases, by number",
  description: 'Each lease is one set of credentials. Secrets are never stored, so none are returned.',
  responses: answers(z.object({ items: z.array(leaseSchema) }).openapi('LeaseList'), 'its leases', ['GRANT_NOT_FOUND']),
})

const revoke = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/grants/{id}/revoke',
    operationId: 'revokeGrant',
    summary: 'Revoke a grant',
    description:
      "Idempotent. `outcome` says when the grant's credentials stop working, which may be after this response.",
    middleware: jsonBody(limits.bodyBytes),
    request: { params: grantIdParam, query: noQuery, body: body(noteBody) },
    responses: answers(
      z.object({ grant: grantSchema, outcome: outcomeSchema }).openapi('Revocation'),
      'what it came to',
      [...BODY_CODES, 'GRANT_NOT_FOUND', 'GRANT_NOT_ACTIVE', 'LEDGER_CONFLICT'],
    ),
  })

/** `/v1/grants…`: read by anyone with a token, revoked by operators. */
export function grantsRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps, limits: AdminLimits): void {
  const ledgerFor = (operator: Operator) => scopeLedger(deps.ledger, operator)
  app.openapi(list, async (c) => {
    const { agent, owner, state, role, requestedAfter, requestedBefore, limit, cursor } = c.req.valid('query')
    const filter = {
      ...(owner === undefined ? {} : { owner }),
      ...(state === undefined ? {} : { state }),
      ...(role === undefined ? {} : { roleArn: role }),
      ...(requestedAfter === undefined ? {} : { requestedAfter }),
      ...(requestedBefore === undefined ? {} : { requestedBefore }),
    }
    const page = { limit, ...(cursor === undefined ? {} : { cursor }) }
    const ledger = ledgerFor(c.var.operator)
    const parts = { ledger, isRegistered: isRegisteredFor(deps, c.var.operator) }
    const found = agent === undefined ? ledger.listGrants(filter, page) : listChosenGrants(parts, agent, filter, page)
    return c.json(wire(await found), 200)
  })

  app.openapi(read, async (c) => {
    return c.json(wire(await loadGrantDetails(ledgerFor(c.var.operator), c.req.valid('param').id)), 200)
  })

  app.openapi(trail, async (c) => {
    return c.json(wire(await loadTrail(ledgerFor(c.var.operator), c.req.valid('param').id)), 200)
  })

  app.openapi(leases, async (c) => {
    return c.json(wire({ items: await loadLeases(ledgerFor(c.var.operator), c.req.valid('param').id) }), 200)
  })

  app.openapi(revoke(limits), async (c) => {
    const { id } = c.req.valid('param')
    return c.json(wire(await deps.operatorService.revokeGrant(c.var.operator, id, c.req.valid('json').note)), 200)
  })
}
