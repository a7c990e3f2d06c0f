import type { PostgresSettings } from '../../config/ledger-settings.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../../core/files/read-small-file.ts'
import type { PgServer } from '../../ledger/postgres/database/pg-server.ts'

/** The server of the settings, as the ledger takes it. @throws {StintError} LEDGER_UNAVAILABLE for a file that cannot be used */
export async function postgresServer(settings: PostgresSettings): Promise<PgServer> {
  const { host, port, database, user, passwordFile, caFile, plaintext, pooler } = settings
  return {
    host,
    port,
    database,
    user,
    plaintext,
    pooler,
    connectWithinMs: settings.connectTimeout,
    statementWithinMs: settings.statementTimeout,
    lockWithinMs: settings.lockTimeout,
    ...(passwordFile === undefined ? {} : { password: () => readPassword(passwordFile) }),
    ...(caFile === undefined ? {} : { ca: await readText('ledger.postgres.caFile', caFile) }),
  }
}

async function readPassword(file: string): Promise<string> {
  return (await readText('ledger.postgres.passwordFile', file)).replace(/\r?\n$/, '')
}

async function readText(setting: string, file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('LEDGER_UNAVAILABLE', { explanation: `${setting} ${error.message}.`, file }, error)
  }
}
