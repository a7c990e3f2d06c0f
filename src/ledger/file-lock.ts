import { closeSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hasCode, StintError } from '../core/errors.ts'
import { isBusyError, SqliteDatabase } from './sqlite-database.ts'

/** A ledger file that this process alone may use. */
export interface FileLock {
  /** The file under its one true name, without symbolic links. */
  readonly path: string
  /** Idempotent. */
  release(): void
}

/**
 * Takes the ledger file for this process alone. The lock is an open exclusive transaction on a small database beside it,
 * so the operating system lets go of it when the process dies, however it dies, and the ledger itself stays readable.
 * Symbolic links are resolved first; a file with a second hard link is refused, since SQLite would then keep two journals.
 *
 * @throws {StintError} LEDGER_LOCKED when somebody has it; LEDGER_UNAVAILABLE when the folder cannot be used.
 */
export function lockFile(file: string): FileLock {
  const path = truePath(file)
  let db: SqliteDatabase | undefined
  try {
    createPrivate(`${path}.lock`)
    db = new SqliteDatabase(`${path}.lock`, { busyMs: 0 })
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE')
    refuseHardLinks(path)
    createPrivate(path)
  } catch (error) {
    db?.close()
    throw lockError(error, path)
  }
  const held = db
  return { path, release: () => held.close() }
}

function truePath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // Not there yet: then the folder decides.
  }
  try {
    return join(realpathSync(dirname(file)), basename(file))
  } catch (error) {
    throw new StintError(
      'LEDGER_UNAVAILABLE',
      { explanation: 'The folder of the ledger file does not exist or cannot be read.', file },
      error,
    )
  }
}

/** Creates the file for its owner only. Never opens one that exists: closing it would drop SQLite's own locks on it. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function refuseHardLinks(path: string): void {
  const links = statSync(path, { throwIfNoEntry: false })?.nlink ?? 1
  if (links <= 1) return
  throw new StintError('LEDGER_LOCKED', {
    explanation: `The ledger file has ${links} names (hard links), so another process could use it unseen. Remove all but one.`,
    file: path,
  })
}

function lockError(error: unknown, file: string): StintError {
  if (hasCode(error, 'LEDGER_LOCKED')) return error
  if (isBusyError(error)) {
    return new StintError(
      'LEDGER_LOCKED',
      { explanation: 'Another process has this ledger open. A ledger file serves one broker at a time.', file },
      error,
    )
  }
  return new StintError(
    'LEDGER_UNAVAILABLE',
    { explanation: 'The ledger cannot be locked: check that its folder is writable and has space.', file },
    error,
  )
}
