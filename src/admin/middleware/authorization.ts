import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { hasCode, StintError } from '../../core/errors.ts'
import { hasRole, type Operator, type OperatorRole } from '../../grants/operators/operator.ts'
import type { RefusalLog } from '../../ledger/refusal-log.ts'
import type { AdminEnv } from '../deps.ts'
import type { FailureLimiter } from '../failure-limiter.ts'
import type { OperatorDirectory } from '../operators/operator-directory.ts'

/**
 * The least role that may call each route, or `anyone`. The one place that says so; a route without a row is
 * never served.
 */
export const ROUTE_ROLES: Readonly<Record<string, OperatorRole | 'anyone'>> = {
  'GET /openapi.json': 'anyone',
  'GET /v1/whoami': 'viewer',
  'GET /v1/grants': 'viewer',
  'GET /v1/grants/{id}': 'viewer',
  'GET /v1/grants/{id}/trail': 'viewer',
  'GET /v1/grants/{id}/leases': 'viewer',
  'POST /v1/grants/{id}/revoke': 'operator',
  'GET /v1/approvals': 'viewer',
  'GET /v1/approvals/{id}': 'viewer',
  'POST /v1/approvals/{id}/approve': 'approver',
  'POST /v1/approvals/{id}/reject': 'approver',
  'GET /v1/agents': 'viewer',
  'GET /v1/agents/unregistered': 'viewer',
  'POST /v1/agents': 'admin',
  'POST /v1/agents/{name}': 'admin',
  'POST /v1/agents/{name}/remove': 'admin',
  'GET /v1/agent-reviews/{name}': 'viewer',
  'POST /v1/agent-reviews/{name}': 'approver',
  'POST /v1/agents/{name}/suspend': 'operator',
  'POST /v1/agents/{name}/resume': 'operator',
  'POST /v1/agents/{name}/offboard': 'operator',
  'POST /v1/agents/{name}/reinstate': 'admin',
  'GET /v1/reach': 'viewer',
  'GET /v1/reach/may': 'viewer',
  'GET /v1/policies': 'viewer',
  'POST /v1/policies/impact': 'operator',
  'GET /v1/budgets': 'viewer',
  'GET /v1/deny-lists': 'viewer',
  'GET /v1/quarantine': 'viewer',
  'POST /v1/quarantine/open': 'admin',
  'GET /v1/kills': 'viewer',
  'GET /v1/kills/{id}': 'viewer',
  'POST /v1/kills': 'operator',
  'POST /v1/kills/drill': 'operator',
  'POST /v1/kills/{id}/lift': 'operator',
  'GET /v1/webhooks': 'viewer',
  'GET /v1/webhooks/dead': 'viewer',
  'POST /v1/webhooks/{name}/test': 'operator',
  'POST /v1/webhooks/{name}/resend': 'operator',
  'GET /v1/audit/events': 'viewer',
  'GET /v1/audit/heads': 'viewer',
  'GET /v1/audit/verify': 'viewer',
  'GET /v1/status': 'viewer',
}

/**
 * The routes that operators with a scope may call: those that show them nothing out of it. Whatever is not named here is
 * refused, so that a new route shows them nothing until somebody has seen to that.
 */
export const SCOPED_ROUTES: ReadonlySet<string> = new Set([
  'GET /v1/whoami',
  'GET /v1/grants',
  'GET /v1/grants/{id}',
  'GET /v1/grants/{id}/trail',
  'GET /v1/grants/{id}/leases',
  'POST /v1/grants/{id}/revoke',
  'GET /v1/approvals',
  'GET /v1/approvals/{id}',
  'POST /v1/approvals/{id}/approve',
  'POST /v1/approvals/{id}/reject',
  'GET /v1/agents',
  'POST /v1/agents/{name}/suspend',
  'POST /v1/agents/{name}/resume',
  'POST /v1/agents/{name}/offboard',
  'POST /v1/agents/{name}/reinstate',
  'GET /v1/agent-reviews/{name}',
  'POST /v1/agent-reviews/{name}',
])

