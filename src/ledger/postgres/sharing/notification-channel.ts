import { setTimeout as pause } from 'node:timers/promises'
import type { QueryConfig } from 'pg'
import { StintError } from '../../../core/errors.ts'
import { Backoff } from '../../../core/limits/backoff.ts'
import { PgClient } from '../database/pg-client.ts'
import { ConnectionLost, databaseError } from '../database/pg-errors.ts'
import { clientConfig, type PgServer, serverText } from '../database/pg-server.ts'
import { NoticeBuffer } from './notice-buffer.ts'

/** A connection that hears nothing may be dead, so it is asked so often. */
const PING_MS = 2_000
const ANSWER_WITHIN_MS = 3_000
/** The network may be silent: then nobody waits for the end of a connection. */
const END_WITHIN_MS = 1_000
/** Between two rounds of notifications: each takes a lock over the whole server until its commit. */
const GAP_MS = 25
const FIRST_BACKOFF_MS = 200
const LONGEST_BACKOFF_MS = 15_000
/** Somebody has to change a setting first. */
const MISCONFIGURED_PAUSE_MS = 60_000
/** Shown by pg_stat_activity. */
const APPLICATION = 'stint_listen'
/** The longest name of a channel. */
const MAX_NAME = 63

/** Dependencies of the channel, and callbacks for what it hears and how it is. */
export interface NotificationChannelDeps {
  /** Without a pooler in between. */
  readonly server: PgServer
  readonly schema: string
  /** The id of this replica, which is on record in the schema. */
  readonly replica: string
  /** The text of a notification of somebody else; anybody who can connect can have sent it. */
  readonly onHeard: (text: string) => void
  /** The connection listens from now on, or, with an error, it does not. */
  readonly onState: (error: StintError | undefined) => void
}

/**
 * The connection by which a replica tells others of its changes and hears of theirs. Notifications are sent by themselves, after
 * the commit of the change that they are about: within its transaction they would make the commits of all replicas wait for each
 * other. A connection that is lost is made again; what could not be sent meanwhile goes out then.
 */
export class NotificationChannel {
  readonly #deps: NotificationChannelDeps
  readonly #name: string
  readonly #buffer = new NoticeBuffer()
  readonly #closing = new AbortController()
  #wake: () => void = () => undefined
  #running: Promise<void> | undefined
  #isListening = false

  constructor(deps: NotificationChannelDeps) {
    this.#deps = deps
    this.#name = `stint_${deps.schema}`.slice(0, MAX_NAME)
  }

  get isListening(): boolean {
    return this.#isListening
  }

  start(): void {
    this.#running = this.#run()
  }

  /** See `LedgerSharing.tell`. */
  tell(grantId: string | undefined): void {
    this.#buffer.add(grantId)
    this.#wake()
  }

