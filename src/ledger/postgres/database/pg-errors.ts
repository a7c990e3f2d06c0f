import { DatabaseError } from 'pg'
import { asStintError, StintError } from '../../../core/errors.ts'

/** The answer to a statement or a COMMIT did not come: whether it took effect is unknown until it is looked up. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** The code that the server gave to an error, see postgresql.org/docs/current/errcodes-appendix.html; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}

/** A serialization failure, a deadlock, and the one division of ours: see `guardOpenCounts`. */
const CONFLICTS = ['40001', '40P01', '22012']

/** True if the transaction collided with another one and was rolled back: the same again may succeed. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(sqlState(error) ?? '')
}

/** True if another session, such as a replica that stands still, kept a lock for longer than this one waits. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === '55P03'
}

/** One of our own records has a value that no row can hold. */
export class Unwritable extends Error {
  override readonly name = 'Unwritable'
}

/** True if the write itself is at fault: a constraint, a value, a text that no index can hold, a trigger. The store is well. */
export function isUnitFault(error: unknown): boolean {
  return !isConflict(error) && (error instanceof Unwritable || /^(21|22|23|44|54|P0)/.test(sqlState(error) ?? ''))
}

/** True if the write would break a constraint, such as a key that exists already. */
export function isConstraint(error: unknown): boolean {
  return sqlState(error)?.startsWith('23') ?? false
}

/** True if the connection is of no use any more; its last statement may have taken effect. */
export function isLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true
  if (!(error instanceof DatabaseError)) return false
  // 0A000: a statement that was prepared on it does not fit its table any more.
  return error.severity === 'FATAL' || error.severity === 'PANIC' || /^(57P|08|25P0[34]|0A000)/.test(error.code ?? '')
}

const DAMAGED = ['XX001', 'XX002']

/** Sentences by code or by class of code; the first that fits. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [
    /^28/,
    'refused the user or its password: check ledger.postgres.user and passwordFile, or --user and --password-file',
  ],
  [/^3D000$/, 'has no database of this name: create it, or correct ledger.postgres.database'],
  [
    /^42501$/,
    'does not let the user do this: the user needs to own the schema of the ledger, or to be able to create it, or its owner has to run "stint migrate up", which gives the user its rights',
  ],
  [/^25006$/, 'only reads: it is a standby, or default_transaction_read_only is on; the ledger needs the primary'],
  [/^0A000$/, 'cannot do this: it is a standby, or somebody changed a table of the ledger while the broker ran'],
  [/^57P03$/, 'is starting or stopping'],
  [/^57P/, 'is stopping, or an administrator ended the connection'],
  [/^53300$/, 'has no connection left: raise max_connections, or lower ledger.postgres.maxConnections'],
  [/^53100$/, 'has no space left on its disk'],
  [/^53/, 'is out of memory or another resource'],
  [/^55P03$/, 'did not give a lock in time: another session holds it'],
  [/^57014$/, 'did not answer in time and gave the statement up'],
  [/^58/, 'cannot read or write its files'],
  [/^42P0[17]$/, 'has a schema of the ledger that is not whole'],
  [
    /^(26000|42P05)$/,
    'does not keep prepared statements apart: set ledger.postgres.pooler where a pooler stands between',
  ],
]

/** The error of ours for one of the database. StintErrors pass through; the text has neither a password nor a value of a row. */
export function databaseError(error: unknown, where: string): StintError {
  if (error instanceof StintError) return error
  const state = sqlState(error)
  if (state === undefined) return unreachable(error, where)
  const details = { server: where, sqlState: state }
  if (DAMAGED.includes(state)) {
    const explanation = `The database at ${where} reports that its own data is damaged. Restore a backup.`
    return new StintError('LEDGER_CORRUPT', { explanation, ...details }, plain(error))
  }
  const sentence = SENTENCES.find(([pattern]) => pattern.test(state))?.[1] ?? 'reported an error'
  const explanation = `The database at ${where} ${sentence} (${state}).`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, ...details }, plain(error))
}

function unreachable(error: unknown, where: string): StintError {
  if (error instanceof TypeError || error instanceof RangeError) return asStintError(error)
  const reason = error instanceof Error ? describeReason(error) : ''
  const explanation = isPasswordMissing(error)
    ? `The database at ${where} asks for a password and there is none: set ledger.postgres.passwordFile, or --password-file beside --user.`
    : `The database at ${where} cannot be reached${reason}.`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, server: where }, plain(error))
}

/** In the words of pg, which asks nobody for a password and has no code for it. */
function isPasswordMissing(error: unknown): boolean {
  return error instanceof Error && /client password must be a (non-empty )?string/.test(error.message)
}

function describeReason(error: Error): string {
  if (error instanceof ConnectionLost) return ': the connection was lost'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code !== undefined) return ` (${code})`
  if (/does not support SSL/.test(error.message)) return ' by TLS: the server offers none'
  return /timeout/i.test(error.message) ? ': it did not answer in time' : ''
}

/** A database error has values of rows in its detail, and in its message where a value is at fault: they belong in no log. */
function plain(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error
  const code = error.code ?? ''
  return new Error(`${error.severity ?? 'ERROR'} ${code}: ${code.startsWith('22') ? error.routine : error.message}`)
}
