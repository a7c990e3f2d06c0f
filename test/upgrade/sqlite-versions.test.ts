import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { SqliteDatabase } from '../../src/ledger/sqlite/database/sqlite-database.ts'
import { MIGRATIONS } from '../../src/ledger/sqlite/migrations/run-migrations.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { BrokerProcess, endBrokers } from '../support/broker-process.ts'
import { isWithoutHistory, previousBuild } from '../support/previous-build.ts'
import { checkRecord } from './check-record.ts'
import { SteadyAgents } from './steady-agents.ts'

afterAll(endBrokers)

const previous = previousBuild('sqlite')
const why = typeof previous === 'string' ? previous : undefined

if (why !== undefined)
  test('P12: the version before is not in the history of this clone', () => expect(isWithoutHistory(), why).toBe(true))
else
  describe('P12: under load', () => {
    afterAll(() => typeof previous !== 'string' && previous.dispose())

    test('a ledger file goes from the previous version to this one and back, and no grant fails', {
      timeout: 400_000,
    }, async () => {
      if (typeof previous === 'string') throw new Error(previous)
      const stage = await CrashStage.open()
      const start = (program?: string) => {
        const broker = new BrokerProcess({ configFile: stage.stage.configFile, ...(program && { program }) })
        stage.brokers.push(broker)
        return broker
      }
      const file = join(stage.stage.folder, 'ledger.db')
      try {
        const agents = await SteadyAgents.on(stage)
        const versions: number[] = []
        for (const program of [previous.cli, undefined, previous.cli, undefined]) {
          const broker = start(program)
          await agents.use(broker)
          await agents.finish(12)
          versions.push(schemaVersion(file))
          agents.leave(broker)
          expect(await broker.stop()).toMatchObject({ code: 0 })
        }
        const last = start()
        await agents.use(last)
        await agents.stop()
        await last.stop()
        expect(versions).toEqual([previous.schemaVersion, ...Array.from({ length: 3 }, () => MIGRATIONS.length)])
        const ledger = await openSqliteLedger({ file, clock: systemClock, ids: randomIds })
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

function schemaVersion(file: string): number {
  const db = new SqliteDatabase(file, { readOnly: true })
  try {
    return db.get<{ version: number }>('SELECT max(version) AS version FROM migrations')?.version ?? 0
  } finally {
    db.close()
  }
}
