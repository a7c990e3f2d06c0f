import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, test } from 'vitest'
import { recordOf } from '../support/audit-record.ts'
import { AGENT, sampleOpen } from '../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'
import { adminRig, problemOf } from './rig.ts'

let tmp: TmpLedger

beforeEach(async () => {
  tmp = await tmpLedger()
})
afterEach(() => tmp.dispose())

const rigOn = () => adminRig({ ledger: tmp.ledger, limits: { verifyPageSize: 2 } })

async function read(rig: ReturnType<typeof adminRig>, path: string) {
  const answer = await rig.call('GET', path, { as: 'viewer' })
  assert.equal(answer.status, 200, path)
  return (await answer.json()) as {
    items: { id: string }[]
    nextCursor?: string
    verdict?: string
    problem?: { seq: number }
  }
}

async function openGrants(count: number): Promise<string[]> {
  const opened: string[] = []
  for (let n = 0; n < count; n += 1) {
    const { grant } = await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
    opened.push(grant.id)
    await tmp.clock.advance(1_000)
  }
  return opened
}

test('grants are listed, paged and read from the real ledger', async () => {
  const opened = await openGrants(3)
  const rig = rigOn()
  const first = await read(rig, `/v1/grants?limit=2&agent=${encodeURIComponent(AGENT)}`)
  const second = await read(rig, `/v1/grants?limit=2&cursor=${first.nextCursor}`)
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    opened.toReversed(),
  )
  await read(rig, `/v1/grants/${opened[0]}`)
  await read(rig, `/v1/grants/${opened[0]}/trail`)
})

test('a cursor of another list or of nobody is REQUEST_INVALID', async () => {
  await openGrants(2)
  const rig = rigOn()
  const { nextCursor } = await read(rig, '/v1/grants?limit=1')
  for (const path of [
    `/v1/approvals?cursor=${nextCursor}`,
    '/v1/grants?cursor=x',
    '/v1/agents/unregistered?cursor=0',
  ]) {
    assert.equal((await problemOf(await rig.call('GET', path, { as: 'viewer' }))).code, 'REQUEST_INVALID')
  }
})

test('refusals are in the chain, and the chain verifies', async () => {
  await openGrants(2)
  const rig = rigOn()
  await rig.call('GET', '/v1/grants')
  assert.equal((await read(rig, '/v1/audit/verify')).verdict, 'unwitnessed')
  const last = (await recordOf(tmp.ledger)).at(-1)
  assert.equal(last?.type, 'operator.refused')
})

test('the event of a refused call carries the ids of the call, the one that counts many those of none', async () => {
  const rig = adminRig({ ledger: tmp.ledger, limits: { refusalEventsPerMinute: 2 } })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const headers = { 'x-request-id': 'cli-1', traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
  const answer = await rig.call('GET', '/v1/grants', { headers })
  assert.equal(answer.headers.get('x-request-id'), 'cli-1')
  const problem = await problemOf(answer)
  assert.deepEqual([problem.requestId, problem.traceId], ['cli-1', traceId])
  for (let n = 0; n < 2; n += 1) await rig.call('GET', '/v1/grants', { headers })
  await rig.close()
  const events = await recordOf(tmp.ledger)
  assert.deepEqual(
    events.map((event) => [event.requestId, event.traceId]),
    [
      ['cli-1', traceId],
      [undefined, undefined],
    ],
  )
})

test('closing waits until the counted refusals are durable', async () => {
  const rig = adminRig({ ledger: tmp.ledger, limits: { refusalEventsPerMinute: 2 } })
  for (let n = 0; n < 3; n += 1) await rig.call('GET', '/v1/grants')
  await rig.close()
  assert.equal((await recordOf(tmp.ledger)).length, 2)
})

test('an event that was edited in the file is named', async () => {
  await openGrants(3)
  const other = new DatabaseSync(tmp.file)
  other.exec('UPDATE events SET at = at + 1 WHERE seq = 2')
  other.close()
  const { verdict, problem } = await read(rigOn(), '/v1/audit/verify')
  assert.deepEqual({ verdict, seq: problem?.seq }, { verdict: 'broken', seq: 2 })
})

test('a ledger that is closed is LEDGER_UNAVAILABLE', async () => {
  const rig = rigOn()
  await tmp.ledger.close()
  assert.equal((await problemOf(await rig.call('GET', '/v1/grants', { as: 'viewer' }))).code, 'LEDGER_UNAVAILABLE')
})
