import type { PostgresSettings } from '../../config/ledger-settings.ts'
import type { Clock } from '../../core/clock.ts'
import { hasCode, StintError } from '../../core/errors.ts'
import { SessionNotes } from '../../grants/own-sessions/session-notes.ts'
import type { ChainHead } from '../../ledger/audit/sealed-event.ts'
import type { CopyProgress } from '../../ledger/copying/ledger-content.ts'
import { copyIntoDatabase } from '../../ledger/postgres/copying/copy-into-database.ts'
import type { PgServer } from '../../ledger/postgres/database/pg-server.ts'
import { PostgresNotes } from '../../ledger/postgres/session-notes.ts'
import { type MovableLedger, openMovableLedger } from '../../ledger/sqlite/moving/movable-ledger.ts'
import { describeDatabase } from './migrate-ledger.ts'
import { postgresServer } from './postgres-server.ts'

/** Inputs of a move besides the two ledgers. */
interface MoveInput {
  readonly clock: Pick<Clock, 'now'>
  readonly onProgress?: (progress: CopyProgress) => void
}

/** The outcome of a move. */
export interface MovedLedger {
  readonly to: string
  readonly grants: number
  readonly events: number
  /** The ends of the record, the same before and after. */
  readonly heads: readonly ChainHead[]
  /** False when an earlier call had copied everything. */
  readonly isNew: boolean
}

/**
 * Moves a ledger from a SQLite file into an empty schema of a database, with its id, its openings and its audit log as they are. The
 * file is marked before the copy is committed, so that at no time both can be used; killed anywhere, it is completed by the same call.
 *
 * @throws {StintError} LEDGER_LOCKED when a process has the file open, LEDGER_MOVED when it was moved elsewhere, LEDGER_CONFLICT
 *   when the schema has another ledger, AUDIT_INVALID, LEDGER_*
 */
export async function moveToPostgres(
  file: string,
  postgres: PostgresSettings,
  { clock, onProgress }: MoveInput,
): Promise<MovedLedger> {
  const server = await postgresServer(postgres)
  const to = describeDatabase(postgres)
  const now = clock.now()
  const ledger = await openMovableLedger(file, { now })
  try {
    if (ledger.movedTo !== undefined && ledger.movedTo !== to) {
      const explanation = `The ledger was moved to the ${ledger.movedTo} before, or a move to it was begun; it cannot be moved to the ${to}.`
      throw new StintError('LEDGER_MOVED', { explanation, movedTo: ledger.movedTo })
    }
    const isNew = await copy(ledger, { server, schema: postgres.schema }, { to, now, onProgress })
    // Also where an earlier call had committed and not got any further.
    ledger.markAsMoved(to, now)
    await moveNotes(file, { server, schema: postgres.schema, clock })
    const { events, heads } = ledger.verdict
    return { to, grants: ledger.content.count('grants'), events, heads, isNew }
  } finally {
    ledger.close()
  }
}

interface CopyTo {
  readonly to: string
  readonly now: Date
  readonly onProgress: MoveInput['onProgress']
}

async function copy(
  ledger: MovableLedger,
  place: { server: PgServer; schema: string },
  { to, now, onProgress }: CopyTo,
): Promise<boolean> {
  let isMarked = false
  const beforeCommit = () => {
    ledger.markAsMoved(to, now)
    isMarked = true
  }
  try {
    return await copyIntoDatabase(place, { ...ledger, now, onProgress, beforeCommit })
  } catch (error) {
    // After the mark the commit may have taken effect: then the mark has to stay, and the next call finds out.
    if (isMarked && !hasCode(error, 'LEDGER_UNAVAILABLE')) ledger.removeMark()
    throw error
  }
}

/** Notes of sessions that "stint doctor" has started are beside the file. A note that is there already is the same one. */
async function moveNotes(file: string, database: { server: PgServer; schema: string; clock: Pick<Clock, 'now'> }) {
  const from = new SessionNotes(file)
  const to = new SessionNotes(new PostgresNotes(database))
  for (const id of await from.list()) {
    const note = await from.read(id)
    if (note) await to.write(note)
    await from.remove(id)
  }
}
