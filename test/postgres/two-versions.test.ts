import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { MIGRATIONS } from '../../src/ledger/postgres/migrations/run-migrations.ts'
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { BrokerProcess, endBrokers } from '../support/broker-process.ts'
import { isWithoutHistory, previousBuild } from '../support/previous-build.ts'
import { checkRecord } from '../upgrade/check-record.ts'
import { SteadyAgents } from '../upgrade/steady-agents.ts'
import { PostgresServer } from './postgres-server.ts'
import { query } from './tmp-postgres-ledger.ts'

const previous = previousBuild('postgres')
const why = typeof previous === 'string' ? previous : undefined

if (why !== undefined)
  test('P12: brokers of two versions serve one database side by side: not tried, since this clone has no history', () =>
    expect(isWithoutHistory(), why).toBe(true))
else
  describe('P12: under load', async () => {
    const server = await PostgresServer.start()
    afterAll(async () => {
      await endBrokers()
      await server.dispose()
      if (typeof previous !== 'string') previous.dispose()
    })
    const schema = 'two_versions'

    async function schemaVersion(): Promise<number | undefined> {
      const text = 'SELECT max(version) AS version FROM migrations'
      return ((await query(server.address(), schema, text)) as { version: number }[])[0]?.version
    }

    test('brokers of two versions serve one database side by side, and the older one alone again, and no grant fails', {
      timeout: 400_000,
    }, async () => {
      if (typeof previous === 'string') throw new Error(previous)
      const stage = await CrashStage.open({}, { ledger: { file: undefined, postgres: server.settings(schema) } })
      const start = (program?: string) => {
        const broker = new BrokerProcess({ configFile: stage.stage.configFile, ...(program && { program }) })
        stage.brokers.push(broker)
        return broker
      }
      try {
        const agents = await SteadyAgents.on(stage)
        const older = start(previous.cli)
        await agents.use(older)
        await agents.finish(12)
        expect(await schemaVersion()).toBe(previous.schemaVersion)

        // Forwards: the new one changes the schema beneath the older one, and both serve.
        const newer = start()
        await agents.use(newer)
        expect(await schemaVersion()).toBe(MIGRATIONS.length)
        await agents.finish(24)
        expect(agents.servedByTwo.length).toBeGreaterThan(0)
        expect(older.gone.aborted).toBe(false)

        // Back: the new one goes, the older one serves on, and one of its version starts anew.
        agents.leave(newer)
        expect(await newer.stop()).toMatchObject({ code: 0 })
        await agents.finish(12)
        const another = start(previous.cli)
        await agents.use(another)
        agents.leave(older)
        expect(await older.stop()).toMatchObject({ code: 0 })
        await agents.finish(12)

        // And forwards again.
        const again = start()
        await agents.use(again)
        agents.leave(another)
        expect(await another.stop()).toMatchObject({ code: 0 })
        await agents.finish(12)
        await agents.stop()
        expect(await again.stop()).toMatchObject({ code: 0 })
        const ledger = await openPostgresLedger({
          server: server.address(),
          schema,
          clock: systemClock,
          ids: randomIds,
          maxConnections: 2,
        })
        try {
          await checkRecord(ledger, stage, agents)
        } finally {
          await ledger.close()
        }
      } finally {
        await stage.close()
      }
    })
  })
