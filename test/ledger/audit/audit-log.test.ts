import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json, sha256Hex } from '../../../src/core/canonical-json.ts'
import { type ChainHead, dataText, EMPTY_HEAD, verifyChain } from '../../../src/ledger/audit/audit-log.ts'
import type { AuditEvent, EventContent } from '../../../src/ledger/records.ts'
import { sealedEvent } from '../../support/sealed-events.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const at = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const input: fc.Arbitrary<EventContent> = fc
  .record(
    { type: text, at, actor: text, grantId: text, leaseId: text, data: json },
    { requiredKeys: ['type', 'at', 'actor'] },
  )
  .map((event) => event as EventContent)

function chainOf(inputs: readonly EventContent[], start: ChainHead = EMPTY_HEAD): AuditEvent[] {
  let head = start
  return inputs.map((event) => {
    const sealed = sealedEvent(head, event, `evt_${head.seq + 1}`)
    head = { seq: sealed.seq, hash: sealed.hash }
    return sealed
  })
}

function sample(count: number): AuditEvent[] {
  return chainOf(
    Array.from({ length: count }, (_, n) => ({
      type: 'grant.requested',
      at: new Date(n),
      actor: 'stint',
      data: { n },
    })),
  )
}

describe('a sealed event', () => {
  test('hashes the canonical JSON (RFC 8785) of every other field', () => {
    fc.assert(
      fc.property(input, fc.nat(), (event, seq) => {
        const { hash, ...sealed } = sealedEvent({ seq, hash: 'ab'.repeat(32) }, event, 'evt_1')
        expect(hash).toBe(sha256Hex(canonicalJson({ ...sealed, at: event.at.toISOString() } as Json)))
      }),
    )
  })

  test('gives data the text that canonicalJson gives', () => {
    fc.assert(
      fc.property(json, (data) => {
        expect(dataText(data)).toBe(canonicalJson(data))
      }),
    )
  })

  for (const data of ['\ud800', { a: '\ud800' }, { '\ud800': 1 }, Number.NaN, { a: Number.POSITIVE_INFINITY }]) {
    test(`refuses data that has no canonical form: ${JSON.stringify(data)}`, () =>
      expect(() => sealedEvent(EMPTY_HEAD, { type: 'x', at: new Date(0), actor: 'stint', data }, 'evt_1')).toThrow())
  }
})

describe('verifyChain', () => {
  test('accepts a chain as it was written, and tells its head', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(input, { maxLength: 8 }), async (inputs) => {
        const events = chainOf(inputs)
        const last = events.at(-1)
        const head = last ? { seq: last.seq, hash: last.hash } : EMPTY_HEAD
        expect(await verifyChain(events, { expect: [head] })).toEqual({ ok: true, head, events: events.length })
      }),
    )
  })

  test('accepts a part of a chain after a known head', async () => {
    const events = sample(6)
    const start = { seq: 3, hash: events[2]?.hash ?? '' }
    expect(await verifyChain(events.slice(3), { start })).toMatchObject({ ok: true, events: 3 })
  })

  test('finds any edit of any field, at that event', async () => {
    const fields = ['type', 'at', 'actor', 'grantId', 'leaseId', 'data', 'id', 'prevHash', 'hash'] as const
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.constantFrom(...fields),
        text,
        async (inputs, where, field, value) => {
          const events = chainOf(inputs)
          const index = where % events.length
          const event = events[index] as AuditEvent
          const changed = field === 'at' ? new Date(event.at.getTime() + 1) : `${value}!`
          events[index] = { ...event, [field]: changed }
          expect(await verifyChain(events)).toMatchObject({ ok: false, seq: index + 1, problem: 'edited' })
        },
      ),
    )
  })

  test('finds an edit that was sealed again, by the event after it', async () => {
    const events = sample(5)
    const event = events[2] as AuditEvent
    events[2] = sealedEvent({ seq: 2, hash: event.prevHash }, { ...event, actor: 'mallory' }, event.id)
    expect(await verifyChain(events)).toMatchObject({ ok: false, seq: 4, problem: 'edited' })
  })

  test('finds every deletion, swap, repetition and truncation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.nat(), fc.nat(), async (size, from, to) => {
        const events = sample(size)
        const head = { seq: size, hash: events[size - 1]?.hash ?? '' }
        const one = from % size
        const two = (one + 1 + (to % (size - 1))) % size
        const without = events.toSpliced(one, 1)
        const problem = one === size - 1 ? 'truncated' : 'missing'
        expect(await verifyChain(without, { expect: [head] })).toMatchObject({ ok: false, seq: one + 1, problem })
        const swapped = events.with(one, events[two] as AuditEvent).with(two, events[one] as AuditEvent)
        const first = Math.min(one, two) + 1
        expect(await verifyChain(swapped)).toMatchObject({ ok: false, seq: first, problem: 'reordered' })
        const twice = events.toSpliced(one, 0, events[one] as AuditEvent)
        expect(await verifyChain(twice)).toMatchObject({ ok: false, seq: one + 1, problem: 'reordered' })
        const cut = events.slice(0, one)
        expect(await verifyChain(cut, { expect: [head] })).toMatchObject({
          ok: false,
          seq: one + 1,
          problem: 'truncated',
        })
      }),
    )
  })

  test('finds a fork: a whole chain that is not the one known from elsewhere', async () => {
    const expected = sample(5)[3] as AuditEvent
    const other = chainOf(sample(5).map((event) => ({ ...event, actor: 'mallory' })))
    const known = { seq: expected.seq, hash: expected.hash }
    expect(await verifyChain(other, { expect: [known] })).toMatchObject({ ok: false, seq: 4, problem: 'forked' })
    expect(await verifyChain([], { expect: [{ seq: 0, hash: 'f'.repeat(64) }] })).toMatchObject({ problem: 'forked' })
  })

  test('is not misled by data that looks like a link', async () => {
    const events = sample(2)
    const first = events[0] as AuditEvent
    const forged = { type: 'x', at: new Date(0), actor: 'm', data: { prevHash: first.hash, seq: 2, z: 1 } }
    const second = sealedEvent({ seq: 1, hash: 'e'.repeat(64) }, forged, 'evt_2')
    expect(await verifyChain([first, second])).toMatchObject({ ok: false, seq: 2, problem: 'edited' })
  })
})
