import { z } from '../core/documents/schema.ts'
import { duration } from './values/duration-setting.ts'

const file = z.string().min(1)
const text = z.string().min(1).max(255)

/** A name, an address, or the folder of a Unix socket. */
const host = z
  .string()
  .regex(/^(\/.*|[A-Za-z0-9._:-]+)$/, 'must be a host name, an address or the folder of a Unix socket')
const port = z.int().min(1).max(65_535).default(5_432)

/** A ledger in a PostgreSQL database, instead of a file. */
const postgres = z.strictObject({
  host,
  port,
  database: text,
  /** The schema that holds the ledger; made if it is not there. */
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be lower-case letters, digits and _, not beginning with a digit')
    .default('stint'),
  user: text,
  /** Read anew for every connection. */
  passwordFile: file.optional(),
  /** PEM of the authorities that may vouch for the server, in the place of the system's. */
  caFile: file.optional(),
  /** Speaks without TLS with a server that is not on this machine. */
  plaintext: z.boolean().default(false),
  /** A pooler in transaction mode that does not keep prepared statements stands between. */
  pooler: z.boolean().default(false),
  /** The server behind a pooler, for the connection on which replicas hear each other. */
  listen: z.strictObject({ host, port }).optional(),
  maxConnections: z.int().min(2).max(100).default(8),
  connectTimeout: duration('100ms', '1m').prefault('5s'),
  statementTimeout: duration('100ms', '5m').prefault('5s'),
  lockTimeout: duration('100ms', '1m').prefault('2s'),
})

/** Where the ledger is: exactly one of the two. */
export const ledgerSettings = z
  .strictObject({
    file: file.optional(),
    postgres: postgres.optional(),
    /** Brings the schema up to date at each start, or leaves that to `stint migrate up`. */
    migrate: z.enum(['start', 'never']).default('start'),
  })
  .refine((ledger) => (ledger.file === undefined) !== (ledger.postgres === undefined), {
    message: 'must have either file, for SQLite, or postgres',
  })
  .refine(({ postgres: { plaintext, caFile } = { plaintext: false } }) => !(plaintext && caFile), {
    path: ['postgres', 'plaintext'],
    message: 'must not be set beside caFile, which is for TLS',
  })

/** The settings of a ledger in a database. */
export type PostgresSettings = z.output<typeof postgres>
