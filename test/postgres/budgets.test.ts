import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { sampleOpen } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
})
afterEach(() => tmp.dispose())

test.each([
  { limits: { liveGrants: 7 } },
  { limits: { grantsPerHour: 7 } },
  { limits: { liveGrants: 9, grantsPerHour: 7 } },
])(
  'the agents of one team that ask several replicas at once get what their budget has together: $limits',
  async ({ limits }) => {
    const ledgers = [tmp.ledger, await tmp.join(), await tmp.join()]
    const draws = [{ budget: 'team', holder: { kind: 'team', name: 'data' } as const, limits }]
    const ask = (ledger: Ledger, n: number) =>
      ledger.openGrant({
        ...sampleOpen(tmp.ids, tmp.clock.now(), { grant: { subject: `spiffe://example.org/a-${n % 10}` } }),
        budgets: { draws, isDestructive: false, recordBytes: 0 },
      })
    const asked = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) => ask(ledgers[n % ledgers.length] as Ledger, n)),
    )
    const refusals = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(new Set(refusals)).toEqual(new Set(['BUDGET_EXCEEDED']))
    expect(await tmp.ledger.countGrants()).toMatchObject({ active: 7 })
  },
)
