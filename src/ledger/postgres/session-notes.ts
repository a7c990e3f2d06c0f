import type { Clock } from '../../core/clock.ts'
import { PgConnection } from './database/pg-connection.ts'
import { databaseError } from './database/pg-errors.ts'
import { type PgServer, serverText } from './database/pg-server.ts'
import type { Statement } from './database/statement.ts'
import type { TransactionFrame } from './database/transaction-frame.ts'
import { runMigrations } from './migrations/run-migrations.ts'
import { prepareFrame } from './server-frame.ts'

/**
 * Notes of sessions that were started without the ledger, in its database: another process may leave one while a broker has the
 * ledger. Each call has a connection of its own, since there are few.
 */
export class PostgresNotes {
  readonly #server: PgServer
  readonly #schema: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #migrate: 'start' | 'never'

  /** @param input.migrate as for a ledger */
  constructor(input: { server: PgServer; schema: string; clock: Pick<Clock, 'now'>; migrate?: 'start' | 'never' }) {
    this.#server = input.server
    this.#schema = input.schema
    this.#clock = input.clock
    this.#migrate = input.migrate ?? 'start'
  }

  /** Durable when it resolves. @throws {StintError} LEDGER_UNAVAILABLE */
  async write(id: string, note: string): Promise<void> {
    const text = `INSERT INTO session_notes (id, note) VALUES ($1, $2)
      ON CONFLICT (id) DO UPDATE SET note = excluded.note`
    await this.#run({ text, values: [id, note] })
  }

  async list(): Promise<string[]> {
    const rows = await this.#run({ text: 'SELECT id FROM session_notes ORDER BY id' })
    return (rows as readonly { id: string }[]).map(({ id }) => id)
  }

  async read(id: string): Promise<string | undefined> {
    const [row] = (await this.#run({ text: 'SELECT note FROM session_notes WHERE id = $1', values: [id] })) as {
      note: string
    }[]
    return row?.note
  }

  async remove(id: string): Promise<void> {
    await this.#run({ text: 'DELETE FROM session_notes WHERE id = $1', values: [id] })
  }

  describePlace(id: string): string {
    return `The row ${id} of session_notes in the database at ${serverText(this.#server)}`
  }

  async #run(statement: Statement): Promise<readonly unknown[]> {
    let connection: PgConnection | undefined
    try {
      connection = await PgConnection.open(this.#server)
      const frame = await prepareFrame(connection, this.#server, this.#schema)
      return await this.#transact(connection, frame, statement)
    } catch (error) {
      throw databaseError(error, serverText(this.#server))
    } finally {
      await connection?.close()
    }
  }

  /** A note may come before the first broker. */
  async #transact(
    connection: PgConnection,
    frame: TransactionFrame,
    statement: Statement,
  ): Promise<readonly unknown[]> {
    const now = this.#clock.now()
    await runMigrations(connection, frame, { schema: this.#schema, now, migrate: this.#migrate })
    const [, answer] = await connection.round([frame.beginWrite, statement, ...frame.commit])
    return answer?.rows ?? []
  }
}
