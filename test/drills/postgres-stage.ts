import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import type { PostgresServer } from '../postgres/postgres-server.ts'
import { SteadyAgents } from '../upgrade/steady-agents.ts'
import { countRecord, type Transcript } from './transcript.ts'

const SCHEMA = 'drill'

/** Brokers whose ledger is in a database, and agents that ask all of them. */
export interface PostgresStage {
  readonly stage: CrashStage
  readonly agents: SteadyAgents
  /** Counts what has to hold, read by whichever server has the database now. */
  count(transcript: Transcript, server: PostgresServer): Promise<void>
}

/** @param port where brokers find the database, if not at the server itself */
export async function openPostgresStage(server: PostgresServer, port = server.port): Promise<PostgresStage> {
  const stage = await CrashStage.open({}, { ledger: { file: undefined, postgres: server.settings(SCHEMA, port) } })
  const agents = await SteadyAgents.on(stage)
  return {
    stage,
    agents,
    count: async (transcript, by) => {
      const ledger = await openPostgresLedger({
        ...{ server: by.address(), schema: SCHEMA, clock: systemClock, ids: randomIds, maxConnections: 2 },
      })
      try {
        await countRecord(transcript, ledger, stage, agents)
      } finally {
        await ledger.close()
      }
    },
  }
}
