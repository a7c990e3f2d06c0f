import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { noQuery, pageOnlyQuery } from '../schemas/inputs.ts'
import {
  deadNoticeSchema,
  endpointFilter,
  endpointParam,
  noticeEndpointSchema,
  noticeTestSchema,
  resendBody,
  resentSchema,
} from '../schemas/notice-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, pageSchema, security } from './route-parts.ts'

const tags = ['webhooks']

const list = createRoute({
  tags,
  security,
  method: 'get',
  path: '/v1/webhooks',
  operationId: 'listWebhooks',
  summary: 'List receivers of notices',
  description: 'Those of the configuration, and those that left it while notices waited for them.',
  request: { query: noQuery },
  responses: answers(
    z.object({ items: z.array(noticeEndpointSchema) }).openapi('NoticeEndpoints'),
    'receivers by name',
  ),
})

const dead = createRoute({
  tags,
  security,
  method: 'get',
  path: '/v1/webhooks/dead',
  operationId: 'listDeadNotices',
  summary: 'List notices that were given up, newest first',
  description: 'To get the next page, send `nextCursor` as `cursor` with the same filter.',
  request: { query: pageOnlyQuery.extend({ endpoint: endpointFilter }) },
  responses: answers(pageSchema('DeadNoticePage', deadNoticeSchema), 'a page of dead letters', [
    'NOTICE_ENDPOINT_NOT_FOUND',
  ]),
})

const test = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/webhooks/{name}/test',
    operationId: 'testWebhook',
    summary: 'Send a test message to a receiver',
    description: 'One that is delivered enables a receiver again that answered 410 Gone. On record either way.',
    middleware: jsonBody(limits.bodyBytes),
    request: { params: endpointParam, query: noQuery, body: body(z.strictObject({}).openapi('WebhookTest')) },
    responses: answers(noticeTestSchema, 'whether the receiver took it', [...BODY_CODES, 'NOTICE_ENDPOINT_NOT_FOUND']),
  })

const resend = (limits: AdminLimits) =>
  createRoute({
    tags,
    security,
    method: 'post',
    path: '/v1/webhooks/{name}/resend',
    operationId: 'resendNotices',
    summary: 'Send dead letters again',
    description: 'They are tried as long as new ones. On record.',
    middleware: jsonBody(limits.bodyBytes),
    request: { params: endpointParam, query: noQuery, body: body(resendBody) },
    responses: answers(resentSchema, 'how many they are', [...BODY_CODES, 'NOTICE_ENDPOINT_NOT_FOUND']),
  })

/** `/v1/webhooks…`: seen by anyone with a token, tested and sent again by operators. */
export function webhooksRoutes(
  app: OpenAPIHono<AdminEnv>,
  { notices, stopping }: AdminDeps,
  limits: AdminLimits,
): void {
  app.openapi(list, async (c) => c.json(wire({ items: await notices.listEndpoints() }), 200))
  app.openapi(dead, async (c) => {
    const { endpoint, limit, cursor } = c.req.valid('query')
    const filter = endpoint === undefined ? {} : { endpoint }
    return c.json(wire(await notices.listDead(filter, { limit, ...(cursor === undefined ? {} : { cursor }) })), 200)
  })
  app.openapi(test(limits), async (c) => {
    return c.json(wire(await notices.test(c.var.operator, c.req.valid('param').name, stopping)), 200)
  })
  app.openapi(resend(limits), async (c) => {
    return c.json(wire(await notices.resend(c.var.operator, c.req.valid('param').name, c.req.valid('json').id)), 200)
  })
}
