import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { adminRig, PLAN_HASH, problemOf } from './rig.ts'

describe('web pages', () => {
  for (const { name, headers } of [
    { name: 'another origin', headers: { origin: 'https://evil.example' } },
    { name: 'an opaque origin', headers: { origin: 'null' } },
    { name: 'its own origin, since there are no pages', headers: { origin: 'http://admin.test' } },
    { name: 'a cross-site fetch', headers: { 'sec-fetch-site': 'cross-site' } },
    { name: 'a same-site fetch', headers: { 'sec-fetch-site': 'same-site' } },
    { name: 'a fetch of a made-up kind', headers: { 'sec-fetch-site': 'x' } },
  ]) {
    test(`${name}: refused, read or write, before anything else`, async () => {
      const rig = adminRig()
      const path = `/v1/grants/${rig.grant.id}`
      for (const answer of [
        await rig.call('GET', path, { as: 'admin', headers }),
        await rig.call('POST', `${path}/revoke`, { as: 'admin', headers, body: { note: 'x' } }),
      ]) {
        assert.equal((await problemOf(answer)).code, 'REQUEST_INVALID')
      }
      assert.equal(rig.calls.length, 0)
    })
  }

  test('a preflight gets no leave', async () => {
    const answer = await adminRig().call('OPTIONS', '/v1/grants', {
      headers: { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    })
    assert.equal(answer.status, 405)
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => name.startsWith('access-control-')),
      [],
    )
  })

  test('a typed-in address (Sec-Fetch-Site: none) is served', async () => {
    assert.equal(
      (await adminRig().call('GET', '/v1/status', { as: 'viewer', headers: { 'sec-fetch-site': 'none' } })).status,
      200,
    )
  })
})

test('every answer, good or bad, has the headers, its own request id and no cookie', async () => {
  const rig = adminRig()
  const ids = new Set<string | null>()
  for (const answer of [
    await rig.call('GET', '/v1/status', { as: 'viewer', headers: { 'x-request-id': 'not mine', cookie: 'a=b' } }),
    await rig.call('GET', '/v1/status'),
    await rig.call('GET', '/openapi.json'),
    await rig.call('GET', '/nowhere'),
    await rig.call('GET', '//nowhere'),
    await rig.call('DELETE', '/v1/status'),
    await rig.call('GET', '/v1/status?x=1', { as: 'viewer' }),
    await rig.call('GET', '/v1/status', { headers: { origin: 'null' } }),
  ]) {
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'; frame-ancestors 'none'/)
    assert.equal(answer.headers.get('set-cookie'), null)
    assert.match(answer.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
    ids.add(answer.headers.get('x-request-id'))
  }
  assert.equal(ids.size, 8)
})

test('an unknown path is NOT_FOUND, an unknown method METHOD_NOT_ALLOWED with Allow', async () => {
  const rig = adminRig()
  assert.equal((await problemOf(await rig.call('GET', '/v2/grants'))).code, 'NOT_FOUND')
  for (const [path, allow] of [
    ['/v1/grants', 'GET, HEAD'],
    [`/v1/grants/${rig.grant.id}/revoke`, 'POST'],
    ['/openapi.json', 'GET, HEAD'],
  ] as const) {
    const answer = await rig.call('DELETE', path, { as: 'admin' })
    assert.equal(answer.headers.get('allow'), allow)
    assert.equal((await problemOf(answer)).code, 'METHOD_NOT_ALLOWED')
  }
})

test('HEAD is authorized as GET is', async () => {
  const rig = adminRig()
  assert.equal((await rig.call('HEAD', '/v1/status')).status, 401)
  const answer = await rig.call('HEAD', '/v1/status', { as: 'viewer' })
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), '')
})

test('a method cannot be changed by a header or a parameter', async () => {
  const rig = adminRig()
  const headers = { 'x-http-method-override': 'POST', 'x-method-override': 'POST' }
  const path = `/v1/grants/${rig.grant.id}/revoke`
  assert.equal((await rig.call('GET', path, { as: 'admin', headers })).status, 405)
  assert.equal((await rig.call('GET', `${path}?_method=POST`, { as: 'admin' })).status, 405)
  assert.equal(rig.calls.length, 0)
})

