import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { toProblem } from '../../src/admin/problem.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../../src/core/errors.ts'
import { adminRig, problemOf } from './rig.ts'

const CANARY = 'CANARY-EXAMPLE-SECRET'

describe('every code of the catalogue becomes its problem', () => {
  for (const [code, { http, title }] of Object.entries(ERROR_CATALOG)) {
    test(code, async () => {
      const rig = adminRig()
      const cause = new Error(CANARY)
      rig.domain.failure = new StintError(code as ErrorCode, { explanation: 'because', grantId: rig.grant.id }, cause)
      const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'admin', body: { note: 'x' } })
      const problem = await problemOf(answer)
      assert.equal(problem.status, http)
      assert.equal(problem.code, code)
      assert.equal(problem.title, title)
      assert.equal(problem.detail, code === 'INTERNAL' ? undefined : 'because')
      assert.deepEqual(problem.details, code === 'INTERNAL' ? {} : { grantId: rig.grant.id })
      assert.ok(!JSON.stringify(problem).includes(CANARY))
      assert.equal(rig.logged.length, http >= 500 ? 1 : 0)
    })
  }
})

describe('what is not ours is INTERNAL and says nothing', () => {
  for (const { name, failure } of [
    { name: 'an error with a secret in its text', failure: new Error(CANARY) },
    { name: 'an error with a cause', failure: new TypeError('x', { cause: { token: CANARY } }) },
    { name: 'a text that was thrown', failure: CANARY },
    { name: 'null that was thrown', failure: null },
    {
      name: 'an object with a status',
      failure: { status: 200, message: CANARY, getResponse: () => new Response(CANARY) },
    },
    {
      name: 'an error with a response of its own',
      failure: Object.assign(new Error('x'), { getResponse: () => new Response(CANARY) }),
    },
  ]) {
    test(name, async () => {
      const rig = adminRig()
      rig.domain.failure = failure
      const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'admin', body: { note: 'x' } })
      const problem = await problemOf(answer)
      assert.equal(problem.code, 'INTERNAL')
      assert.deepEqual(problem.details, {})
      assert.ok(!JSON.stringify([problem, ...answer.headers]).includes(CANARY))
      assert.equal(rig.logged[0]?.level, 'error')
    })
  }
})

test('parts of a request that are wrong stand beside the details', () => {
  const errors = [{ pointer: '/query/limit', message: 'must be at most 200' }]
  const problem = toProblem(new StintError('REQUEST_INVALID', { explanation: 'e', errors, n: 1 }), { requestId: 'r' })
  assert.deepEqual(problem.errors, errors)
  assert.deepEqual(problem.details, { n: 1 })
})
