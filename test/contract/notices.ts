import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { NewNotice, NoticeOutcome } from '../../src/ledger/notices/notice-records.ts'
import type { LedgerFixture } from './ledger.ts'

/** What every implementation of `Ledger` does with notices. */
export function noticeContract(name: string, open: () => Promise<LedgerFixture>): void {
  describe(`${name} keeps notices`, () => {
    let fixture: LedgerFixture
    let ledger: Ledger
    let now: Date
    beforeEach(async () => {
      fixture = await open()
      ledger = fixture.ledger
      now = fixture.clock.now()
      await ledger.keepNotices({ endpoint: 'ops', to: 0, notices: [] })
    })
    afterEach(() => fixture.dispose())

    const later = (ms: number) => new Date(now.getTime() + ms)
    const notice = (id: string, more: Partial<NewNotice> = {}): NewNotice => ({
      ...{ id, endpoint: 'ops', type: 'grant.ended', content: '{}', count: 1, createdAt: now },
      ...{ retryUntil: later(3_600_000), dueAt: now, ...more },
    })
    const keep = (notices: readonly NewNotice[], from = 0, to = 0) =>
      ledger.keepNotices({ endpoint: 'ops', from, to, notices })
    const claim = (owner = 'one', at = now, limit = 10) =>
      ledger.claimNotices({ endpoint: 'ops', owner, now: at, claimUntil: new Date(at.getTime() + 60_000), limit })
    const settle = (outcomes: readonly NoticeOutcome[], more: object = {}) =>
      ledger.settleNotices({ endpoint: 'ops', owner: 'one', at: now, outcomes, ...more })
    const ids = (notices: readonly { readonly id: string }[]) => notices.map(({ id }) => id)
    const endpoint = async () => (await ledger.noticeEndpoints())[0]

    test('only the replica that read on from where the record was read up to adds notices', async () => {
      expect(await ledger.keepNotices({ endpoint: 'ops', to: 5, notices: [] })).toBe(false)
      expect(await keep([notice('a')], 0, 7)).toBe(true)
      expect(await keep([notice('b')], 0, 7)).toBe(false)
      expect(ids(await claim())).toEqual(['a'])
      expect(await endpoint()).toMatchObject({ name: 'ops', position: 7, waiting: 1, dead: 0, failures: 0 })
    })

    test('a notice is claimed by one replica until its claim ends, and again after that', async () => {
      await keep([notice('a'), notice('b', { dueAt: later(1_000) })])
      expect(await ledger.hasDueNotices({ endpoint: 'ops', now })).toBe(true)
      expect(await claim('one')).toMatchObject([
        { id: 'a', attempts: 1, claimedBy: 'one', claimedUntil: later(60_000) },
      ])
      expect(await claim('two')).toEqual([])
      expect(await ledger.hasDueNotices({ endpoint: 'ops', now })).toBe(false)
      expect(await claim('two', later(60_000))).toMatchObject([
        { id: 'a', attempts: 2, claimedBy: 'two' },
        { id: 'b', attempts: 1 },
      ])
    })

    test('what one replica failed at changes nothing once another has taken it; what it delivered is gone', async () => {
      await keep([notice('a'), notice('b')])
      const first = await claim('one')
      await claim('two', later(60_000))
      const failed = { end: 'again', dueAt: later(5), error: 'late', awaitsEndpoint: true } as const
      await settle([
        { id: 'a', attempts: first[0]?.attempts ?? 0, ...failed },
        { id: 'b', attempts: first[1]?.attempts ?? 0, end: 'delivered' },
      ])
      expect(await claim('three', later(120_000))).toMatchObject([{ id: 'a', attempts: 3 }])
    })

    test('a notice that was never sent takes in the next of its key, and one that is being sent keeps the next waiting', async () => {
      await keep([notice('a', { key: 'k' })])
      await keep([notice('b', { key: 'k' }), notice('c', { key: 'other' })])
      expect((await claim()).map(({ id, count }) => [id, count])).toEqual([
        ['a', 2],
        ['c', 1],
      ])
      await keep([notice('d', { key: 'k' })])
      expect(await claim('two')).toEqual([])
      await settle([{ id: 'a', attempts: 1, end: 'delivered' }])
      expect(ids(await claim('two'))).toEqual(['d'])
    })

    test('nothing is sent to an endpoint that is paused or gone, and all that waited for it is due once it works', async () => {
      await keep([notice('a'), notice('b'), notice('later', { dueAt: later(900_000) })])
      await claim('one', now, 1)
      const again = { end: 'again', dueAt: later(600_000), error: 'ECONNREFUSED', awaitsEndpoint: true } as const
      await settle([{ id: 'a', attempts: 1, ...again }], {
        news: { kind: 'failed', error: 'ECONNREFUSED', pausedUntil: later(2_000) },
      })
      expect(await endpoint()).toMatchObject({ failures: 1, failingSince: now, lastError: 'ECONNREFUSED' })
      expect(await claim('one', later(1_999))).toEqual([])
      expect(ids(await claim('one', later(2_000)))).toEqual(['b'])
      await settle([{ id: 'b', attempts: 1, end: 'delivered' }], { news: { kind: 'well' }, at: later(2_000) })
      expect(await endpoint()).toMatchObject({ failures: 0, deliveredAt: later(2_000), waiting: 2 })
      expect(await endpoint()).not.toHaveProperty('failingSince')
      expect(ids(await claim('one', later(2_000)))).toEqual(['a'])
      await settle([], {
        news: { kind: 'gone', error: '410' },
        events: [auditEvent('notices.resent', { at: now, actor: 'operator:ada', data: { endpoint: 'ops', count: 1 } })],
      })
      expect(await claim('one', later(9_000_000))).toEqual([])
      expect(await ledger.hasDueNotices({ endpoint: 'ops', now: later(9_000_000) })).toBe(false)
      const { events } = await ledger.eventsOfTypes({ types: ['notices.resent'], afterPosition: 0, limit: 5 })
      expect(events).toMatchObject([{ type: 'notices.resent', data: { endpoint: 'ops' } }])
    })

    test('dead letters are listed newest first, page by page, and sent again as if they were new', async () => {
      await keep(['a', 'b', 'c'].map((id) => notice(id)))
      const claimed = await claim()
      await settle(claimed.map(({ id, attempts }) => ({ id, attempts, end: 'dead', error: 'gave up' })))
      const first = await ledger.deadNotices({ limit: 2 })
      expect(first).toMatchObject([
        { id: 'c', lastError: 'gave up', deadAt: now },
        { id: 'b', attempts: 1 },
      ])
      expect(ids(await ledger.deadNotices({ endpoint: 'ops', limit: 2, after: 'b' }))).toEqual(['a'])
      expect(await ledger.deadNotices({ endpoint: 'none', limit: 2 })).toEqual([])
      expect(await claim('one', later(99_000_000))).toEqual([])
      const again = { endpoint: 'ops', at: now, retryUntil: later(7), by: 'operator:ada', limit: 10 } as const
      expect(await ledger.resendNotices({ ...again, id: 'b' })).toBe(1)
      expect(await ledger.resendNotices({ ...again, id: 'b' })).toBe(0)
      expect(await ledger.resendNotices(again)).toBe(2)
      expect(await claim()).toMatchObject([
        { id: 'a', attempts: 1, retryUntil: later(7) },
        { id: 'b', attempts: 1 },
        { id: 'c', attempts: 1 },
      ])
      const { events } = await ledger.eventsOfTypes({ types: ['notices.resent'], afterPosition: 0, limit: 5 })
      expect(events.map(({ actor, data }) => [actor, data])).toEqual([
        ['operator:ada', { endpoint: 'ops', count: 1 }],
        ['operator:ada', { endpoint: 'ops', count: 2 }],
      ])
    })

    test('a ledger that was set back holds back what waits, once for each quarantine, and says so', async () => {
      await keep([notice('a'), notice('b', { dueAt: later(500) })])
      const hold = { endpoint: 'ops', quarantine: 1, before: now, at: now, error: 'set back' }
      expect(await ledger.holdNotices(hold)).toBe(2)
      expect(await ledger.holdNotices(hold)).toBe(0)
      expect(await claim('one', later(1_000))).toEqual([])
      expect(await endpoint()).toMatchObject({ quarantine: 1, heldBefore: now, waiting: 0, dead: 2 })
      const { events } = await ledger.eventsOfTypes({ types: ['notices.held'], afterPosition: 0, limit: 5 })
      expect(events).toMatchObject([{ data: { endpoint: 'ops', count: 2, quarantine: 1 } }])
    })

    test('a mark is made once, with its events, until it is over', async () => {
      const mark = { key: 'part', value: 'x', until: later(1_000) }
      const data = { endpoint: 'ops', count: 1 }
      const events = [auditEvent('notices.resent', { at: now, actor: 'operator:ada', data })]
      expect(await ledger.noteOnce({ mark, events })).toBe(true)
      expect(await ledger.noteOnce({ mark, events })).toBe(false)
      expect(
        (await ledger.eventsOfTypes({ types: ['notices.resent'], afterPosition: 0, limit: 9 })).events,
      ).toHaveLength(1)
      expect(await ledger.noticeMark('part')).toEqual(mark)
      await ledger.pruneNotices({ endpoints: ['ops'], before: now, now: later(1_000) })
      expect(await ledger.noticeMark('part')).toBeUndefined()
    })

    test('what a delivered notice left behind is kept with it', async () => {
      await keep([notice('a')])
      await claim()
      const mark = { key: 'message', value: 'first', until: later(1_000) }
      await settle([{ id: 'a', attempts: 1, end: 'delivered' }], { marks: [mark] })
      await settle([], { marks: [{ ...mark, value: 'second' }] })
      expect(await ledger.noticeMark('message')).toMatchObject({ value: 'second' })
    })

    test('old dead letters are forgotten, and all that is old of an endpoint that is configured no more', async () => {
      await ledger.keepNotices({ endpoint: 'old', to: 0, notices: [] })
      await ledger.keepNotices({ endpoint: 'old', from: 0, to: 0, notices: [notice('o', { endpoint: 'old' })] })
      await keep([notice('dead'), notice('waiting', { dueAt: later(1) })])
      await claim()
      await settle([{ id: 'dead', attempts: 1, end: 'dead', error: 'gave up' }])
      expect(await ledger.pruneNotices({ endpoints: ['ops'], before: now, now })).toBe(0)
      expect(await ledger.pruneNotices({ endpoints: ['ops'], before: later(1), now })).toBe(2)
      expect(await ledger.noticeEndpoints()).toMatchObject([
        { name: 'old', waiting: 0, dead: 0 },
        { name: 'ops', waiting: 1, dead: 0 },
      ])
    })

    test('events of some types are found in order, and the record is searched to its end', async () => {
      const event = (name: string) =>
        auditEvent('notices.resent', { at: now, actor: 'operator:ada', data: { endpoint: name, count: 1 } })
      await ledger.appendEvents([event('1'), event('2'), event('3')])
      const types = ['notices.resent', 'no.such_type']
      const page = await ledger.eventsOfTypes({ types, afterPosition: 0, limit: 2 })
      expect(page.events.map(({ data }) => data)).toMatchObject([{ endpoint: '1' }, { endpoint: '2' }])
      expect(page.position).toBe(page.events[1]?.position)
      const rest = await ledger.eventsOfTypes({ types, afterPosition: page.position, limit: 2 })
      expect(rest.events.map(({ data }) => data)).toMatchObject([{ endpoint: '3' }])
      const { position } = await ledger.auditHeads()
      expect(rest.position).toBe(position)
      expect(await ledger.eventsOfTypes({ types: ['none'], afterPosition: 0, limit: 2 })).toEqual({
        events: [],
        position,
      })
    })

    test('all of it is there after a start', async () => {
      await keep([notice('a', { key: 'k' })], 0, 3)
      await claim()
      ledger = await fixture.reopen()
      expect(await endpoint()).toMatchObject({ position: 3, waiting: 1 })
      expect(await claim('two', later(60_000))).toMatchObject([{ id: 'a', key: 'k', attempts: 2, createdAt: now }])
    })
  })
}
