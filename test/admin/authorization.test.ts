import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { ROUTE_ROLES } from '../../src/admin/middleware/authorization.ts'
import { mintOperatorToken } from '../../src/admin/operators/operator-tokens.ts'
import { OPERATOR_ROLES, type OperatorRole } from '../../src/grants/operators/operator.ts'
import { adminRig, PLAN_HASH, problemOf } from './rig.ts'

/** What the design says, written down a second time on purpose: a changed row of the table has to be changed here too. */
const LEAST_ROLE: Record<string, OperatorRole | 'anyone'> = {
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
  'GET /v1/policies': 'viewer',
  'GET /v1/deny-lists': 'viewer',
  'GET /v1/audit/events': 'viewer',
  'GET /v1/audit/heads': 'viewer',
  'GET /v1/audit/verify': 'viewer',
  'GET /v1/status': 'viewer',
}

function target(operation: string, rig: ReturnType<typeof adminRig>) {
  const [method = '', template = ''] = operation.split(' ')
  const path = template.replace('{id}', template.includes('/approvals/') ? rig.approval.id : rig.grant.id)
  const note = 'because'
  const body = template.endsWith('/revoke') ? { note } : { note, planHash: PLAN_HASH }
  return { method, path, ...(method === 'POST' ? { body } : {}) }
}

test('every route that is served has a row, and every row is served', () => {
  const served = adminRig()
    .app.routes.filter(({ method, path }) => !(method === 'ALL' && path === '/*'))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual([...new Set(served)].sort(), Object.keys(ROUTE_ROLES).sort())
})

test('a route without a row is not served, whoever asks', async () => {
  const rig = adminRig()
  rig.app.get('/v1/forgotten', (c) => c.text('the handler ran'))
  rig.app.all('/v1/forgotten-too', (c) => c.text('the handler ran'))
  for (const path of ['/v1/forgotten', '/v1/forgotten-too']) {
    const answer = await rig.call('GET', path, { as: 'admin' })
    assert.equal(answer.status, 500)
    assert.equal((await problemOf(answer)).code, 'INTERNAL')
  }
})

describe('every route × every caller', () => {
  for (const [operation, least] of Object.entries(LEAST_ROLE)) {
    for (const role of OPERATOR_ROLES) {
      const allowed = least === 'anyone' || OPERATOR_ROLES.indexOf(role) >= OPERATOR_ROLES.indexOf(least)
      test(`${operation} by ${role}: ${allowed ? 'served' : 'refused'}`, async () => {
        const rig = adminRig()
        const { method, path, ...body } = target(operation, rig)
        const answer = await rig.call(method, path, { as: role, ...body })
        assert.equal(answer.status, allowed ? 200 : 403)
        if (!allowed) assert.equal((await problemOf(answer)).code, 'OPERATOR_FORBIDDEN')
        assert.equal(rig.calls.length, allowed && method === 'POST' ? 1 : 0)
      })
    }
    const strangers = {
      nobody: undefined,
      'an expired token': 'expired',
      'a token of nobody': mintOperatorToken().token.reveal(),
      'something that is no token': 'hunter2',
    }
    for (const [name, as] of Object.entries(strangers)) {
      test(`${operation} by ${name}: ${least === 'anyone' ? 'served' : 'refused'}`, async () => {
        const rig = adminRig()
        const { method, path, ...body } = target(operation, rig)
        const answer = await rig.call(method, path, { ...(as === undefined ? {} : { as }), ...body })
        assert.equal(answer.status, least === 'anyone' ? 200 : 401)
        if (least !== 'anyone') assert.equal((await problemOf(answer)).code, 'OPERATOR_UNKNOWN')
        assert.equal(rig.calls.length, 0)
      })
    }
  }
})

describe('a path written another way never gets past the table', () => {
  // Fuzz target 19 of the project: router and authorization table.
  const spellings = (path: string) => [
    path.replace('/v1', '//v1'),
    path.replace('/v1/', '/v1//'),
    path.replace('/v1/', '/v1%2f'),
    path.replace('/v1/', '/v1%2F'),
    path.replace('/v1/', '/v1/%2e/'),
    path.replace('/v1/', '/v1/..;/v1/'),
    path.replace('/v1/', '/v1/.;/'),
    path.replace('/v1/', '/v1\\'),
    path.replace('/v1', '/V1'),
    path.replace('/revoke', '/REVOKE'),
    path.replace('/revoke', '/%72evoke'),
    `${path}/`,
    `${path}%00`,
    `${path}%20`,
    `${path};a=b`,
    `${path}.json`,
  ]
  for (const as of [undefined, 'viewer'] as const) {
    test(`as ${as ?? 'nobody'}`, async () => {
      const rig = adminRig()
      for (const path of spellings(`/v1/grants/${rig.grant.id}/revoke`)) {
        const answer = await rig.call('POST', path, { ...(as === undefined ? {} : { as }), body: { note: 'x' } })
        // The URL parser itself reads a backslash as a slash and drops `%2e`: those are the route, and it is refused.
        assert.ok([401, 403, 404].includes(answer.status), `${path}: ${answer.status}`)
        assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      }
      assert.equal(rig.calls.length, 0)
    })
  }

  test('not even for those who may: there is one spelling', async () => {
    const rig = adminRig()
    for (const path of ['//v1/status', '/v1//status', '/v1%2fstatus', '/v1/%73tatus', '/V1/status', '/v1/status/']) {
      assert.equal((await rig.call('GET', path, { as: 'admin' })).status, 404, path)
    }
  })
})
