import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { ClientConfig } from 'pg'
import { StintError } from '../../../core/errors.ts'
import { hostPortText } from '../../../core/net/host-port.ts'

/** The address of the database, and how to connect to it. */
export interface PgServer {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Asked with every connection, so that a password can change while the broker runs. */
  readonly password?: () => Promise<string>
  /** PEM of the authorities that may vouch for the server; those of the system unless given. */
  readonly ca?: string
  /** Speaks without TLS to a server that is not on this machine. */
  readonly plaintext?: boolean
  /** A pooler in transaction mode stands between: statements are not prepared by name. */
  readonly pooler?: boolean
  readonly connectWithinMs: number
  readonly statementWithinMs: number
  readonly lockWithinMs: number
}

/** The server in messages. */
export function serverText({ host, port }: Pick<PgServer, 'host' | 'port'>): string {
  return host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : hostPortText(host, port)
}

/**
 * The settings of a connection. TLS verifies the chain and the name of the server; without it only this machine is spoken to,
 * unless `plaintext` says otherwise.
 */
export function clientConfig(server: PgServer): ClientConfig & { readonly pipeline: true } {
  const { host, port, database, user, password } = server
  return {
    host,
    port,
    database,
    user,
    // An empty text would not do: pg would take PGPASSWORD, or the password file of whoever runs the broker.
    password: password ?? (() => ''),
    ssl: withoutTls(server) ? false : tlsOptions(server),
    application_name: 'stint',
    keepAlive: true,
    connectionTimeoutMillis: server.connectWithinMs,
    types: { getTypeParser: findParser as never },
    // Statements of a round are sent together; answers come in their order.
    pipeline: true,
  }
}

/** True if the traffic stays on this machine, or if the operator has allowed plain text. */
function withoutTls({ host, ca, plaintext }: PgServer): boolean {
  if (plaintext === true || host.startsWith('/')) return true
  return ca === undefined && (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.')))
}

function tlsOptions({ host, ca }: PgServer): NonNullable<Exclude<ClientConfig['ssl'], boolean>> {
  return {
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  }
}

const INT8 = 20
const INT4 = 23
const BOOL = 16

/** Everything else stays the text that the server sent. */
function findParser(oid: number): (text: string) => unknown {
  if (oid === INT8 || oid === INT4) return safeInteger
  return oid === BOOL ? (text) => text === 't' : (text) => text
}

/** NaN for an integer that a number cannot hold: the reader of the row reports it, and the other rows can be read. */
function safeInteger(text: string): number {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

/** The oldest major version that the PostgreSQL project still maintains. */
const OLDEST_VERSION = 15

/** Settings and state that the server reports. */
export interface ServerFacts {
  readonly versionNumber: number
  readonly version: string
  readonly encoding: string
  readonly synchronousCommit: string
  readonly fsync: string
  readonly inRecovery: boolean
}

/** The columns of `ServerFacts`. */
export const SERVER_FACTS = `current_setting('server_version_num')::integer AS "versionNumber",
  current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
  current_setting('synchronous_commit') AS "synchronousCommit", current_setting('fsync') AS fsync,
  pg_is_in_recovery() AS "inRecovery"`

/**
 * Refuses a server on which a commit could be lost, or that this ledger does not know.
 *
 * @throws {StintError} LEDGER_UNAVAILABLE
 */
export function checkServer(facts: ServerFacts, where: string): void {
  const refuse = (explanation: string) => {
    throw new StintError('LEDGER_UNAVAILABLE', { explanation, server: where })
  }
  checkPrimary(facts, where)
  if (facts.versionNumber < OLDEST_VERSION * 10_000)
    refuse(`The database at ${where} is PostgreSQL ${facts.version}; the ledger needs ${OLDEST_VERSION} or later.`)
  if (facts.encoding !== 'UTF8')
    refuse(`The database at ${where} has the encoding ${facts.encoding}; create it with encoding UTF8.`)
  if (facts.fsync !== 'on')
    refuse(
      `The database at ${where} has fsync = ${facts.fsync}: a power cut could undo a grant on record. Set it to on.`,
    )
  if (facts.synchronousCommit === 'off')
    refuse(
      `The database at ${where} has synchronous_commit = off for this user: a crash could undo a grant on record. Set it to on, or to remote_apply with a synchronous standby.`,
    )
}

/** @throws {StintError} LEDGER_UNAVAILABLE for a standby */
export function checkPrimary({ inRecovery }: Pick<ServerFacts, 'inRecovery'>, where: string): void {
  if (!inRecovery) return
  const explanation = `The database at ${where} is a standby, which only reads; the ledger needs the primary.`
  throw new StintError('LEDGER_UNAVAILABLE', { explanation, server: where })
}
