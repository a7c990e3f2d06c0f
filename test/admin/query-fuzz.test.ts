import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { ROUTE_ROLES } from '../../src/admin/middleware/authorization.ts'
import { adminRig, problemOf } from './rig.ts'

describe('a query that is not right is REQUEST_INVALID and says where', () => {
  for (const { query, pointer } of [
    { query: 'limit=0', pointer: '/query/limit' },
    { query: 'limit=201', pointer: '/query/limit' },
    { query: 'limit=-1', pointer: '/query/limit' },
    { query: 'limit=1e2', pointer: '/query/limit' },
    { query: 'limit=01', pointer: '/query/limit' },
    { query: 'limit=', pointer: '/query/limit' },
    { query: 'limit=5&limit=6', pointer: '/query/limit' },
    { query: 'limit=99999999999999999999', pointer: '/query/limit' },
    { query: 'state=open', pointer: '/query/state' },
    { query: 'state=toString', pointer: '/query/state' },
    { query: 'agent=', pointer: '/query/agent' },
    { query: 'agent=a%00b', pointer: '/query/agent' },
    { query: `owner=${'x'.repeat(257)}`, pointer: '/query/owner' },
    { query: 'requestedAfter=yesterday', pointer: '/query/requestedAfter' },
    { query: 'requestedAfter=2026-11-21', pointer: '/query/requestedAfter' },
    { query: 'requestedAfter=2026-02-30T00:00:00Z', pointer: '/query/requestedAfter' },
    { query: 'requestedBefore=2026-11-21T25:00:00Z', pointer: '/query/requestedBefore' },
    { query: 'cursor=a%20b', pointer: '/query/cursor' },
    { query: `cursor=${'x'.repeat(513)}`, pointer: '/query/cursor' },
    { query: 'onwer=ada', pointer: '/query/onwer' },
    { query: 'access_token=x', pointer: '/query/access_token' },
    { query: '__proto__=x', pointer: '/query/__proto__' },
    { query: 'constructor=x', pointer: '/query/constructor' },
    { query: 'state[]=active', pointer: '/query/state[]' },
  ]) {
    test(query.slice(0, 60), async () => {
      const problem = await problemOf(await adminRig().call('GET', `/v1/grants?${query}`, { as: 'viewer' }))
      assert.equal(problem.code, 'REQUEST_INVALID')
      assert.deepEqual(
        problem.errors?.map((error) => error.pointer),
        [pointer],
      )
    })
  }

  test('a parameter that is given twice is told so', async () => {
    const problem = await problemOf(await adminRig().call('GET', '/v1/grants?limit=1&limit=2', { as: 'viewer' }))
    assert.deepEqual(problem.errors, [{ pointer: '/query/limit', message: 'must be given once' }])
  })

  for (const operation of Object.keys(ROUTE_ROLES).filter((row) => row !== 'GET /openapi.json')) {
    test(`an unknown parameter on ${operation}`, async () => {
      const rig = adminRig()
      const [method = '', template = ''] = operation.split(' ')
      const path = template
        .replace('{name}', 'deploy')
        .replace('{id}', template.includes('/approvals/') ? rig.approval.id : rig.grant.id)
      const body =
        method === 'POST'
          ? { body: { note: 'x', ...(path.includes('approvals') ? { planHash: 'a'.repeat(64) } : {}) } }
          : {}
      const query = `${path === '/v1/reach/may' ? 'agent=bot&' : ''}unknown=1`
      const problem = await problemOf(await rig.call(method, `${path}?${query}`, { as: 'admin', ...body }))
      assert.deepEqual(
        problem.errors?.map((error) => error.pointer),
        ['/query/unknown'],
      )
      assert.equal(rig.calls.length, 0)
    })
  }
})

