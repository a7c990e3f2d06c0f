import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ChainHead, emptyHead, toHead } from '../../../src/ledger/audit/sealed-event.ts'
import { type KnownHeads, unverifiedEvent, walkChains } from '../../../src/ledger/audit/walk-chains.ts'
import type { AuditEvent, EventContent } from '../../../src/ledger/records.ts'
import { eventContents } from '../../support/event-contents.ts'
import { SealedRecord, sealedEvent } from '../../support/sealed-events.ts'

const walk = (events: readonly AuditEvent[], known: KnownHeads = {}) => walkChains(events.map(unverifiedEvent), known)
const broken = (chain: string, seq: number, kind: string) => ({ verdict: 'broken', problem: { chain, seq, kind } })

/** A chain of before chains had names. */
function unnamed(inputs: readonly EventContent[]): AuditEvent[] {
  const record = new SealedRecord()
  for (const input of inputs) record.add('', input)
  return record.events
}

const sample = (count: number) =>
  unnamed(Array.from({ length: count }, (_, n) => ({ type: 'x', at: new Date(n), actor: 'stint', data: { n } })))

const lastOf = (events: readonly AuditEvent[]): ChainHead => {
  const last = events.at(-1)
  return last ? toHead(last) : emptyHead('')
}

describe('one chain', () => {
  test('is accepted as it was written, and its head is told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(eventContents, { minLength: 1, maxLength: 8 }), async (inputs) => {
        const events = unnamed(inputs)
        const head = lastOf(events)
        expect(await walk(events, { claimed: [head] })).toEqual({
          verdict: 'unwitnessed',
          events: events.length,
          chains: 1,
          heads: [head],
          unwitnessed: [{ chain: '', afterSeq: 0, events: events.length }],
        })
        expect(await walk(events, { saved: [head] })).toMatchObject({ verdict: 'whole', unwitnessed: [] })
      }),
    )
  })

  test('without events is whole', async () => {
    const nothing = { verdict: 'whole', events: 0, chains: 0, heads: [], unwitnessed: [] }
    expect(await walk([])).toEqual(nothing)
    expect(await walk([], { saved: [emptyHead('')] })).toEqual(nothing)
  })

  test('is accepted from a known event on', async () => {
    const events = sample(6)
    const start = [toHead(events[2] as AuditEvent)]
    expect(await walk(events.slice(3), { start })).toMatchObject({
      events: 3,
      unwitnessed: [{ chain: '', afterSeq: 3, events: 3 }],
    })
  })

  test('shows any edit of any field, at that event', async () => {
    const fields = ['type', 'at', 'actor', 'grantId', 'leaseId', 'data', 'id', 'prevHash', 'hash'] as const
    await fc.assert(
      fc.asyncProperty(
        fc.array(eventContents, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.constantFrom(...fields),
        fc.string({ maxLength: 20 }),
        async (inputs, where, field, value) => {
          const events = unnamed(inputs)
          const index = where % events.length
          const event = events[index] as AuditEvent
          const changed = field === 'at' ? new Date(event.at.getTime() + 1) : `${value}!`
          events[index] = { ...event, [field]: changed }
          expect(await walk(events)).toMatchObject(broken('', index + 1, 'edited'))
        },
      ),
    )
  })

  test('shows an edit that was sealed again, by the event after it', async () => {
    const events = sample(5)
    const event = events[2] as AuditEvent
    events[2] = sealedEvent({ chain: '', seq: 2, hash: event.prevHash }, { ...event, actor: 'mallory' }, event.id)
    expect(await walk(events)).toMatchObject(broken('', 4, 'edited'))
  })

  test('shows every deletion, swap, repetition and truncation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.nat(), fc.nat(), async (size, from, to) => {
        const events = sample(size)
        const claimed = [lastOf(events)]
        const one = from % size
        const two = (one + 1 + (to % (size - 1))) % size
        const kind = one === size - 1 ? 'truncated' : 'missing'
        expect(await walk(events.toSpliced(one, 1), { claimed })).toMatchObject(broken('', one + 1, kind))
        const swapped = events.with(one, events[two] as AuditEvent).with(two, events[one] as AuditEvent)
        expect(await walk(swapped)).toMatchObject(broken('', Math.min(one, two) + 1, 'reordered'))
        const twice = events.toSpliced(one, 0, events[one] as AuditEvent)
        expect(await walk(twice)).toMatchObject(broken('', one + 1, 'reordered'))
        expect(await walk(events.slice(0, one), { claimed })).toMatchObject(broken('', one + 1, 'truncated'))
      }),
    )
  })

  test('shows a fork: a whole chain that is not the one known from elsewhere', async () => {
    const saved = [toHead(sample(5)[3] as AuditEvent)]
    const other = unnamed(sample(5).map((event) => ({ ...event, actor: 'mallory' })))
    expect(await walk(other, { saved })).toMatchObject(broken('', 4, 'forked'))
    expect(await walk([], { saved: [{ chain: '', seq: 0, hash: 'f'.repeat(64) }] })).toMatchObject({
      problem: { kind: 'forked' },
    })
    const twoTruths = [...saved, { chain: '', seq: 4, hash: 'f'.repeat(64) }]
    expect(await walk(sample(5), { saved: twoTruths })).toMatchObject(broken('', 4, 'forked'))
  })

  test('is not misled by data that looks like a link', async () => {
    const [first] = sample(1) as [AuditEvent]
    const forged = { type: 'x', at: new Date(0), actor: 'm', data: { prevHash: first.hash, seq: 2, z: 1 } }
    const second = sealedEvent({ chain: '', seq: 1, hash: 'e'.repeat(64) }, forged, 'evt_2')
    expect(await walk([first, second])).toMatchObject(broken('', 2, 'edited'))
  })
})

