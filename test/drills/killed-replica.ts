import { PostgresServer } from '../postgres/postgres-server.ts'
import { openPostgresStage } from './postgres-stage.ts'
import type { Transcript } from './transcript.ts'

/** Two brokers on one database; one is killed while both serve. */
export async function killedReplica(transcript: Transcript): Promise<void> {
  const server = await PostgresServer.start()
  const { stage, agents, count } = await openPostgresStage(server)
  try {
    const [first, second] = [stage.spawn(), stage.spawn()]
    await agents.use(first)
    await agents.use(second)
    transcript.step('two brokers on one PostgreSQL database serve four agents')
    await agents.finish(30)
    transcript.step(`30 grants; served by both, one after the other: ${agents.servedByTwo.length}`)
    const killedMs = performance.now()
    first.signal('SIGKILL')
    await first.exited
    agents.leave(first)
    transcript.step('kill -9 of one of them')
    await agents.finish(1)
    transcript.step(
      `the next grant is through its whole life ${Math.round(performance.now() - killedMs)} ms after the kill`,
    )
    await agents.finish(29)
    transcript.step('30 grants by the other one')
    const third = stage.spawn()
    await agents.use(third)
    await agents.finish(10)
    transcript.step('a new one joins; 10 further grants')
    await agents.stop()
    await Promise.all([second.stop(), third.stop()])
    await count(transcript, server)
  } finally {
    await stage.close()
    await server.dispose()
  }
}
