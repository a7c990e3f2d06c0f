import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { ledgerSettings } from '../../src/config/ledger-settings.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { mintLease } from '../../src/grants/mint-lease.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { quarantineDatabase } from '../../src/start/ledger/restore-ledger.ts'
import { FakeProvider } from '../support/fake-provider.ts'
import { sampleOpen, samplePlan } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let other: Ledger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  other = await tmp.join()
})
afterEach(() => tmp.dispose())

const refused = { code: 'LEDGER_QUARANTINED' }
const quarantine = () =>
  other.beginQuarantine({
    quarantine: { reason: 'outdated', since: tmp.clock.now(), by: 'stint', found: 'a document' },
  })
const open = (ledger: Ledger) => ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))

test('one replica quarantines all, also a mint that another one has under way', async () => {
  const opened = await open(tmp.ledger)
  if (opened.kind !== 'created' || !opened.lease) throw new Error('expected a new grant with a lease')
  const provider: CredentialProvider = new FakeProvider({ clock: tmp.clock })
  const minting = {
    mint: async (...args: Parameters<CredentialProvider['mint']>) => {
      const credentials = await provider.mint(...args)
      await quarantine()
      return credentials
    },
  }
  const settings = {
    leaseMs: 300_000,
    usableMarginMs: 30_000,
    approvalMs: 1,
    claimMs: 1,
    settleMs: 1,
    cutOnCompletion: [],
  }
  const mint = { grant: opened.grant, lease: opened.lease, plan: samplePlan(), signal: new AbortController().signal }
  const parts = { ledger: tmp.ledger, provider: minting, clock: tmp.clock, settings }
  await expect(mintLease(parts, mint)).rejects.toMatchObject(refused)
  await expect(open(tmp.ledger)).rejects.toMatchObject(refused)
  expect(await tmp.ledger.quarantine()).toMatchObject({ number: 1 })
})

test('two that find it at the same time begin one', async () => {
  await Promise.allSettled([
    quarantine(),
    tmp.ledger.beginQuarantine({
      quarantine: { reason: 'outdated', since: tmp.clock.now(), by: 'stint', found: 'another document' },
    }),
  ])
  expect(await other.quarantine()).toMatchObject({ number: 1 })
  await expect(open(tmp.ledger)).rejects.toMatchObject(refused)
  await expect(open(other)).rejects.toMatchObject(refused)
})

/** As `stint restore` does it, on a machine with this clock. */
function restoreDatabase(clock = tmp.clock) {
  const { postgres } = ledgerSettings.parse({ postgres: server.settings(tmp.schema) })
  if (!postgres) throw new Error('the settings have no database')
  return quarantineDatabase(postgres, { by: 'operator:ada', clock, ids: tmp.ids, version: '0.0.0' })
}

test('stint restore quarantines a ledger that was restored by other means, also beside a broker that was left running', async () => {
  expect(await restoreDatabase()).toMatchObject({
    number: 1,
    reason: 'restored',
    by: 'operator:ada',
  })
  await expect(open(tmp.ledger)).rejects.toMatchObject(refused)
  expect(await restoreDatabase()).toMatchObject({ number: 2 })
})

test('P13: a quarantine by a machine whose clock is hours behind is not over at once', async () => {
  const [row] = await tmp.sql<{ now: string }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
  const databaseMs = Number(row?.now)
  const behind = new ManualClock(new Date(databaseMs - 2 * 3_600_000).toISOString())
  const { since } = await restoreDatabase(behind)
  expect(since.getTime()).toBeGreaterThan(databaseMs - 1_000)
})
