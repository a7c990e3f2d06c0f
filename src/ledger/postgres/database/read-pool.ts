import { Pool, type PoolClient } from 'pg'
import { PgClient } from './pg-client.ts'
import { PgConnection } from './pg-connection.ts'
import { isConflict, isLost } from './pg-errors.ts'
import { checkPrimary, clientConfig, type PgServer, type ServerFacts, serverText } from './pg-server.ts'
import type { Rows, Statement } from './statement.ts'
import type { TransactionFrame } from './transaction-frame.ts'

/** An idle connection is closed after this time. */
const IDLE_MS = 60_000
/** Connections are replaced after this time, so that a fail-over or a new password is noticed while some still work. */
const LIFETIME_SECONDS = 1_800
const TRIES = 3

/** The connections that reads share. */
export class ReadPool {
  readonly #pool: Pool
  readonly #server: PgServer
  readonly #frame: TransactionFrame
  readonly #wrapped = new WeakMap<PoolClient, PgConnection>()

  constructor(server: PgServer, frame: TransactionFrame, size: number) {
    this.#server = server
    this.#frame = frame
    this.#pool = new Pool({
      ...clientConfig(server),
      Client: PgClient,
      max: size,
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_SECONDS,
    })
    // An idle connection that breaks is replaced by the next read.
    this.#pool.on('error', () => undefined)
  }

  /** Runs statements over one snapshot. A connection that turns out to be gone is replaced, since a read changes nothing. */
  async read(statements: readonly Statement[]): Promise<Rows[]> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#readOnce(statements)
      } catch (error) {
        if (tried >= TRIES || !(isLost(error) || isConflict(error))) throw error
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #readOnce(statements: readonly Statement[]): Promise<Rows[]> {
    const client = await this.#pool.connect()
    const connection = this.#wrap(client)
    let isWell = false
    try {
      const answers = await connection.round([this.#frame.beginRead, ...statements, { text: 'COMMIT' }])
      // A name may lead to another server than before, and a standby may lack what was acknowledged.
      checkPrimary(answers[0]?.rows[0] as unknown as Pick<ServerFacts, 'inRecovery'>, serverText(this.#server))
      isWell = true
      return answers.slice(1, -1).map(({ rows }) => rows)
    } finally {
      // One whose read has failed is not used again, whatever state it is in.
      client.release(!isWell)
    }
  }

  #wrap(client: PoolClient): PgConnection {
    const known = this.#wrapped.get(client)
    if (known) return known
    const connection = new PgConnection(client, this.#server)
    this.#wrapped.set(client, connection)
    return connection
  }
}
