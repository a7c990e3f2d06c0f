import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { createClockGuard } from '../../src/core/clock-guard.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { LedgerSharing, Replica } from '../../src/ledger/sharing.ts'
import { eventually } from '../support/eventually.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

/** The clock of a machine that is ahead of this one, on which the database runs. */
class AheadClock implements Clock {
  aheadMs: number

  constructor(aheadMs: number) {
    this.aheadMs = aheadMs
  }

  now(): Date {
    return new Date(Date.now() + this.aheadMs)
  }

  monotonicMs(): number {
    return systemClock.monotonicMs()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal)
  }
}

let tmp: TmpPostgresLedger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address(), { clock: systemClock, version: '1.2.3' })
})
afterEach(() => tmp.dispose())

function requireSharing({ sharing }: Ledger): LedgerSharing {
  if (!sharing) throw new Error('a ledger in a database can be shared')
  return sharing
}
function guardOn(ledger: Ledger, clock: Clock) {
  const guard = createClockGuard({ clock })
  requireSharing(ledger).listenToClock((reading) => guard.heardShared(reading))
  return guard
}
const UNSTABLE = expect.objectContaining({ code: 'CLOCK_UNSTABLE' })

test('replicas are on record with their versions and by how much their clocks differ from that of the database', async () => {
  const other = await tmp.join({ clock: new AheadClock(7_000), version: '1.3.0' })
  const listed = await eventually('both clocks', async () => {
    const replicas = await requireSharing(tmp.ledger).listReplicas()
    return replicas.every(({ clockOffsetMs }) => clockOffsetMs !== undefined) && replicas
  })
  expect(listed).toMatchObject([
    { id: tmp.ledger.identity.replica, version: '1.2.3' },
    { id: other.identity.replica, version: '1.3.0' },
  ])
  // To the second: the answers of a busy machine are late.
  expect(listed.map(({ clockOffsetMs }: Replica) => Math.trunc((clockOffsetMs ?? 0) / 1_000 + 0.5))).toEqual([0, 7])
  await other.close()
  expect(await requireSharing(tmp.ledger).listReplicas()).toHaveLength(1)
})

test('of two replicas whose clocks are apart, the one that is astray serves nothing, until its clock is right', async () => {
  const clock = new AheadClock(7_000)
  const other = await tmp.join({ clock })
  const [right, astray] = [guardOn(tmp.ledger, systemClock), guardOn(other, clock)]
  expect(right.check()).toBeInstanceOf(Date)
  expect(() => astray.check()).toThrow(UNSTABLE)
  // What has certainly come, has come by the clock of the database.
  expect(astray.earliestNow().getTime()).toBeLessThanOrEqual(Date.now())
  clock.aheadMs = 0
  const mended = guardOn(other, clock)
  await eventually('a new reading', () => {
    try {
      return mended.check()
    } catch {
      return undefined
    }
  })
})
