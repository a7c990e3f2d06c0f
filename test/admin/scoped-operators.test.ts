import assert from 'node:assert/strict'
import { test } from 'vitest'
import { ROUTE_ROLES, SCOPED_ROUTES } from '../../src/admin/middleware/authorization.ts'
import { createOperatorDirectory } from '../../src/admin/operators/operator-directory.ts'
import { mintOperatorToken } from '../../src/admin/operators/operator-tokens.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { adminRig, problemOf } from './rig.ts'

const clock = new ManualClock()
const { token, sha256 } = mintOperatorToken()
const scopedRig = (teams: string[]) => {
  const row = {
    name: 'scoped',
    role: 'admin' as const,
    tokenSha256: sha256,
    groups: [],
    subjects: [],
    scope: { teams },
  }
  const rows = [{ ...row, expiresAt: new Date(clock.now().getTime() + 86_400_000) }]
  return adminRig({ operators: createOperatorDirectory({ rows, clock }) })
}

for (const operation of Object.keys(ROUTE_ROLES).filter(
  (row) => row !== 'GET /openapi.json' && !SCOPED_ROUTES.has(row),
))
  test(`${operation} is refused to an operator with a scope`, async () => {
    const rig = scopedRig(['data'])
    const [method = '', template = ''] = operation.split(' ')
    const path = template.replace('{name}', 'deploy').replace('{id}', rig.grant.id)
    const body = method === 'POST' ? { body: {} } : {}
    const problem = await problemOf(await rig.call(method, path, { as: token.reveal(), ...body }))
    assert.equal(problem.code, 'OPERATOR_FORBIDDEN')
  })

test('a grant and its approval are not there for an operator of another team, and are for one of its own', async () => {
  for (const [team, status] of [
    ['web', 404],
    ['data', 200],
  ] as const) {
    const rig = scopedRig([team])
    const as = token.reveal()
    for (const path of [
      `/v1/grants/${rig.grant.id}`,
      `/v1/grants/${rig.grant.id}/leases`,
      `/v1/approvals/${rig.approval.id}`,
    ])
      assert.equal((await rig.call('GET', path, { as })).status, status, path)
    for (const path of ['/v1/grants', '/v1/approvals']) {
      const { items } = (await (await rig.call('GET', path, { as })).json()) as { items: unknown[] }
      assert.equal(items.length, status === 200 ? 1 : 0, path)
    }
  }
})
