import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import type { AuditVerdict } from '../../../src/ledger/audit/walk-chains.ts'
import { auditEvent } from '../../../src/ledger/events/audit-event.ts'
import type { AuditEvent } from '../../../src/ledger/records.ts'
import { adminRig, problemOf } from '../../admin/rig.ts'

type Rig = ReturnType<typeof adminRig>

async function withEvents(count: number, overrides: Parameters<typeof adminRig>[0] = {}) {
  const rig = adminRig({ limits: { verifyPageSize: 4 }, ...overrides })
  const numbers = Array.from({ length: count }, (_, n) => n)
  await rig.ledger.appendEvents(numbers.map((n) => numberedEvent(rig, n)))
  return rig
}

function numberedEvent({ clock, grant }: Rig, n: number) {
  const head = { at: clock.now(), actor: 'stint', grantId: grant.id } as const
  return auditEvent('approval.expired', { ...head, data: { approvalId: `apr_${n}` } })
}

async function verify(rig: Rig) {
  const answer = await rig.call('GET', '/v1/audit/verify', { as: 'viewer' })
  assert.equal(answer.status, 200)
  return (await answer.json()) as AuditVerdict
}

test('a whole log verifies over several pages', async () => {
  const rig = await withEvents(10)
  const { heads } = await rig.ledger.auditHeads()
  const unwitnessed = [{ chain: '', afterSeq: 0, events: 10 }]
  assert.deepEqual(await verify(rig), { verdict: 'unwitnessed', events: 10, chains: 1, heads, unwitnessed })
})

test('an empty log verifies', async () => {
  assert.equal((await verify(await withEvents(0))).verdict, 'whole')
})

describe('the first bad place is named', () => {
  const edit = (change: Partial<AuditEvent>) => (events: AuditEvent[]) => {
    const event = events[5]
    if (event) events[5] = { ...event, ...change }
  }
  for (const { name, damage, seq, kind } of [
    { name: 'an edited field', damage: edit({ actor: 'operator:mallory' }), seq: 6, kind: 'edited' },
    { name: 'edited data', damage: edit({ data: { n: 6 } }), seq: 6, kind: 'edited' },
    { name: 'a deleted event', damage: (events: AuditEvent[]) => void events.splice(5, 1), seq: 6, kind: 'missing' },
    { name: 'a cut end', damage: (events: AuditEvent[]) => void events.splice(8), seq: 9, kind: 'truncated' },
    { name: 'everything cut', damage: (events: AuditEvent[]) => void events.splice(0), seq: 1, kind: 'truncated' },
    { name: 'an instant that is none', damage: edit({ at: new Date(Number.NaN) }), seq: 6, kind: 'unreadable' },
  ]) {
    test(name, async () => {
      const rig = await withEvents(10)
      damage(rig.ledger.events)
      const { verdict, events, problem } = await verify(rig)
      assert.deepEqual(
        { verdict, events, seq: problem?.seq, kind: problem?.kind },
        { verdict: 'broken', events: seq - 1, seq, kind },
      )
    })
  }

  test('a row that the ledger cannot read', async () => {
    const rig = await withEvents(10)
    const good = rig.ledger.auditEvents.bind(rig.ledger)
    rig.ledger.auditEvents = async (input) => {
      const events = await good(input)
      if (events.some(({ seq }) => seq === 6)) throw new SyntaxError('bad JSON')
      return events
    }
    const { verdict, events, problem } = await verify(rig)
    assert.deepEqual(
      { verdict, events, seq: problem?.seq, kind: problem?.kind },
      { verdict: 'broken', events: 5, seq: 6, kind: 'unreadable' },
    )
  })
})

test('events written meanwhile are left to the next verification', async () => {
  const rig = await withEvents(10)
  rig.ledger.beforePage = async () => {
    rig.ledger.beforePage = undefined
    await rig.ledger.appendEvents([numberedEvent(rig, 10)])
  }
  assert.equal((await verify(rig)).events, 10)
  assert.equal((await verify(rig)).events, 11)
})

test('one runs at a time, and other calls are answered meanwhile', async () => {
  const rig = await withEvents(10)
  const hold = Promise.withResolvers<void>()
  rig.ledger.beforePage = () => hold.promise
  const first = verify(rig)
  assert.equal((await problemOf(await rig.call('GET', '/v1/audit/verify', { as: 'viewer' }))).code, 'RATE_LIMITED')
  assert.equal((await rig.call('GET', '/v1/status', { as: 'viewer' })).status, 200)
  hold.resolve()
  assert.equal((await first).problem, undefined)
  assert.equal((await verify(rig)).problem, undefined)
})

test('between two pages the event loop turns', async () => {
  const rig = await withEvents(12)
  let turns = 0
  let running = true
  const spin = () => {
    turns += 1
    if (running) setImmediate(spin)
  }
  setImmediate(spin)
  await verify(rig)
  running = false
  assert.ok(turns >= 2)
})

test('a stop ends it', async () => {
  const stopping = new AbortController()
  const rig = await withEvents(10, { stopping: stopping.signal })
  rig.ledger.beforePage = async () => stopping.abort()
  assert.equal((await problemOf(await rig.call('GET', '/v1/audit/verify', { as: 'viewer' }))).code, 'SHUTTING_DOWN')
})

test('a caller who goes away ends it', async () => {
  const rig = await withEvents(10)
  const caller = new AbortController()
  rig.ledger.beforePage = async () => caller.abort()
  const headers = { authorization: `Bearer ${rig.tokens.viewer}` }
  const call = new Request('http://admin.test/v1/audit/verify', { headers, signal: caller.signal })
  assert.equal((await problemOf(await rig.app.request(call))).code, 'CANCELLED')
})
