import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasCode } from '../../src/core/errors.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { GRANT_STATES, type GrantState, type LeaseState } from '../../src/ledger/records.ts'
import { recordOf, verifyLedger } from '../support/audit-record.ts'
import { sampleEvent, sampleLease, sampleOpen } from '../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'

/** The states in DESIGN's picture, written down a second time. */
const NEXT: Record<GrantState, GrantState[]> = {
  denied: [],
  awaiting_approval: ['awaiting_approval', 'rejected', 'withdrawn', 'approval_expired', 'active'],
  rejected: [],
  withdrawn: [],
  approval_expired: [],
  active: ['active', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: [],
}

interface ModelGrant {
  id: string
  key: string
  state: GrantState
  version: number
  leases: { id: string; state: LeaseState; key?: string }[]
}

interface Model {
  grants: ModelGrant[]
  events: number
}

interface Real {
  readonly tmp: TmpLedger
  ledger: Ledger
}

type Command = fc.AsyncCommand<Model, Real>
/** One thing that is done to both; it says what the model expects to have been refused. */
function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name }
}

async function refusedAs<T>(refused: boolean, act: () => Promise<T>): Promise<T | undefined> {
  try {
    const done = await act()
    expect(refused).toBe(false)
    return done
  } catch (error) {
    if (!refused || !hasCode(error, 'LEDGER_CONFLICT')) throw error
    return undefined
  }
}

const open = fc
  .record({ key: fc.integer({ max: 12, min: 0 }), state: fc.constantFrom('denied', 'awaiting_approval', 'active') })
  .map(({ key, state }) =>
    command(`open(${key}, ${state})`, async (model, { ledger, tmp }) => {
      const known = model.grants.find((grant) => grant.key === `k${key}`)
      const input = sampleOpen(tmp.ids, tmp.clock.now(), { grant: { idempotencyKey: `k${key}`, state } })
      const answer = await ledger.openGrant(input)
      expect(answer.kind).toBe(known ? 'existing' : 'created')
      if (known) return expect(answer.grant.id).toBe(known.id)
      const leases = input.lease ? [{ id: input.lease.id, state: 'intended' as const }] : []
      model.grants.push({ id: input.grant.id, key: `k${key}`, state, version: 1, leases })
      model.events += input.events.length
    }),
  )

const move = fc
  .record({ nth: fc.nat(), to: fc.constantFrom(...GRANT_STATES), stale: fc.boolean(), endLeases: fc.boolean() })
  .map(({ nth, to, stale, endLeases }) =>
    command(`move(${nth}, ${to}${stale ? ', stale' : ''}${endLeases ? ', endLeases' : ''})`, async (model, real) => {
      const grant = model.grants[nth % model.grants.length]
      if (!grant) return
      const now = real.tmp.clock.now()
      const moved = await refusedAs(stale || !NEXT[grant.state].includes(to), () =>
        real.ledger.moveGrant({
          grantId: grant.id,
          expectedVersion: grant.version - (stale ? 1 : 0),
          to: { state: to, dueAt: null },
          ...(endLeases ? { endLeases: { end: 'expired', endedAt: now } } : {}),
          events: [sampleEvent(now, { grantId: grant.id })],
        }),
      )
      if (!moved) return
      grant.state = to
      grant.version += 1
      if (endLeases) for (const lease of grant.leases) lease.state = 'ended'
      model.events += 1
    }),
  )

const intend = fc.nat().map((nth) =>
  command(`intend(${nth})`, async (model, { ledger, tmp }) => {
    const grant = model.grants[nth % model.grants.length]
    if (!grant) return
    const now = tmp.clock.now()
    const lease = sampleLease(tmp.ids, now)
    const done = await refusedAs(grant.state !== 'active', () =>
      ledger.intendLease({ grantId: grant.id, grantVersion: grant.version, lease, events: [sampleEvent(now)] }),
    ).catch((error) => {
      // A grant that was approved without a deadline has no leases.
      if (!hasCode(error, 'INTERNAL')) throw error
    })
    if (!done) return
    grant.leases.push({ id: lease.id, state: 'intended' })
    grant.version += 1
    model.events += 1
  }),
)

const settle = fc
  .record({ nth: fc.nat(), to: fc.constantFrom('issued' as const, 'ended' as const), key: fc.constantFrom('A', 'B') })
  .map(({ nth, to, key }) =>
    command(`settle(${nth}, ${to}, ${key})`, async (model, { ledger, tmp }) => {
      const leases = model.grants.flatMap((grant) => grant.leases)
      const lease = leases[nth % leases.length]
      if (!lease) return
      const now = tmp.clock.now()
      const same = lease.state === to && (to === 'ended' || lease.key === key)
      const refused = !same && (lease.state === 'ended' || (lease.state === 'issued' && to === 'issued'))
      const where =
        to === 'issued' ? { to, accessKeyId: key, issuedAt: now } : ({ to, end: 'expired', endedAt: now } as const)
      const done = await refusedAs(refused, () =>
        ledger.settleLease({ leaseId: lease.id, ...where, events: [sampleEvent(now)] }),
      )
      if (!done || same) return
      lease.state = to
      if (to === 'issued') lease.key = key
      model.events += 1
    }),
  )

const reopen = fc.constant(
  command('reopen', async (_, real) => {
    real.ledger = await real.tmp.reopen()
  }),
)

async function expectSame(model: Model, { ledger }: Real): Promise<void> {
  const counts = Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>
  for (const { id, state, version, leases } of model.grants) {
    expect(await ledger.getGrant(id)).toMatchObject({ state, version, leaseCount: leases.length })
    const found = await ledger.listLeases(id)
    expect(found.map((lease) => [lease.id, lease.state])).toEqual(leases.map((lease) => [lease.id, lease.state]))
    counts[state] += 1
  }
  expect(await ledger.countGrants()).toEqual(counts)
  const openCount = counts.awaiting_approval + counts.active + counts.ending
  expect(await ledger.countOpenGrants('spiffe://example.org/ci/deploy')).toBe(openCount)
  expect(await recordOf(ledger)).toHaveLength(model.events)
  expect((await verifyLedger(ledger)).problem).toBeUndefined()
}

test('whatever is done to it, the ledger is where a simple model is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([open, open, move, move, intend, settle, reopen], { maxCommands: 40 }),
      async (commands) => {
        const tmp = await tmpLedger()
        const real: Real = { tmp, ledger: tmp.ledger }
        const model: Model = { grants: [], events: 0 }
        try {
          await fc.asyncModelRun(() => ({ model, real }), commands)
          await expectSame(model, real)
        } finally {
          await tmp.dispose()
        }
      },
    ),
    { numRuns: 40 },
  )
})
