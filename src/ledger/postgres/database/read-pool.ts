import { Pool, type PoolClient } from 'pg'
import { StintError } from '../../../core/errors.ts'
import { PgClient } from './pg-client.ts'
import { PgConnection } from './pg-connection.ts'
import { isConflict, isLost, sqlState } from './pg-errors.ts'
import { checkPrimary, clientConfig, type PgServer, type ServerFacts, serverText } from './pg-server.ts'
import type { Rows, Statement } from './statement.ts'
import type { TransactionFrame } from './transaction-frame.ts'

/** An idle connection is closed after this time. */
const IDLE_MS = 60_000
/** Connections are replaced after this time, so that a fail-over or a new password is noticed while some still work. */
const LIFETIME_SECONDS = 1_800
const TRIES = 3

/** The batches of the writer beside which a pool reads. */
export interface ReadsBeside {
  readonly replica: string
  /** The number of the last batch that is known to be on record. */
  lastBatch(): number
}

/** The server lacks what was committed: a fail-over has left it behind, or it was set back. */
class StaleServer extends Error {
  override readonly name = 'StaleServer'
}

/** The connections that reads share. */
export class ReadPool {
  readonly #pool: Pool
  readonly #server: PgServer
  readonly #frame: TransactionFrame
  readonly #size: number
  readonly #wrapped = new WeakMap<PoolClient, PgConnection>()
  #beside: ReadsBeside | undefined

  constructor(server: PgServer, frame: TransactionFrame, size: number) {
    this.#server = server
    this.#frame = frame
    this.#size = size
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

  /**
   * From now on each read has to see what this writer has committed. A former primary that is still there answers reads as if nothing
   * had happened, and the writer commits something every second: so no read is older than that.
   */
  readBeside(writer: ReadsBeside): void {
    this.#beside = writer
  }

  /**
   * Runs statements over one snapshot. A connection that turns out to be gone, or to lead to a server that was left behind, is
   * replaced, since a read changes nothing.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE; or whatever the database says
   */
  async read(statements: readonly Statement[]): Promise<Rows[]> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#readOnce(statements)
      } catch (error) {
        if (error instanceof StaleServer) {
          // Every connection of the pool may lead there.
          if (tried > this.#size) throw this.#leftBehind()
        } else if (tried >= TRIES || !(isLost(error) || isConflict(error))) throw error
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #readOnce(statements: readonly Statement[]): Promise<Rows[]> {
    const client = await this.#connect()
    const connection = this.#wrap(client)
    let isWell = false
    try {
      const beside = this.#beside
      const lastBatch = beside?.lastBatch() ?? 0
      const begin = this.#frame.beginRead(beside?.replica ?? '')
      const answers = await connection.round([begin, ...statements, { text: 'COMMIT' }])
      const found = answers[0]?.rows[0] as unknown as Pick<ServerFacts, 'inRecovery'> & {
        readonly batch?: number | null
      }
      // A name may lead to another server than before, and a standby may lack what was acknowledged.
      checkPrimary(found, serverText(this.#server))
      if (beside && (found.batch ?? 0) < lastBatch) throw new StaleServer('the server lacks what was committed')
      isWell = true
      return answers.slice(1, -1).map(({ rows }) => rows)
    } finally {
      // One whose read has failed is not used again, whatever state it is in.
      client.release(!isWell)
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      // The pool says the same of a server that does not answer; only then is there a free place.
      if (sqlState(error) !== undefined || this.#pool.totalCount < this.#size) throw error
      const explanation = `All ${this.#size} connections that read the ledger in the database at ${serverText(this.#server)} were in use for ${this.#server.connectWithinMs} ms. Raise ledger.postgres.maxConnections, or find out why the database is slow.`
      throw new StintError('LEDGER_UNAVAILABLE', { explanation, server: serverText(this.#server) }, error)
    }
  }

  #leftBehind(): StintError {
    const explanation = `The database at ${serverText(this.#server)} lacks what this broker has committed: it is a former primary, or it was set back. Its reads are not used.`
    return new StintError('LEDGER_UNAVAILABLE', { explanation, server: serverText(this.#server) })
  }

  #wrap(client: PoolClient): PgConnection {
    const known = this.#wrapped.get(client)
    if (known) return known
    const connection = new PgConnection(client, this.#server)
    this.#wrapped.set(client, connection)
    return connection
  }
}
