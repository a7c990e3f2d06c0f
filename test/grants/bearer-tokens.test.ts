import { afterEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { TokenGuard, type TokenReuse } from '../../src/grants/agents/token-guard.ts'
import { recordOf } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import {
  bearer,
  caller,
  DECISIONS,
  DELETE,
  type Harness,
  OLGA,
  openConnection,
  openHarness,
  task,
} from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'

let h: Harness
afterEach(async () => {
  await h.parts.tokens.stop()
  await h.close()
  h.remove()
})

async function open(reuse: TokenReuse): Promise<void> {
  h = await openHarness({ reuse })
}

/** Opens the ledger again, as a broker that was started anew. */
async function restart(reuse: TokenReuse): Promise<void> {
  await h.close()
  h = await openHarness({ folder: h.folder, clock: h.clock, provider: h.provider, reuse })
}

const renew = (grantId: string, who: ReturnType<typeof bearer>) => h.grants.renewLease(who, grantId, h.signal)

async function approve(grantId: string): Promise<void> {
  const approval = await h.ledger.findApproval(grantId)
  if (!approval) throw new Error('no approval')
  const { id, planHash } = approval
  await h.operators.decideApproval(OLGA, id, { verdict: 'approve', planHash, note: '' })
}

async function eventsOf(type: string) {
  return (await recordOf(h.ledger)).filter((event) => event.type === type)
}

// SPIRE's agent gives one JWT-SVID per audience for half its life, whatever is asked for.
describe('a token with reuse: connection', () => {
  test('mints for several grants and their renewals by one connection', async () => {
    await open('connection')
    const one = openConnection('con_1')
    const { grant } = await h.request('key-00000001', task(), bearer(one))
    await h.request('key-00000002', task(), bearer(one))
    expect((await renew(grant.id, bearer(one))).lease?.lease.number).toBe(2)
    expect(await eventsOf('identity.refused')).toEqual([])
  })

  test('stolen, mints nothing by another connection, which is on record with both sides', async () => {
    await open('connection')
    const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_1')))
    const thief = bearer(openConnection('con_2'))
    for (const stolen of [() => h.request('key-00000002', task(), thief), () => renew(grant.id, thief)])
      await expect(stolen()).rejects.toMatchObject({ code: 'TOKEN_REPLAYED', details: { retryAfterMs: 20_000 } })
    expect(h.provider.sessions).toHaveLength(1)
    const sides = { code: 'TOKEN_REPLAYED', check: 'connection', tokenId: 'token-1', connectionId: 'con_2' }
    const refusals = await eventsOf('identity.refused')
    expect(refusals.map(({ data }) => data)).toMatchObject(Array(2).fill({ ...sides, ownerConnectionId: 'con_1' }))
    expect(await h.ledger.findGrantByKey(thief.subject, 'key-00000002')).toBeUndefined()
  })

  test('stolen and tried over and over, neither fills the record nor makes its agent wait', async () => {
    h = await openHarness({ reuse: 'connection', recordRates: { refusalsPerMinute: 5 } })
    const agent = bearer(openConnection('con_1'))
    const { grant } = await h.request('key-00000001', task(), agent)
    const thief = bearer(openConnection('con_2'))
    for (let tries = 0; tries < 50; tries += 1)
      await expect(renew(grant.id, thief)).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    expect((await renew(grant.id, agent)).lease).toBeDefined()
    expect(await eventsOf('identity.refused')).toHaveLength(9)
    await h.clock.advance(60_000)
    const last = await eventually('the count', async () => (await eventsOf('identity.refused'))[9])
    expect(last.data).toMatchObject({ count: 41, byReason: { 'TOKEN_REPLAYED:connection': 41 } })
  })

  test('goes to one new connection once its own has closed, with an event', async () => {
    await open('connection')
    const [one, two, three] = ['con_1', 'con_2', 'con_3'].map(openConnection) as [Connection, Connection, Connection]
    const { grant } = await h.request('key-00000001', task(), bearer(one))
    one.close()
    // The answer was lost with the connection: the same call comes again by the next one.
    expect((await h.request('key-00000001', task(), bearer(two))).grant.id).toBe(grant.id)
    await expect(renew(grant.id, bearer(three))).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    expect((await eventsOf('token.moved')).map(({ actor, data }) => ({ actor, data }))).toMatchObject([
      {
        actor: grant.subject,
        data: { tokenId: 'token-1', from: { connectionId: 'con_1' }, to: { connectionId: 'con_2' }, move: 1 },
      },
    ])
  })

  test('goes to a new connection after the broker died with its own open', async () => {
    await open('connection')
    const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_1')))
    await restart('connection')
    expect((await renew(grant.id, bearer(openConnection('con_2')))).lease).toBeDefined()
    expect(await eventsOf('token.moved')).toHaveLength(1)
  })

  test('of a call whose connection closes before the lease is intended is not bound, and nothing is minted', async () => {
    await open('connection')
    const [one, two] = ['con_1', 'con_2'].map(openConnection) as [Connection, Connection]
    const called = h.request('key-00000001', task(), bearer(one))
    one.close()
    await expect(called).rejects.toMatchObject({ code: 'CANCELLED' })
    await h.request('key-00000001', task(), bearer(two))
    expect(await eventsOf('token.moved')).toEqual([])
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('stolen while its grant waits for a person, does not collect what the yes was for', async () => {
    await open('connection')
    h.rules.decision = DECISIONS.approval
    const agent = openConnection('con_1')
    const { grant } = await h.request('key-00000001', task(DELETE), bearer(agent))
    await approve(grant.id)
    await expect(renew(grant.id, bearer(openConnection('con_2')))).rejects.toMatchObject({
      code: 'TOKEN_REPLAYED',
      details: { check: 'connection', ownerConnectionId: 'con_1' },
    })
    expect((await h.request('key-00000001', task(DELETE), bearer(agent))).lease).toBeDefined()
  })

  test('passes the gate by another connection once the one that asked has closed', async () => {
    await open('connection')
    h.rules.decision = DECISIONS.approval
    const asked = openConnection('con_1')
    const { grant } = await h.request('key-00000001', task(DELETE), bearer(asked))
    asked.close()
    await approve(grant.id)
    expect((await h.request('key-00000001', task(DELETE), bearer(openConnection('con_2')))).lease).toBeDefined()
    expect(await eventsOf('identity.refused')).toEqual([])
  })

  test('is another token for each signature: two of one second mint by two connections', async () => {
    await open('connection')
    await h.request('key-00000001', task(), bearer(openConnection('con_1'), 'token-1'))
    await h.request('key-00000002', task(), bearer(openConnection('con_2'), 'token-2'))
    expect(h.provider.sessions).toHaveLength(2)
  })

  test('of two calls on one key by two connections at once, one mints', async () => {
    await open('connection')
    const calls = ['con_1', 'con_2'].map((id) => h.request('key-00000001', task(), bearer(openConnection(id))))
    const answers = await Promise.allSettled(calls)
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(h.provider.sessions).toHaveLength(1)
  })
})

describe('a token with reuse: never', () => {
  test('mints once, for a request or a renewal', async () => {
    await open('never')
    const one = openConnection('con_1')
    const { grant } = await h.request('key-00000001', task(), bearer(one))
    await expect(h.request('key-00000002', task(), bearer(one))).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    await expect(renew(grant.id, bearer(one))).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    expect((await renew(grant.id, bearer(one, 'token-2'))).lease).toBeDefined()
    await expect(renew(grant.id, bearer(one, 'token-2'))).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    expect(h.provider.sessions).toHaveLength(2)
    expect((await eventsOf('identity.refused'))[0]?.data).toMatchObject({ check: 'spent', grantId: grant.id })
  })

  test('mints no second time when it ends while its issuer is asked: the ledger remembers it no longer', async () => {
    await open('never')
    const until = new Date(h.clock.now().getTime() + 60_000)
    const ending = (id: string) => {
      const who = bearer(openConnection(id))
      return { ...who, token: { key: 'token-1', connection: openConnection(id), until } }
    }
    await h.request('key-00000001', task(), ending('con_1'))
    const stolen = { ...ending('con_2'), askIssuer: () => h.clock.advance(60_000) }
    await expect(h.request('key-00000002', task(), stolen)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
    expect(h.provider.sessions).toHaveLength(1)
  })

  test('in a file passes the gate: the first call does not spend it, and the one after the yes does', async () => {
    await open('never')
    h.rules.decision = DECISIONS.approval
    const file = () => bearer(openConnection('con_1'))
    const { grant, lease } = await h.request('key-00000001', task(DELETE), file())
    expect(lease).toBeUndefined()
    await approve(grant.id)
    expect((await h.request('key-00000001', task(DELETE), file())).lease).toBeDefined()
    await expect(h.request('key-00000002', task(), file())).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
  })

  for (const { name, code, outcome } of [
    { name: 'that was not made', code: 'PROVIDER_THROTTLED', outcome: 'not_minted' },
    { name: 'whose answer was lost', code: 'PROVIDER_UNAVAILABLE', outcome: 'unknown' },
  ] as const) {
    test(`may come back after a mint ${name}, for the same request or renewal, and leaves no replay on record`, async () => {
      await open('never')
      const fail = () => {
        h.provider.beforeMint = () => {
          h.provider.beforeMint = () => {}
          throw new StintError(code, { outcome })
        }
      }
      const first = bearer(openConnection('con_1'))
      fail()
      await expect(h.request('key-00000001', task(), first)).rejects.toMatchObject({ code })
      const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_2')))
      const second = bearer(openConnection('con_3'), 'token-2')
      fail()
      await expect(renew(grant.id, second)).rejects.toMatchObject({ code })
      expect((await renew(grant.id, second)).lease).toBeDefined()
      expect(await eventsOf('identity.refused')).toEqual([])
    })
  }

  test('is not spent by a call that intends no lease', async () => {
    await open('never')
    const who = () => bearer(openConnection('con_1'))
    h.rules.decision = DECISIONS.deny
    await expect(h.request('key-00000001', task(), who())).rejects.toMatchObject({ code: 'POLICY_DENIED' })
    h.rules.decision = DECISIONS.permit
    await expect(h.request('key-00000002', { purpose: 'x' }, who())).rejects.toThrow()
    h.rules.registered = false
    await expect(h.request('key-00000003', task(), who())).rejects.toMatchObject({ code: 'AGENT_UNREGISTERED' })
    h.rules.registered = true
    await expect(renew('grt_01K00000000000000000000000', who())).rejects.toMatchObject({ code: 'GRANT_NOT_FOUND' })
    expect((await h.request('key-00000004', task(), who())).lease).toBeDefined()
  })

  test('comes back with its own request after a crash, and with no other', async () => {
    await open('never')
    const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_1')))
    await restart('never')
    const who = bearer(openConnection('con_2'))
    expect((await h.request('key-00000001', task(), who)).grant.id).toBe(grant.id)
    await expect(h.request('key-00000002', task(), who)).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
    await expect(h.request('key-00000001', task(DELETE), who)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })
})

test('a token with reuse: lifetime mints as often as wanted by whatever connection', async () => {
  await open('lifetime')
  const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_1')))
  await h.request('key-00000002', task(), bearer(openConnection('con_2')))
  expect((await renew(grant.id, bearer(openConnection('con_3')))).lease).toBeDefined()
})

test('a token can look and complete without being spent, by whatever connection', async () => {
  await open('connection')
  const { grant } = await h.request('key-00000001', task(), bearer(openConnection('con_1')))
  const other = bearer(openConnection('con_2'))
  await h.grants.getGrant(other, grant.id)
  await h.grants.completeGrant(other, grant.id, '')
  expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ending' })
})

test('a caller with a certificate binds nothing', async () => {
  await open('never')
  await h.request('key-00000001', task(), caller())
  await h.request('key-00000002', task(), caller())
  expect(h.provider.sessions).toHaveLength(2)
})

describe('the end of a connection', () => {
  const guardOn = (connectionClosed: () => Promise<void>, clock: ManualClock, problems: unknown[]) =>
    new TokenGuard({
      ledger: { connectionClosed },
      refusedTokens: { note: async () => {} },
      clock,
      reuse: 'connection',
      deadAfterMs: 20_000,
      onProblem: (error) => problems.push(error),
      onWell: () => {},
    })

  test('is written again when the ledger could not take it, and once for many tokens', async () => {
    await open('connection')
    const clock = new ManualClock()
    let written = 0
    const guard = guardOn(
      async () => {
        written += 1
        if (written < 3) throw new StintError('LEDGER_UNAVAILABLE')
      },
      clock,
      [],
    )
    const one = openConnection('con_1')
    for (const key of ['a', 'b']) guard.describeUse(bearer(one, key), 'request', clock.now())
    one.close()
    for (let second = 0; second < 4; second += 1) await clock.advance(1_000)
    expect(written).toBe(3)
    await guard.stop()
  })

  test('that cannot be written shows as a problem, and holds up no stop', async () => {
    await open('connection')
    const [clock, problems]: [ManualClock, unknown[]] = [new ManualClock(), []]
    const guard = guardOn(() => Promise.reject(new StintError('LEDGER_UNAVAILABLE')), clock, problems)
    const [one, two] = ['con_1', 'con_2'].map(openConnection) as [Connection, Connection]
    for (const connection of [one, two]) guard.describeUse(bearer(connection), 'request', clock.now())
    one.close()
    for (let second = 0; second < 6; second += 1) await clock.advance(1_000)
    expect(problems[0]).toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    two.close()
    await guard.stop()
  })

  test('is a problem until it is written, whatever becomes of another connection', async () => {
    await open('connection')
    const clock = new ManualClock()
    const told: string[] = []
    const refused = new Set(['con_1'])
    const guard = new TokenGuard({
      ledger: {
        connectionClosed: async ({ connectionId }) => {
          if (refused.has(connectionId)) throw new StintError('LEDGER_UNAVAILABLE')
        },
      },
      refusedTokens: { note: async () => {} },
      clock,
      reuse: 'connection',
      deadAfterMs: 20_000,
      onProblem: () => told.push('problem'),
      onWell: () => told.push('well'),
    })
    const [one, two] = ['con_1', 'con_2'].map(openConnection) as [Connection, Connection]
    for (const connection of [one, two]) guard.describeUse(bearer(connection), 'request', clock.now())
    one.close()
    for (let second = 0; second < 6; second += 1) await clock.advance(1_000)
    two.close()
    await clock.advance(0)
    expect(new Set(told)).toEqual(new Set(['problem']))
    refused.clear()
    for (let second = 0; second < 60; second += 1) await clock.advance(1_000)
    expect(told.at(-1)).toBe('well')
    await guard.stop()
  })
})

type Connection = ReturnType<typeof openConnection>

test('P10: a thief whose requests are refused makes the agent whose token it copied wait for nothing', async () => {
  h = await openHarness({ reuse: 'connection', recordRates: { refusalsPerMinute: 2 } })
  const [agent, thief] = [openConnection('con_1'), openConnection('con_2')]
  await h.request('key-00000001', task(), bearer(agent))
  const hopeless = (n: number) => h.request(`stolen-${n}00000`, { purpose: 'x' }, bearer(thief))
  for (const n of [1, 2]) await expect(hopeless(n)).rejects.toMatchObject({ retryable: false })
  await expect(hopeless(3)).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { check: 'refusals' } })
  await expect(h.request('key-00000002', task(), bearer(agent))).resolves.toMatchObject({ lease: {} })
})
