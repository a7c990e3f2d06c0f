import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { FailureLimiter } from '../../src/admin/failure-limiter.ts'
import { mintOperatorToken } from '../../src/admin/operators/operator-tokens.ts'
import type { AuditEvent } from '../../src/ledger/records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { adminRig, problemOf } from './rig.ts'

const dataOf = (event: AuditEvent | undefined) => (event?.data ?? {}) as Record<string, unknown>

describe('refused calls are on record', () => {
  test('a failed sign-in: code, reason, route, address and the public part of the token', async () => {
    const rig = adminRig()
    const { token, id } = mintOperatorToken()
    await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: token.reveal(), body: { note: 'x' } })
    const [event] = rig.ledger.events
    assert.equal(event?.type, 'operator.refused')
    assert.equal(event?.actor, 'stint')
    assert.deepEqual(event?.data, {
      code: 'OPERATOR_UNKNOWN',
      reason: 'unknown',
      operation: 'POST /v1/grants/{id}/revoke',
      remoteAddress: '192.0.2.1',
      tokenId: id,
      count: 1,
    })
    assert.ok(!JSON.stringify([rig.ledger.events, rig.logged]).includes(token.reveal()))
  })

  test('a call beyond the role: under the name of the operator', async () => {
    const rig = adminRig()
    await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'approver', body: { note: 'x' } })
    const [event] = rig.ledger.events
    assert.equal(event?.actor, 'operator:approver')
    assert.equal(dataOf(event).reason, 'needs_operator')
  })

  test('a flood becomes one event a minute with the count, and hides nothing that known operators try', async () => {
    const rig = adminRig({ limits: { refusalEventsPerMinute: 5 } })
    for (let n = 0; n < 50; n += 1) await rig.call('GET', '/v1/status', { address: `192.0.2.${n}` })
    assert.equal(rig.ledger.events.length, 4)
    await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, { as: 'viewer', body: { note: 'x' } })
    assert.equal(rig.ledger.events.at(-1)?.actor, 'operator:viewer')
    await rig.clock.advance(60_000)
    assert.deepEqual(rig.ledger.events.at(-1)?.data, {
      coalesced: true,
      count: 46,
      byReason: { 'OPERATOR_UNKNOWN:missing': 46 },
    })
    await rig.call('GET', '/v1/status')
    assert.equal(dataOf(rig.ledger.events.at(-1)).count, 1)
    assert.equal(rig.ledger.events.length, 7)
  })

  test('what is only counted is recorded at the stop', async () => {
    const rig = adminRig({ limits: { refusalEventsPerMinute: 2 } })
    for (let n = 0; n < 3; n += 1) await rig.call('GET', '/v1/status')
    await rig.close()
    assert.equal(dataOf(rig.ledger.events.at(-1)).count, 2)
  })

  test('a ledger that cannot be written does not turn a refusal into anything else', async () => {
    const rig = adminRig()
    rig.ledger.failure = new Error('disk full')
    assert.equal((await problemOf(await rig.call('GET', '/v1/status'))).code, 'OPERATOR_UNKNOWN')
    assert.equal(rig.logged.at(-1)?.level, 'error')
  })
})

describe('failed sign-ins are slowed', () => {
  test('beyond the limit they are RATE_LIMITED with Retry-After; a valid token from the same address still works', async () => {
    const rig = adminRig({ limits: { failuresPerAddressPerMinute: 3 } })
    const codes = []
    for (let n = 0; n < 5; n += 1) codes.push((await problemOf(await rig.call('GET', '/v1/status'))).code)
    assert.deepEqual(codes.slice(0, 3), Array(3).fill('OPERATOR_UNKNOWN'))
    assert.deepEqual(codes.slice(3), Array(2).fill('RATE_LIMITED'))
    assert.equal((await rig.call('GET', '/v1/status')).headers.get('retry-after'), '60')
    assert.equal((await rig.call('GET', '/v1/status', { as: 'viewer' })).status, 200)
    await rig.clock.advance(60_000)
    assert.equal((await problemOf(await rig.call('GET', '/v1/status'))).code, 'OPERATOR_UNKNOWN')
  })

  const limiter = (input: { perAddress?: number; overall?: number; maxAddresses?: number }) =>
    new FailureLimiter({ clock: new ManualClock(), perAddress: 1, overall: 100, maxAddresses: 100, ...input })

  for (const { name, first, second, same } of [
    { name: 'two IPv4 addresses', first: '192.0.2.1', second: '192.0.2.2', same: false },
    { name: 'one IPv4 address, once mapped', first: '192.0.2.1', second: '::ffff:192.0.2.1', same: true },
    { name: 'two addresses of one IPv6 /64', first: '2001:db8:1:2::1', second: '2001:db8:1:2:ffff::9', same: true },
    { name: 'two IPv6 /64', first: '2001:db8:1:2::1', second: '2001:db8:1:3::1', same: false },
    { name: 'a shortened IPv6 address', first: '2001:db8::1', second: '2001:db8:0:0:5::1', same: true },
    { name: 'an IPv6 address with a zone', first: 'fe80::1%eth0', second: 'fe80::2', same: true },
  ]) {
    test(`${name} ${same ? 'share' : 'do not share'} a bucket`, () => {
      const failures = limiter({})
      assert.equal(failures.failed(first), true)
      assert.equal(failures.failed(second), !same)
    })
  }

  test('all together are slowed too, and one address cannot use up the share of the others', () => {
    const failures = limiter({ perAddress: 2, overall: 3 })
    for (let n = 0; n < 10; n += 1) failures.failed('192.0.2.1')
    assert.equal(failures.failed('192.0.2.2'), true)
    assert.equal(failures.failed('192.0.2.3'), false)
  })

  test('the table of addresses is bounded', () => {
    const failures = limiter({ maxAddresses: 10 })
    for (let n = 0; n < 1_000; n += 1) failures.failed(`2001:db8:${n.toString(16)}::1`)
    assert.equal(failures.size, 10)
  })
})
