import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { SessionNotes } from '../../grants/own-sessions/session-notes.ts'
import { PostgresNotes } from '../../ledger/postgres/session-notes.ts'
import { postgresServer } from './postgres-server.ts'

/** The notes that `stint doctor` leaves for the broker: beside the ledger file, or in the database of the ledger. */
export async function sessionNotes(
  { ledger }: Pick<Config, 'ledger'>,
  clock: Pick<Clock, 'now'>,
): Promise<SessionNotes> {
  const { file, postgres, migrate } = ledger
  if (file !== undefined) return new SessionNotes(file)
  if (!postgres) throw new TypeError('a ledger has a file or a database')
  const server = await postgresServer(postgres)
  return new SessionNotes(new PostgresNotes({ server, schema: postgres.schema, clock, migrate }))
}