describe('ids', () => {
  for (const id of [
    'grt_',
    'grt_01',
    'x',
    'GRT_01JD7Z0000EXAMPLE0GRANT000',
    'grt_01jd7z00000000000000000000',
    'apr_01JD7Z00000000000000000000',
  ]) {
    test(`${id} is no grant id`, async () => {
      const problem = await problemOf(await adminRig().call('GET', `/v1/grants/${id}`, { as: 'viewer' }))
      assert.equal(problem.code, 'REQUEST_INVALID')
      assert.equal(problem.errors?.[0]?.pointer, '/path/id')
    })
  }
})

describe('whatever comes', () => {
  // Fuzz targets 13 and 19 of the project: cursor parsers, router.
  const rig = adminRig({ limits: { failuresPerAddressPerMinute: 1e9, failuresPerMinute: 1e9 } })
  const names = [
    'agent',
    'owner',
    'state',
    'role',
    'requestedAfter',
    'requestedBefore',
    'limit',
    'cursor',
    'afterPosition',
    '__proto__',
  ]
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('1', '200', 'active', '2026-11-21T12:00:00Z'),
  )
  const BY_AGENT = new Set(['/v1/grants', '/v1/approvals', '/v1/reach', '/v1/reach/may'])
  const paths = Object.keys(ROUTE_ROLES)
    .filter((row) => row.startsWith('GET') && !row.includes('{id}'))
    .map((row) => row.slice(4).replace('{name}', 'deploy'))

  test('as a query: 200 or a problem, never an internal error', async () => {
    const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), word), word), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), query, async (path, pairs) => {
        const answer = await rig.call('GET', `${path}?${new URLSearchParams(pairs)}`, { as: 'viewer' })
        if (answer.status === 200) return
        const { code } = await problemOf(answer)
        // A query that names an agent may name one that is not there.
        const isNobody = BY_AGENT.has(path) && ['REGISTRATION_NOT_FOUND', 'AGENT_UNREGISTERED'].includes(code)
        if (!isNobody) assert.equal(code, 'REQUEST_INVALID')
      }),
      { numRuns: 300 },
    )
  })

  test('as a raw query string', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        async (path, text) => {
          const answer = await rig.call('GET', `${path}?${text}`, { as: 'viewer' })
          if (answer.status !== 200) assert.equal((await problemOf(answer)).code, 'REQUEST_INVALID')
        },
      ),
      { numRuns: 300 },
    )
  })

  test('as a path, without a token: the document, or a refusal', async () => {
    const part = fc.constantFrom(
      'v1',
      'grants',
      'status',
      'audit',
      '..',
      '.',
      '',
      '%2f',
      '%2e%2e',
      ';',
      '\\',
      'V1',
      rig.grant.id,
      '*',
      ':id',
      '{id}',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const answer = await rig.call('GET', `/${parts.join('/')}`)
        assert.ok([400, 401, 404, 405].includes((await problemOf(answer)).status))
      }),
      { numRuns: 300 },
    )
  })

  test('as a token: refused', async () => {
    const header = fc.oneof(
      word,
      word.map((text) => `Bearer ${text}`),
      word.map((text) => `Bearer stint_${text}`),
    )
    await fc.assert(
      fc.asyncProperty(header, async (authorization) => {
        fc.pre(/^[\t\x20-\x7e]*$/.test(authorization))
        const answer = await rig.call('GET', '/v1/status', { headers: { authorization } })
        assert.equal((await problemOf(answer)).code, 'OPERATOR_UNKNOWN')
      }),
      { numRuns: 200 },
    )
  })

  test('as a body: accepted or REQUEST_INVALID', async () => {
    const body = fc.oneof(
      fc.json(),
      fc.string({ maxLength: 40 }),
      fc.record({ note: fc.string({ unit: 'binary' }) }).map((value) => JSON.stringify(value)),
    )
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'operator', body: text })
        if (answer.status !== 200) assert.equal((await problemOf(answer)).code, 'REQUEST_INVALID')
      }),
      { numRuns: 300 },
    )
  })
})
