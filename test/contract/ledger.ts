import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { duringCall } from '../../src/core/correlation.ts'
import type { Ids } from '../../src/core/ids.ts'
import type { Vote } from '../../src/ledger/approvals/vote.ts'
import { unverifiedEvent, walkChains } from '../../src/ledger/audit/walk-chains.ts'
import type { EventType } from '../../src/ledger/events/audit-event.ts'
import type { GrantMove, Ledger, OpenGrant, TokenUse } from '../../src/ledger/ledger.ts'
import {
  type Approval,
  type EndReason,
  GRANT_STATES,
  type Grant,
  type GrantState,
  type Lease,
} from '../../src/ledger/records.ts'
import { GRANT_TRANSITIONS, OPENING_STATES } from '../../src/ledger/rules/grant-rules.ts'
import { allEvents, recordOf, verifyLedger } from '../support/audit-record.ts'
import {
  AGENT,
  LATER_TYPE,
  PERMIT,
  ROLE,
  sampleEvent,
  sampleLease,
  sampleOpen,
  samplePlan,
} from '../support/ledger-records.ts'
import type { ManualClock } from '../support/manual-clock.ts'

export interface LedgerFixture {
  readonly ledger: Ledger
  readonly ids: Ids
  readonly clock: ManualClock
  /** Lets go of the store and opens it again. */
  reopen(): Promise<Ledger>
  dispose(): Promise<void>
}

/** The event of a move to each state. */
const MOVE_EVENTS: Record<GrantState, EventType> = {
  denied: 'grant.denied',
  awaiting_approval: 'approval.requested',
  rejected: 'approval.rejected',
  withdrawn: 'approval.withdrawn',
  approval_expired: 'approval.expired',
  active: 'grant.active',
  ending: 'grant.ending',
  ended: 'grant.ended',
}

