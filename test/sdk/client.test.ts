import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../../src/core/errors.ts'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'
import { StintClient, type StintClientOptions } from '../../src/sdk/index.ts'
import { FakeBroker, GRANT_ID } from '../support/fake-broker.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settle, until } from '../support/settle.ts'

const TASK = {
  purpose: 'read the invoices of May',
  roleArn: 'arn:aws:iam::123456789012:role/agent-data',
  access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices/*'] }],
  ttlSeconds: 900,
}

let clock: ManualClock
let broker: FakeBroker
let client: StintClient

beforeEach(async () => {
  clock = new ManualClock()
  broker = await FakeBroker.start(clock)
  client = connect()
})

afterEach(async () => {
  client.close()
  await broker.stop()
})

function connect(change: Partial<StintClientOptions> = {}): StintClient {
  const { address, svid } = broker
  return new StintClient({ address, svid, serverId: 'spiffe://example.org/stint', clock, random: () => 0, ...change })
}

// One call and back

for (const code of Object.keys(ERROR_CATALOG) as ErrorCode[]) {
  test(`${code} of the broker is ${code} of the client`, async () => {
    broker.scripts.ReportActivity = () => {
      throw new StintError(code, { explanation: 'because', grantId: GRANT_ID })
    }
    const failed = client.reportActivity(GRANT_ID, [{ at: clock.now(), action: 's3:GetObject' }])
    const { retryable } = ERROR_CATALOG[code]
    await expect(failed).rejects.toMatchObject({
      code,
      retryable,
      details: { explanation: 'because', grantId: GRANT_ID },
    })
    expect(broker.countOf('ReportActivity')).toBe(1)
  })
}

const [ENTRY] = TASK.access
const CONDITION = { key: 's3:prefix', values: ['may/'] }
for (const { name, task, field, meant } of [
  {
    name: 'conditions under another name',
    task: { ...TASK, access: [{ ...ENTRY, condition: [CONDITION] }] },
    field: 'task.access[0].condition',
    meant: 'did you mean conditions',
  },
  {
    name: 'an operator under another name',
    task: { ...TASK, access: [{ ...ENTRY, conditions: [{ ...CONDITION, operater: 'StringEquals' }] }] },
    field: 'task.access[0].conditions[0].operater',
    meant: 'did you mean operator',
  },
  { name: 'a time under another name', task: { ...TASK, ttl: '5m' }, field: 'task.ttl', meant: 'is no part of a task' },
] as { name: string; task: object; field: string; meant: string }[]) {
  test(`a task with ${name} is refused, not sent without it`, async () => {
    // TypeScript finds such a key in most places; JavaScript never does.
    const given = task as typeof TASK
    for (const failed of [client.requestGrant(given, 'key-12345'), client.planTask(given)])
      await expect(failed).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        details: { errors: [{ field, message: expect.stringContaining(meant) }] },
      })
    expect(broker.calls).toEqual([])
  })
}

test('every method reaches its RPC', async () => {
  expect((await client.planTask(TASK)).plan.task).toEqual(TASK)
  expect((await client.requestGrant(TASK, 'key-12345')).lease?.number).toBe(1)
  expect((await client.renewLease(GRANT_ID)).lease?.number).toBe(2)
  expect((await client.getGrant(GRANT_ID)).state).toBe('active')
  expect((await client.listGrants({ state: 'active' })).grants).toHaveLength(1)
  expect(broker.calls.at(-1)?.request.state).toBe('GRANT_STATE_ACTIVE')
  await client.reportActivity(GRANT_ID, [{ at: clock.now(), action: 's3:GetObject' }])
  expect((await client.completeGrant(GRANT_ID, 'done')).state).toBe('ended')
  for await (const grant of client.watchGrant(GRANT_ID)) expect(grant.state).toBe('ended')
})

test('a retryable failure is tried again, an error of the request is not', async () => {
  let failures = 2
  broker.scripts.GetGrant = () => {
    failures -= 1
    throw new StintError(failures >= 0 ? 'LEDGER_UNAVAILABLE' : 'GRANT_NOT_FOUND')
  }
  await expect(settle(clock, client.getGrant(GRANT_ID))).rejects.toMatchObject({ code: 'GRANT_NOT_FOUND' })
  expect(broker.countOf('GetGrant')).toBe(3)
})

test('a retryable failure that lasts is thrown when the deadline leaves no room', async () => {
  broker.scripts.GetGrant = () => {
    throw new StintError('PROVIDER_THROTTLED', { retryAfterMs: 4_000 })
  }
  await expect(settle(clock, client.getGrant(GRANT_ID))).rejects.toMatchObject({ code: 'PROVIDER_THROTTLED' })
  expect(broker.countOf('GetGrant')).toBe(3)
})

for (const { name, errors, thrown } of [
  {
    name: 'that its token was used',
    errors: ['PROVIDER_UNAVAILABLE', 'TOKEN_REPLAYED'],
    thrown: 'PROVIDER_UNAVAILABLE',
  },
  { name: 'that its token ended', errors: ['PROVIDER_UNAVAILABLE', 'TOKEN_EXPIRED'], thrown: 'PROVIDER_UNAVAILABLE' },
  { name: 'that time is over', errors: ['LEDGER_UNAVAILABLE', 'DEADLINE_EXCEEDED'], thrown: 'LEDGER_UNAVAILABLE' },
  { name: 'a final answer', errors: ['LEDGER_UNAVAILABLE', 'POLICY_DENIED'], thrown: 'POLICY_DENIED' },
] as const) {
  test(`a retry that is told ${name} ends in ${thrown}`, async () => {
    const left = [...errors]
    broker.scripts.RenewLease = () => {
      throw new StintError(left.shift() ?? 'INTERNAL')
    }
    await expect(settle(clock, client.renewLease(GRANT_ID))).rejects.toMatchObject({ code: thrown })
    expect(left).toEqual([])
  })
}

test('a token whose key the broker does not have yet is shown again when the broker says, and what it then says counts', async () => {
  const wait = { check: 'kid', retryAfterMs: 3_000 }
  for (const { code, last } of [
    { code: 'TRUST_DOMAIN_UNAVAILABLE', last: undefined },
    { code: 'TRUST_DOMAIN_UNAVAILABLE', last: 'TOKEN_INVALID' },
    { code: 'ISSUER_UNAVAILABLE', last: 'TOKEN_INVALID' },
  ] as const) {
    const answers = [new StintError(code, wait), last && new StintError(last, { check: 'kid' })]
    broker.scripts.GetGrant = () => {
      const error = answers.shift()
      if (error) throw error
      return { grant: broker.grant }
    }
    const startedMs = clock.monotonicMs()
    const outcome = await settle(
      clock,
      client.getGrant(GRANT_ID).catch((error: unknown) => error),
    )
    expect(outcome).toMatchObject(last ? { code: last } : { id: GRANT_ID })
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(3_000)
  }
})

test('a token that the broken connection of before still holds is shown again when the broker says', async () => {
  const answers = [new StintError('TOKEN_REPLAYED', { retryAfterMs: 3_000 }), undefined]
  broker.scripts.GetGrant = () => {
    const error = answers.shift()
    if (error) throw error
    return { grant: broker.grant }
  }
  expect((await settle(clock, client.getGrant(GRANT_ID))).id).toBe(GRANT_ID)
  broker.scripts.GetGrant = () => {
    throw new StintError('TOKEN_REPLAYED')
  }
  const calls = broker.countOf('GetGrant')
  await expect(settle(clock, client.getGrant(GRANT_ID))).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
  expect(broker.countOf('GetGrant')).toBe(calls + 1)
})

test('a broker that is not there is BROKER_UNAVAILABLE', async () => {
  broker.down()
  const failed = client.getGrant(GRANT_ID, { deadlineMs: 5_000 })
  await expect(settle(clock, failed)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true })
})

test('an aborted call is CANCELLED', async () => {
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL' }
  const stop = new AbortController()
  const failed = client.request(TASK, { signal: stop.signal })
  await broker.watched()
  stop.abort()
  await expect(failed).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('a token source is asked for each try', async () => {
  let tokens = 0
  client.close()
  client = connect({
    token: async () => {
      tokens += 1
      return `jwt.${tokens}\n`
    },
  })
  let failures = 1
  broker.scripts.GetGrant = () => {
    if (failures-- > 0) throw new StintError('LEDGER_UNAVAILABLE')
    return { grant: broker.grant }
  }
  await settle(clock, client.getGrant(GRANT_ID))
  expect(broker.calls.map(({ metadata }) => metadata.get('authorization')[0])).toEqual(['Bearer jwt.1', 'Bearer jwt.2'])
})

// Who is at the other end

for (const { name, serverId } of [
  { name: 'another workload of the trust domain', serverId: 'spiffe://example.org/impostor' },
  { name: 'an ID that only begins like the one expected', serverId: 'spiffe://example.org/stint/x' },
]) {
  test(`${name} is not taken for the broker`, async () => {
    broker.down()
    broker.serverId = serverId
    await broker.up()
    const failed = client.getGrant(GRANT_ID, { deadlineMs: 5_000 })
    await expect(settle(clock, failed)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    expect(broker.calls).toEqual([])
  })
}

test('a broker of a foreign trust domain is not taken for ours', async () => {
  const foreign = await createTrustDomain('example.org')
  await writeFile(broker.svid.bundleFile, foreign.rootCertPem)
  const failed = client.getGrant(GRANT_ID, { deadlineMs: 5_000 })
  await expect(settle(clock, failed)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  expect(broker.calls).toEqual([])
})

test('a SPIFFE bundle serves as roots', async () => {
  await writeFile(broker.svid.bundleFile, broker.trustDomain.bundleJson())
  expect((await client.getGrant(GRANT_ID)).id).toBe(GRANT_ID)
})

for (const { name, change, code } of [
  { name: 'an address without a port', change: { address: 'broker' }, code: 'CONFIG_INVALID' },
  { name: 'an address with a scheme', change: { address: 'https://broker:1' }, code: 'CONFIG_INVALID' },
  { name: 'a server ID without a path', change: { serverId: 'spiffe://example.org' }, code: 'SPIFFE_ID_INVALID' },
  { name: 'a server ID with a dot segment', change: { serverId: 'spiffe://a/b/../c' }, code: 'SPIFFE_ID_INVALID' },
  {
    name: 'a certificate without its key',
    change: { svid: { certificateFile: 'a', bundleFile: 'b' } },
    code: 'CONFIG_INVALID',
  },
  { name: 'neither certificate nor token', change: { svid: { bundleFile: 'b' } }, code: 'CONFIG_INVALID' },
  { name: 'a deadline of nothing', change: { defaultDeadlineMs: 0 }, code: 'CONFIG_INVALID' },
]) {
  test(`${name} is refused at construction`, () => {
    expect(() => connect(change)).toThrow(expect.objectContaining({ code }))
  })
}

for (const { name, file, text, code } of [
  { name: 'an unreadable certificate', file: 'certificateFile', text: 'junk', code: 'SVID_INVALID' },
  { name: 'an empty bundle', file: 'bundleFile', text: '', code: 'BUNDLE_INVALID' },
  {
    name: 'a bundle with no X.509 keys',
    file: 'bundleFile',
    text: '{"keys":[{"use":"jwt-svid"}]}',
    code: 'BUNDLE_INVALID',
  },
  { name: 'a bundle of broken JSON', file: 'bundleFile', text: '{', code: 'BUNDLE_INVALID' },
  {
    name: 'a bundle with the same member twice',
    file: 'bundleFile',
    text: '{"keys":[],"keys":[]}',
    code: 'BUNDLE_INVALID',
  },
] as const) {
  test(`${name} is ${code}`, async () => {
    await writeFile(broker.svid[file], text)
    await expect(client.getGrant(GRANT_ID)).rejects.toMatchObject({ code })
  })
}

test('a root whose JWK says another key is no root', async () => {
  const other = await createTrustDomain(broker.trustDomain.name)
  const [root, jwtKey] = JSON.parse(broker.trustDomain.bundleJson()).keys
  const [{ x, y }] = JSON.parse(other.bundleJson()).keys
  await writeFile(broker.svid.bundleFile, JSON.stringify({ keys: [{ ...root, x, y }, jwtKey] }))
  await expect(client.getGrant(GRANT_ID)).rejects.toMatchObject({
    code: 'BUNDLE_INVALID',
    message: expect.stringContaining('x5c'),
  })
})

// Rotation

test('a rotated SVID is used by new calls, while a stream on the old one goes on', async () => {
  const states: string[] = []
  const watching = (async () => {
    for await (const { state } of client.watchGrant(GRANT_ID)) states.push(state)
  })()
  await broker.watched()
  await broker.writeSvid('spiffe://example.org/rotated')
  await clock.advance(1_000)
  const peers = new Set<string>()
  broker.scripts.GetGrant = (_request, _metadata, peer) => {
    peers.add(peer)
    return { grant: broker.grant }
  }
  await client.getGrant(GRANT_ID)
  expect([...peers]).toEqual(['spiffe://example.org/rotated'])
  broker.publish({ state: 'GRANT_STATE_ENDED' })
  await watching
  expect(states).toEqual(['active', 'ended'])
  expect(broker.countOf('WatchGrant')).toBe(1)
})

test('a rotation that is half done leaves the last good SVID in use', async () => {
  await client.getGrant(GRANT_ID)
  await writeFile(broker.svid.privateKeyFile, 'half a file')
  await clock.advance(1_000)
  expect((await client.getGrant(GRANT_ID)).id).toBe(GRANT_ID)
})

// The gate

for (const { state, code } of [
  { state: 'GRANT_STATE_DENIED', code: 'POLICY_DENIED' },
  { state: 'GRANT_STATE_REJECTED', code: 'APPROVAL_REJECTED' },
  { state: 'GRANT_STATE_WITHDRAWN', code: 'REQUEST_WITHDRAWN' },
  { state: 'GRANT_STATE_APPROVAL_EXPIRED', code: 'APPROVAL_EXPIRED' },
  { state: 'GRANT_STATE_ENDED', code: 'GRANT_NOT_ACTIVE' },
] as const) {
  test(`a request that comes back as ${state} throws ${code}`, async () => {
    broker.grant = { ...broker.grant, state }
    await expect(client.request(TASK)).rejects.toMatchObject({ code, details: { grantId: GRANT_ID } })
  })

  test(`a grant at the gate that becomes ${state} throws ${code}`, async () => {
    broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
    const failed = client.request(TASK)
    await broker.watched()
    broker.publish({ state })
    await expect(failed).rejects.toMatchObject({ code })
  })
}

test('one await passes the gate, over a restart of the broker, under one idempotency key', async () => {
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
  const asked: string[] = []
  const request = client.request(TASK, { idempotencyKey: 'task-0001', onAwaitingApproval: (id) => asked.push(id) })
  await broker.watched()
  broker.down()
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_ACTIVE' }
  await clock.advance(10_000)
  await broker.up()
  const grant = await settle(clock, request)
  expect((await grant.lease()).accessKeyId).toBe('ASIAEXAMPLE1')
  expect(asked).toEqual(['apr_1'])
  const keys = broker.calls
    .filter(({ method }) => method === 'RequestGrant')
    .map(({ request }) => request.idempotencyKey)
  expect(keys).toEqual(['task-0001', 'task-0001'])
  await grant.close()
})

test('a broker that fails just after the yes is asked again', async () => {
  broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
  const request = client.request(TASK)
  await broker.watched()
  const first = clock.now().getTime()
  broker.scripts.RequestGrant = () => {
    if (clock.now().getTime() < first + 60_000) throw new StintError('PROVIDER_UNAVAILABLE')
    return { grant: broker.grant, lease: broker.nextLease() }
  }
  broker.publish({ state: 'GRANT_STATE_ACTIVE' })
  const grant = await settle(clock, request, 500)
  expect(grant.id).toBe(GRANT_ID)
  await grant.close()
})

describe('a wait that is given up', () => {
  const waiting = () => {
    broker.grant = { ...broker.grant, state: 'GRANT_STATE_AWAITING_APPROVAL', approvalId: 'apr_1' }
  }
  const KEY = { idempotencyKey: 'task-0001' }

  for (const { name, settings, code, withdraws } of [
    { name: 'by time, of a key of the caller’s', settings: KEY, code: 'APPROVAL_PENDING', withdraws: false },
    { name: 'by time, of a key that nobody knows', settings: {}, code: 'REQUEST_WITHDRAWN', withdraws: true },
    {
      name: 'by time, where the caller wants it kept',
      settings: { onGiveUp: 'keep' },
      code: 'APPROVAL_PENDING',
      withdraws: false,
    },
    {
      name: 'by time, where the caller wants it withdrawn',
      settings: { ...KEY, onGiveUp: 'withdraw' },
      code: 'REQUEST_WITHDRAWN',
      withdraws: true,
    },
  ] as const)
    test(`${name}, is ${withdraws ? 'withdrawn' : 'kept'}, and the error has the key`, async () => {
      waiting()
      const keys: string[] = []
      const onAwaitingApproval = (_: string, __: unknown, key: string) => keys.push(key)
      const failed = client.request(TASK, { approvalTimeoutMs: 1_000, onAwaitingApproval, ...settings })
      await broker.watched()
      const error = (await settle(
        clock,
        failed.catch((thrown: unknown) => thrown),
      )) as StintError
      expect(error).toMatchObject({
        code,
        details: { approvalId: 'apr_1', grantId: GRANT_ID, idempotencyKey: keys[0] },
      })
      expect(broker.countOf('CompleteGrant')).toBe(withdraws ? 1 : 0)
      if (!withdraws) expect(error.details.explanation).toContain(keys[0])
    })

  test('by the signal given to run, is CANCELLED, and nobody is asked any more', async () => {
    waiting()
    const giveUp = new AbortController()
    const ran = client.run(TASK, () => Promise.resolve('done'), { signal: giveUp.signal })
    await broker.watched()
    giveUp.abort()
    const details = { withdrawn: true, state: 'withdrawn', idempotencyKey: expect.stringMatching(/^sdk-/) }
    await expect(ran).rejects.toMatchObject({ code: 'CANCELLED', details })
  })

  test('in the moment of the yes, ends the grant unused and says so', async () => {
    waiting()
    broker.scripts.CompleteGrant = () => {
      broker.publish({ state: 'GRANT_STATE_ENDED', reason: 'completed' })
      return { grant: broker.grant }
    }
    const failed = client.request(TASK, { approvalTimeoutMs: 1_000 })
    await broker.watched()
    const explanation = expect.stringContaining('approved at the same moment')
    await expect(settle(clock, failed)).rejects.toMatchObject({ details: { state: 'ended', explanation } })
  })

  test('while the broker is away, keeps the code of the wait and says how to come back', async () => {
    waiting()
    broker.scripts.CompleteGrant = () => {
      throw new StintError('SHUTTING_DOWN')
    }
    const failed = client.request(TASK, { approvalTimeoutMs: 1_000 })
    await broker.watched()
    const details = { withdrawn: false, explanation: expect.stringMatching(/not be withdrawn .*idempotency key sdk-/) }
    await expect(settle(clock, failed)).rejects.toMatchObject({ code: 'APPROVAL_PENDING', details })
  })
})

test('a request that was lost on its way says which key leads back to its grant', async () => {
  broker.scripts.RequestGrant = () => {
    throw new StintError('BROKER_UNAVAILABLE')
  }
  const details = { idempotencyKey: expect.stringMatching(/^sdk-/) }
  await expect(settle(clock, client.request(TASK))).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', details })
})

// Credentials

test('the provider asks once, answers from memory and renews ahead', async () => {
  const provider = client.credentials(TASK)
  expect(broker.calls).toEqual([])
  const [first] = await Promise.all([provider(), provider(), provider()])
  expect(first).toMatchObject({ accessKeyId: 'ASIAEXAMPLE1', secretAccessKey: 'secret-1', sessionToken: 'token-1' })
  expect(first?.expiration.getTime()).toBe(clock.now().getTime() + 270_000)
  expect(broker.countOf('RequestGrant')).toBe(1)
  await clock.advance(140_000)
  expect((await provider()).accessKeyId).toBe('ASIAEXAMPLE1')
  await until(() => broker.countOf('RenewLease') === 1)
  await client.getGrant(GRANT_ID)
  expect((await provider()).accessKeyId).toBe('ASIAEXAMPLE2')
  await provider.complete()
  await expect(provider()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'completed' } })
})

test('a provider whose request failed asks again under the same key', async () => {
  const provider = client.credentials(TASK)
  broker.scripts.RequestGrant = () => {
    throw new StintError('POLICY_DENIED')
  }
  await expect(provider()).rejects.toMatchObject({ code: 'POLICY_DENIED' })
  delete broker.scripts.RequestGrant
  await provider()
  const [a, b] = broker.calls.filter(({ method }) => method === 'RequestGrant')
  expect(a?.request.idempotencyKey).toBe(b?.request.idempotencyKey)
  await provider.complete()
})

test('a provider hears of a revocation over the watch', async () => {
  const watched = broker.watched()
  const provider = client.credentials(TASK)
  const grant = await provider.grant()
  await watched
  broker.publish({ state: 'GRANT_STATE_ENDING', reason: 'revoked' })
  await until(() => grant.signal.aborted)
  await expect(provider()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'revoked' } })
  await grant.close()
})

test('a cut of the deny list makes the provider renew', async () => {
  const watched = broker.watched()
  const provider = client.credentials(TASK)
  const grant = await provider.grant()
  await watched
  broker.publish({ renewAfter: { seconds: '1795262400', nanos: 0 } })
  await until(() => grant.info.renewAfter !== undefined)
  expect((await provider()).accessKeyId).toBe('ASIAEXAMPLE2')
  await grant.close()
})

test('no secret shows when a grant or a lease is printed', async () => {
  const grant = await client.request(TASK)
  const { inspect } = await import('node:util')
  const lease = await grant.lease()
  expect(inspect([grant, lease], { depth: 9, showHidden: true }) + JSON.stringify([grant, lease])).not.toMatch(
    /secret-1|token-1/,
  )
  await grant.close()
})

// run

test('run completes the grant when the work is done', async () => {
  const result = await client.run(TASK, async ({ credentials }) => (await credentials()).accessKeyId)
  expect(result).toBe('ASIAEXAMPLE1')
  expect(broker.countOf('CompleteGrant')).toBe(1)
})

test('run completes the grant when the work throws, and throws what the work threw', async () => {
  broker.scripts.CompleteGrant = () => {
    throw new StintError('GRANT_NOT_FOUND')
  }
  const work = client.run(TASK, () => Promise.reject(new Error('mine')))
  await expect(work).rejects.toThrow('mine')
  expect(broker.countOf('CompleteGrant')).toBe(1)
})

test('run tells when a grant could not be completed after work that went well', async () => {
  broker.scripts.CompleteGrant = () => {
    throw new StintError('INTERNAL')
  }
  await expect(client.run(TASK, async () => 1)).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('run aborts the work when the grant is revoked under it', async () => {
  const watched = broker.watched()
  const work = client.run(TASK, async ({ signal }) => {
    await watched
    broker.publish({ state: 'GRANT_STATE_ENDING', reason: 'revoked' })
    await until(() => signal.aborted)
    throw signal.reason
  })
  await expect(work).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'revoked' } })
})

// The watch of a grant opens over several turns of the microtask queue; an abort between two of them was never heard of.
for (let turns = 0; turns <= 12; turns += 1) {
  test(`a grant that is closed ${turns} turns after it was opened lets go of its watch`, async () => {
    const grant = await client.request(TASK)
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    await grant.close()
  })
}
