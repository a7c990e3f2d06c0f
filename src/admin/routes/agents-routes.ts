import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import {
  changeBody,
  registerBody,
  registrationParam,
  signatureBody,
  toFields,
  versionBody,
} from '../schemas/agent-inputs.ts'
import { noQuery, noteBody, pageOnlyQuery } from '../schemas/inputs.ts'
import { registrationSchema, unregisteredSchema } from '../schemas/people-schemas.ts'
import { fileProblemSchema } from '../schemas/problem-schemas.ts'
import { reviewSchema } from '../schemas/review-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, pageSchema, security } from './route-parts.ts'

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

const register = (limits: AdminLimits) =>
  createRoute({
    method: 'post',
    path: '/v1/agents',
    tags,
    security,
    operationId: 'registerAgents',
    summary: 'Register agents',
    description:
      'The registration is in force on every replica within seconds. Fails with REGISTRATION_IN_FILE where the registry file or `registry.writableByApi` decides otherwise.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, body: body(registerBody) },
    responses: answers(registrationSchema, 'the registration', [
      ...BODY_CODES,
      'REGISTRATION_IN_FILE',
      'REGISTRATION_EXISTS',
      'QUOTA_EXCEEDED',
    ]),
  })

const change = (limits: AdminLimits) =>
  createRoute({
    method: 'post',
    path: '/v1/agents/{name}',
    tags,
    security,
    operationId: 'changeRegistration',
    summary: 'Change a registration of the API',
    description: 'Fields that are left out stay. Fails with REGISTRATION_CHANGED if somebody else was faster.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, params: registrationParam, body: body(changeBody) },
    responses: answers(registrationSchema, 'the registration as it is now', [
      ...BODY_CODES,
      'REGISTRATION_NOT_FOUND',
      'REGISTRATION_CHANGED',
      'REGISTRATION_IN_FILE',
      'REGISTRATION_EXISTS',
      'REGISTRATION_HELD',
    ]),
  })

const remove = (limits: AdminLimits) =>
  createRoute({
    method: 'post',
    path: '/v1/agents/{name}/remove',
    tags,
    security,
    operationId: 'removeRegistration',
    summary: 'Remove a registration of the API',
    description:
      'Its agents get nothing new, and their grants end at the next renewal, unless another registration covers them.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, params: registrationParam, body: body(versionBody) },
    responses: answers(registrationSchema, 'the registration as it was', [
      ...BODY_CODES,
      'REGISTRATION_NOT_FOUND',
      'REGISTRATION_CHANGED',
      'REGISTRATION_IN_FILE',
      'REGISTRATION_HELD',
    ]),
  })

const review = createRoute({
  method: 'get',
  path: '/v1/agent-reviews/{name}',
  tags,
  security,
  operationId: 'reviewAgents',
  summary: 'Get what a review of a registration rests on',
  description: 'What its agents used and never used, as far as grants on record show it, and when they were last seen.',
  request: { query: noQuery, params: registrationParam },
  responses: answers(reviewSchema, 'the review', ['REGISTRATION_NOT_FOUND', 'LEDGER_CORRUPT']),
})

const sign = (limits: AdminLimits) =>
  createRoute({
    method: 'post',
    path: '/v1/agent-reviews/{name}',
    tags,
    security,
    operationId: 'signReview',
    summary: 'Sign a review of a registration',
    description:
      'Its agents are served for one `registry.reviewPeriod` more. Whoever runs one of the agents cannot sign.',
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, params: registrationParam, body: body(signatureBody) },
    responses: answers(registrationSchema, 'the registration', [
      ...BODY_CODES,
      'REGISTRATION_NOT_FOUND',
      'REGISTRATION_CHANGED',
      'REVIEW_NOT_ELIGIBLE',
      'REVIEW_STALE',
      'LEDGER_CORRUPT',
    ]),
  })

/** The acts that hold the agents of a registration, or end that, by the last segment of their paths. */
const HOLD_ACTS = {
  suspend: {
    kind: 'suspended',
    does: 'hold',
    operationId: 'suspendAgents',
    summary: 'Suspend the agents of a registration',
    description:
      'From now on they get nothing, on any replica, and no lease of theirs is renewed. What they hold runs out; revoke or kill cuts it.',
    codes: [],
  },
  resume: {
    kind: 'suspended',
    does: 'release',
    operationId: 'resumeAgents',
    summary: 'End the suspension of agents',
    description: 'Grants that have not reached their deadline can be renewed again.',
    codes: ['REGISTRATION_NOT_HELD', 'REGISTRATION_HELD'],
  },
  offboard: {
    kind: 'offboarded',
    does: 'hold',
    operationId: 'offboardAgents',
    summary: 'Offboard the agents of a registration',
    description:
      'From now on they get nothing, on any replica. Their grants are ended and denied within moments, their approvals are void.',
    codes: [],
  },
  reinstate: {
    kind: 'offboarded',
    does: 'release',
    operationId: 'reinstateAgents',
    summary: 'Take offboarded agents in again',
    description: 'What was ended stays ended.',
    codes: ['REGISTRATION_NOT_HELD'],
  },
} as const

const holdAct = (act: keyof typeof HOLD_ACTS, limits: AdminLimits) => {
  const { operationId, summary, description, codes } = HOLD_ACTS[act]
  return createRoute({
    method: 'post',
    path: `/v1/agents/{name}/${act}`,
    ...{ tags, security, operationId, summary, description },
    middleware: jsonBody(limits.bodyBytes),
    request: { query: noQuery, params: registrationParam, body: body(noteBody) },
    responses: answers(registrationSchema, 'the registration', [
      ...BODY_CODES,
      'REGISTRATION_NOT_FOUND',
      'LEDGER_CONFLICT',
      ...codes,
    ]),
  })
}

/** `/v1/agents…` */
export function agentsRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps, limits: AdminLimits): void {
  const { inventory, registryProblem, ledger } = deps
  app.openapi(list, async (c) => {
    return c.json(wire({ items: [...(await inventory.show(c.var.operator))], problem: registryProblem?.() }), 200)
  })
  app.openapi(unregistered, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    return c.json(wire(await ledger.listUnregistered({ limit, ...(cursor === undefined ? {} : { cursor }) })), 200)
  })
  app.openapi(register(limits), async (c) => {
    const { note, ...registration } = c.req.valid('json')
    return c.json(wire(await inventory.register(c.var.operator, toFields(registration), note)), 200)
  })
  app.openapi(change(limits), async (c) => {
    const { note, version, ...fields } = c.req.valid('json')
    const { name } = c.req.valid('param')
    return c.json(wire(await inventory.change(c.var.operator, name, toFields(fields), { version, note })), 200)
  })
  app.openapi(remove(limits), async (c) => {
    const { name } = c.req.valid('param')
    return c.json(wire(await inventory.remove(c.var.operator, name, c.req.valid('json'))), 200)
  })
  app.openapi(review, async (c) => {
    return c.json(wire(await inventory.review(c.var.operator, c.req.valid('param').name)), 200)
  })
  app.openapi(sign(limits), async (c) => {
    return c.json(wire(await inventory.sign(c.var.operator, c.req.valid('param').name, c.req.valid('json'))), 200)
  })
  for (const act of Object.keys(HOLD_ACTS) as (keyof typeof HOLD_ACTS)[]) {
    const { kind, does } = HOLD_ACTS[act]
    app.openapi(holdAct(act, limits), async (c) => {
      const { name } = c.req.valid('param')
      const { note } = c.req.valid('json')
      return c.json(wire(await inventory[does](c.var.operator, { kind, name, note })), 200)
    })
  }
}
