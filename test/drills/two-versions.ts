import { PostgresServer } from '../postgres/postgres-server.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { previousBuild } from '../support/previous-build.ts'
import { openPostgresStage } from './postgres-stage.ts'
import type { Transcript } from './transcript.ts'

/** A release joins the one before, is rolled back, and comes again, under load. */
export async function twoVersions(transcript: Transcript): Promise<void> {
  const previous = previousBuild('postgres')
  if (typeof previous === 'string') throw new Error(previous)
  const server = await PostgresServer.start()
  const { stage, agents, count } = await openPostgresStage(server)
  const start = (program?: string) => {
    const broker = new BrokerProcess({ configFile: stage.stage.configFile, ...(program && { program }) })
    stage.brokers.push(broker)
    return broker
  }
  const swap = async (leaves: BrokerProcess) => {
    agents.leave(leaves)
    await leaves.stop()
  }
  try {
    const older = start(previous.cli)
    await agents.use(older)
    await agents.finish(12)
    transcript.step(
      `a broker of the version before, whose schema has ${previous.schemaVersion} steps, serves four agents; 12 grants`,
    )
    const newer = start()
    await agents.use(newer)
    await agents.finish(24)
    transcript.step(
      `one of this version migrates beneath it; 24 grants, of which both versions served ${agents.servedByTwo.length}`,
    )
    await swap(newer)
    await agents.finish(12)
    transcript.step('rolled back: the new one stops, the older one serves on; 12 grants')
    const again = start()
    await agents.use(again)
    await swap(older)
    await agents.finish(12)
    transcript.step('upgraded again, and the older one stops; 12 grants')
    await agents.stop()
    await again.stop()
    await count(transcript, server)
  } finally {
    await stage.close()
    await server.dispose()
    previous.dispose()
  }
}
