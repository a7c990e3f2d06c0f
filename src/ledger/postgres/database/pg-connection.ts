import { Client, type PoolClient, type QueryResult } from 'pg'
import { PgClient } from './pg-client.ts'
import { ConnectionLost, isLost, sqlState } from './pg-errors.ts'
import { clientConfig, type PgServer } from './pg-server.ts'
import type { Answer, Statement } from './statement.ts'

/** The server refuses the rest of a transaction with this code after the first error. */
const IN_FAILED_TRANSACTION = '25P02'
/** The server cancels a statement so much earlier than the client gives up, so that the error says why. */
const GRACE_MS = 2_000
/**
 * Where the server comes from when it warns that it has committed without waiting for its standby, since somebody cancelled the
 * wait: it says COMMIT all the same. Messages are translated, this is not.
 */
const GAVE_UP_WAITING = 'SyncRepWaitForLSN'

/** A connection on which the statements of a round share one round trip. */
export class PgConnection {
  readonly #client: Client | PoolClient
  readonly #server: PgServer
  #isLost = false
  #isUnreplicated = false

  /** @param client connected, in pipeline mode */
  constructor(client: Client | PoolClient, server: PgServer) {
    this.#client = client
    this.#server = server
    // A round that waits for an answer gets the error itself; an error between two rounds is seen by the next one.
    client.on('error', () => {
      this.#isLost = true
    })
    client.on('notice', ({ routine }) => {
      this.#isUnreplicated ||= routine === GAVE_UP_WAITING
    })
  }

  /** Connects. @throws whatever pg throws; see `databaseError` */
  static async open(server: PgServer): Promise<PgConnection> {
    const client = new PgClient(clientConfig(server))
    const connection = new PgConnection(client, server)
    await client.connect()
    return connection
  }

  /** True once the connection is of no use any more. */
  get isLost(): boolean {
    return this.#isLost
  }

  /**
   * Sends statements together.
   *
   * @returns their answers, in order
   * @throws the first error of the server, or ConnectionLost
   */
  async round(statements: readonly Statement[]): Promise<Answer[]> {
    if (this.#isLost) throw new ConnectionLost('the connection was lost before')
    const answers = await Promise.allSettled(this.#sendTogether(statements))
    if (this.#isUnreplicated) {
      // Whoever looks the commit up writes too, and that waits for the standby.
      this.#isLost = true
      throw new ConnectionLost('the server did not wait for its standby')
    }
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
    if (errors.length === 0) {
      const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      // COMMIT of a transaction that had failed rolls it back, which is no error of the server.
      if (given.every(({ command }, index) => command === 'COMMIT' || statements[index]?.text !== 'COMMIT'))
        return given
      this.#isLost = true
      throw new ConnectionLost('the server rolled back what was to be committed')
    }
    const first = errors.find((error) => sqlState(error) !== IN_FAILED_TRANSACTION) ?? errors[0]
    const broken = errors.find((error) => sqlState(error) === undefined)
    if (broken !== undefined || errors.some(isLost)) this.#isLost = true
    throw sqlState(first) === undefined ? new ConnectionLost('the connection was lost', { cause: broken }) : first
  }

  async close(): Promise<void> {
    this.#isLost = true
    if (this.#client instanceof Client) await this.#client.end().catch(() => undefined)
  }

  /** In one write to the socket: pg would make one of each message. */
  #sendTogether(statements: readonly Statement[]): Promise<Answer>[] {
    const { stream } = this.#client.connection
    stream.cork()
    try {
      return statements.map((statement) => this.#send(statement))
    } finally {
      stream.uncork()
    }
  }

  async #send({ name, text, values, isPatient }: Statement): Promise<Answer> {
    const query = {
      text,
      ...(name === undefined || this.#server.pooler ? {} : { name }),
      ...(values === undefined ? {} : { values: values as unknown[] }),
      // Past this time pg gives the whole connection up.
      ...(isPatient ? {} : { query_timeout: this.#server.statementWithinMs + GRACE_MS }),
    }
    const result: QueryResult | QueryResult[] = await this.#client.query(query)
    // Several statements in one text have an answer each; the last one counts.
    const { command, rowCount, rows } = Array.isArray(result) ? (result.at(-1) as QueryResult) : result
    return { command, count: rowCount ?? 0, rows }
  }
}
