import { randomUUID } from 'node:crypto'
import { OpenAPIHono } from '@hono/zod-openapi'
import { asStintError, ERROR_CATALOG, StintError } from '../core/errors.ts'
import { RefusalLog } from '../ledger/refusal-log.ts'
import { type AdminDeps, type AdminEnv, type AdminLimits, DEFAULT_ADMIN_LIMITS } from './deps.ts'
import { FailureLimiter } from './failure-limiter.ts'
import { authorize, methodsFor } from './middleware/authorization.ts'
import { answerHeaders, noBrowsers, onlyErrors, plainPathsOnly } from './middleware/hardening.ts'
import { refuseInvalid } from './middleware/validation-hook.ts'
import { problemResponse } from './problem.ts'
import { agentsRoutes } from './routes/agents-routes.ts'
import { approvalsRoutes } from './routes/approvals-routes.ts'
import { auditRoutes } from './routes/audit-routes.ts'
import { boundsRoutes } from './routes/bounds-routes.ts'
import { grantsRoutes } from './routes/grants-routes.ts'
import { killRoutes } from './routes/kill-routes.ts'
import { policiesRoutes } from './routes/policies-routes.ts'
import { quarantineRoutes } from './routes/quarantine-routes.ts'
import { reachRoutes } from './routes/reach-routes.ts'
import { statusRoutes } from './routes/status-routes.ts'
import { webhooksRoutes } from './routes/webhooks-routes.ts'

/** The admin API, not listening yet. */
export interface AdminApp {
  readonly app: OpenAPIHono<AdminEnv>
  /** Puts refusals that are only counted so far on record. Call it after the last request, before the ledger closes. */
  close(): Promise<void>
}

/** Builds the admin API: paths, roles and errors are in docs/admin-api.md, shapes in `GET /openapi.json`. */
export function createAdminApp(deps: AdminDeps): AdminApp {
  const limits: AdminLimits = { ...DEFAULT_ADMIN_LIMITS, ...deps.limits }
  const refusals = { ledger: deps.ledger, clock: deps.clock, logger: deps.logger, callers: 'operators' } as const
  const unknownCallers = new RefusalLog({ ...refusals, eventsPerMinute: limits.refusalEventsPerMinute })
  // Apart from the other, so that a flood of strangers cannot hide what a known operator tried.
  const forbiddenCalls = new RefusalLog({ ...refusals, eventsPerMinute: limits.refusalEventsPerMinute })
  const limiter = new FailureLimiter({
    clock: deps.clock,
    perAddress: limits.failuresPerAddressPerMinute,
    overall: limits.failuresPerMinute,
    maxAddresses: limits.maxAddresses,
  })

  const app = new OpenAPIHono<AdminEnv>({ defaultHook: refuseInvalid })
  app.use(answerHeaders(deps.newRequestId ?? randomUUID))
  app.use(onlyErrors)
  app.use(plainPathsOnly)
  app.use(noBrowsers)
  app.use(authorize({ operators: deps.operators, limiter, unknownCallers, forbiddenCalls }))

  statusRoutes(app, deps)
  grantsRoutes(app, deps, limits)
  approvalsRoutes(app, deps, limits)
  agentsRoutes(app, deps, limits)
  policiesRoutes(app, deps)
  boundsRoutes(app, deps)
  quarantineRoutes(app, deps, limits)
  killRoutes(app, deps, limits)
  reachRoutes(app, deps)
  webhooksRoutes(app, deps, limits)
  auditRoutes(app, deps, limits)
  serveDocument(app)

  app.notFound((c) => problemResponse(nothingHere(c.req.method, c.req.path), c.var.correlation))
  app.onError((error, c) => {
    const { code } = asStintError(error)
    if (ERROR_CATALOG[code].http >= 500)
      deps.logger.error({ ...c.var.correlation, code, err: error }, 'an admin call failed')
    return problemResponse(error, c.var.correlation, c.req.method === 'POST' ? 'body' : 'query')
  })
  return {
    app,
    close: async () => {
      await Promise.all([unknownCallers.close(), forbiddenCalls.close()])
    },
  }
}

function serveDocument(app: OpenAPIHono<AdminEnv>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'operatorToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'operator token: stint_<id>_<secret><crc>',
  })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Stint admin API',
      version: '1',
      description:
        'Grants, approvals, agents, policies and the audit log, for operators. Every error is an RFC 9457 problem.',
      contact: { name: 'The operators of this broker' },
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'status', description: 'Broker status, and the operator you are authenticated as' },
      { name: 'grants', description: 'Permissions to act on one plan, and their leases' },
      { name: 'approvals', description: 'Plans that a person must approve or reject' },
      { name: 'agents', description: 'Registered agents, and identities that asked without a registration' },
      { name: 'reach', description: 'What grants can do together, and what agents may do' },
      { name: 'policies', description: 'The active policy set' },
      { name: 'budgets', description: 'How much agents, owners and teams have used of their budgets' },
      { name: 'deny-lists', description: 'Deny lists and whether AWS has accepted them' },
      { name: 'quarantine', description: 'A ledger that was set back: what is waited for, and its opening' },
      { name: 'kills', description: 'The kill switch: scopes in which nothing is given out' },
      { name: 'webhooks', description: 'Receivers of notices, and notices that did not reach them' },
      { name: 'audit', description: 'The audit log, a hash chain of every event' },
    ],
  })
  app.get('/openapi.json', (c) => c.json(document as object))
}

function nothingHere(method: string, path: string): StintError {
  const methods = methodsFor(path)
  if (methods.length === 0) {
    return new StintError('NOT_FOUND', { explanation: 'No resource exists at this path; see GET /openapi.json.' })
  }
  const allow = methods.includes('GET') ? [...methods, 'HEAD'] : methods
  return new StintError('METHOD_NOT_ALLOWED', {
    explanation: `This path supports ${allow.join(', ')}.`,
    allow,
    method: method.slice(0, 16),
  })
}
