import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KillOrder } from '../../../src/grants/kill/set-kill.ts'
import { isEvent } from '../../../src/ledger/events/audit-event.ts'
import { recordOf } from '../../support/audit-record.ts'
import { ROLE } from '../../support/fake-provider.ts'
import { ADA, caller, DECISIONS, type Harness, OLGA, OSCAR, openHarness } from '../../support/grant-harness.ts'

const AGENT = caller().subject
const OTHER = caller({ subject: 'spiffe://example.org/other' })
const BOB = { ...OSCAR, name: 'bob' }
const killed = { code: 'KILLED' }
const WHY = 'it deletes buckets'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
  h.provider.namesAgent = true
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const kill = (order: Partial<KillOrder> = {}, who = OSCAR) =>
  h.kills.kill(who, { scope: 'agent', value: AGENT, why: WHY, ...order })
const pass = async (ms = 0) => {
  if (ms > 0) await h.clock.advance(ms)
  await h.sweeper.runKills()
  await h.sweeper.reconcile()
  await h.sweeper.sweep()
}
const stateOf = async (id: string) => {
  const grant = await h.ledger.getGrant(id)
  return grant && { state: grant.state, ...(grant.reason && { reason: grant.reason }) }
}
const show = async (id: string) => h.kills.show(id)
const recorded = async (type: 'kill.set' | 'kill.ended' | 'kill.denied' | 'kill.enforced' | 'kill.lifted') =>
  (await recordOf(h.ledger)).filter((event) => isEvent(type, event))

