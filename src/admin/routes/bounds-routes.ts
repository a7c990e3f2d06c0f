import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { POLICY_FILE_LIMITS } from '../../policy/policy-files.ts'
import type { AdminDeps, AdminEnv } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { budgetUseSchema, policyFilesBody, policyImpactSchema } from '../schemas/bounds-schemas.ts'
import { noQuery, pageOnlyQuery } from '../schemas/inputs.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, pageSchema, security } from './route-parts.ts'

/** A whole policy set in JSON, whose escapes take room too. */
const POLICY_BODY_BYTES = 2 * POLICY_FILE_LIMITS.bytes

const budgets = createRoute({
  method: 'get',
  path: '/v1/budgets',
  tags: ['budgets'],
  security,
  operationId: 'listBudgets',
  summary: 'List the use of budgets',
  description: 'One for each budget and each agent, owner or team that has drawn on it of late.',
  request: { query: pageOnlyQuery },
  responses: answers(pageSchema('BudgetPage', budgetUseSchema), 'a page of budgets'),
})

const impact = createRoute({
  method: 'post',
  path: '/v1/policies/impact',
  tags: ['policies'],
  security,
  operationId: 'assessPolicyImpact',
  summary: 'Say what a policy set would do to open grants',
  description:
    'Judges every active and waiting grant by the given policies, with all other rules as they are now. Changes nothing.',
  middleware: jsonBody(POLICY_BODY_BYTES),
  request: { query: noQuery, body: body(policyFilesBody) },
  responses: answers(policyImpactSchema, 'what would end, and why', [...BODY_CODES, 'POLICY_INVALID']),
})

/** `/v1/budgets` and `/v1/policies/impact` */
export function boundsRoutes(app: OpenAPIHono<AdminEnv>, { bounds }: AdminDeps): void {
  app.openapi(budgets, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    return c.json(wire(await bounds.listBudgets({ limit, ...(cursor === undefined ? {} : { cursor }) })), 200)
  })
  app.openapi(impact, async (c) => c.json(wire(await bounds.assessImpact(c.req.valid('json').files)), 200))
}
