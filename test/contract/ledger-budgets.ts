import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ids } from '../../src/core/ids.ts'
import type { BudgetDraw } from '../../src/ledger/budgets/budget-records.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Grant } from '../../src/ledger/records.ts'
import { AGENT, sampleOpen } from '../support/ledger-records.ts'
import type { LedgerFixture } from './ledger.ts'

/** What every implementation of `Ledger` does with budgets. */
export function budgetContract(name: string, open: () => Promise<LedgerFixture>): void {
  describe(`${name} with budgets`, () => {
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

    const team = { kind: 'team', name: 'data' } as const
    const draw = (limits: BudgetDraw['limits'], holder: BudgetDraw['holder'] = team): BudgetDraw => ({
      ...{ budget: `b-${holder.kind}`, holder, limits },
    })
    const ask = (draws: readonly BudgetDraw[], grant: Partial<Grant> = {}) =>
      ledger.openGrant({
        ...sampleOpen(ids, now, { grant }),
        budgets: { draws, isDestructive: false, recordBytes: 10 },
      })
    const end = ({ id, version }: Grant) =>
      ledger.moveGrant({
        ...{ grantId: id, expectedVersion: version, events: [] },
        to: { state: 'ended', reason: 'completed', endedAt: now, dueAt: null },
      })

    test.each([
      { holder: team, mine: {}, others: { team: 'web' } },
      { holder: { kind: 'owner', name: 'data-team@example.org' }, mine: {}, others: { owner: 'bob' } },
      { holder: { kind: 'agent', name: AGENT }, mine: {}, others: { subject: `${AGENT}-2` } },
    ] as const)(
      'counts the live grants of one $holder.kind, and one that ends makes room',
      async ({ holder, others }) => {
        const limit = [draw({ liveGrants: 2 }, holder)]
        await ask([], others)
        const { grant } = await ask(limit)
        await ask(limit)
        await expect(ask(limit)).rejects.toMatchObject({
          code: 'BUDGET_EXCEEDED',
          details: { measure: 'liveGrants', used: 2, limit: 2, holder: `${holder.kind} ${holder.name}` },
        })
        await end(grant)
        expect((await ask(limit)).kind).toBe('created')
      },
    )

    test('counts the questions that wait', async () => {
      const limit = [draw({ approvalsPending: 1 })]
      await ask(limit, { state: 'awaiting_approval' })
      await expect(ask(limit, { state: 'awaiting_approval' })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
      expect((await ask(limit)).kind).toBe('created')
    })

    test('of calls at once, as many are let through as fit', async () => {
      const limits = [
        draw({ grantsPerHour: 5, liveGrants: 7 }),
        draw({ liveGrants: 20 }, { kind: 'agent', name: AGENT }),
      ]
      const asked = await Promise.allSettled(Array.from({ length: 30 }, () => ask(limits)))
      expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
      expect(await ledger.countOpenGrants(AGENT)).toBe(5)
    })

    test('a request that one budget refuses draws on none', async () => {
      const [room, none] = [draw({ grantsPerHour: 5 }), draw({ grantsPerHour: 0 }, { kind: 'agent', name: AGENT })]
      await expect(ask([room, none])).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED', details: { budget: 'b-agent' } })
      expect((await ledger.listBudgetMeters({ limit: 10 })).items).toEqual([])
      expect((await ledger.countGrants()).active).toBe(0)
    })

    test('a repeat is answered, and draws nothing', async () => {
      const limit = [draw({ grantsPerHour: 1 })]
      await ask(limit, { idempotencyKey: 'key-of-one' })
      expect((await ask(limit, { idempotencyKey: 'key-of-one' })).kind).toBe('existing')
    })

    test('the meters are listed by pages in the order of their first use, with the counts of their holders', async () => {
      await ask([draw({ grantsPerHour: 5 })], { state: 'awaiting_approval' })
      await ask([draw({ grantsPerHour: 5 }), draw({ grantsPerHour: 9 }, { kind: 'agent', name: AGENT })])
      const first = await ledger.listBudgetMeters({ limit: 1 })
      expect(first.items).toMatchObject([{ key: 'b-team team data', live: 2, pending: 1 }])
      const cursor = first.nextCursor ?? ''
      const second = await ledger.listBudgetMeters({ limit: 1, cursor })
      expect(second.items).toMatchObject([{ key: `b-agent agent ${AGENT}`, live: 2, pending: 1 }])
      expect(second.nextCursor).toBeUndefined()
    })

    test('a meter goes when nothing in it counts any more', async () => {
      await ask([draw({ grantsPerHour: 5 })])
      const later = new Date(now.getTime() + 26 * 3_600_000)
      await ledger.prune({ before: now, now: later, limit: 10 })
      expect((await ledger.listBudgetMeters({ limit: 10 })).items).toEqual([])
    })
  })
}
