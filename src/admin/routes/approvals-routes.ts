import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { describeRows } from '../../grants/approvals/view/approval-rows.ts'
import { listChosenApprovals } from '../../grants/operators/agent-choice.ts'
import { scopeLedger } from '../../grants/operators/operator-scope.ts'
import { loadApprovalDetails } from '../../grants/operators/read-as-operator.ts'
import type { AdminDeps, AdminEnv, AdminLimits } from '../deps.ts'
import { jsonBody } from '../middleware/json-body.ts'
import { approvalListItemSchema, approvalViewSchema } from '../schemas/approvals/approval-view-schemas.ts'
import { tallySchema } from '../schemas/approvals/tally-schemas.ts'
import { approvalSchema, grantSchema } from '../schemas/grant-schemas.ts'
import { approvalIdParam, approvalsQuery, decisionBody, noQuery } from '../schemas/inputs.ts'
import { planSchema, warningsSchema } from '../schemas/plan-schemas.ts'
import { wire } from '../wire.ts'
import { answers, BODY_CODES, body, isRegisteredFor, pageSchema, security } from './route-parts.ts'

const tags = ['approvals']

const list = createRoute({
  method: 'get',
  path: '/v1/approvals',
  tags,
  security,
  operationId: 'listApprovals',
  summary: 'List approvals, newest first',
  description:
    'Each with what is asked for and whether you can decide it. To get the next page, send `nextCursor` as `cursor` with the same filter.',
  request: { query: approvalsQuery },
  responses: answers(pageSchema('ApprovalPage', approvalListItemSchema), 'a page of approvals', [
    'REGISTRATION_NOT_FOUND',
  ]),
})

const read = createRoute({
  method: 'get',
  path: '/v1/approvals/{id}',
  tags,
  security,
  operationId: 'getApproval',
  summary: 'Get an approval with its plan',
  description:
    'Returns the agent, its purpose, the blast radius and the exact session policy. The decision is bound to all of them. `view` has everything in the order and the words in which an approver reads it.',
  request: { params: approvalIdParam, query: noQuery },
  responses: answers(
    z
      .object({
        approval: approvalSchema,
        grant: grantSchema,
        plan: planSchema,
        eligible: z
          .boolean()
          .openapi({ description: 'whether you may approve it, checked in advance as far as possible' }),
        couldDecide: z.number().int().openapi({
          description: 'how many people could vote on it now; 0 if it is no longer open, or if they are too few',
        }),
        tally: tallySchema,
        warnings: warningsSchema.openapi({
          description:
            "warnings of now besides the plan's own: the session may be too large for the cloud; empty if it is no longer open",
        }),
        view: approvalViewSchema,
      })
      .openapi('ApprovalDetails'),
    'the approval',
    ['APPROVAL_NOT_FOUND'],
  ),
})

const decide = (verdict: 'approve' | 'reject', limits: AdminLimits) =>
  createRoute({
    method: 'post',
    path: `/v1/approvals/{id}/${verdict}`,
    tags,
    security,
    operationId: verdict === 'approve' ? 'approveApproval' : 'rejectApproval',
    summary: verdict === 'approve' ? 'Vote to approve one plan' : 'Reject one plan',
    description:
      verdict === 'approve'
        ? 'Checks identity, registration, plan and policy again first. The vote is bound to the hash of the plan that was shown. It approves the plan if it is the last one that is needed; otherwise the approval stays pending.'
        : 'Final, whatever others have voted. The rejection is bound to the hash of the plan that was shown.',
    middleware: jsonBody(limits.bodyBytes),
    request: { params: approvalIdParam, query: noQuery, body: body(decisionBody) },
    responses: answers(
      z.object({ approval: approvalSchema, grant: grantSchema }).openapi('AnsweredApproval'),
      'the approval as it is now',
      [
        ...BODY_CODES,
        'APPROVAL_NOT_FOUND',
        'APPROVAL_DECIDED',
        'APPROVAL_EXPIRED',
        'APPROVAL_STALE',
        'APPROVAL_VOIDED',
        'STEP_UP_REQUIRED',
        'APPROVAL_NOT_ELIGIBLE',
        'POLICY_DENIED',
        'AGENT_UNREGISTERED',
        'REGISTRATION_EXPIRED',
        'TRUST_DOMAIN_UNKNOWN',
        'TRUST_DOMAIN_UNAVAILABLE',
        'POLICY_UNAVAILABLE',
        'CLOCK_UNSTABLE',
        'LEDGER_CORRUPT',
        'LEDGER_CONFLICT',
      ],
    ),
  })

/** `/v1/approvals…`: seen by anyone with a token, answered by approvers. */
export function approvalsRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps, limits: AdminLimits): void {
  const { ledger, operatorService, operators: people, clock, provider, inventory: registrations } = deps
  const parts = { ledger, clock, people, provider, registrations }
  app.openapi(list, async (c) => {
    const scoped = scopeLedger(ledger, c.var.operator)
    const { agent, state, limit, cursor } = c.req.valid('query')
    const filter = state === undefined ? {} : { state }
    const asked = { limit, ...(cursor === undefined ? {} : { cursor }) }
    const sources = { ledger: scoped, isRegistered: isRegisteredFor(deps, c.var.operator) }
    const page =
      agent === undefined
        ? await scoped.listApprovals(filter, asked)
        : await listChosenApprovals(sources, agent, filter, asked)
    return c.json(wire(await describeRows({ ledger: scoped, now: clock.now() }, c.var.operator, page)), 200)
  })

  app.openapi(read, async (c) => {
    return c.json(
      wire(
        await loadApprovalDetails(
          { ...parts, ledger: scopeLedger(ledger, c.var.operator) },
          c.var.operator,
          c.req.valid('param').id,
        ),
      ),
      200,
    )
  })

  for (const verdict of ['approve', 'reject'] as const) {
    app.openapi(decide(verdict, limits), async (c) => {
      const channel = c.req.header('stint-client') === 'cli' ? 'cli' : 'token'
      const answer = { verdict, ...c.req.valid('json'), via: { channel, assurance: 'no_step_up' } } as const
      return c.json(wire(await operatorService.decideApproval(c.var.operator, c.req.valid('param').id, answer)), 200)
    })
  }
}