describe('a kill', () => {
  test('stops its scope at once, and lets everybody else work', async () => {
    const { grant } = await h.request('key-00000001')
    const { kill: view, noLeaseSince, shutOut } = await kill()
    expect(noLeaseSince).toEqual(h.clock.now())
    expect(shutOut).toEqual([])
    expect(view).toMatchObject({ scope: 'agent', value: AGENT, by: 'operator:oscar', inForce: true, state: 'holding' })
    await expect(h.request('key-00000002')).rejects.toMatchObject(killed)
    await expect(h.request('key-00000001')).rejects.toMatchObject(killed)
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject(killed)
    await h.request('key-00000001', undefined, OTHER)
  })

  // Its grants have the team and owner of the time when it asked.
  for (const { scope, value } of [
    { scope: 'team', value: 'web' },
    { scope: 'owner', value: 'zoe' },
  ] as const)
    test(`of the ${scope} that an agent has moved to stops what it was granted before`, async () => {
      const { grant } = await h.request('key-00000001')
      h.rules.decision = DECISIONS.approval
      const waiting = await h.request('key-00000002')
      Object.assign(h.rules, { team: 'web', owner: 'zoe' })
      const { kill: set } = await kill({ scope, value })
      const approval = await h.ledger.findApproval(waiting.grant.id)
      const answer = { verdict: 'approve', planHash: approval?.planHash ?? '', note: 'fine' } as const
      await expect(h.operators.decideApproval(OLGA, approval?.id ?? '', answer)).rejects.toMatchObject(killed)
      h.rules.decision = DECISIONS.permit
      await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject(killed)
      await h.kills.lift(BOB, set.id, 'looked at it')
      expect(await h.grants.renewLease(caller(), grant.id, h.signal)).toHaveProperty('lease')
    })

  test('says which kill it was and not why, unless the operator wants the agents to know', async () => {
    const { kill: view } = await kill()
    await expect(h.request('key-00000002')).rejects.toMatchObject({
      details: { hold: view.id, explanation: expect.not.stringContaining(WHY) },
    })
    await kill({ scope: 'team', value: 'data', isPublic: true })
    await expect(h.request('key-00000002', undefined, OTHER)).rejects.toMatchObject({
      details: { explanation: expect.stringContaining(WHY) },
    })
    const refused = (await recordOf(h.ledger)).filter((event) => isEvent('grant.refused', event))
    expect(refused.map(({ data }) => data)).toMatchObject([{ code: 'KILLED', hold: view.id }, { code: 'KILLED' }])
  })

  test('ends grants, hurries the denies of those that are ending, and voids approvals', async () => {
    const active = await h.request('key-00000001')
    const completed = await h.request('key-00000002')
    await h.grants.completeGrant(caller(), completed.grant.id, '')
    h.rules.decision = DECISIONS.approval
    const waiting = await h.request('key-00000003')
    const { kill: set } = await kill()
    await pass()
    expect(await stateOf(active.grant.id)).toEqual({ state: 'ending', reason: 'killed' })
    expect(await stateOf(completed.grant.id)).toEqual({ state: 'ending', reason: 'killed' })
    expect(await stateOf(waiting.grant.id)).toMatchObject({ state: 'rejected' })
    expect(await h.ledger.getApproval(waiting.approval?.id ?? '')).toMatchObject({ state: 'rejected' })
    expect(await h.ledger.findDenyEntry(completed.grant.id)).toMatchObject({ urgent: true, holdId: set.id })
    expect(await show(set.id)).toMatchObject({
      ...{ state: 'denying', ended: 3, leases: 2 },
      found: { grants: 1, ending: 1, approvals: 1, agents: 1, unreadable: 0 },
    })
    expect(h.provider.namedIn(`inline:${ROLE}`)).toEqual([active.grant.id, completed.grant.id].sort())
  })

  test('reports when the denies were written and when they were in force, which are two things', async () => {
    const { grant } = await h.request('key-00000001')
    const { kill: set } = await kill()
    await pass()
    expect(await show(set.id)).toMatchObject({ state: 'denying', denies: { unwritten: 0, unenforced: 1 } })
    await pass(1_000)
    const settling = await show(set.id)
    expect(settling).toMatchObject({ state: 'settling', denies: { unwritten: 0, unenforced: 1 } })
    expect(settling.writtenAt).toBe(h.clock.now().toISOString())
    for (let n = 0; n < 4; n += 1) await pass(15_000)
    const done = await show(set.id)
    expect(done).toMatchObject({ state: 'done', inForce: true })
    expect(done.enforcedAt).toBeDefined()
    expect(await stateOf(grant.id)).toEqual({ state: 'ended', reason: 'killed' })
    for (const type of ['kill.set', 'kill.ended', 'kill.denied', 'kill.enforced'] as const) {
      expect(await recorded(type), type).toHaveLength(1)
    }
    expect((await recorded('kill.ended'))[0]?.data).toMatchObject({ hold: set.id, grants: 1, leases: 1, agents: 1 })
  })

  test('of a scope that is killed already changes nothing', async () => {
    const { kill: first } = await kill()
    expect(await kill({}, BOB)).toMatchObject({ isExisting: true, kill: { id: first.id, by: 'operator:oscar' } })
    expect(await recorded('kill.set')).toHaveLength(1)
  })

  test('during a mint: nothing is revealed, and the session is denied', async () => {
    let id = ''
    h.provider.beforeMint = async () => {
      id = (await kill()).kill.id
      await h.sweeper.runKills()
    }
    await expect(h.request('key-00000001')).rejects.toMatchObject(killed)
    expect(h.provider.sessions).toHaveLength(1)
    await pass()
    const [session] = h.provider.sessions
    expect(h.provider.namedIn(`inline:${ROLE}`)).toEqual([session?.grant.id])
    expect(await show(id)).toMatchObject({ found: { grants: 1 }, leases: 1 })
  })

  test('during an approval: the vote is refused, and the question is closed', async () => {
    h.rules.decision = DECISIONS.approval
    const waiting = await h.request('key-00000001')
    await kill()
    const answer = { verdict: 'approve', planHash: waiting.grant.planHash, note: 'seen' } as const
    await expect(h.operators.decideApproval(OLGA, waiting.approval?.id ?? '', answer)).rejects.toMatchObject(killed)
    await pass()
    expect(await stateOf(waiting.grant.id)).toMatchObject({ state: 'rejected' })
  })

  test('of everything covers every agent', async () => {
    await h.request('key-00000001')
    await h.request('key-00000001', undefined, OTHER)
    const { kill: set } = await kill({ scope: 'everything', value: '*' })
    await pass()
    expect(await show(set.id)).toMatchObject({ value: '*', found: { grants: 2, agents: 2 } })
    await expect(h.request('key-00000002', undefined, OTHER)).rejects.toMatchObject(killed)
  })

  test('of a lease covers its grant and no other', async () => {
    const { grant, lease } = await h.request('key-00000001')
    const other = await h.request('key-00000002')
    const { kill: set } = await kill({ scope: 'lease', value: lease?.lease.id ?? '' })
    expect(set).toMatchObject({ scope: 'grant', value: grant.id, asked: lease?.lease.id })
    await pass()
    expect(await stateOf(grant.id)).toEqual({ state: 'ending', reason: 'killed' })
    expect(await stateOf(other.grant.id)).toEqual({ state: 'active' })
  })

  test('where no deny reaches the role, it says until when the leases work, and is done only then', async () => {
    h.provider.revocable = false
    const { grant } = await h.request('key-00000001')
    const { kill: set } = await kill()
    await pass()
    const until = new Date(h.clock.now().getTime() + 300_000).toISOString()
    expect(await show(set.id)).toMatchObject({ undeniable: { grants: 1, until } })
    await pass(1_000)
    expect((await show(set.id)).state).toBe('settling')
    await pass(300_000)
    expect(await show(set.id)).toMatchObject({ state: 'done' })
    expect(await stateOf(grant.id)).toEqual({ state: 'ended', reason: 'killed' })
  })

  for (const [scope, value] of [
    ['agent', 'spiffe://example.org'],
    ['agent', 'spiffe://example.org/*/x'],
    ['grant', 'grt_1'],
    ['account', '12345'],
    ['role', 'admin'],
    ['everything', 'yes'],
    ['owner', ''],
    ['label', 'env:\u0007prod'],
  ] as const) {
    test(`of ${scope} ${JSON.stringify(value)} is refused, since that names nothing`, async () => {
      await expect(kill({ scope, value })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      expect(await h.ledger.holdsInForce()).toEqual([])
    })
  }
})

describe('the work of a kill', () => {
  test('is gone on with by another replica once the one that began it is silent', async () => {
    const { grant } = await h.request('key-00000001')
    const { kill: set } = await kill()
    const hold = await h.ledger.getHold(set.id)
    const until = new Date(h.clock.now().getTime() + 20_000)
    const claim = { by: 'another', until }
    await h.ledger.noteHold({ id: set.id, expectedVersion: hold?.version ?? 0, claim, isRunning: true, events: [] })
    await pass()
    expect(await stateOf(grant.id)).toEqual({ state: 'active' })
    await pass(20_000)
    expect(await stateOf(grant.id)).toEqual({ state: 'ending', reason: 'killed' })
  })

  // By its clock the claim would last for a day, and nobody would end anything.
  test('is gone on with when the one that began it had a clock that was ahead, and died', async () => {
    const { grant } = await h.request('key-00000001')
    const { kill: set } = await kill()
    const hold = await h.ledger.getHold(set.id)
    const claim = { by: 'another', until: new Date(h.clock.now().getTime() + 86_400_000) }
    await h.ledger.noteHold({ id: set.id, expectedVersion: hold?.version ?? 0, claim, isRunning: true, events: [] })
    await pass()
    expect(await stateOf(grant.id)).toEqual({ state: 'ending', reason: 'killed' })
  })

  test('ends with a lift: what is opened after that stays', async () => {
    const { kill: set } = await kill()
    await h.kills.lift(BOB, set.id, 'it was another one')
    const { grant } = await h.request('key-00000001')
    await pass()
    expect(await stateOf(grant.id)).toEqual({ state: 'active' })
    expect(await show(set.id)).toMatchObject({ inForce: false, isCutShort: true })
  })

  test('one grant that the store refuses to move keeps no other from being ended', async () => {
    const [bad, good] = [await h.request('key-00000001'), await h.request('key-00000002')]
    const { moveGrant } = h.ledger
    h.ledger.moveGrant = (move) =>
      move.grantId === bad.grant.id ? Promise.reject(new Error('refused')) : moveGrant(move)
    const { kill: set } = await kill()
    await pass()
    expect(await stateOf(good.grant.id)).toEqual({ state: 'ending', reason: 'killed' })
    expect(await show(set.id)).toMatchObject({ state: 'denying', unreadable: [bad.grant.id], ended: 1 })
  })

  test('cuts nobody else: what has no place on a full deny list runs out, and is told of', async () => {
    h.provider.namesAgent = false
    h.provider.capacity = 2
    h.provider.fits = (_key, list) => list.grants.length + (list.agents?.length ?? 0) <= 2
    for (const n of [1, 2, 3, 4])
      await h.request(`key-0000000${n}`, undefined, caller({ subject: `spiffe://a.org/${n}` }))
    await h.request('key-00000001', undefined, OTHER)
    const drill = await h.kills.drill(OSCAR, { scope: 'agent', value: 'spiffe://a.org/*' })
    expect(drill.denyLists).toMatchObject([{ grants: 4, fits: false, runningOut: 2, others: { grants: 1, agents: 1 } }])
    const { kill: set } = await kill({ value: 'spiffe://a.org/*' })
    await pass()
    await pass(1_000)
    expect(h.provider.written.some(({ watermark }) => watermark)).toBe(false)
    expect(await show(set.id)).toMatchObject({ undeniable: { grants: 2 }, state: 'settling' })
  })

  test('cuts others by a watermark over the list where the operator has named that list', async () => {
    h.provider.namesAgent = false
    h.provider.fits = (_key, list) => list.grants.length + (list.agents?.length ?? 0) <= 2
    for (const n of [1, 2, 3, 4])
      await h.request(`key-0000000${n}`, undefined, caller({ subject: `spiffe://a.org/${n}` }))
    await h.request('key-00000001', undefined, OTHER)
    const { kill: set } = await kill({ value: 'spiffe://a.org/*', roleWatermarks: [`inline:${ROLE}`] })
    await pass()
    await pass(1_000)
    expect(h.provider.written.at(-1)?.watermark).toBeDefined()
    expect(await show(set.id)).toMatchObject({ undeniable: { grants: 0 } })
  })
})

describe('a drill', () => {
  test('counts and lists, and does nothing', async () => {
    const { grant } = await h.request('key-00000001')
    await h.request('key-00000001', undefined, OTHER)
    const before = await stateOf(grant.id)
    const drill = await h.kills.drill(OSCAR, { scope: 'team', value: 'data' })
    expect(drill).toMatchObject({
      counts: { grants: 2, ending: 0, approvals: 0, leases: 2, agents: 2, teams: 1, owners: 1, unreadable: 0 },
      agents: [
        { name: AGENT, grants: 1 },
        { name: OTHER.subject, grants: 1 },
      ],
      denyLists: [{ key: `inline:${ROLE}`, grants: 2, fits: true }],
    })
    expect(drill.grants.map(({ id }) => id)).toContain(grant.id)
    await pass()
    expect(await stateOf(grant.id)).toEqual(before)
    expect(await h.ledger.holdsInForce()).toEqual([])
    expect(await h.events()).toContain('kill.drilled')
  })
})

describe('a lift', () => {
  test('needs a second person, and is on record with its refusals', async () => {
    const { kill: set } = await kill()
    await expect(h.kills.lift(OSCAR, set.id, 'sorry')).rejects.toMatchObject({ code: 'HOLD_OF_SAME_PERSON' })
    expect(await h.events()).toContain('kill.lift_refused')
    expect(await h.kills.lift(BOB, set.id, 'looked at it')).toMatchObject({
      ...{ inForce: false, lifted: { by: 'operator:bob', note: 'looked at it' } },
    })
    await expect(h.kills.lift(BOB, set.id, 'again')).rejects.toMatchObject({ code: 'HOLD_LIFTED' })
    expect((await recorded('kill.lifted'))[0]?.data).toMatchObject({ hold: set.id, setBy: 'operator:oscar' })
  })

  test('leaves ended what the kill has ended, and lets new work begin', async () => {
    const { grant } = await h.request('key-00000001')
    const { kill: set } = await kill()
    await pass()
    await h.kills.lift(BOB, set.id, 'looked at it')
    await expect(h.grants.renewLease(caller(), grant.id, h.signal)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
    expect(await h.request('key-00000002')).toMatchObject({ grant: { state: 'active' } })
  })

  test('alone is for an admin where the setting allows it, and loud', async () => {
    const { kill: set } = await kill({}, ADA)
    await expect(h.kills.lift(ADA, set.id, 'mine')).rejects.toMatchObject({ code: 'HOLD_OF_SAME_PERSON' })
    h.rules.mayLiftAlone = true
    await expect(h.kills.lift(ADA, set.id, 'mine')).resolves.toMatchObject({ lifted: { alone: true } })
    expect(h.rules.liftedAlone).toEqual([{ hold: set.id, operator: 'ada' }])
    const own = await kill()
    await expect(h.kills.lift(OSCAR, own.kill.id, 'mine')).rejects.toMatchObject({ code: 'HOLD_OF_SAME_PERSON' })
  })

  test('is refused while the break-glass file still names the scope', async () => {
    const { kill: set } = await kill()
    h.rules.killFile = [`agent ${AGENT}`]
    await expect(h.kills.lift(BOB, set.id, 'done')).rejects.toMatchObject({ code: 'HOLD_IN_FILE' })
  })

  test('is of kills alone: another kind of hold is not found here', async () => {
    const id = 'hld_01JD7Z0000EXAMP1E0GRANT000'
    const scope = { kind: 'agent', value: AGENT } as const
    const common = { since: h.clock.now(), by: 'operator:ada', why: 'on leave' } as const
    await h.ledger.putHold({ hold: { id, kind: 'suspended', scope, ...common }, events: [] })
    await expect(h.kills.lift(BOB, id, 'back')).rejects.toMatchObject({ code: 'HOLD_NOT_FOUND' })
    await expect(h.request('key-00000001')).rejects.toMatchObject({ code: 'AGENT_SUSPENDED' })
    expect((await h.kills.list({}, { limit: 10 })).items).toEqual([])
  })
})

describe('the name of a scope', () => {
  for (const { scope, value, known } of [
    { scope: 'agent', value: AGENT, known: true },
    { scope: 'agent', value: 'bot', known: true },
    { scope: 'agent', value: AGENT.replace(/[^/]+$/, '*'), known: true },
    { scope: 'agent', value: 'bott', known: false },
    { scope: 'agent', value: `${AGENT}-2`, known: false },
    { scope: 'team', value: 'data', known: true },
    { scope: 'team', value: 'dada', known: false },
    { scope: 'owner', value: 'nobody@example.org', known: false },
    { scope: 'label', value: 'env:anything', known: true },
  ] as const) {
    test(`${scope} ${value} ${known ? 'brings no warning' : 'of no registration is killed all the same, with a warning'}`, async () => {
      const expected = known ? undefined : expect.stringContaining(value)
      expect((await h.kills.drill(OSCAR, { scope, value })).warning).toEqual(expected)
      const answer = await kill({ scope, value })
      expect(answer.warning).toEqual(expected)
      expect(answer.kill.inForce).toBe(true)
    })
  }
})
