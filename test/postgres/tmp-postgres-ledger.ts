import pg from 'pg'
import type { Ids } from '../../src/core/ids.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { PgServer } from '../../src/ledger/postgres/database/pg-server.ts'
import { openPostgresLedger, type PostgresLedgerOptions } from '../../src/ledger/postgres/postgres-ledger.ts'
import { REPLICA_TIMING, type ReplicaTiming } from '../../src/ledger/postgres/replicas/replica-watch.ts'
import { countingIds } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'

let made = 0

/** For a replica that neither shows that it is there nor looks at the others, so that only what a test does is written. */
export const WITHOUT_BEATS: ReplicaTiming = { ...REPLICA_TIMING, everyMs: 2 ** 31 - 1 }

export interface TmpPostgresLedger {
  readonly schema: string
  readonly clock: ManualClock
  readonly ids: Ids
  readonly ledger: Ledger
  /** Closes the ledger and opens the same schema again. */
  reopen(): Promise<Ledger>
  /** Opens the same schema beside the ledger, as another replica; closed with the rest. */
  join(more?: Partial<PostgresLedgerOptions>): Promise<Ledger>
  /** Past the ledger, as a person or a bug would. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>
  dispose(): Promise<void>
}

/** A ledger in a schema of its own. */
export async function tmpPostgresLedger(
  server: PgServer,
  options: Partial<PostgresLedgerOptions> = {},
): Promise<TmpPostgresLedger> {
  made += 1
  const schema = options.schema ?? `ledger_${process.pid}_${made}`
  const clock = new ManualClock()
  const ids = countingIds()
  const open = (more: Partial<PostgresLedgerOptions> = {}) =>
    openPostgresLedger({ server, schema, clock, ids, maxConnections: 4, ...options, ...more })
  let ledger = await open()
  const joined: Ledger[] = []
  const sql = (text: string, values?: unknown[]) => query(server, schema, text, values)
  return {
    schema,
    clock,
    ids,
    get ledger() {
      return ledger
    },
    reopen: async () => {
      await ledger.close()
      ledger = await open()
      return ledger
    },
    join: async (more) => {
      const other = await open(more)
      joined.push(other)
      return other
    },
    sql: sql as TmpPostgresLedger['sql'],
    dispose: async () => {
      for (const one of [ledger, ...joined]) await one.close()
      await sql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
    },
  }
}

/** As the owner of everything, without the constraints that guard rows. */
export async function query(server: PgServer, schema: string, text: string, values?: unknown[]): Promise<unknown[]> {
  const { host, port, user, database, password } = server
  const client = new pg.Client({ host, port, user, database, password: (await password?.()) ?? '' })
  await client.connect()
  try {
    await client.query(`SET search_path = "${schema}"; SET session_replication_role = replica`)
    const result = (await client.query(text, values)) as pg.QueryResult | pg.QueryResult[]
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows
  } finally {
    await client.end()
  }
}