  /** Notifications that have not been sent by then are lost; other replicas find the changes by looking. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const backoff = new Backoff({ random: Math.random, baseMs: FIRST_BACKOFF_MS, capMs: LONGEST_BACKOFF_MS })
    while (!signal.aborted) {
      try {
        await this.#serve(() => backoff.reset())
      } catch (error) {
        if (!signal.aborted) this.#setState(databaseError(error, serverText(this.#deps.server)))
        const isSetWrong = error instanceof StintError && error.details.pooler === true
        const pauseMs = isSetWrong ? MISCONFIGURED_PAUSE_MS : backoff.nextMs()
        await pause(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #serve(onListening: () => void): Promise<void> {
    const client = new PgClient({ ...clientConfig(this.#deps.server), application_name: APPLICATION })
    const lost = Promise.withResolvers<never>()
    // Nobody may be waiting for it when it rejects.
    lost.promise.catch(() => undefined)
    client.on('error', lost.reject)
    client.on('end', () => lost.reject(new ConnectionLost('the server closed the connection')))
    const stop = () => lost.reject(this.#closing.signal.reason)
    this.#closing.signal.addEventListener('abort', stop)
    try {
      await Promise.race([client.connect(), lost.promise])
      await this.#listen(client)
      onListening()
      this.#setState(undefined)
      for (;;) await this.#turn(client, lost.promise)
    } finally {
      this.#closing.signal.removeEventListener('abort', stop)
      this.#isListening = false
      await Promise.race([client.end().catch(() => undefined), pause(END_WITHIN_MS, undefined, { ref: false })])
    }
  }

  async #listen(client: PgClient): Promise<void> {
    const { schema, replica, server, onHeard } = this.#deps
    const text = `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS "isStandby",
      EXISTS (SELECT 1 FROM "${schema}".replicas WHERE id = $1) AS "isOurs"`
    const [row] = await ask(client, { text, values: [replica] })
    const found = row as { pid: number; isStandby: boolean; isOurs: boolean }
    const own = processId(client)
    checkEnd({ ...found, own }, serverText(server))
    client.on('notification', ({ processId: sender, payload }) => {
      if (sender !== own) onHeard(payload ?? '')
    })
    await ask(client, { text: `LISTEN "${this.#name}"` })
  }

  /** Sends what there is to tell, or asks whether the connection is well when there was nothing for a while. */
  async #turn(client: PgClient, lost: Promise<never>): Promise<void> {
    if (this.#buffer.isEmpty) await Promise.race([this.#untilTold(), lost])
    if (this.#buffer.isEmpty) {
      await ask(client, { text: 'SELECT 1' })
      return
    }
    await Promise.race([this.#send(client), lost])
    await Promise.race([pause(GAP_MS), lost])
  }

  async #send(client: PgClient): Promise<void> {
    // Nothing of it has to outlive a crash: the commit does not wait for the disk, nor for a standby.
    const begin = 'BEGIN; SET LOCAL synchronous_commit = off'
    const notify = 'SELECT pg_notify($1, p) FROM unnest($2::text[]) AS p'
    const values = [this.#name, this.#buffer.take()]
    const statements = [{ text: begin }, { text: notify, values }, { text: 'COMMIT' }]
    try {
      await Promise.all(statements.map((statement) => ask(client, statement)))
    } catch (error) {
      // Nobody knows whether they were sent.
      this.#buffer.add(undefined)
      throw error
    }
  }

  async #untilTold(): Promise<void> {
    const told = Promise.withResolvers<void>()
    this.#wake = told.resolve
    const slept = new AbortController()
    await Promise.race([told.promise, pause(PING_MS, undefined, { signal: slept.signal }).catch(() => undefined)])
    slept.abort()
    this.#wake = () => undefined
  }

  #setState(error: StintError | undefined): void {
    this.#isListening = error === undefined
    this.#deps.onState(error)
  }
}

/** Past the time for an answer pg gives the connection up. */
async function ask(client: PgClient, statement: { text: string; values?: unknown[] }): Promise<unknown[]> {
  const { rows } = await client.query({ ...statement, query_timeout: ANSWER_WITHIN_MS } as QueryConfig)
  return rows as unknown[]
}

/** The process of the server that a connection was told to be served by. */
function processId(client: PgClient): number {
  return (client as unknown as { processID: number }).processID
}

/** A pooler names a process of its own, and gives each transaction another one of the server. */
function checkEnd(
  { pid, own, isStandby, isOurs }: { pid: number; own: number; isStandby: boolean; isOurs: boolean },
  where: string,
): void {
  const refuse = (explanation: string, details = {}) => {
    throw new StintError('LEDGER_LISTEN_FAILED', { explanation, server: where, ...details })
  }
  if (pid !== own) {
    const explanation = `The connection to ${where} leads to a pooler, through which no notification comes: name the server behind it as ledger.postgres.listen.`
    refuse(explanation, { pooler: true })
  }
  if (isStandby) refuse(`The database at ${where} is a standby: ledger.postgres.listen must name the primary.`)
  if (!isOurs) refuse(`The database at ${where} is not the one that holds the ledger: correct ledger.postgres.listen.`)
}
