import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { ChangeRegistration, RegistrationFields } from '../../src/ledger/registrations/registration-ledger.ts'

const AT = new Date('2026-11-28T12:00:00Z')
const FIELDS: RegistrationFields = {
  match: 'spiffe://example.org/lab/*',
  owner: 'ada',
  team: 'data',
  purpose: 'Experiments',
  contact: '#lab',
  expiresAt: new Date('2027-06-30T00:00:00Z'),
  reviewAt: new Date('2027-02-26T12:00:00Z'),
}

/** A change that makes `lab`, as the first of all. */
export function registerLab(more: Partial<ChangeRegistration> = {}): ChangeRegistration {
  const data = { registration: 'lab', match: FIELDS.match, version: 1, note: '' }
  return {
    ...{ name: 'lab', expectedVersion: 0, to: FIELDS, at: AT, by: 'operator:ada', maxRegistrations: 3 },
    events: [auditEvent('agent.removed', { at: AT, actor: 'operator:ada', data })],
    ...more,
  }
}

const isCode = (code: string) => (error: { code?: string }) => error.code === code

/** What every ledger does with registrations. `open` makes an empty one. */
export function registrationContract(
  name: string,
  open: () => Promise<{ ledger: Ledger; reopen(): Promise<Ledger>; dispose(): Promise<void> }>,
): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let ledger: Ledger
    beforeEach(async () => {
      opened = await open()
      ledger = opened.ledger
    })
    afterEach(() => opened.dispose())

    test('a registration is kept as it was made, with its event', async () => {
      const before = await ledger.registrationsMark()
      await ledger.changeRegistration(registerLab())
      const { registrations } = await (await opened.reopen()).registrations()
      assert.deepEqual(registrations, [
        { name: 'lab', fields: FIELDS, version: 1, changedAt: AT, changedBy: 'operator:ada' },
      ])
      assert.notEqual(await opened.ledger.registrationsMark(), before)
      const events = await opened.ledger.auditEvents({ afterPosition: 0, limit: 10 })
      assert.ok(events.some(({ type }) => type === 'agent.removed'))
    })

    test('of two admins who change one version, one is told that the other was faster', async () => {
      await ledger.changeRegistration(registerLab())
      const change = (owner: string) =>
        ledger.changeRegistration(registerLab({ expectedVersion: 1, to: { ...FIELDS, owner } }))
      const [one, other] = await Promise.allSettled([change('ada'), change('bob')])
      const refused = [one, other].flatMap((each) => (each?.status === 'rejected' ? [each.reason] : []))
      assert.deepEqual(
        refused.map(({ code }) => code),
        ['REGISTRATION_CHANGED'],
      )
      assert.equal((await ledger.registrations()).registrations[0]?.version, 2)
    })

    test('of two admins who make one name at once, one is told that it is taken', async () => {
      const made = await Promise.allSettled([
        ledger.changeRegistration(registerLab()),
        ledger.changeRegistration(registerLab()),
      ])
      assert.deepEqual(
        made.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : [])),
        ['REGISTRATION_EXISTS'],
      )
    })

    for (const { what, change, code } of [
      {
        what: 'a name that is taken',
        change: { to: { ...FIELDS, match: 'spiffe://a.org/x' } },
        code: 'REGISTRATION_EXISTS',
      },
      { what: 'a match that is taken', change: { name: 'other' }, code: 'REGISTRATION_EXISTS' },
      { what: 'a change of another version', change: { expectedVersion: 2 }, code: 'REGISTRATION_CHANGED' },
      { what: 'a change of none', change: { name: 'none', expectedVersion: 1 }, code: 'REGISTRATION_NOT_FOUND' },
      {
        what: 'one more than there may be',
        change: { name: 'more', to: { ...FIELDS, match: 'spiffe://a.org/y' }, maxRegistrations: 1 },
        code: 'QUOTA_EXCEEDED',
      },
    ] as const) {
      test(`${what} is refused, and leaves nothing behind`, async () => {
        await ledger.changeRegistration(registerLab())
        const mark = await ledger.registrationsMark()
        const { position } = await ledger.auditHeads()
        await assert.rejects(ledger.changeRegistration(registerLab(change)), isCode(code))
        assert.equal(await ledger.registrationsMark(), mark)
        assert.equal((await ledger.auditHeads()).position, position)
      })
    }

    test('a removed name and match can be used again, and the version goes on', async () => {
      await ledger.changeRegistration(registerLab())
      const { to: _, ...removal } = registerLab({ expectedVersion: 1 })
      await ledger.changeRegistration(removal)
      assert.deepEqual((await ledger.registrations()).registrations, [])
      await assert.rejects(
        ledger.changeRegistration(registerLab({ expectedVersion: 2 })),
        isCode('REGISTRATION_NOT_FOUND'),
      )
      assert.equal((await ledger.changeRegistration(registerLab({ name: 'other' }))).version, 1)
      const again = registerLab({ to: { ...FIELDS, match: 'spiffe://example.org/lab2/*' } })
      assert.equal((await ledger.changeRegistration(again)).version, 3)
    })

    test('a review takes the place of the one before, and two at once are one', async () => {
      const review = { name: 'lab', match: FIELDS.match, at: AT, by: 'operator:bob', nextAt: AT, shown: 'ab' }
      const record = () => ledger.recordReview({ review, expectedNumber: 0, events: [] })
      const recorded = await Promise.allSettled([record(), record()])
      assert.deepEqual(
        recorded.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : [])),
        ['REGISTRATION_CHANGED'],
      )
      const later = { ...review, nextAt: new Date(AT.getTime() + 1) }
      await ledger.recordReview({ review: later, expectedNumber: 1, events: [] })
      assert.deepEqual((await ledger.registrations()).reviews, [{ ...later, number: 2 }])
    })

    test('operators are told of a date once, and the event is with it', async () => {
      const notice = { key: 'lab expiry 7', at: AT, until: new Date(AT.getTime() + 1), events: registerLab().events }
      const { position } = await ledger.auditHeads()
      assert.deepEqual(await Promise.all([ledger.recordReminder(notice), ledger.recordReminder(notice)]), [true, false])
      const told = await ledger.auditEvents({ afterPosition: position, limit: 10 })
      assert.equal(told.filter(({ type }) => type === 'agent.removed').length, 1)
    })
  })
}
