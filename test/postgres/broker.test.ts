import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { PASSWORD, PostgresServer } from './postgres-server.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let made = 0
let schema = ''
let stage: CrashStage
beforeEach(async () => {
  made += 1
  schema = `broker_${made}`
  stage = await CrashStage.open({}, { ledger: { file: undefined, postgres: server.settings(schema) } })
})
afterEach(() => stage.close())

const KEY = 'key-00000001'

async function readLedger() {
  const ledger = await openPostgresLedger({
    server: server.address(),
    schema,
    clock: systemClock,
    ids: randomIds,
    maxConnections: 2,
  })
  try {
    const { items: grants } = await ledger.listGrants({}, { limit: 200 })
    const leases = (await Promise.all(grants.map(({ id }) => ledger.listLeases(id)))).flat()
    return { grants, leases, events: await allEvents(ledger), verdict: await verifyLedger(ledger) }
  } finally {
    await ledger.close()
  }
}

test('a broker on PostgreSQL grants, renews, revokes, says how it is, and goes on after a restart', async () => {
  const first = await stage.start()
  const granted = await stage.request(KEY, 'write')
  const grantId = granted?.grant.id ?? ''
  await stage.renew(KEY, grantId)
  expect(stage.answers).toHaveLength(2)
  const vera = await stage.admin('vera')
  expect(await vera.get('/v1/audit/verify')).toMatchObject({ verdict: 'unwitnessed' })
  expect((await first.stop()).code).toBe(0)
  await stage.start()
  expect(await stage.stateOf(grantId)).toBe('active')
  expect(await stage.revoke(grantId)).toBe(true)
  await eventually('the end', async () => (await stage.stateOf(grantId)) === 'ended')
  await stage.brokers.at(-1)?.stop()
  const { grants, leases, verdict } = await readLedger()
  expect(grants).toMatchObject([{ id: grantId, state: 'ended', reason: 'revoked' }])
  expect(leases.map(({ state }) => state)).toEqual(['ended', 'ended'])
  expect(verdict.problem).toBeUndefined()
  for (const { output } of stage.brokers) expect(output).not.toContain(PASSWORD)
})

for (const failpoint of ['ledger.before_commit', 'ledger.after_commit']) {
  test(`P1: a broker that dies at ${failpoint} leaves no session that is not on record, and the next one goes on`, async () => {
    // The first batches are those of the start.
    const first = await stage.start(`${failpoint}:4`)
    for (let n = 1; n <= 9 && !first.gone.aborted; n++) await stage.request(`key-0000000${n}`, 'write', 5_000)
    await first.exited
    const second = await stage.start()
    await stage.request('key-00000099', 'write')
    await second.stop()
    const { grants, leases, verdict } = await readLedger()
    expect(verdict.problem).toBeUndefined()
    const onRecord = new Set(leases.map(({ sessionName }) => sessionName))
    const minted = stage.stage.cloud.sessions().map(({ sessionName }) => sessionName)
    expect(minted.filter((name) => !onRecord.has(name))).toEqual([])
    expect(grants.find(({ idempotencyKey }) => idempotencyKey === 'key-00000099')).toMatchObject({ state: 'active' })
  })
}

test('a broker whose database is away serves nothing and says why, and serves again when it is back', async () => {
  const broker = await stage.start()
  await stage.request(KEY, 'read')
  await server.down()
  try {
    expect(await stage.request('key-00000002', 'read', 20_000)).toBeUndefined()
    expect(stage.errors.at(-1)).toMatchObject({ retryable: true })
  } finally {
    await server.up()
  }
  const again = await eventually('a grant', () => stage.request('key-00000003', 'read'))
  expect(again?.grant.state).toBe('active')
  expect(broker.gone.aborted).toBe(false)
})