describe('the body of a write', () => {
  const json = { 'content-type': 'application/json' }
  for (const { name, body, pointer } of [
    { name: 'empty', body: '', pointer: '/body' },
    { name: 'half', body: '{"note":', pointer: '/body' },
    { name: 'an array', body: '[]', pointer: '/body' },
    { name: 'null', body: 'null', pointer: '/body' },
    { name: 'deeply nested', body: '['.repeat(8_000), pointer: '/body' },
    { name: 'no note', body: '{}', pointer: '/body/note' },
    { name: 'an empty note', body: '{"note":""}', pointer: '/body/note' },
    { name: 'a blank note', body: '{"note":" \\n "}', pointer: '/body/note' },
    { name: 'a note of 501 characters', body: `{"note":"${'x'.repeat(501)}"}`, pointer: '/body/note' },
    { name: 'a note that is a number', body: '{"note":1}', pointer: '/body/note' },
    { name: 'a note with a NUL', body: '{"note":"a\\u0000"}', pointer: '/body/note' },
    { name: 'a note with a terminal escape', body: '{"note":"a\\u001b[2J"}', pointer: '/body/note' },
    { name: 'a note with half a character', body: '{"note":"a\\ud800"}', pointer: '/body/note' },
    { name: 'an unknown field', body: '{"note":"x","force/~":1}', pointer: '/body/force~1~0' },
    { name: 'a prototype', body: '{"note":"x","__proto__":{"a":1}}', pointer: '/body/__proto__' },
  ]) {
    test(`${name} is REQUEST_INVALID at ${pointer}`, async () => {
      const rig = adminRig()
      const path = `/v1/grants/${rig.grant.id}/revoke`
      const problem = await problemOf(await rig.call('POST', path, { as: 'operator', headers: json, body }))
      assert.equal(problem.code, 'REQUEST_INVALID')
      assert.deepEqual(
        problem.errors?.map((error) => error.pointer),
        [pointer],
      )
      assert.equal(rig.calls.length, 0)
    })
  }

  // RFC 9110, section 15.5.16
  for (const { name, headers, body, taken } of [
    {
      name: 'a form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'note=x',
      taken: ['accept', 'application/json'],
    },
    {
      name: 'plain text',
      headers: { 'content-type': 'text/plain' },
      body: '{"note":"x"}',
      taken: ['accept', 'application/json'],
    },
    {
      name: 'JSON by another name',
      headers: { 'content-type': 'application/ld+json' },
      body: '{"note":"x"}',
      taken: ['accept', 'application/json'],
    },
    {
      name: 'another charset',
      headers: { 'content-type': 'application/json; charset=utf-16' },
      body: '{"note":"x"}',
      taken: ['accept', 'application/json'],
    },
    {
      name: 'compressed',
      headers: { ...json, 'content-encoding': 'gzip' },
      body: 'x',
      taken: ['accept-encoding', 'identity'],
    },
  ]) {
    test(`${name} is MEDIA_TYPE_UNSUPPORTED, with what is taken`, async () => {
      const rig = adminRig()
      const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'operator', headers, body })
      assert.equal(answer.status, 415)
      assert.deepEqual([taken[0], answer.headers.get(String(taken[0]))], taken)
      assert.equal((await problemOf(answer)).code, 'MEDIA_TYPE_UNSUPPORTED')
      assert.equal(rig.calls.length, 0)
    })
  }

  test('over 16 KiB is BODY_TOO_LARGE', async () => {
    const rig = adminRig()
    const body = `{"note":"${'x'.repeat(16_384)}"}`
    const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'operator', headers: json, body })
    assert.deepEqual([answer.status, (await problemOf(answer)).code], [413, 'BODY_TOO_LARGE'])
  })

  test('a note of 500 characters is taken, also where each is two units of UTF-16', async () => {
    const rig = adminRig()
    const call = { as: 'operator', body: { note: '\u{1f9d1}'.repeat(500) } }
    assert.equal((await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, call)).status, 200)
  })

  test('bytes that are no UTF-8 are REQUEST_INVALID', async () => {
    const rig = adminRig()
    const body = Buffer.concat([Buffer.from('{"note":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
    const headers = { ...json, authorization: `Bearer ${rig.tokens.operator}` }
    const answer = await rig.app.request(`/v1/grants/${rig.grant.id}/revoke`, { method: 'POST', headers, body })
    assert.equal((await problemOf(answer)).code, 'REQUEST_INVALID')
  })

  test('is not read at all for a caller who may not write', async () => {
    const rig = adminRig()
    const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'viewer', body: '{"note":' })
    assert.equal(answer.status, 403)
  })

  for (const planHash of [undefined, '', 'x'.repeat(64), PLAN_HASH.toUpperCase(), `${PLAN_HASH}0`]) {
    test(`an approval needs the hash of a plan, not ${JSON.stringify(planHash)?.slice(0, 12)}`, async () => {
      const rig = adminRig()
      const path = `/v1/approvals/${rig.approval.id}/approve`
      const problem = await problemOf(await rig.call('POST', path, { as: 'approver', body: { note: 'x', planHash } }))
      assert.deepEqual(
        problem.errors?.map((error) => error.pointer),
        ['/body/planHash'],
      )
      assert.equal(rig.calls.length, 0)
    })
  }
})
