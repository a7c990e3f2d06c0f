import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { noQuery, openingBody } from '../schemas/inputs.ts'
import { quarantineSchema, quarantineViewSchema } from '../schemas/quarantine-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, security } from './route-parts.ts'

const tags = ['quarantine']

const show = createRoute({
  tags,
  security,
  method: 'get',
  path: '/v1/quarantine',
  operationId: 'getQuarantine',
  summary: 'Get the latest quarantine of the ledger',
  description:
    'A ledger that was set back is quarantined: nothing is granted until it is opened. `unfinished` says what there is to wait for.',
  request: { query: noQuery },
  responses: answers(quarantineViewSchema, 'the latest quarantine, if there ever was one'),
})

const open = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/quarantine/open',
    operationId: 'openQuarantine',
    summary: 'Open a quarantined ledger',
    description:
      'Fails with QUARANTINE_UNFINISHED while sessions from before may still work, unless `acceptRisk` says why that is acceptable. Both words are recorded in the audit log.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, body: body(openingBody) },
    responses: answers(quarantineSchema, 'the quarantine, opened', [
      ...BODY_CODES,
      'LEDGER_NOT_QUARANTINED',
      'QUARANTINE_UNFINISHED',
      'LEDGER_CONFLICT',
    ]),
  })

/** `/v1/quarantine…`: read by anyone with a token, opened by admins. */
export function quarantineRoutes(app: OpenAPIHono<AdminEnv>, { quarantine }: AdminDeps, limits: AdminLimits): void {
  app.openapi(show, async (c) => c.json(wire(await quarantine.show()), 200))
  app.openapi(open(limits), async (c) => {
    const { note, acceptRisk } = c.req.valid('json')
    const words = { note, ...(acceptRisk === undefined ? {} : { acceptedRisk: acceptRisk }) }
    return c.json(wire(await quarantine.open(c.var.operator, words)), 200)
  })
}
