import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ids } from '../../src/core/ids.ts'
import type { HoldScope } from '../../src/ledger/holds/hold-records.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { recordOf } from '../support/audit-record.ts'
import { AGENT, ROLE, sampleEvent, sampleLease, sampleOpen } from '../support/ledger-records.ts'
import type { LedgerFixture } from './ledger.ts'

/** What every implementation of `Ledger` does with holds. */
export function holdContract(name: string, open: () => Promise<LedgerFixture>): void {
  describe(`${name} with holds`, () => {
    let fixture: LedgerFixture
    let ledger: Ledger
    let ids: Ids
    let now: Date
    beforeEach(async () => {
      fixture = await open()
      ledger = fixture.ledger
      ids = fixture.ids
      now = fixture.clock.now()
    })
    afterEach(() => fixture.dispose())

    const later = (ms: number) => new Date(now.getTime() + ms)
    const put = (scope: HoldScope = { kind: 'agent', value: AGENT }, more: object = {}) => {
      const hold = {
        ...({
          id: ids.next('kil', now),
          kind: 'kill',
          scope,
          since: now,
          by: 'operator:ada',
          why: 'it deletes',
        } as const),
        ...more,
      }
      return ledger.putHold({ hold, events: [sampleEvent(now, { type: 'ledger.opened', actor: 'operator:ada' })] })
    }
    const lift = (id: string, more: object = {}) =>
      ledger.liftHold({
        id,
        lift: { at: later(1_000), by: 'operator:bob', note: 'looked at it', ...more },
        events: [sampleEvent(now, { type: 'ledger.opened', actor: 'operator:bob' })],
      })
    const opened = async (grant: Partial<Grant> = {}) => {
      const answer = await ledger.openGrant(sampleOpen(ids, now, { grant }))
      return answer.grant
    }
    const intend = (grant: Grant, touches?: readonly string[]) =>
      ledger.intendLease({
        ...{ grantId: grant.id, grantVersion: grant.version, lease: sampleLease(ids, now) },
        ...(touches && { touches }),
        events: [],
      })
    const approve = (grant: Grant, touches?: readonly string[]) =>
      ledger.moveGrant({
        ...{ grantId: grant.id, expectedVersion: grant.version },
        to: { state: 'active', activeAt: now, deadline: later(60_000), dueAt: later(60_000) },
        approval: { state: 'approved', decidedBy: 'operator:bob', decidedAt: now },
        ...(touches && { touches }),
        events: [],
      })
    const killed = { code: 'KILLED' }

    test('one keeps grants in its scope from being opened, approved and given leases, until it is lifted', async () => {
      const grant = await opened()
      const waiting = await opened({ state: 'awaiting_approval' })
      const { hold } = await put()
      await expect(opened()).rejects.toMatchObject({ ...killed, details: { hold: hold.id } })
      await expect(opened({ state: 'awaiting_approval' })).rejects.toMatchObject(killed)
      await expect(intend(grant)).rejects.toMatchObject(killed)
      await expect(approve(waiting)).rejects.toMatchObject(killed)
      await lift(hold.id)
      await opened()
      await intend(grant)
      await approve(waiting)
    })

    test('one lets everything else be: other agents, denials, ends', async () => {
      const grant = await opened()
      await put()
      await opened({ subject: `${AGENT}-2` })
      await opened({ state: 'denied' })
      await ledger.moveGrant({
        ...{ grantId: grant.id, expectedVersion: grant.version },
        to: { state: 'ended', reason: 'killed', endedAt: now, dueAt: null },
        events: [],
      })
    })

    test('of two units in one commit, the one after the hold is refused', async () => {
      const outcomes = await Promise.allSettled([opened(), put(), opened()])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    })

    test('lasts over a new start, and is given back as it was set', async () => {
      const { hold } = await put(
        { kind: 'role', value: ROLE },
        { isPublic: true, isRunning: true, progress: { at: 1 } },
      )
      ledger = await fixture.reopen()
      expect(await ledger.holdsInForce()).toEqual([hold])
      expect(await ledger.getHold(hold.id)).toEqual(hold)
      expect(await ledger.runningHolds()).toEqual([hold])
      await expect(opened()).rejects.toMatchObject({ ...killed, message: expect.stringContaining('it deletes') })
    })

    test('a second one of the same scope changes nothing; one of another kind stands beside it', async () => {
      const first = await put()
      expect(await put()).toEqual({ kind: 'existing', hold: first.hold })
      expect(await put(first.hold.scope, { id: ids.next('hld', now), kind: 'suspended' })).toMatchObject({
        kind: 'created',
      })
      expect(await ledger.holdsInForce()).toHaveLength(2)
      expect((await recordOf(ledger)).filter(({ type }) => type === 'ledger.opened')).toHaveLength(2)
    })

    test('is lifted once, by somebody else, and stays on record', async () => {
      const { hold } = await put()
      await expect(lift(hold.id, { by: 'operator:ada' })).rejects.toMatchObject({ code: 'HOLD_OF_SAME_PERSON' })
      const lifted = await lift(hold.id)
      expect(lifted.lifted).toEqual({ at: later(1_000), by: 'operator:bob', note: 'looked at it' })
      await expect(lift(hold.id)).rejects.toMatchObject({ code: 'HOLD_LIFTED' })
      await expect(lift(ids.next('kil', now))).rejects.toMatchObject({ code: 'HOLD_NOT_FOUND' })
      expect(await ledger.holdsInForce()).toEqual([])
      expect(await ledger.getHold(hold.id)).toEqual(lifted)
      const again = await put()
      expect(await lift(again.hold.id, { by: 'operator:ada', alone: true })).toMatchObject({ lifted: { alone: true } })
    })

    test('its work is claimed by one at a time, and what was noted is there for the next', async () => {
      const { hold } = await put(undefined, { isRunning: true })
      const note = (version: number, more: object) =>
        ledger.noteHold({ id: hold.id, expectedVersion: version, isRunning: true, events: [], ...more })
      const claim = { by: 'rpl_1', until: later(30_000) }
      const claimed = await note(hold.version, { claim })
      expect(claimed).toMatchObject({ claimedBy: 'rpl_1', claimedUntil: claim.until })
      await expect(note(hold.version, { claim })).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
      const done = await note(claimed.version, { isRunning: false, progress: { grants: 3 } })
      expect(done).not.toHaveProperty('claimedBy')
      expect(await ledger.getHold(hold.id)).toEqual(done)
      expect(await ledger.runningHolds()).toEqual([])
    })

    test('are listed newest first, page by page, by kind and whether they are in force', async () => {
      const scopes = ['a', 'b', 'c'].map((value) => ({ kind: 'team', value }) as const)
      const holds = []
      for (const scope of scopes) holds.push((await put(scope)).hold)
      const suspended = await put(scopes[0], { id: ids.next('hld', now), kind: 'suspended' })
      const [, b] = holds
      await lift(b?.id ?? '')
      const first = await ledger.listHolds({ kind: 'kill' }, { limit: 2 })
      expect(first.items.map(({ scope }) => scope.value)).toEqual(['c', 'b'])
      const next = await ledger.listHolds({ kind: 'kill' }, { limit: 2, cursor: first.nextCursor ?? '' })
      expect(next).toEqual({ items: [holds[0]] })
      const inForce = await ledger.listHolds({ inForce: true }, { limit: 10 })
      expect(inForce.items.map(({ id }) => id)).toEqual([suspended.hold.id, holds[2]?.id, holds[0]?.id])
      expect((await ledger.listHolds({ inForce: false }, { limit: 10 })).items.map(({ id }) => id)).toEqual([b?.id])
    })

    test('of a label stop what touches it, and what is not known not to', async () => {
      const grant = await opened()
      const waiting = await opened({ state: 'awaiting_approval' })
      await put({ kind: 'label', value: 'env:prod' })
      await opened()
      const { grant: renewed } = await intend(grant, ['data:invoices'])
      await expect(intend(renewed, ['data:invoices', 'env:prod'])).rejects.toMatchObject(killed)
      await expect(intend(renewed)).rejects.toMatchObject(killed)
      await expect(approve(waiting)).rejects.toMatchObject(killed)
      await approve(waiting, ['data:invoices'])
      await put({ kind: 'label', value: 'data:invoices' })
      await expect(opened()).rejects.toMatchObject(killed)
    })

    test('has its denies counted until they are in force', async () => {
      const { hold } = await put()
      expect(await ledger.heldDenies(hold.id)).toEqual({ all: 0, unwritten: 0, unenforced: 0 })
      await lift(hold.id)
      const grant = await opened()
      const deny = { listKey: 'inline:x', wantedAt: now, until: later(900_000), lastIssuedAt: now }
      await ledger.moveGrant({
        ...{ grantId: grant.id, expectedVersion: grant.version },
        to: { state: 'ending', reason: 'killed', effectiveBy: later(900_000), dueAt: later(900_000) },
        deny: { ...deny, urgent: true, holdId: hold.id },
        events: [],
      })
      const until = later(900_000)
      expect(await ledger.heldDenies(hold.id)).toEqual({ all: 1, unwritten: 1, unenforced: 1, until })
      expect(await ledger.findDenyEntry(grant.id)).toMatchObject({ holdId: hold.id, urgent: true })
      const claimed = await ledger.claimDenyList({ owner: 'me', now, claimUntil: later(45_000) })
      const write = { listKey: 'inline:x', grantIds: [grant.id], removedGrantIds: [], events: [] }
      await ledger.denyWritten({ ...write, claimVersion: claimed?.list.claimVersion ?? 0, at: now })
      expect(await ledger.heldDenies(hold.id)).toEqual({ all: 1, unwritten: 0, unenforced: 1, until })
    })

    test('open grants are gone through state by state', async () => {
      const grants = [await opened(), await opened(), await opened()]
      await opened({ state: 'awaiting_approval' })
      await opened({ state: 'denied' })
      const first = await ledger.openGrants({ state: 'active', limit: 2 })
      const rest = await ledger.openGrants({ state: 'active', limit: 2, cursor: first.nextCursor ?? '' })
      const found = [...first.grants, ...rest.grants].map(({ id }) => id).sort()
      expect(found).toEqual(grants.map(({ id }) => id).sort())
      expect(rest.nextCursor).toBeUndefined()
      expect((await ledger.openGrants({ state: 'awaiting_approval', limit: 500 })).grants).toHaveLength(1)
    })

    test('a lease is found by its id', async () => {
      const grant = await opened()
      const [lease] = await ledger.listLeases(grant.id)
      expect(await ledger.getLease(lease?.id ?? '')).toEqual(lease)
      expect(await ledger.getLease('lse_none')).toBeUndefined()
    })
  })
}