/** The requirement of a call: a row of the table, nothing (no such route), or `unlisted` (a route missing from the table). */
type Requirement = { readonly operation: string; readonly role: OperatorRole | 'anyone' } | undefined | 'unlisted'

/**
 * Lets a call through to its handler only if the table allows it. It looks at the route that the router matched, not at
 * the path as written, so there is no second reading of a path to disagree with the first.
 */
export function authorize(deps: {
  operators: OperatorDirectory
  limiter: FailureLimiter
  unknownCallers: RefusalLog
  forbiddenCalls: RefusalLog
}): MiddlewareHandler<AdminEnv> {
  return async (c, next) => {
    const requirement = findRequirement(c)
    if (requirement === 'unlisted')
      throw new StintError('INTERNAL', {}, new Error('route without a row in ROUTE_ROLES'))
    if (requirement === undefined || requirement.role === 'anyone') return next()
    const { operation, role } = requirement
    const remoteAddress = c.env?.incoming?.socket?.remoteAddress ?? 'unknown'
    const operator = await authenticate(c, operation, remoteAddress)
    c.env?.proved?.(operator.name)
    const obstacle = findObstacle(operator, operation, role)
    if (obstacle) {
      const { reason, needs, explanation } = obstacle
      const actor = `operator:${operator.name}`
      await deps.forbiddenCalls.note({ actor, code: 'OPERATOR_FORBIDDEN', reason, operation, remoteAddress })
      throw new StintError('OPERATOR_FORBIDDEN', { explanation, needs })
    }
    c.set('operator', operator)
    return next()
  }

  async function authenticate(c: Context<AdminEnv>, operation: string, remoteAddress: string): Promise<Operator> {
    try {
      return deps.operators.authenticate(c.req.header('authorization'))
    } catch (error) {
      if (!hasCode(error, 'OPERATOR_UNKNOWN')) throw error
      const { reason, tokenId } = error.details
      await deps.unknownCallers.note({
        actor: 'stint',
        code: error.code,
        reason: String(reason),
        operation,
        remoteAddress,
        ...(typeof tokenId === 'string' ? { tokenId } : {}),
      })
      if (deps.limiter.failed(remoteAddress)) throw error
      throw new StintError('RATE_LIMITED', {
        explanation: 'Too many calls came without a valid operator token; wait a minute, or send a valid token now.',
        retryAfterSeconds: 60,
      })
    }
  }
}

/** Why an operator may not call a route; undefined if nothing keeps it from that. */
function findObstacle(operator: Operator, operation: string, role: OperatorRole) {
  const { name } = operator
  if (!hasRole(operator, role)) {
    const explanation = `${operation} requires the role ${role}; ${name} has the role ${operator.role}.`
    return { reason: `needs_${role}`, needs: role, explanation }
  }
  if (operator.scope && !SCOPED_ROUTES.has(operation)) {
    const explanation = `${operation} shows more than the scope of ${name}; an operator without a scope must call it.`
    return { reason: 'has_scope', needs: 'no scope', explanation }
  }
  return undefined
}

/** The methods that the table has for a path of this shape; empty if there is no such path. */
export function methodsFor(path: string): string[] {
  const rows = Object.keys(ROUTE_ROLES).map((row) => row.split(' '))
  const exact = rows.filter(([, template]) => template === path)
  // A path of its own is no value of a parameter: /v1/kills/drill is not the kill `drill`.
  if (exact.length > 0) return exact.map(([method = '']) => method)
  return rows
    .filter(([, template = '']) =>
      new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+').replace('.', '\\.')}$`).test(path),
    )
    .map(([method = '']) => method)
}

function findRequirement(c: Context<AdminEnv>): Requirement {
  // Our own middlewares are the only ones registered for every method of every path.
  const [route] = matchedRoutes(c).filter(({ method, path }) => !(method === 'ALL' && path === '/*'))
  if (!route) return undefined
  const operation = `${route.method} ${route.path.replace(/:(\w+)/g, '{$1}')}`
  const role = Object.hasOwn(ROUTE_ROLES, operation) ? ROUTE_ROLES[operation] : undefined
  return role === undefined ? 'unlisted' : { operation, role }
}
