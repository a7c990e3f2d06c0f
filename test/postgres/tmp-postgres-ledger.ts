import pg from 'pg'
import type { Ids } from '../../src/core/ids.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { PgServer } from '../../src/ledger/postgres/database/pg-server.ts'
import { openPostgresLedger, type PostgresLedgerOptions } from '../../src/ledger/postgres/postgres-ledger.ts'
import { countingIds } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'

let made = 0

export interface TmpPostgresLedger {
  readonly schema: string
  readonly clock: ManualClock
  readonly ids: Ids
  readonly ledger: Ledger
  /** Closes the ledger and opens the same schema again. */
  reopen(): Promise<Ledger>
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
  const open = () => openPostgresLedger({ server, schema, clock, ids, maxConnections: 4, ...options })
  let ledger = await open()
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
    sql: sql as TmpPostgresLedger['sql'],
    dispose: async () => {
      await ledger.close()
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
