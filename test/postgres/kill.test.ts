import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasCode } from '../../src/core/errors.ts'
import { mintLease } from '../../src/grants/mint-lease.ts'
import { isEvent } from '../../src/ledger/events/audit-event.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { FakeProvider } from '../support/fake-provider.ts'
import { AGENT, sampleEvent, sampleLease, sampleOpen, samplePlan } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let other: Ledger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  other = await tmp.join()
})
afterEach(() => tmp.dispose())

const now = () => tmp.clock.now()
const killed = { code: 'KILLED' }
const settings = {
  leaseMs: 300_000,
  usableMarginMs: 30_000,
  approvalMs: 1,
  claimMs: 1,
  settleMs: 1,
  cutOnCompletion: [],
}
const kill = (ledger: Ledger, value = AGENT) =>
  ledger.putHold({
    hold: {
      ...{ id: tmp.ids.next('kil', now()), kind: 'kill', scope: { kind: 'agent', value } },
      ...{ since: now(), by: 'operator:ada', why: 'it deletes buckets' },
    },
    events: [sampleEvent(now(), { type: 'kill.set', actor: 'operator:ada', data: { value } })],
  })
const open = (ledger: Ledger, subject = AGENT) => ledger.openGrant(sampleOpen(tmp.ids, now(), { grant: { subject } }))
/** The whole way of a request from its record to its credentials. */
const reveal = async (ledger: Ledger, subject = AGENT) => {
  const opened = await open(ledger, subject)
  if (opened.kind !== 'created' || !opened.lease) throw new Error('expected a new grant with a lease')
  const { grant, lease } = opened
  const parts = { ledger, provider: new FakeProvider({ clock: tmp.clock }), clock: tmp.clock, settings }
  return mintLease(parts, { grant, lease, plan: samplePlan(), signal: new AbortController().signal })
}

describe('a kill on one replica', () => {
  test('is seen by every unit of the other one that is committed after it, however the two race', {
    timeout: 120_000,
  }, async () => {
    for (let round = 0; round < 12; round += 1) {
      const subject = `spiffe://example.org/agent-${round}`
      let isKilled = false
      const revealedLate: string[] = []
      const agents = Array.from({ length: 6 }, async () => {
        for (let calls = 0; calls < 60; calls += 1) {
          const wasKilled = isKilled
          try {
            const { lease } = await reveal(other, subject)
            if (wasKilled) revealedLate.push(lease.id)
          } catch (error) {
            if (!hasCode(error, 'KILLED')) throw error
            return
          }
        }
      })
      // At another moment of their batches in each round.
      for (let turns = 0; turns < round * 3; turns += 1) await new Promise((resolve) => setImmediate(resolve))
      await kill(tmp.ledger, subject)
      isKilled = true
      await Promise.all(agents)
      expect(revealedLate).toEqual([])
    }
    const events = await allEvents(tmp.ledger)
    const killedAt = new Map(
      events
        .filter((event) => isEvent('kill.set', event))
        .map(({ data, position }) => [(data as { value: string }).value, position]),
    )
    const subjects = new Map(
      (await tmp.sql<{ id: string; subject: string }>('SELECT id, subject FROM grants')).map(({ id, subject }) => [
        id,
        subject,
      ]),
    )
    const late = events.filter(
      ({ type, grantId, position }) =>
        type === 'lease.intended' &&
        position > (killedAt.get(subjects.get(grantId ?? '') ?? '') ?? Number.POSITIVE_INFINITY),
    )
    expect(killedAt.size).toBe(12)
    expect(late).toEqual([])
    expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  })

  test('lets nothing be revealed that the other one mints meanwhile', async () => {
    const opened = await open(other)
    if (opened.kind !== 'created' || !opened.lease) throw new Error('expected a new grant with a lease')
    const provider = new FakeProvider({ clock: tmp.clock })
    provider.beforeMint = async () => void (await kill(tmp.ledger))
    const parts = { ledger: other, provider, clock: tmp.clock, settings }
    const { grant, lease } = opened
    const mint = { grant, lease, plan: samplePlan(), signal: new AbortController().signal }
    await expect(mintLease(parts, mint)).rejects.toMatchObject(killed)
    expect(await other.getLease(lease.id)).toMatchObject({ state: 'issued' })
  })

  test('stops renewals and lifts on both', async () => {
    const { grant } = await open(other)
    const { hold } = await kill(tmp.ledger)
    const intend = { grantId: grant.id, grantVersion: grant.version, lease: sampleLease(tmp.ids, now()), events: [] }
    await expect(other.intendLease(intend)).rejects.toMatchObject(killed)
    const lift = { at: now(), by: 'operator:bob', note: 'looked at it' } as const
    await other.liftHold({ id: hold.id, lift, events: [sampleEvent(now())] })
    await tmp.ledger.intendLease(intend)
  })
})

describe('two replicas', () => {
  test('that kill one scope at the same time set one kill, or two that both have to be lifted', async () => {
    await Promise.all([kill(tmp.ledger), kill(other)])
    const inForce = await other.holdsInForce()
    expect(inForce).toHaveLength(1)
    expect(await tmp.ledger.holdsInForce()).toEqual(inForce)
  })

  test('take a kill away from a broker that knows none, and tell which one it was', async () => {
    const { replica } = other.identity
    await tmp.sql('UPDATE replicas SET knows = 6 WHERE id = $1', [replica])
    const listed = (await tmp.ledger.sharing?.listReplicas())?.map(({ id, knowsHolds }) => [id, knowsHolds])
    expect(listed).toContainEqual([replica, false])
    await open(other)
    await kill(tmp.ledger)
    await expect(open(other, 'spiffe://example.org/x')).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    const [step] = await tmp.sql<{ readable_by: number }>(`SELECT readable_by FROM migrations WHERE name = 'holds'`)
    expect(step).toEqual({ readable_by: 7 })
  })
})

test('a hold that cannot be read stops everything until it can, and then what it covers', async () => {
  const { hold } = await kill(tmp.ledger)
  await tmp.sql(`UPDATE holds SET scope = 'planet'`)
  await tmp.sql('UPDATE hold_generation SET generation = generation + 1')
  const elsewhere = 'spiffe://example.org/x'
  for (const ledger of [tmp.ledger, other]) {
    await expect(open(ledger, elsewhere)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
    await expect(ledger.holdsInForce()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  }
  await tmp.sql(`UPDATE holds SET scope = 'agent'`)
  await open(other, elsewhere)
  await expect(open(other)).rejects.toMatchObject({ ...killed, details: { hold: hold.id } })
})
