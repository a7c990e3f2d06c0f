import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { killsQuery, noQuery, noteBody } from '../schemas/inputs.ts'
import {
  drillBody,
  killAnswerSchema,
  killBody,
  killDrillSchema,
  killIdParam,
  killSchema,
} from '../schemas/kill-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, pageSchema, security } from './route-parts.ts'

const tags = ['kills']

const set = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/kills',
    operationId: 'setKill',
    summary: 'Kill a scope',
    description:
      'Once this is answered, nothing is given out in the scope, on any broker. Its grants are ended and denied after that: read the kill again to follow it. It lasts until a second person lifts it.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, body: body(killBody) },
    responses: answers(killAnswerSchema, 'the kill', [...BODY_CODES, 'NOT_FOUND']),
  })

const drill = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/kills/drill',
    operationId: 'drillKill',
    summary: 'Count what a kill would hit',
    description: 'Nothing is done; that it was asked for is recorded in the audit log.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, body: body(drillBody) },
    responses: answers(killDrillSchema, 'what it would hit', [...BODY_CODES, 'NOT_FOUND']),
  })

const list = createRoute({
  tags,
  security,
  method: 'get',
  path: '/v1/kills',
  operationId: 'listKills',
  summary: 'List kills, newest first',
  description: 'Also those that were lifted, unless `state` says otherwise.',
  request: { query: killsQuery },
  responses: answers(pageSchema('KillPage', killSchema), 'a page of kills'),
})

const show = createRoute({
  tags,
  security,
  method: 'get',
  path: '/v1/kills/{id}',
  operationId: 'getKill',
  summary: 'Get a kill: what it hit, and how far it has come',
  description: 'Denies that were written (`writtenAt`) are not yet in force (`enforcedAt`).',
  request: { params: killIdParam, query: noQuery },
  responses: answers(killSchema, 'the kill', ['HOLD_NOT_FOUND']),
})

const lift = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/kills/{id}/lift',
    operationId: 'liftKill',
    summary: 'Lift a kill',
    description: 'For somebody else than the person who set it. Grants that it ended stay ended.',
    middleware: jsonBody(limits.bodyBytes),
    request: { params: killIdParam, query: noQuery, body: body(noteBody) },
    responses: answers(killSchema, 'the kill, lifted', [
      ...BODY_CODES,
      'HOLD_NOT_FOUND',
      'HOLD_LIFTED',
      'HOLD_OF_SAME_PERSON',
      'HOLD_IN_FILE',
    ]),
  })

/** `/v1/kills…`: read by anyone with a token, set and lifted by operators. */
export function killRoutes(app: OpenAPIHono<AdminEnv>, { kills }: AdminDeps, limits: AdminLimits): void {
  app.openapi(set(limits), async (c) => {
    const { scope, value, why, isPublic, roleWatermarks } = c.req.valid('json')
    const order = {
      ...{ scope, why, ...(value !== undefined && { value }) },
      ...(isPublic !== undefined && { isPublic }),
      ...(roleWatermarks && { roleWatermarks }),
    }
    return c.json(wire(await kills.kill(c.var.operator, order)), 200)
  })
  app.openapi(drill(limits), async (c) => {
    const { scope, value } = c.req.valid('json')
    return c.json(wire(await kills.drill(c.var.operator, { scope, ...(value !== undefined && { value }) })), 200)
  })
  app.openapi(list, async (c) => {
    const { state, limit, cursor } = c.req.valid('query')
    const page = { limit, ...(cursor === undefined ? {} : { cursor }) }
    return c.json(wire(await kills.list(state === undefined ? {} : { inForce: state === 'in_force' }, page)), 200)
  })
  app.openapi(show, async (c) => c.json(wire(await kills.show(c.req.valid('param').id)), 200))
  app.openapi(lift(limits), async (c) => {
    const { id } = c.req.valid('param')
    return c.json(wire(await kills.lift(c.var.operator, id, c.req.valid('json').note)), 200)
  })
}
