import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Operator } from '../../src/grants/operators/operator.ts'
import { DECISIONS, DELETE, type Harness, OLGA, openHarness, task } from '../support/grant-harness.ts'
import { sampleEvent } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

const PEOPLE: Operator[] = ['olga', 'otto', 'oda', 'omar'].map((name) => ({ ...OLGA, name }))

let tmp: TmpPostgresLedger
/** Two brokers on one database. */
let here: Harness
let there: Harness
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  here = await openHarness({ ledger: tmp.ledger, clock: tmp.clock })
  there = await openHarness({ ledger: await tmp.join(), clock: tmp.clock })
  for (const { people } of [here, there]) people.push(...PEOPLE)
})
afterEach(async () => {
  await tmp.dispose()
  for (const broker of [here, there]) broker.remove()
})

async function ask(count: number, key = 'key-00000001'): Promise<string> {
  for (const { rules } of [here, there])
    rules.decision = { ...DECISIONS.approval, approval: [{ anyOf: ['owners'], count, because: ['p'] }] }
  return (await here.request(key, task(DELETE))).grant.id
}

async function vote(broker: Harness, grantId: string, who: Operator | undefined) {
  const approval = await broker.ledger.findApproval(grantId)
  const answer = { verdict: 'approve', planHash: approval?.planHash ?? '', note: 'read it' } as const
  return broker.operators.decideApproval(who ?? OLGA, approval?.id ?? '', answer)
}

test('people who vote at two brokers at once are all counted, and exactly one vote completes the question', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await ask(4, `key-0000001${round}`)
    const answers = await Promise.all(PEOPLE.map((who, index) => vote(index % 2 === 0 ? here : there, id, who)))
    expect(answers.filter(({ grant }) => grant.state === 'active')).toHaveLength(1)
    expect((await there.ledger.findApproval(id))?.votes.map(({ voter }) => voter).sort()).toEqual(
      PEOPLE.map(({ name }) => name).sort(),
    )
    const trail = (await here.ledger.trail(id)).map(({ type }) => type)
    expect(trail.filter((type) => type === 'approval.voted')).toHaveLength(4)
    expect(trail.filter((type) => type === 'grant.active')).toHaveLength(1)
  }
})

test('one person who votes at two brokers at once is counted once', async () => {
  const id = await ask(2)
  await Promise.all([vote(here, id, OLGA), vote(there, id, { ...OLGA, name: 'Olga' })])
  expect(await here.ledger.findApproval(id)).toMatchObject({ state: 'pending', votes: [{ verdict: 'approve' }] })
  expect((await here.ledger.findApproval(id))?.votes).toHaveLength(1)
})

test('a broker that is gone between two votes leaves its vote to the other one', async () => {
  const id = await ask(2)
  await vote(there, id, PEOPLE[0])
  await there.ledger.close()
  expect((await vote(here, id, PEOPLE[1])).grant.state).toBe('active')
})

test('a kill between two votes lets nothing be approved on either broker', async () => {
  const id = await ask(2)
  const { grant } = await vote(here, id, PEOPLE[0])
  await there.ledger.putHold({
    hold: {
      ...{ id: tmp.ids.next('kil', tmp.clock.now()), kind: 'kill', scope: { kind: 'agent', value: grant.subject } },
      ...{ since: tmp.clock.now(), by: 'operator:ada', why: 'it deletes buckets' },
    },
    events: [sampleEvent(tmp.clock.now(), { type: 'kill.set', actor: 'operator:ada' })],
  })
  for (const broker of [here, there])
    await expect(vote(broker, id, PEOPLE[1])).rejects.toMatchObject({ code: 'KILLED' })
  expect(await here.ledger.getGrant(id)).toMatchObject({ state: 'awaiting_approval' })
})

// P12: what the columns of the version before say. Its rule let one person decide who is in a group of every requirement.
test('a broker of the version before finds a requirement that nobody meets', async () => {
  const id = await ask(2)
  const [row] = await tmp.sql<{ requirements: string; state: string }>(
    `SELECT requirements, state FROM approvals WHERE grant_id = '${id}'`,
  )
  const seen: { anyOf: string[] }[] = JSON.parse(row?.requirements ?? '')
  expect(row?.state).toBe('pending')
  expect(seen.flatMap(({ anyOf }) => anyOf).every((group) => group.length > 64)).toBe(true)
})
