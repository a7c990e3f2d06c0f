import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { asStintError } from '../../core/errors.ts'
import type { Problem } from '../../core/health/problem-board.ts'
import { GRANT_STATES } from '../../ledger/records.ts'
import type { AdminDeps, AdminEnv } from '../deps.ts'
import { noQuery } from '../schemas/inputs.ts'
import { operatorSchema } from '../schemas/people-schemas.ts'
import { wire } from '../wire.ts'
import { answers, security } from './route-parts.ts'

const whoami = createRoute({
  method: 'get',
  path: '/v1/whoami',
  tags: ['status'],
  security,
  operationId: 'whoami',
  summary: 'Get the current operator',
  description: "Returns the operator's name, role and groups.",
  request: { query: noQuery },
  responses: answers(operatorSchema, 'the operator'),
})

const status = createRoute({
  method: 'get',
  path: '/v1/status',
  tags: ['status'],
  security,
  operationId: 'getStatus',
  summary: 'Get whether the broker can issue credentials, and its problems',
  description: 'Also responds while the ledger is unreadable, and reports that as a problem.',
  request: { query: noQuery },
  responses: answers(
    z
      .object({
        ready: z.boolean().openapi({ description: 'true if a good request would be served' }),
        notReady: z
          .array(
            z.object({
              part: z.string().openapi({ description: 'the part of the broker that says so' }),
              code: z.string(),
              explanation: z.string(),
              since: z.string().openapi({ description: 'RFC 3339' }),
            }),
          )
          .openapi({ description: 'why a good request would not be served; empty while ready' }),
        problems: z.array(
          z.object({
            component: z.string().openapi({ description: 'the part of the broker, e.g. policy or bundle:example.org' }),
            finding: z
              .string()
              .optional()
              .openapi({ description: 'set if the part works but something in it needs attention' }),
            code: z.string(),
            explanation: z.string(),
            since: z.string().openapi({ description: 'RFC 3339; when the part first had it' }),
          }),
        ),
        identity: z
          .object({
            spiffeId: z.string().optional(),
            notAfter: z.string().optional().openapi({ description: 'RFC 3339; expiry of the SVID in use' }),
            bundles: z.array(
              z.object({
                trustDomain: z.string(),
                source: z.string().openapi({ description: 'file, workload-api or federation' }),
                x509Authorities: z.number().int(),
                jwtAuthorities: z.number().int(),
              }),
            ),
          })
          .openapi({ description: "the broker's own identity, and the keys of each configured trust domain" }),
        grants: z
          .partialRecord(z.enum(GRANT_STATES), z.number().int())
          .openapi({ description: 'grants by state; empty while the ledger cannot be read' }),
        replicas: z
          .array(
            z.object({
              id: z.string().openapi({ description: 'names its chain of the audit log too' }),
              self: z.boolean().openapi({ description: 'true for the one that answers' }),
              since: z
                .string()
                .openapi({ description: 'RFC 3339; when it opened the ledger, by the clock of the database' }),
              seenAt: z.string().openapi({ description: 'RFC 3339; its last commit, by the clock of the database' }),
              version: z.string().optional(),
              clockOffsetMs: z
                .number()
                .int()
                .optional()
                .openapi({ description: "its clock minus the database's, in milliseconds" }),
            }),
          )

          .optional()
          .openapi({
            description:
              'brokers that have the ledger open, the oldest first; absent for a ledger in a file, and while it cannot be read',
          }),
        version: z.string(),
      })
      .openapi('Status'),
    'the state',
  ),
})

/** `/v1/whoami` and `/v1/status` */
export function statusRoutes(app: OpenAPIHono<AdminEnv>, deps: AdminDeps): void {
  app.openapi(whoami, (c) => {
    const { name, role, groups, scope } = c.var.operator
    return c.json(wire({ name, role, groups, scope }), 200)
  })
  let unreadableSince: Date | undefined
  app.openapi(status, async (c) => {
    const { notReady, problems, identity, version } = deps.status()
    const reasons = notReady.map(({ part, code, explanation, since }) => ({ part, code, explanation, since }))
    try {
      const [grants, replicas] = await Promise.all([deps.ledger.countGrants(), listReplicas(deps.ledger)])
      unreadableSince = undefined
      const ready = reasons.length === 0
      const state = { ready, notReady: reasons, problems, identity, grants, ...(replicas && { replicas }), version }
      return c.json(wire(state), 200)
    } catch (error) {
      // The state is most wanted when something is broken, so a ledger that fails is a part of the answer.
      deps.logger.error({ err: error, ...c.var.correlation }, 'the ledger could not be read for the status')
      unreadableSince ??= deps.clock.now()
      const problem: Problem = {
        component: 'ledger',
        code: asStintError(error).code,
        explanation: 'The ledger cannot be read.',
        since: unreadableSince,
      }
      const { component: part, ...unreadable } = problem
      const all = { notReady: [...reasons, { part, ...unreadable }], problems: [...problems, problem] }
      return c.json(wire({ ready: false, ...all, identity, grants: {}, version }), 200)
    }
  })
}

async function listReplicas({ sharing, identity }: AdminDeps['ledger']) {
  const replicas = await sharing?.listReplicas()
  return replicas?.map(({ openedAt, ...replica }) => ({
    ...replica,
    since: openedAt,
    self: replica.id === identity?.replica,
  }))
}