/** Two processes at once, and a third after a crash of the second: a is closed, b is named by c at its end. */
function threeChains(): SealedRecord {
  const record = new SealedRecord()
  record.opened('rpl_a')
  record.happened('rpl_a', 2)
  record.opened('rpl_b', [record.head('rpl_a')])
  record.happened('rpl_a')
  record.happened('rpl_b', 2)
  record.named('rpl_a', [record.head('rpl_b')])
  record.closed('rpl_a')
  record.happened('rpl_b', 2)
  record.opened('rpl_c', [record.head('rpl_a'), record.head('rpl_b')])
  record.happened('rpl_c')
  return record
}

describe('several chains', () => {
  const without = (events: readonly AuditEvent[], chain: string, seqs: readonly number[]) =>
    events.filter((event) => event.chain !== chain || !seqs.includes(event.seq))

  test('are accepted side by side; the end that nobody names is told of', async () => {
    const record = threeChains()
    const head = record.head('rpl_c')
    expect(await walk(record.events)).toEqual({
      verdict: 'unwitnessed',
      events: record.events.length,
      chains: 3,
      heads: [head],
      unwitnessed: [{ chain: 'rpl_c', afterSeq: 0, events: 2 }],
    })
    expect((await walk(record.events, { saved: [head] })).verdict).toBe('whole')
    expect((await walk(record.events, { saved: [{ ...head, seq: 1, hash: 'f'.repeat(64) }] })).problem?.kind).toBe(
      'forked',
    )
  })

  for (const { name, change, ends } of [
    { name: 'as it was written', change: () => undefined, ends: ['rpl_c'] },
    {
      name: 'cut short and closed anew',
      change: (record: SealedRecord) => {
        record.cut('rpl_c', 1)
        record.closed('rpl_c')
      },
      ends: ['rpl_c'],
    },
    {
      name: 'removed as a whole',
      change: (record: SealedRecord) => record.cut('rpl_c', 0),
      ends: ['rpl_a', 'rpl_b'],
    },
    {
      name: 'beside another one that was made up',
      change: (record: SealedRecord) => {
        record.opened('rpl_x')
        record.closed('rpl_x')
      },
      ends: ['rpl_c', 'rpl_x'],
    },
  ])
    test(`a closed chain that nobody names, ${name}, is never called whole`, async () => {
      const record = threeChains()
      record.closed('rpl_c')
      const head = record.head('rpl_c')
      expect((await walk(record.events, { saved: [head] })).verdict).toBe('whole')
      change(record)
      const { verdict, unwitnessed } = await walk(record.events)
      expect({ verdict, ends: unwitnessed.map(({ chain }) => chain) }).toEqual({ verdict: 'unwitnessed', ends })
    })

  test('a tail that grew after it was named is told of by its length', async () => {
    const record = threeChains()
    record.happened('rpl_b', 4)
    expect((await walk(record.events)).unwitnessed).toEqual([
      { chain: 'rpl_b', afterSeq: 5, events: 4 },
      { chain: 'rpl_c', afterSeq: 0, events: 2 },
    ])
  })

  for (const { name, change, verdict } of [
    {
      name: 'a tail that another chain names',
      change: (events: AuditEvent[]) => without(events, 'rpl_b', [4, 5]),
      verdict: broken('rpl_b', 4, 'truncated'),
    },
    {
      name: 'a closing event',
      change: (events: AuditEvent[]) => without(events, 'rpl_a', [6]),
      verdict: broken('rpl_a', 6, 'truncated'),
    },
    {
      name: 'a whole chain',
      change: (events: AuditEvent[]) => events.filter(({ chain }) => chain !== 'rpl_b'),
      verdict: broken('rpl_b', 1, 'truncated'),
    },
    {
      name: 'an event in the middle of one of them',
      change: (events: AuditEvent[]) => without(events, 'rpl_b', [3]),
      verdict: broken('rpl_b', 3, 'missing'),
    },
    {
      name: 'an event that comes in another chain instead',
      change: (events: AuditEvent[]) =>
        events.map((event) =>
          event.chain === 'rpl_c' && event.seq === 2 ? { ...event, chain: 'rpl_b', seq: 6 } : event,
        ),
      verdict: broken('rpl_b', 6, 'edited'),
    },
    {
      name: 'the name of a chain',
      change: (events: AuditEvent[]) =>
        events.map((event) => (event.chain === 'rpl_c' ? { ...event, chain: 'rpl_d' } : event)),
      verdict: broken('rpl_d', 1, 'edited'),
    },
  ])
    test(`show the loss or change of ${name}`, async () =>
      expect(await walk(change(threeChains().events))).toMatchObject(verdict))

  test('show a chain that was written anew after another one had named it', async () => {
    const record = new SealedRecord()
    record.opened('rpl_a')
    record.happened('rpl_a', 3)
    record.opened('rpl_b', [{ ...record.head('rpl_a'), hash: 'f'.repeat(64) }])
    expect(await walk(record.events)).toMatchObject(broken('rpl_a', 4, 'forked'))
  })

  test('a head that is named before its event comes is compared when it does', async () => {
    const { events } = threeChains()
    const opening = events.findIndex(({ chain }) => chain === 'rpl_c')
    const early = [...events.slice(opening, opening + 1), ...events.toSpliced(opening, 1)]
    expect((await walk(early)).verdict).toBe('unwitnessed')
    const forged = new SealedRecord()
    forged.opened('rpl_c', [{ chain: 'rpl_b', seq: 2, hash: 'f'.repeat(64) }])
    expect(await walk([...forged.events, ...without(events, 'rpl_c', [1, 2])])).toMatchObject(
      broken('rpl_b', 2, 'forked'),
    )
  })

  for (const { name, make, verdict } of [
    {
      name: 'a chain without an opening event',
      make: (record: SealedRecord) => record.happened('rpl_x'),
      verdict: broken('rpl_x', 1, 'edited'),
    },
    {
      name: 'an opening event in the middle of a chain',
      make: (record: SealedRecord) => [record.opened('rpl_x'), record.opened('rpl_x')],
      verdict: broken('rpl_x', 2, 'edited'),
    },
    {
      name: 'an event after the closing one',
      make: (record: SealedRecord) => [record.opened('rpl_x'), record.closed('rpl_x'), record.happened('rpl_x')],
      verdict: broken('rpl_x', 3, 'edited'),
    },
    {
      name: 'a chain that names its own end',
      make: (record: SealedRecord) => [record.opened('rpl_x'), record.named('rpl_x', [record.head('rpl_x')])],
      verdict: broken('rpl_x', 2, 'unreadable'),
    },
    {
      name: 'more heads than an event may name',
      make: (record: SealedRecord) =>
        record.opened(
          'rpl_x',
          Array.from({ length: 257 }, (_, n) => ({ ...emptyHead(`rpl_${n}`), seq: 1 })),
        ),
      verdict: broken('rpl_x', 1, 'unreadable'),
    },
    {
      name: 'heads that are none',
      make: (record: SealedRecord) => record.opened('rpl_x', [{ chain: 'rpl_y' } as ChainHead]),
      verdict: broken('rpl_x', 1, 'unreadable'),
    },
  ])
    test(`show ${name}`, async () => {
      const record = new SealedRecord()
      make(record)
      expect(await walk(record.events)).toMatchObject(verdict)
    })

  for (const { later, verdict } of [
    { later: 99_998, verdict: { verdict: 'unwitnessed', chains: 2 } },
    { later: 99_999, verdict: broken('rpl_a', 1, 'reordered') },
  ])
    test(`an event that is named ${later} events later is ${verdict.verdict}`, async () => {
      const record = new SealedRecord()
      record.opened('rpl_a')
      const named = record.head('rpl_a')
      record.happened('rpl_a', later)
      record.opened('rpl_b', [named])
      expect(await walk(record.events)).toMatchObject(verdict)
    })

  test('begin where they are known to, and a head named before that is passed over', async () => {
    const { events } = threeChains()
    const from = events.findIndex(({ chain, seq }) => chain === 'rpl_a' && seq === 5)
    const start = ['rpl_a', 'rpl_b'].map((chain) =>
      lastOf(events.slice(0, from).filter((event) => event.chain === chain)),
    )
    expect(await walk(events.slice(from), { start })).toMatchObject({
      verdict: 'unwitnessed',
      events: events.length - from,
    })
    const wrong = start.map((head) => ({ ...head, hash: 'f'.repeat(64) }))
    expect((await walk(events.slice(from), { start: wrong })).verdict).toBe('broken')
  })
})