/** What every implementation of `Ledger` does. `open` makes an empty one that keeps at most 3 unregistered identities. */
export function ledgerContract(name: string, open: () => Promise<LedgerFixture>): void {
  describe(`${name} as a ledger`, () => {
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
    const created = async (more: Parameters<typeof sampleOpen>[2] = {}) => {
      const answer = await ledger.openGrant(sampleOpen(ids, now, more))
      if (answer.kind !== 'created') throw new Error('expected a new grant')
      return { grant: answer.grant, lease: answer.lease as Lease }
    }
    const waiting = async (approval: Partial<OpenGrant['approval']> = {}) =>
      (await created({ grant: { state: 'awaiting_approval' }, approval })).grant
    const move = (grant: Grant, to: GrantState, more: Partial<GrantMove> = {}) =>
      ledger.moveGrant({
        grantId: grant.id,
        expectedVersion: grant.version,
        to: { state: to, dueAt: null },
        events: [sampleEvent(now, { type: MOVE_EVENTS[to], grantId: grant.id })],
        ...more,
      })
    const denied = async (listKey = `boundary:${ROLE}`, until = later(900_000), more: object = {}) => {
      const { grant } = await created()
      return move(grant, 'ending', {
        to: { state: 'ending', reason: 'revoked', effectiveBy: until, dueAt: until },
        deny: { listKey, wantedAt: now, until, lastIssuedAt: now, ...more },
      })
    }
    const claim = (at = now) =>
      ledger.claimDenyList({ owner: 'one', now: at, claimUntil: new Date(at.getTime() + 60_000) })

    describe('a quarantine', () => {
      const begin = (ledgerNow = ledger) =>
        ledgerNow.beginQuarantine({
          quarantine: { reason: 'restored', since: now, by: 'operator:ada', found: 'backup.db' },
          lastEventAt: later(-1_000),
        })
      const refused = { code: 'LEDGER_QUARANTINED' }
      const opening = (number = 1) => ({
        number,
        opening: { at: later(1_000), by: 'operator:ada', note: 'done', acceptedRisk: 'none' } as const,
        events: [],
      })

      test('is on record with its event, and a second wish changes nothing', async () => {
        expect(await ledger.quarantine()).toBeUndefined()
        expect(await begin()).toMatchObject({ number: 1, reason: 'restored' })
        expect(await begin()).toMatchObject({ number: 1 })
        expect((await recordOf(ledger)).filter(({ type }) => type === 'ledger.quarantined')).toHaveLength(1)
      })

      test('keeps grants from being opened, approved and given leases, but not from being denied or ended', async () => {
        const { grant } = await created()
        const waiting = await created({ grant: { state: 'awaiting_approval' } })
        await begin()
        await expect(ledger.openGrant(sampleOpen(ids, now, {}))).rejects.toMatchObject(refused)
        await expect(
          ledger.openGrant(sampleOpen(ids, now, { grant: { state: 'awaiting_approval' } })),
        ).rejects.toMatchObject(refused)
        await ledger.openGrant(sampleOpen(ids, now, { grant: { state: 'denied' } }))
        const lease = sampleLease(ids, now)
        const intend = { grantId: grant.id, grantVersion: grant.version, lease, events: [] }
        await expect(ledger.intendLease(intend)).rejects.toMatchObject(refused)
        const to = { state: 'active', activeAt: now, deadline: later(60_000), dueAt: later(60_000) } as const
        const approve = { grantId: waiting.grant.id, expectedVersion: waiting.grant.version, to, events: [] }
        await expect(ledger.moveGrant(approve)).rejects.toMatchObject(refused)
        const ended = { state: 'ended', reason: 'restored', endedAt: now, dueAt: null } as const
        await ledger.moveGrant({ grantId: grant.id, expectedVersion: grant.version, to: ended, events: [] })
      })

      test('lasts over a new start until it is opened, and the next one has the next number', async () => {
        await begin()
        ledger = await fixture.reopen()
        await expect(ledger.openGrant(sampleOpen(ids, now, {}))).rejects.toMatchObject(refused)
        await expect(ledger.openQuarantine(opening(2))).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
        await ledger.openQuarantine(opening())
        expect(await ledger.quarantine()).toEqual({
          ...{ number: 1, reason: 'restored', since: now, by: 'operator:ada', found: 'backup.db' },
          opened: opening().opening,
        })
        await expect(ledger.openQuarantine(opening())).rejects.toMatchObject({ code: 'LEDGER_NOT_QUARANTINED' })
        await ledger.openGrant(sampleOpen(ids, now, {}))
        expect(await begin(ledger)).toMatchObject({ number: 2 })
      })

      test('leaves its cut on a deny list', async () => {
        await ledger.dueDenyLists({ keys: ['inline:x', 'inline:y'], at: now })
        const claimed = await ledger.claimDenyList({ owner: 'me', now, claimUntil: later(45_000) })
        const { key: listKey, claimVersion } = claimed?.list ?? { key: '', claimVersion: 0 }
        const cut = {
          quarantine: 1,
          before: later(60_000),
          until: later(600_000),
          writtenAt: now,
          enforcedAt: later(1),
        }
        await ledger.denyWritten({ listKey, claimVersion, grantIds: [], removedGrantIds: [], cut, at: now, events: [] })
        ledger = await fixture.reopen()
        expect(await ledger.getDenyList(listKey)).toMatchObject({ cut })
        expect((await ledger.listDenyLists()).map(({ key }) => key).sort()).toEqual(['inline:x', 'inline:y'])
      })
    })

    describe('opening a grant', () => {
      test('gives back what was recorded, also after opening the store again', async () => {
        const input = sampleOpen(ids, now)
        const answer = await ledger.openGrant(input)
        const expected = { ...input.grant, leaseCount: 1, version: 1 }
        expect(answer).toMatchObject({ kind: 'created', grant: expected, lease: { number: 1, state: 'intended' } })
        ledger = await fixture.reopen()
        expect(await ledger.getGrant(input.grant.id)).toEqual(expected)
        expect(await ledger.getPlan(input.plan.hash)).toEqual(input.plan)
        expect(await ledger.listLeases(input.grant.id)).toEqual([(answer as { lease: Lease }).lease])
        expect(await ledger.findGrantByKey(AGENT, input.grant.idempotencyKey)).toEqual(expected)
      })

      test('has the session names that it was given', async () => {
        const given = sampleOpen(ids, now)
        const { grant } = await ledger.openGrant(given)
        const next = { ...sampleLease(ids, now), sessionName: 'a name of any form' }
        await ledger.intendLease({ grantId: grant.id, grantVersion: 1, lease: next, events: [] })
        ledger = await fixture.reopen()
        const names = (await ledger.listLeases(grant.id)).map(({ sessionName }) => sessionName)
        expect(names).toEqual([given.lease?.sessionName, 'a name of any form'])
      })

      test('finds the grant of a repeated key, without events', async () => {
        const { grant } = await created({ grant: { idempotencyKey: 'same' } })
        const heads = await ledger.auditHeads()
        const again = await ledger.openGrant(sampleOpen(ids, now, { grant: { idempotencyKey: 'same' } }))
        expect(again).toEqual({ kind: 'existing', grant })
        expect(await ledger.auditHeads()).toEqual(heads)
      })

      test('keeps the keys of two subjects apart', async () => {
        await created({ grant: { idempotencyKey: 'same' } })
        const other = await created({ grant: { idempotencyKey: 'same', subject: 'spiffe://example.org/other' } })
        expect(other.grant.subject).toBe('spiffe://example.org/other')
      })

      test('creates one grant for 50 parallel calls with one key', async () => {
        const answers = await Promise.all(
          Array.from({ length: 50 }, () => ledger.openGrant(sampleOpen(ids, now, { grant: { idempotencyKey: 'k' } }))),
        )
        expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1)
        expect(new Set(answers.map(({ grant }) => grant.id)).size).toBe(1)
        expect((await ledger.countGrants()).active).toBe(1)
        expect(await recordOf(ledger)).toHaveLength(2)
      })

      test('refuses an id that is there already as a conflict', async () => {
        const { grant } = await created()
        const again = ledger.openGrant(sampleOpen(ids, now, { grant: { id: grant.id, idempotencyKey: 'other' } }))
        await expect(again).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
      })

      for (const { name, input } of [
        { name: 'in a state that no grant begins in', input: { grant: { state: 'ending' } } },
        { name: 'with a lease that ends after the deadline', input: { lease: { ms: 900_001 } } },
        { name: 'with a lease but no deadline', input: { grant: { deadline: undefined }, lease: { ms: 1 } } },
        { name: 'under the hash of another plan', input: { grant: { planHash: 'ee'.repeat(32) } } },
      ] as { name: string; input: { grant?: Partial<OpenGrant['grant']>; lease?: { ms: number } } }[]) {
        test(`refuses a grant ${name}, and records nothing`, async () => {
          const opening = sampleOpen(ids, now, {
            ...(input.grant ? { grant: input.grant } : {}),
            ...(input.lease ? { lease: sampleLease(ids, now, input.lease.ms) } : {}),
          })
          await expect(ledger.openGrant(opening)).rejects.toMatchObject({ code: 'INTERNAL' })
          expect(await ledger.getGrant(opening.grant.id)).toBeUndefined()
          expect(await recordOf(ledger)).toHaveLength(0)
        })
      }

      test('stores a plan once', async () => {
        const plan = samplePlan()
        await created({ plan })
        await created({ plan })
        expect(await ledger.getPlan(plan.hash)).toEqual(plan)
        expect(await ledger.getPlan('00'.repeat(32))).toBeUndefined()
      })
    })

    describe('leases', () => {
      test('a further lease takes the next number and raises the version', async () => {
        const { grant } = await created()
        const answer = await ledger.intendLease({
          grantId: grant.id,
          grantVersion: 1,
          lease: sampleLease(ids, now),
          events: [sampleEvent(now, { type: 'lease.intended', data: { n: 2 } })],
        })
        expect(answer).toMatchObject({ grant: { leaseCount: 2, version: 2 }, lease: { number: 2, state: 'intended' } })
        expect(await ledger.getGrant(grant.id)).toEqual(answer.grant)
        expect((await recordOf(ledger))[2]?.data).toEqual({ n: 2 })
      })

      test('of two that saw the same version, one is refused', async () => {
        const { grant } = await created()
        const intend = () =>
          ledger.intendLease({ grantId: grant.id, grantVersion: 1, lease: sampleLease(ids, now), events: [] })
        const answers = await Promise.allSettled([intend(), intend()])
        expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
        expect(answers[1]).toMatchObject({ reason: { code: 'LEDGER_CONFLICT' } })
        expect(await ledger.listLeases(grant.id)).toHaveLength(2)
      })

      test('a grant that is ending has no further lease', async () => {
        const ending = await denied()
        const { id, version } = ending
        const more = ledger.intendLease({
          grantId: id,
          grantVersion: version,
          lease: sampleLease(ids, now),
          events: [],
        })
        await expect(more).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
      })

      test('no lease reaches beyond the deadline (P7)', async () => {
        const { grant } = await created()
        const lease = sampleLease(ids, now, 900_001)
        const more = ledger.intendLease({ grantId: grant.id, grantVersion: 1, lease, events: [] })
        await expect(more).rejects.toMatchObject({ code: 'INTERNAL' })
        expect(await ledger.getGrant(grant.id)).toEqual(grant)
      })

      test('is issued with its access key id, and issuing it again is a no-op without events', async () => {
        const { lease } = await created()
        const to = { to: 'issued', accessKeyId: 'ASIAEXAMPLE', issuedAt: later(10) } as const
        const issue = () => ledger.settleLease({ leaseId: lease.id, ...to, events: [sampleEvent(now)] })
        const expected = { ...lease, state: 'issued', accessKeyId: 'ASIAEXAMPLE', issuedAt: later(10) }
        expect(await issue()).toEqual(expected)
        const heads = await ledger.auditHeads()
        expect(await issue()).toEqual(expected)
        expect(await ledger.auditHeads()).toEqual(heads)
      })

      test('whose outcome is unknown stays intended, and can still be issued', async () => {
        const { lease } = await created()
        const unknown = await ledger.settleLease({ leaseId: lease.id, to: 'unknown', events: [] })
        expect(unknown).toEqual({ ...lease, outcomeUnknown: true })
        const issued = { leaseId: lease.id, to: 'issued', accessKeyId: 'A', issuedAt: now, events: [] } as const
        expect(await ledger.settleLease(issued)).not.toHaveProperty('outcomeUnknown')
      })

      for (const { name, first, second } of [
        { name: 'ended is not issued', first: 'ended', second: 'issued' },
        { name: 'issued is not unknown', first: 'issued', second: 'unknown' },
        { name: 'issued is not issued as another', first: 'issued', second: 'other' },
      ] as const) {
        test(`that is ${name}`, async () => {
          const { lease } = await created()
          const moves = {
            ended: { to: 'ended', end: 'expired', endedAt: now },
            issued: { to: 'issued', accessKeyId: 'A', issuedAt: now },
            other: { to: 'issued', accessKeyId: 'B', issuedAt: now },
            unknown: { to: 'unknown' },
          } as const
          await ledger.settleLease({ leaseId: lease.id, ...moves[first], events: [] })
          const [before] = await ledger.listLeases(lease.grantId)
          const again = ledger.settleLease({ leaseId: lease.id, ...moves[second], events: [sampleEvent(now)] })
          await expect(again).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
          expect(await ledger.listLeases(lease.grantId)).toEqual([before])
        })
      }

      test('carry the process that mints them and until when it may', async () => {
        const { grant, lease: first } = await created()
        expect(first).toMatchObject({ replica: expect.stringMatching(/^rpl_/), mintUntil: later(20_000) })
        ledger = await fixture.reopen()
        const next = { ...sampleLease(ids, now), mintUntil: later(7) }
        const { lease } = await ledger.intendLease({
          grantId: grant.id,
          grantVersion: 1,
          lease: next,
          events: [],
        })
        expect(lease).toMatchObject({ mintUntil: later(7) })
        expect(lease.replica).not.toBe(first.replica)
        expect(await ledger.listLeases(grant.id)).toEqual([first, lease])
      })

      test('are abandoned when their process is gone and their outcome is open, never while this one mints them', async () => {
        const { lease } = await created()
        const { lease: settled } = await created()
        const { lease: unknown } = await created()
        const endedNow = { to: 'ended', end: 'not_minted', endedAt: now, events: [] } as const
        await ledger.settleLease({ leaseId: settled.id, ...endedNow })
        await ledger.settleLease({ leaseId: unknown.id, to: 'unknown', events: [] })
        const abandoned = (at: Date, limit = 10) => ledger.abandonedLeases({ now: at, limit })
        expect(await abandoned(later(86_400_000))).toEqual([])
        ledger = await fixture.reopen()
        const { lease: own } = await created()
        expect(await abandoned(later(20_000))).toEqual([lease])
        ledger = await fixture.reopen()
        expect(await abandoned(later(20_000))).toEqual([lease, own])
        expect(await abandoned(later(20_000), 1)).toEqual([lease])
      })
    })

    describe('moving a grant', () => {
      for (const from of OPENING_STATES) {
        for (const to of GRANT_STATES) {
          const allowed = GRANT_TRANSITIONS[from].includes(to)
          test(`from ${from} to ${to} is ${allowed ? 'done' : 'refused'}`, async () => {
            const { grant } = await created({ grant: { state: from } })
            const moving = move(grant, to)
            if (allowed) {
              expect(await moving).toMatchObject({ state: to, version: 2 })
              expect(await ledger.getGrant(grant.id)).toEqual(await moving)
            } else {
              await expect(moving).rejects.toMatchObject({ code: 'LEDGER_CONFLICT', details: { from, to } })
              expect(await ledger.getGrant(grant.id)).toEqual(grant)
            }
          })
        }
      }

      test('with a version that is not the row’s is refused and leaves no event', async () => {
        const { grant } = await created()
        await move(grant, 'active')
        const heads = await ledger.auditHeads()
        await expect(move(grant, 'ended')).rejects.toMatchObject({ code: 'LEDGER_CONFLICT', details: { version: 2 } })
        expect(await ledger.auditHeads()).toEqual(heads)
      })

      test('that is not there is refused', async () => {
        const grant = { ...(await created()).grant, id: ids.next('grt', now) }
        await expect(move(grant, 'ended')).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
      })

      test('ends its leases, puts it on the deny list and keeps what it does not name', async () => {
        const { grant, lease } = await created()
        const deny = { listKey: 'inline:x', wantedAt: now, until: later(9), lastIssuedAt: now }
        const ended = await move(grant, 'ended', {
          to: { state: 'ended', reason: 'revoked', endedAt: now, dueAt: null },
          endLeases: { end: 'cut', endedAt: now },
          deny,
        })
        const { dueAt, ...kept } = grant
        expect(ended).toEqual({ ...kept, state: 'ended', reason: 'revoked', endedAt: now, version: 2 })
        expect(await ledger.listLeases(grant.id)).toEqual([{ ...lease, state: 'ended', end: 'cut', endedAt: now }])
        expect(await ledger.findDenyEntry(grant.id)).toMatchObject({ grantId: grant.id, ...deny })
        expect(await ledger.listDenyLists()).toMatchObject([{ key: 'inline:x', nextAttemptAt: now, attempts: 0 }])
      })

      test('decides its approval once', async () => {
        const { grant } = await created({ grant: { state: 'awaiting_approval' } })
        const approval = { state: 'approved', decidedBy: 'ada', decidedAt: now, note: 'fine' } as const
        const active = await move(grant, 'active', { approval })
        expect(await ledger.findApproval(grant.id)).toMatchObject({ ...approval, version: 2, planHash: grant.planHash })
        const again = move(active, 'active', { approval: { state: 'rejected', decidedAt: now } })
        await expect(again).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
        expect(await ledger.getGrant(grant.id)).toEqual(active)
      })

      describe('to an approved grant that its agent has to collect', () => {
        const approved = async () => {
          const { grant } = await created({ grant: { state: 'awaiting_approval' } })
          const to = { state: 'active', activeAt: now, claimBy: later(900_000), taskMs: 600_000 } as const
          return move(grant, 'active', { to: { ...to, dueAt: to.claimBy } })
        }
        const collect = (grant: Grant, ms: number) => {
          const lease = { ...sampleLease(ids, later(ms)), notAfter: later(ms + 60_000) }
          return ledger.intendLease({ grantId: grant.id, grantVersion: grant.version, lease, events: [] })
        }

        test('gives it no deadline until its first lease, from which the time of the task runs', async () => {
          const grant = await approved()
          expect(grant).not.toHaveProperty('deadline')
          expect(await ledger.getGrant(grant.id)).toEqual(grant)
          const { grant: collected } = await collect(grant, 899_999)
          expect(collected).toMatchObject({ deadline: later(1_499_999), dueAt: later(1_499_999), leaseCount: 1 })
          expect(await ledger.getGrant(grant.id)).toEqual(collected)
          const { grant: renewed } = await collect(collected, 950_000)
          expect(renewed).toEqual({ ...collected, leaseCount: 2, version: collected.version + 1 })
          expect(await ledger.getGrant(grant.id)).toEqual(renewed)
        })

        test('refuses the first lease from its time on', async () => {
          const grant = await approved()
          await expect(collect(grant, 900_000)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
          expect(await ledger.listLeases(grant.id)).toEqual([])
        })

        test('lets one of two collect it, and one of its end and its collection win', async () => {
          const [first, second] = [await approved(), await approved()]
          const twice = await Promise.allSettled([collect(first, 1), collect(first, 2)])
          expect(twice.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
          expect(await ledger.getGrant(first.id)).toMatchObject({ deadline: later(600_001), leaseCount: 1 })
          const ended = { state: 'ended', reason: 'claim_expired', endedAt: later(900_000), dueAt: null } as const
          const both = await Promise.allSettled([move(second, 'ended', { to: ended }), collect(second, 899_999)])
          expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
          expect(await ledger.getGrant(second.id)).toMatchObject({ state: 'ended', claimBy: later(900_000) })
        })
      })

      test('to a final state with something still due is refused', async () => {
        const { grant } = await created()
        const moving = move(grant, 'ended', { to: { state: 'ended', dueAt: now } })
        await expect(moving).rejects.toMatchObject({ code: 'INTERNAL' })
      })
    })

    describe('an approval that may be used again', () => {
      const approved = async () => {
        const { grant } = await created({ grant: { state: 'awaiting_approval' } })
        const to = { state: 'active', activeAt: now, deadline: later(900_000), dueAt: later(900_000) } as const
        await move(grant, 'active', { to, approval: { state: 'approved', decidedBy: 'ada', decidedAt: now } })
        return (await ledger.findApproval(grant.id)) as Approval
      }
      const rest = (approval: Approval, more: object = {}) => {
        const newApprovalId = ids.next('apr', now)
        const { id: approvalId, grantId } = approval
        const reuse = { approvalId, grantId, newApprovalId, uses: 3, givenAfter: later(-1), ...more }
        return ledger.openGrant({ ...sampleOpen(ids, now), reuse })
      }

      test('is found, counted and copied for each grant that rests on it', async () => {
        const approval = await approved()
        const asked = { subject: AGENT, planHash: approval.planHash, givenAfter: later(-1) }
        expect(await ledger.findReusable(asked)).toMatchObject({ approval, grants: [{ id: approval.grantId }] })
        const { grant } = await rest(approval)
        expect(await ledger.findApproval(grant.id)).toMatchObject({ state: 'approved', reuseOf: approval.id })
        expect(await ledger.getApproval(approval.id)).toMatchObject({ uses: 1, version: approval.version + 1 })
        const found = await ledger.findReusable(asked)
        expect(found?.approval).toMatchObject({ id: approval.id, uses: 1 })
        expect(found?.grants).toHaveLength(2)
        expect(await ledger.findReusable({ ...asked, givenAfter: now })).toBeUndefined()
        expect(await ledger.findReusable({ ...asked, subject: `${AGENT}-2` })).toBeUndefined()
      })

      test('has its last use once, and whoever comes too late opens nothing', async () => {
        const approval = await approved()
        const answers = await Promise.allSettled([1, 2, 3].map(() => rest(approval)))
        expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
        expect(answers[2]).toMatchObject({ reason: { code: 'LEDGER_CONFLICT' } })
        expect(await ledger.getApproval(approval.id)).toMatchObject({ uses: 2 })
        expect((await ledger.listGrants({}, { limit: 10 })).items).toHaveLength(3)
      })
    })

    describe('votes', () => {
      const two = { requirements: [{ anyOf: ['owners'], count: 2, because: ['p'] }] }
      const voteOf = (voter: string, more: Partial<Vote> = {}): Vote => ({
        voter,
        verdict: 'approve',
        at: now,
        channel: 'token',
        assurance: 'no_step_up',
        note: `${voter} has read it`,
        planHash: '',
        groups: ['owners'],
        ...more,
      })
      const cast = async (grant: Grant, vote: Vote, more: Partial<GrantMove> = {}) => {
        const { planHash } = grant
        return move(grant, 'awaiting_approval', { vote: { ...vote, planHash }, ...more })
      }

      test('are kept with their approval, and survive', async () => {
        const grant = await waiting(two)
        const once = await cast(grant, voteOf('olga'))
        const twice = await cast(once, voteOf('otto', { assurance: 'step_up', channel: 'cli' }))
        const { planHash } = grant
        const votes = [
          { ...voteOf('olga'), planHash },
          { ...voteOf('otto', { assurance: 'step_up', channel: 'cli' }), planHash },
        ]
        expect(await ledger.findApproval(grant.id)).toMatchObject({ ...two, state: 'pending', version: 3, votes })
        ledger = await fixture.reopen()
        const [listed] = (await ledger.listApprovals({ state: 'pending' }, { limit: 1 })).items
        expect(listed).toMatchObject({ ...two, votes })
        expect(await ledger.getGrant(grant.id)).toMatchObject({ version: twice.version, state: 'awaiting_approval' })
      })

      test('that were cast on the same state: one is refused, so that it is counted again', async () => {
        const grant = await waiting(two)
        const results = await Promise.allSettled([cast(grant, voteOf('olga')), cast(grant, voteOf('otto'))])
        expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
        expect((await ledger.findApproval(grant.id))?.votes).toHaveLength(1)
      })

      test('of too few people approve nothing, whoever asks for it', async () => {
        const grant = await waiting(two)
        const approval = { state: 'approved', decidedBy: 'operator:olga', decidedAt: now } as const
        const active = { state: 'active', activeAt: now, deadline: later(900_000), dueAt: later(900_000) } as const
        await expect(cast(grant, voteOf('olga'), { to: active, approval })).rejects.toMatchObject({ code: 'INTERNAL' })
        const once = await cast(grant, voteOf('olga'))
        await expect(cast(once, voteOf('OLGA'), { to: active, approval })).rejects.toMatchObject({
          code: 'LEDGER_CONFLICT',
        })
        expect(await cast(once, voteOf('otto'), { to: active, approval })).toMatchObject({ state: 'active' })
      })
    })

    describe('the plan of a denied grant', () => {
      const planOfBytes = (bytes: number) => samplePlan(`read ${'x'.repeat(bytes)}`)
      const openWith = (plan: ReturnType<typeof samplePlan>, state: 'denied' | 'active') =>
        created({ plan, grant: { state, planHash: plan.hash } })

      test('is kept while it is small', async () => {
        const plan = planOfBytes(100)
        await openWith(plan, 'denied')
        expect(await ledger.getPlan(plan.hash)).toEqual(plan)
      })

      test('is kept by its hash alone when it is large, and whole once a grant stands on it', async () => {
        const plan = planOfBytes(5_000)
        const { grant } = await openWith(plan, 'denied')
        expect(await ledger.getPlan(plan.hash)).toBeUndefined()
        expect((await ledger.getGrant(grant.id))?.planHash).toBe(plan.hash)
        await openWith(plan, 'active')
        expect(await ledger.getPlan(plan.hash)).toEqual(plan)
        await openWith(plan, 'denied')
        expect(await ledger.getPlan(plan.hash)).toEqual(plan)
      })
    })

    describe('reports of an agent', () => {
      const report = (grant: Grant, count = 1) =>
        ledger.appendReports({
          grantId: grant.id,
          maxReports: 3,
          events: Array.from({ length: count }, () => ({
            ...sampleEvent(now, { grantId: grant.id }),
            type: 'agent.reported' as const,
          })),
        })
      const reportsOf = async (grant: Grant) =>
        (await ledger.trail(grant.id)).filter(({ type }) => type === 'agent.reported').length

      test('are taken until the total, and none of a call that goes beyond it', async () => {
        const { grant } = await created()
        await report(grant, 2)
        await expect(report(grant, 2)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
        await report(grant)
        await expect(report(grant)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
        expect(await reportsOf(grant)).toBe(3)
      })

      test('that come at the same time are counted together', async () => {
        const { grant } = await created()
        const answers = await Promise.allSettled(Array.from({ length: 5 }, () => report(grant)))
        expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
      })

      test('are taken while the grant is ending, and not once it is over', async () => {
        const { grant } = await created()
        const ending = await move(grant, 'ending', { to: { state: 'ending', reason: 'completed', dueAt: later(1) } })
        await report(ending)
        const ended = await move(ending, 'ended')
        await expect(report(ended)).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { state: 'ended' } })
        expect(await reportsOf(ended)).toBe(1)
      })
    })

    describe('a unit that fails', () => {
      test('harms none of its neighbours in the same commit, and leaves a whole chain', async () => {
        const { grant } = await created()
        const answers = await Promise.allSettled([
          created(),
          move(grant, 'denied'),
          created(),
          ledger.intendLease({
            grantId: grant.id,
            grantVersion: 1,
            lease: sampleLease(ids, now),
            events: [sampleEvent(new Date(Number.NaN))],
          }),
          // The first event is in the chain already when the second turns out to be none.
          ledger.appendEvents([sampleEvent(now), sampleEvent(new Date(Number.NaN))]),
          ledger.appendEvents([sampleEvent(now, { type: 'deny.written' })]),
        ])
        expect(answers.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
          'rejected',
          'rejected',
          'fulfilled',
        ])
        expect(await ledger.getGrant(grant.id)).toEqual(grant)
        expect((await ledger.countGrants()).active).toBe(3)
        expect(await ledger.countOpenGrants(AGENT)).toBe(3)
        expect(await verifyLedger(ledger)).toMatchObject({ verdict: 'unwitnessed', events: 8, chains: 1 })
      })

      test('undoes names, plans and decisions that it was the first to use', async () => {
        const fresh = {
          subject: 'spiffe://example.org/fresh',
          owner: 'fresh',
          decision: { ...PERMIT, policySetHash: '9' },
        }
        const plan = samplePlan('a fresh plan for a fresh agent')
        const broken = sampleOpen(ids, now, { grant: fresh, plan })
        const bad = { ...broken, events: [sampleEvent(new Date(Number.NaN))] }
        await expect(ledger.openGrant(bad)).rejects.toMatchObject({ code: 'INTERNAL' })
        expect(await ledger.getPlan(plan.hash)).toBeUndefined()
        const { grant } = await created({ grant: fresh, plan })
        expect(await ledger.getGrant(grant.id)).toMatchObject(fresh)
      })
    })

    describe('sweeping', () => {
      const settle =
        (reason: EndReason = 'deadline') =>
        () => ({ to: { state: 'ended', reason, endedAt: now, dueAt: null } as const, events: [] })

      test('hands out due grants only, the longest due first, with the records that belong to them', async () => {
        const second = await created({ grant: { dueAt: later(20) } })
        const first = await created({ grant: { dueAt: later(10) } })
        const waiting = await created({ grant: { state: 'awaiting_approval', dueAt: later(15) } })
        await created({ grant: { dueAt: later(31) } })
        const seen: { id: string; leases: readonly Lease[]; approval: string | undefined }[] = []
        const swept = await ledger.sweepGrants({
          now: later(30),
          limit: 10,
          settle: ({ grant, openLeases, approval }) => {
            seen.push({ id: grant.id, leases: openLeases, approval: approval?.state })
            return { to: { state: grant.state, dueAt: later(99) }, events: [] }
          },
        })
        expect(seen).toEqual([
          { id: first.grant.id, leases: [first.lease], approval: undefined },
          { id: waiting.grant.id, leases: [], approval: 'pending' },
          { id: second.grant.id, leases: [second.lease], approval: undefined },
        ])
        expect(swept.map(({ id, version }) => [id, version])).toEqual(seen.map(({ id }) => [id, 2]))
        expect(await ledger.sweepGrants({ now: later(30), limit: 10, settle: settle() })).toEqual([])
      })

      test('takes no more than its limit, and comes to all of them', async () => {
        for (let made = 0; made < 5; made++) await created({ grant: { dueAt: now } })
        const counts: number[] = []
        for (let round = 0; round < 4; round++) {
          counts.push((await ledger.sweepGrants({ now, limit: 2, settle: settle() })).length)
        }
        expect(counts).toEqual([2, 2, 1, 0])
        expect(await ledger.countGrants()).toMatchObject({ active: 0, ended: 5 })
        expect(await ledger.countOpenGrants(AGENT)).toBe(0)
      })

      test('hands over the deny entry', async () => {
        const ending = await denied('inline:x', later(10))
        await ledger.sweepGrants({
          now: later(10),
          limit: 1,
          settle: ({ deny }) => {
            expect(deny).toMatchObject({ grantId: ending.id, listKey: 'inline:x' })
            return settle('revoked')()
          },
        })
        expect(await ledger.getGrant(ending.id)).toMatchObject({ state: 'ended', reason: 'revoked' })
      })

      for (const { name, stuck } of [
        { name: 'would stay due', stuck: () => ({ to: { state: 'active', dueAt: now } as const, events: [] }) },
        { name: 'cannot go there', stuck: () => ({ to: { state: 'rejected', dueAt: null } as const, events: [] }) },
        {
          name: 'cannot be settled',
          stuck: () => {
            throw new TypeError('a mistake of ours')
          },
        },
      ]) {
        test(`sets a grant aside that ${name}, and moves the others`, async () => {
          const first = await created({ grant: { dueAt: now } })
          const second = await created({ grant: { dueAt: now } })
          const swept = (at: Date) =>
            ledger.sweepGrants({
              now: at,
              limit: 5,
              settle: ({ grant }) => (grant.id === first.grant.id ? stuck() : settle()()),
            })
          expect((await swept(now)).map(({ id }) => id)).toEqual([second.grant.id])
          expect(await ledger.getGrant(first.grant.id)).toEqual({ ...first.grant, dueAt: later(60_000) })
          expect(await ledger.sweepGrants({ now: later(59_999), limit: 5, settle: settle() })).toEqual([])
          expect(await ledger.sweepGrants({ now: later(60_000), limit: 5, settle: settle() })).toHaveLength(1)
          expect(await ledger.countGrants()).toMatchObject({ active: 0, ended: 2 })
        })
      }
    })

    describe('the deny list', () => {
      const written = (version: number, grantIds: string[], more: object = {}) =>
        ledger.denyWritten({
          listKey: `boundary:${ROLE}`,
          claimVersion: version,
          grantIds,
          removedGrantIds: [],
          at: later(5),
          events: [],
          ...more,
        })

      test('a deny list is claimed by one at a time, and by another after the claim', async () => {
        const grant = await denied()
        const first = await claim()
        expect(first).toMatchObject({ list: { claimVersion: 1, claimedBy: 'one' }, entries: [{ grantId: grant.id }] })
        expect(await claim()).toBeUndefined()
        expect(await claim(later(60_000))).toMatchObject({ list: { claimVersion: 2 } })
        await expect(written(1, [grant.id])).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
        await written(2, [grant.id])
        await expect(written(2, [grant.id])).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
      })

      /** A sweep that finds the leases of all due grants ended by the deny list. */
      const sweptByDeny = (ms: number, state: 'ending' | 'ended', dueAt: Date | null) =>
        ledger.sweepGrants({
          now: later(ms),
          limit: 5,
          settle: () => ({
            to: { state, reason: 'revoked', dueAt },
            endLeases: { end: 'cut', endedAt: later(ms) },
            events: [],
          }),
        })

      test('an entry is enforced only after it was written', async () => {
        const grant = await denied()
        await sweptByDeny(900_000, 'ending', later(900_001))
        expect(await ledger.findDenyEntry(grant.id)).not.toHaveProperty('enforcedAt')
        await claim()
        const wrote = { digest: 'what it says', sequence: 1 }
        await written(1, [grant.id], { watermark: later(3), wrote })
        await sweptByDeny(900_001, 'ended', null)
        expect(await ledger.findDenyEntry(grant.id)).toMatchObject({ writtenAt: later(5), enforcedAt: later(900_001) })
        // Claims are on record where several processes share the store.
        const lists = (await ledger.listDenyLists()).map(({ claims: _, ...list }) => list)
        expect(lists).toEqual([
          {
            key: `boundary:${ROLE}`,
            attempts: 0,
            lastWrittenAt: later(5),
            written: wrote,
            watermark: later(3),
            claimVersion: 1,
          },
        ])
        expect(await claim(later(99_000))).toBeUndefined()
      })

      test('a proof of the document enforces what it held by then, and makes the grants that are ending due', async () => {
        const [first, late, chained] = [
          await denied(),
          await denied(),
          await denied(undefined, undefined, { chains: true }),
        ]
        await claim()
        await written(1, [first.id, chained.id], { byWatermark: [chained.id] })
        await claim(later(70_000))
        await written(2, [first.id, late.id, chained.id], { byWatermark: [chained.id], at: later(70_000) })
        const proof = {
          listKey: `boundary:${ROLE}`,
          grantIds: [first.id, late.id, chained.id],
          events: [sampleEvent(now)],
        }
        await ledger.denyProven({ ...proof, writtenBy: later(69_999), at: later(71_000), now: later(71_002) })
        expect(await ledger.findDenyEntry(first.id)).toMatchObject({ enforcedAt: later(71_000), enforcedBy: 'canary' })
        expect(await ledger.getGrant(first.id)).toMatchObject({ dueAt: later(71_002) })
        expect(await claim(later(71_002))).toMatchObject({ list: { claimVersion: 3 } })
        for (const { id } of [late, chained]) {
          expect(await ledger.findDenyEntry(id)).not.toHaveProperty('enforcedAt')
          expect(await ledger.getGrant(id)).toMatchObject({ dueAt: later(900_000) })
        }
        await ledger.denyProven({ ...proof, writtenBy: later(70_000), at: later(72_000), now: later(72_000) })
        expect(await ledger.findDenyEntry(late.id)).toMatchObject({ enforcedAt: later(72_000) })
        // Once enforced, it stays as it was.
        expect(await ledger.findDenyEntry(first.id)).toMatchObject({ enforcedAt: later(71_000) })
      })

      test('a look after the time to settle enforces what the document has held since, and what is found changed begins anew', async () => {
        const [first, late] = [await denied(), await denied()]
        const ids = [first.id, late.id]
        await claim()
        await written(1, [first.id])
        await claim(later(20_000))
        await written(2, ids, { at: later(20_000), nextAttemptAt: later(30_000) })
        await claim(later(30_005))
        const nextAttemptAt = later(40_000)
        await written(3, ids, { at: later(30_005), now: later(30_007), settledBy: later(5), nextAttemptAt })
        expect(await ledger.findDenyEntry(first.id)).toMatchObject({
          writtenAt: later(5),
          enforcedAt: later(30_005),
          enforcedBy: 'settle_time',
        })
        expect(await ledger.getGrant(first.id)).toMatchObject({ dueAt: later(30_007) })
        expect(await ledger.findDenyEntry(late.id)).not.toHaveProperty('enforcedAt')
        await claim(later(40_000))
        await written(4, ids, { at: later(40_000), anewGrantIds: ids })
        for (const id of ids) {
          expect(await ledger.findDenyEntry(id)).toMatchObject({ writtenAt: later(40_000) })
          expect(await ledger.findDenyEntry(id)).not.toHaveProperty('enforcedAt')
        }
      })

      test('the documents of a list that has several are kept with it, and forgotten once it has one', async () => {
        const grant = await denied()
        const documents = [
          { key: 'inline:x', attempts: 0 },
          { key: 'attached:y', attempts: 2, lastError: 'AccessDenied', failingSince: later(3) },
          { key: 'attached:z', attempts: 0, written: { digest: 'd', sequence: 1 } },
        ]
        await claim()
        await written(1, [grant.id], { documents, nextAttemptAt: later(60_000) })
        for (const list of await ledger.listDenyLists()) expect(list.documents).toEqual(documents)
        expect((await claim(later(60_000)))?.list.documents).toEqual(documents)
        await written(2, [grant.id], { at: later(60_000) })
        for (const list of await ledger.listDenyLists()) expect(list).not.toHaveProperty('documents')
      })

      test('a deny list is read by its key, with the watermark that its last write left', async () => {
        const grant = await denied()
        await denied('a:other')
        await claim()
        await written(1, [grant.id], { watermark: later(3) })
        ledger = await fixture.reopen()
        expect(await ledger.getDenyList(`boundary:${ROLE}`)).toMatchObject({ watermark: later(3) })
        expect(await ledger.getDenyList('a:other')).not.toHaveProperty('watermark')
        expect(await ledger.getDenyList('nobody:wrote')).toBeUndefined()
      })

      test('a deny list with a deny that waits is claimed before those that are only looked at again (P10)', async () => {
        for (const key of ['a:one', 'a:two']) {
          const grant = await denied(key)
          await claim()
          await written(1, [grant.id], { listKey: key, nextAttemptAt: later(60_000) })
        }
        await denied('b:new', undefined, { wantedAt: later(61_000) })
        const keys: (string | undefined)[] = []
        for (let n = 0; n < 3; n++) keys.push((await claim(later(70_000)))?.list.key)
        expect(keys).toEqual(['b:new', 'a:one', 'a:two'])
      })

      test('what is wanted during a write makes the deny list due again', async () => {
        const first = await denied()
        await claim()
        const second = await denied()
        await written(1, [first.id])
        expect(await claim(later(5))).toMatchObject({
          entries: [{ grantId: first.id, writtenAt: later(5) }, { grantId: second.id }],
        })
      })

      test('a failed write waits until its next attempt, and is listed first', async () => {
        await denied()
        await denied('a:other')
        await claim()
        const fail = { listKey: `boundary:${ROLE}`, claimVersion: 1, error: 'AccessDenied', at: now }
        await ledger.denyFailed({ ...fail, nextAttemptAt: later(8_000), events: [sampleEvent(now)] })
        expect((await ledger.listDenyLists())[0]).toMatchObject({ attempts: 1, lastError: 'AccessDenied' })
        expect((await claim())?.list.key).toBe('a:other')
        expect(await claim()).toBeUndefined()
        expect(await claim(later(8_000))).toMatchObject({ list: { attempts: 1, claimVersion: 2 } })
      })

      test('an entry leaves with a write after its end, never before (P6)', async () => {
        const early = await denied(undefined, later(10))
        const live = await denied(undefined, later(900_000))
        const claimed = await claim(later(10))
        expect(claimed?.entries.map(({ grantId }) => grantId)).toEqual([early.id, live.id])
        await written(1, [live.id], { removedGrantIds: [early.id, live.id], at: later(10) })
        expect(await ledger.findDenyEntry(early.id)).toBeUndefined()
        // The document no longer holds a grant that is still live: it must be written again at once.
        expect(await ledger.findDenyEntry(live.id)).not.toHaveProperty('writtenAt')
        expect(await claim(later(10))).toMatchObject({ entries: [{ grantId: live.id }] })
      })

      test('a second wish for the same grant lengthens its entry', async () => {
        const grant = await denied(undefined, later(10))
        await claim()
        await written(1, [grant.id])
        const deny = { listKey: `boundary:${ROLE}`, wantedAt: later(6), until: later(20), lastIssuedAt: now }
        const again = await move(grant, 'ending', { deny })
        expect(await ledger.findDenyEntry(grant.id)).toMatchObject({
          wantedAt: now,
          until: later(20),
          writtenAt: later(5),
        })
        await move(again, 'ending', { deny: { ...deny, lastIssuedAt: later(4) } })
        expect(await ledger.findDenyEntry(grant.id)).not.toHaveProperty('writtenAt')
      })
    })

    describe('lists', () => {
      const all = async <T>(read: (cursor?: string) => Promise<{ items: readonly T[]; nextCursor?: string }>) => {
        const items: T[] = []
        for (let page = await read(); ; page = await read(page.nextCursor)) {
          items.push(...page.items)
          if (page.nextCursor === undefined) return items
        }
      }

      test('give every grant once, newest first, whatever the page size', async () => {
        const made: string[] = []
        for (const ms of [5, 1, 3, 3, 3, 2, 9])
          made.push((await created({ grant: { requestedAt: later(ms) } })).grant.id)
        for (const limit of [1, 2, 3, 7, 200]) {
          const found = await all((cursor) => ledger.listGrants({}, { limit, ...(cursor ? { cursor } : {}) }))
          expect(found.map(({ requestedAt }) => requestedAt.getTime() - now.getTime())).toEqual([9, 5, 3, 3, 3, 2, 1])
          expect(new Set(found.map(({ id }) => id))).toEqual(new Set(made))
        }
      })

      test('filter by subject, owner, role, state and time, alone and together', async () => {
        const subjects = ['spiffe://example.org/a', 'spiffe://example.org/b']
        const owners = ['x', 'y']
        const roles = [ROLE, 'arn:aws:iam::123456789012:role/other']
        const grants: Grant[] = []
        for (let n = 0; n < 24; n++) {
          const grant = {
            subject: subjects[n % 2] ?? '',
            owner: owners[Math.floor(n / 2) % 2] ?? '',
            roleArn: roles[Math.floor(n / 4) % 2] ?? '',
            state: n % 3 === 0 ? 'denied' : 'active',
            requestedAt: later(n),
          } as const
          grants.unshift((await created({ grant })).grant)
        }
        for (const filter of [
          { subject: subjects[0] },
          { owner: 'y' },
          { roleArn: roles[1] },
          { state: 'denied' },
          { subject: subjects[1], state: 'active' },
          { subject: subjects[1], owner: 'x', roleArn: ROLE, state: 'active' },
          { requestedAfter: later(5), requestedBefore: later(9) },
          { owner: 'x', requestedBefore: later(20), requestedAfter: later(2) },
          { subject: 'spiffe://example.org/nobody' },
        ] as Parameters<Ledger['listGrants']>[0][]) {
          const found = await all((cursor) => ledger.listGrants(filter, { limit: 2, ...(cursor ? { cursor } : {}) }))
          const { requestedAfter, requestedBefore, ...equal } = filter
          const expected = grants.filter(
            (grant) =>
              Object.entries(equal).every(([key, value]) => grant[key as keyof Grant] === value) &&
              (!requestedAfter || grant.requestedAt > requestedAfter) &&
              (!requestedBefore || grant.requestedAt < requestedBefore),
          )
          expect(found).toEqual(expected)
        }
      })

      for (const { name, page } of [
        { name: 'a cursor of nonsense', page: { limit: 5, cursor: 'nonsense' } },
        { name: 'an empty cursor', page: { limit: 5, cursor: '' } },
        {
          name: 'a cursor of another list',
          page: { limit: 5, cursor: Buffer.from('approvals 1 1').toString('base64url') },
        },
        {
          name: 'a cursor beyond all numbers',
          page: { limit: 5, cursor: Buffer.from(`grants ${'9'.repeat(16)} 1`).toString('base64url') },
        },
        {
          name: 'a cursor with SQL in it',
          page: { limit: 5, cursor: Buffer.from("grants 1 1' OR 1=1").toString('base64url') },
        },
        { name: 'a limit of 0', page: { limit: 0 } },
        { name: 'a limit of 201', page: { limit: 201 } },
        { name: 'half a row', page: { limit: 1.5 } },
      ]) {
        test(`refuse ${name}`, () =>
          expect(ledger.listGrants({}, page)).rejects.toMatchObject({ code: 'REQUEST_INVALID' }))
      }

      test('of approvals page by state, newest first', async () => {
        const first = await created({ grant: { state: 'awaiting_approval' } })
        await created({ grant: { state: 'awaiting_approval' } })
        await move(first.grant, 'rejected', { approval: { state: 'rejected', decidedBy: 'ada', decidedAt: now } })
        const pending = await ledger.listApprovals({ state: 'pending' }, { limit: 10 })
        expect(pending.items).toHaveLength(1)
        const everything = await all((cursor) => ledger.listApprovals({}, { limit: 1, ...(cursor ? { cursor } : {}) }))
        expect(everything.map(({ state }) => state).sort()).toEqual(['pending', 'rejected'])
        expect(await ledger.getApproval(everything[0]?.id ?? '')).toEqual(everything[0])
      })

      test('of approvals tell those that were voided from those that were rejected', async () => {
        const [voided, rejected] = [await waiting(), await waiting()]
        const why = {
          reason: 'policy_denied' as const,
          planHash: '0'.repeat(64),
          changes: ['The session policy differs.'],
        }
        await move(voided, 'rejected', { approval: { state: 'voided', decidedAt: now, voided: why } })
        await move(rejected, 'rejected', { approval: { state: 'rejected', decidedBy: 'ada', decidedAt: now } })
        const found = async (state: 'voided' | 'rejected') =>
          (await ledger.listApprovals({ state }, { limit: 10 })).items.map(({ grantId }) => grantId)
        expect([await found('voided'), await found('rejected')]).toEqual([[voided.id], [rejected.id]])
        expect(await ledger.findApproval(voided.id)).toMatchObject({ state: 'voided', voided: why })
      })

      describe('the last approved grant before one', () => {
        const OTHER_ROLE = 'arn:aws:iam::123456789012:role/stint/other'
        const asked = (ms: number, grant: Partial<Grant> = {}) =>
          created({ grant: { state: 'awaiting_approval', requestedAt: later(ms), ...grant } })
        const approved = async (ms: number, grant: Partial<Grant> = {}) => {
          const opened = await asked(ms, grant)
          const to = { state: 'active', activeAt: now, deadline: later(900_000), dueAt: later(900_000) } as const
          const approval = { state: 'approved', decidedBy: 'operator:ada', decidedAt: now } as const
          return move(opened.grant, 'active', { to, approval })
        }
        const found = async (grant: Grant) => (await ledger.findLastApproved(grant))?.grant.id

        test('is the newest one, with its approval', async () => {
          await approved(1)
          const last = await approved(2)
          const { grant } = await asked(3)
          const answer = await ledger.findLastApproved(grant)
          expect(answer?.grant).toEqual(last)
          expect(answer?.approval).toMatchObject({ grantId: last.id, state: 'approved', decidedBy: 'operator:ada' })
        })

        for (const { name, others } of [
          { name: 'one that still waits', others: () => asked(1) },
          { name: 'one that needed no approval', others: () => created({ grant: { requestedAt: later(1) } }) },
          { name: 'one of another role', others: () => approved(1, { roleArn: OTHER_ROLE }) },
          { name: 'one that was asked for later', others: () => approved(4) },
          {
            name: 'one of another agent under another registration',
            others: () => approved(1, { subject: `${AGENT}-2`, registration: 'other' }),
          },
          {
            name: 'one that was rejected',
            others: async () => {
              const rejected = await asked(1)
              const approval = { state: 'rejected', decidedBy: 'operator:ada', decidedAt: now } as const
              await move(rejected.grant, 'rejected', { approval })
            },
          },
        ])
          test(`is not ${name}`, async () => {
            await others()
            const { grant } = await asked(3)
            expect(await found(grant)).toBeUndefined()
          })

        test('of another agent under the same registration counts only without one of its own', async () => {
          const own = await approved(1)
          const other = await approved(2, { subject: `${AGENT}-2` })
          const { grant } = await asked(3)
          const third = await asked(4, { subject: `${AGENT}-3` })
          expect([await found(grant), await found(third.grant)]).toEqual([own.id, other.id])
        })

        test('is not the grant itself, also once it is decided', async () => {
          expect(await found(await approved(1))).toBeUndefined()
        })
      })

      test('the first request of an agent is told by its oldest grant', async () => {
        for (const ms of [7, 2, 5]) await created({ grant: { requestedAt: later(ms) } })
        expect(await ledger.firstRequestedAt(AGENT)).toEqual(later(2))
        expect(await ledger.firstRequestedAt(`${AGENT}-of-nobody`)).toBeUndefined()
      })

      test('tell what an agent withdrew from what a person rejected, in lists, pages and counters', async () => {
        const ofState = (state: GrantState, more: object = {}) =>
          all((cursor) => ledger.listGrants({ state, ...more }, { limit: 1, ...(cursor ? { cursor } : {}) }))
        const idsOf = (found: readonly { id: string }[]) => found.map(({ id }) => id)
        const endings = ['rejected', 'withdrawn', 'withdrawn', 'rejected', 'withdrawn'] as const
        const moved: Grant[] = []
        for (const state of endings) {
          const { grant } = await created({ grant: { state: 'awaiting_approval' } })
          moved.push(await move(grant, state, { approval: { state, decidedBy: 'ada', decidedAt: now } }))
        }
        for (const state of ['rejected', 'withdrawn'] as const) {
          const expected = idsOf(moved.filter((grant) => grant.state === state)).reverse()
          expect(idsOf(await ofState(state))).toEqual(expected)
          expect(idsOf(await ofState(state, { subject: AGENT }))).toEqual(expected)
          const approvals = await all((cursor) =>
            ledger.listApprovals({ state }, { limit: 1, ...(cursor ? { cursor } : {}) }),
          )
          expect(approvals.map(({ grantId }) => grantId)).toEqual(expected)
        }
        expect(moved.map(({ reason }) => reason)).toEqual(endings.map(() => undefined))
        expect(await ledger.countGrants()).toMatchObject({ rejected: 2, withdrawn: 3, awaiting_approval: 0 })
        expect(await ledger.countOpenGrants(AGENT)).toBe(0)
        await ledger.prune({ before: later(1), now: later(1), limit: 10 })
        expect(await ledger.countGrants()).toMatchObject({ rejected: 0, withdrawn: 0 })
      })

      test('of unregistered identities count attempts and keep the latest three', async () => {
        const note = (subject: string, ms: number) =>
          ledger.noteUnregistered({
            subject: `spiffe://example.org/${subject}`,
            trustDomain: 'example.org',
            authMethod: 'x509-svid',
            reason: 'AGENT_UNREGISTERED',
            at: later(ms),
            event: sampleEvent(now, { type: 'agent.refused' }),
          })
        for (const [subject, ms] of [
          ['a', 1],
          ['b', 2],
          ['c', 3],
          ['a', 4],
          ['d', 5],
        ] as const)
          await note(subject, ms)
        const found = await all((cursor) => ledger.listUnregistered({ limit: 2, ...(cursor ? { cursor } : {}) }))
        expect(found.map(({ subject, count }) => [subject.at(-1), count])).toEqual([
          ['d', 1],
          ['a', 2],
          ['c', 1],
        ])
        expect(found[1]).toMatchObject({ firstSeenAt: later(1), lastSeenAt: later(4) })
        expect(await recordOf(ledger)).toHaveLength(5)
      })
    })

    describe('a bearer token', () => {
      const use = (more: Partial<TokenUse> = {}): TokenUse => ({
        key: 'token',
        until: later(1_000),
        reuse: 'connection',
        by: 'request',
        connectionId: 'con_1',
        at: now,
        caller: { subject: AGENT, evidence: {} },
        ...more,
      })
      /** Opens a grant, with a lease, on a token. */
      const mint = (token: TokenUse, more: Parameters<typeof sampleOpen>[2] = {}) =>
        ledger.openGrant({ ...sampleOpen(ids, now, more), token })
      const renew = async (grant: Grant, token: TokenUse) => {
        const { version } = (await ledger.getGrant(grant.id)) ?? grant
        const lease = sampleLease(ids, now)
        return ledger.intendLease({ grantId: grant.id, grantVersion: version, lease, token, events: [] })
      }
      const replayed = (check: string, more: object = {}) => ({
        code: 'TOKEN_REPLAYED',
        details: expect.objectContaining({ check, ...more }),
      })

      describe('with reuse: connection', () => {
        test('mints as often as wanted by one connection, and by no other one while that is open', async () => {
          const { grant } = await mint(use())
          await mint(use())
          await renew(grant, use({ by: 'renewal' }))
          const heads = await ledger.auditHeads()
          const sides = {
            connectionId: 'con_2',
            ownerConnectionId: 'con_1',
            ownerReplica: expect.stringMatching(/^rpl_/),
          }
          const thief = use({ connectionId: 'con_2' })
          await expect(mint(thief)).rejects.toMatchObject(replayed('connection', sides))
          await expect(renew(grant, { ...thief, by: 'renewal' })).rejects.toMatchObject(replayed('connection', sides))
          expect(await ledger.auditHeads()).toEqual(heads)
          expect((await ledger.countGrants()).active).toBe(2)
        })

        test('is taken over by one connection once its own has closed, with an event', async () => {
          await mint(use())
          await ledger.connectionClosed({ connectionId: 'con_1', at: now })
          const rivals = ['con_2', 'con_3'].map((connectionId) => mint(use({ connectionId })))
          const [first, second] = await Promise.allSettled(rivals)
          expect(first).toMatchObject({ status: 'fulfilled' })
          expect(second).toMatchObject({ reason: replayed('connection', { ownerConnectionId: 'con_2' }) })
          const moves = (await recordOf(ledger)).filter(({ type }) => type === 'token.moved')
          expect(moves.map(({ data }) => data)).toMatchObject([
            { from: { connectionId: 'con_1' }, to: { connectionId: 'con_2' }, move: 1 },
          ])
        })

        test('is taken over after a restart, since the replica of before is silent', async () => {
          const { grant } = await mint(use())
          ledger = await fixture.reopen()
          await renew(grant, use({ by: 'renewal', connectionId: 'con_2' }))
          await expect(renew(grant, use({ connectionId: 'con_3' }))).rejects.toMatchObject(replayed('connection'))
        })

        test('moves eight times and no more', async () => {
          for (let n = 1; n <= 9; n += 1) {
            await mint(use({ connectionId: `con_${n}` }))
            await ledger.connectionClosed({ connectionId: `con_${n}`, at: now })
          }
          await expect(mint(use({ connectionId: 'con_10' }))).rejects.toMatchObject(replayed('moves'))
        })

        test('is not bound to a connection that is on record as closed', async () => {
          await mint(use())
          await ledger.connectionClosed({ connectionId: 'con_1', at: now })
          await expect(mint(use({ key: 'other' }))).rejects.toMatchObject({ code: 'CANCELLED' })
          await mint(use({ key: 'other', connectionId: 'con_2' }))
        })

        test('is taken over with a compare, also when it is bound to several connections at once', async () => {
          const answers = await Promise.allSettled(
            Array.from({ length: 20 }, (_, n) => mint(use({ connectionId: `con_${n}` }))),
          )
          expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
          expect((await ledger.countGrants()).active).toBe(1)
        })
      })

      describe('with reuse: never', () => {
        const once = (more: Partial<TokenUse> = {}) => use({ reuse: 'never', ...more })

        test('mints for one grant, and for no other, by whatever connection', async () => {
          const { grant } = await mint(once())
          for (const connectionId of ['con_1', 'con_2']) {
            const refused = mint(once({ connectionId }))
            await expect(refused).rejects.toMatchObject(replayed('spent', { grantId: grant.id, connectionId }))
          }
          await ledger.connectionClosed({ connectionId: 'con_1', at: now })
          await expect(mint(once({ connectionId: 'con_3' }))).rejects.toMatchObject(replayed('spent'))
          expect((await ledger.countGrants()).active).toBe(1)
        })

        test('may come back with the request of the same grant, and not for its renewal', async () => {
          const { grant } = await mint(once())
          await renew(grant, once({ by: 'request', connectionId: 'con_2' }))
          await expect(renew(grant, once({ by: 'renewal' }))).rejects.toMatchObject(replayed('spent'))
        })

        for (const { name, settle, again } of [
          { name: 'was not minted', settle: { to: 'ended', end: 'not_minted', endedAt: new Date(0) }, again: true },
          { name: 'has an unknown outcome', settle: { to: 'unknown' }, again: true },
          { name: 'was issued', settle: { to: 'issued', accessKeyId: 'ASIAX', issuedAt: new Date(0) }, again: false },
          { name: 'is under way', settle: undefined, again: false },
        ] as const) {
          test(`${again ? 'may' : 'may not'} come back for a renewal whose lease ${name}`, async () => {
            const { grant } = await created()
            const { lease } = await renew(grant, once({ by: 'renewal' }))
            if (settle) await ledger.settleLease({ leaseId: lease.id, events: [], ...settle })
            const back = renew(grant, once({ by: 'renewal' }))
            if (again) expect((await back).lease.number).toBe(3)
            else await expect(back).rejects.toMatchObject(replayed('spent'))
          })
        }

        test('of many grants at once on one token one is opened', async () => {
          const answers = await Promise.allSettled(Array.from({ length: 20 }, () => mint(once())))
          expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
          expect((await ledger.countGrants()).active).toBe(1)
        })
      })

      // Whoever has copied the token must not collect what a person has said yes to.
      test('with reuse: connection belongs to the connection whose grant waits for a person', async () => {
        await mint(use({ reuse: 'connection' }), { grant: { state: 'awaiting_approval' } })
        await expect(mint(use({ reuse: 'connection', connectionId: 'con_2' }))).rejects.toMatchObject({
          code: 'TOKEN_REPLAYED',
          details: { check: 'connection' },
        })
        await ledger.connectionClosed({ connectionId: 'con_1', at: now })
        await mint(use({ reuse: 'connection', connectionId: 'con_2' }))
      })

      for (const { reuse, unspent } of [
        { reuse: 'connection', unspent: ['denied'] },
        { reuse: 'never', unspent: ['awaiting_approval', 'denied'] },
      ] as const) {
        test(`with reuse: ${reuse} is not spent by a grant that is ${unspent.join(' or ')}, and is looked at all the same`, async () => {
          for (const state of unspent) await mint(use({ reuse }), { grant: { state } })
          const { grant } = await mint(use({ reuse, connectionId: 'con_2' }))
          for (const state of ['awaiting_approval', 'denied', 'active'] as const)
            await expect(mint(use({ reuse }), { grant: { state } })).rejects.toMatchObject({ code: 'TOKEN_REPLAYED' })
          expect(grant.state).toBe('active')
        })
      }

      for (const reuse of ['connection', 'never'] as const) {
        test(`with reuse: ${reuse} is not spent by a lease that could not be intended`, async () => {
          const { grant } = await created()
          const stale = { grantId: grant.id, grantVersion: 9, lease: sampleLease(ids, now), events: [] }
          await expect(ledger.intendLease({ ...stale, token: use({ reuse }) })).rejects.toMatchObject({
            code: 'LEDGER_CONFLICT',
          })
          await mint(use({ reuse, connectionId: 'con_2' }))
        })

        test(`with reuse: ${reuse} is forgotten when it has ended`, async () => {
          await mint(use({ reuse }))
          const later1 = { reuse, at: later(1_000), until: later(2_000), connectionId: 'con_2' }
          await mint(use(later1))
          await expect(mint(use({ ...later1, connectionId: 'con_3' }))).rejects.toMatchObject({
            code: 'TOKEN_REPLAYED',
          })
        })
      }
    })

    test('pruning forgets what ended before, and neither live grants, denied ones nor the record', async () => {
      const live = await created()
      const plan = samplePlan('a plan that only the old grant uses')
      const old = await created({ plan })
      await move(old.grant, 'ended', {
        to: { state: 'ended', reason: 'completed', endedAt: now, dueAt: null },
        endLeases: { end: 'expired', endedAt: now },
      })
      const held = await denied()
      await move(held, 'ended', {
        to: { state: 'ended', reason: 'revoked', endedAt: now, dueAt: null },
        endLeases: { end: 'cut', endedAt: now },
      })
      const token = {
        key: 'jti',
        until: later(1),
        reuse: 'never',
        by: 'renewal',
        connectionId: 'con_1',
        at: now,
      } as const
      const { version } = live.grant
      await ledger.intendLease({
        grantId: live.grant.id,
        grantVersion: version,
        lease: sampleLease(ids, now),
        token: { ...token, caller: { subject: AGENT, evidence: {} } },
        events: [],
      })
      live.grant = (await ledger.getGrant(live.grant.id)) ?? live.grant
      const heads = await ledger.auditHeads()
      expect(await ledger.prune({ before: now, now, limit: 10 })).toEqual({ grants: 0, tokens: 0 })
      expect(await ledger.prune({ before: later(1), now: later(1), limit: 10 })).toEqual({ grants: 1, tokens: 1 })
      expect(await ledger.getGrant(old.grant.id)).toBeUndefined()
      expect(await ledger.getPlan(plan.hash)).toBeUndefined()
      expect(await ledger.listLeases(old.grant.id)).toEqual([])
      expect(await ledger.getGrant(live.grant.id)).toEqual(live.grant)
      expect(await ledger.getGrant(held.id)).toMatchObject({ state: 'ended' })
      expect(await ledger.countGrants()).toMatchObject({ active: 1, ended: 1 })
      expect(await ledger.auditHeads()).toEqual(heads)
      expect(await ledger.trail(old.grant.id)).toHaveLength(3)
    })

    test('the trail of a grant is its events in order, each in the chain of its writer', async () => {
      const { grant, lease } = await created()
      await created()
      await move(grant, 'ended')
      const trail = await ledger.trail(grant.id)
      expect(trail.map(({ type, seq }) => [type, seq])).toEqual([
        ['grant.requested', 2],
        ['lease.intended', 3],
        ['grant.ended', 6],
      ])
      expect(trail[1]).toMatchObject({ leaseId: lease.id, grantId: grant.id, at: now, actor: AGENT })
      const events = await recordOf(ledger)
      expect(trail).toEqual(events.filter(({ grantId }) => grantId === grant.id))
    })

    test('an event of a type that only a later version knows is read as it was written', async () => {
      await ledger.appendEvents([sampleEvent(now, { type: LATER_TYPE, data: { to: ['somebody'] } })])
      ledger = await fixture.reopen()
      const [event] = await recordOf(ledger)
      expect(event).toMatchObject({ type: LATER_TYPE, at: now, actor: AGENT, data: { to: ['somebody'] } })
    })

    test('an event carries the ids of the call that caused it, whoever shares its commit, and the chain holds them', async () => {
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
      await Promise.all([
        duringCall({ requestId: 'one', traceId }, () => ledger.appendEvents([sampleEvent(now)])),
        duringCall({ requestId: 'two' }, () => ledger.openGrant(sampleOpen(ids, now))),
        ledger.appendEvents([sampleEvent(now)]),
      ])
      ledger = await fixture.reopen()
      const events = await recordOf(ledger)
      expect(events.map((event) => [event.requestId, event.traceId])).toEqual([
        ['one', traceId],
        ['two', undefined],
        ['two', undefined],
        [undefined, undefined],
      ])
      expect((await verifyLedger(ledger)).problem).toBeUndefined()
      const all = await allEvents(ledger)
      for (const change of [{ requestId: 'six' }, { traceId: 'f'.repeat(32) }]) {
        const changed = all.map((event) => (event.requestId === 'one' ? { ...event, ...change } : event))
        const { problem } = await walkChains(changed.map(unverifiedEvent))
        expect(problem).toMatchObject({ kind: 'edited' })
      }
    })

    test('every opening writes a chain of its own, which begins by naming the end of the one before', async () => {
      await created()
      ledger = await fixture.reopen()
      await ledger.appendEvents([
        sampleEvent(now),
        sampleEvent(now, { type: LATER_TYPE, data: { deep: [1, { b: 2, a: null }] } }),
      ])
      const events = await allEvents(ledger)
      expect(events.map(({ type, seq }) => [type, seq])).toEqual([
        ['chain.opened', 1],
        ['grant.requested', 2],
        ['lease.intended', 3],
        ['chain.closed', 4],
        ['chain.opened', 1],
        [events[5]?.type, 2],
        [LATER_TYPE, 3],
      ])
      const [first, second] = [events[0]?.chain, events[4]?.chain]
      expect(first).toMatch(/^rpl_/)
      expect(second).not.toBe(first)
      expect(events.map(({ chain }) => chain)).toEqual([first, first, first, first, second, second, second])
      expect(events[0]?.data).toEqual({ heads: [] })
      expect(events[4]?.data).toEqual({ heads: [{ chain: first, seq: 4, hash: events[3]?.hash }] })
      expect(await ledger.auditHeads()).toEqual({
        position: events[6]?.position,
        heads: [{ chain: second, seq: 3, hash: events[6]?.hash }],
      })
      expect(await verifyLedger(ledger)).toMatchObject({
        verdict: 'unwitnessed',
        events: 7,
        chains: 2,
        unwitnessed: [{ chain: second, afterSeq: 0, events: 3 }],
      })
    })

    test('what records nothing leaves no chain, and closing it leaves none', async () => {
      ledger = await fixture.reopen()
      ledger = await fixture.reopen()
      await ledger.nameHeads({ at: now })
      expect(await allEvents(ledger)).toEqual([])
      expect(await ledger.auditHeads()).toEqual({ position: 0, heads: [] })
    })

    test('the end of a chain is named once, by whoever comes first', async () => {
      await created()
      ledger = await fixture.reopen()
      await ledger.nameHeads({ at: later(1) })
      await ledger.nameHeads({ at: later(2) })
      const types = (await allEvents(ledger)).map(({ type }) => type)
      expect(types.slice(-2)).toEqual(['chain.closed', 'chain.opened'])
      ledger = await fixture.reopen()
      expect(await verifyLedger(ledger)).toMatchObject({ verdict: 'unwitnessed', chains: 2 })
    })

    test('an event that is undone leaves no chain behind, and the next one begins it', async () => {
      const refused = ledger.openGrant(sampleOpen(ids, now, { grant: { state: 'ending' } }))
      const kept = ledger.appendEvents([sampleEvent(now)])
      await expect(refused).rejects.toMatchObject({ code: 'INTERNAL' })
      await kept
      expect((await allEvents(ledger)).map(({ seq }) => seq)).toEqual([1, 2])
      expect((await verifyLedger(ledger)).problem).toBeUndefined()
    })

    test('a closed ledger has finished what was in hand, and refuses the rest', async () => {
      const inHand = created()
      await ledger.close()
      const { grant } = await inHand
      await expect(created()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
      await expect(ledger.nameHeads({ at: now })).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
      await expect(ledger.getGrant(grant.id)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
      ledger = await fixture.reopen()
      expect(await ledger.getGrant(grant.id)).toEqual(grant)
    })
  })
}
