import { chmodSync, closeSync, existsSync, lstatSync, openSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hasCode, StintError } from '../../../core/errors.ts'
import { openToOthers } from '../../../core/files/open-to-others.ts'
import { isBusyError, SqliteDatabase } from './sqlite-database.ts'

/** A ledger file that this process alone may use. */
export interface FileLock {
  /** The file under its one true name, without symbolic links. */
  readonly path: string
  /** Sentences for the operator's log about file modes that let others in, mended or not. */
  readonly notices: readonly string[]
  /** Idempotent. */
  release(): void
}

/**
 * Takes the ledger file for this process alone. The lock is an open exclusive transaction on a small database beside it,
 * so the operating system lets go of it when the process dies, however it dies, and the ledger itself stays readable.
 * Links in the path of its folder are resolved first. A file that is itself a link is refused, since whoever can turn the
 * link chooses the record, and so is one with a second hard link, since SQLite would then keep two journals. Files that
 * others than their owner may use are closed to them.
 *
 * @throws {StintError} LEDGER_LOCKED when somebody has it; LEDGER_UNAVAILABLE when the folder cannot be used, the file is
 *   a link, or every user may write it and that cannot be changed.
 */
export function lockFile(file: string): FileLock {
  const path = truePath(file)
  let db: SqliteDatabase | undefined
  let notices: string[]
  try {
    createPrivate(`${path}.lock`)
    db = new SqliteDatabase(`${path}.lock`, { busyMs: 0 })
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE')
    refuseHardLinks(path)
    createPrivate(path)
    notices = closeToOthers(path)
  } catch (error) {
    db?.close()
    throw lockError(error, path)
  }
  const held = db
  return { path, notices, release: () => held.close() }
}

/** True while a process has the ledger open; nothing is changed. */
export function isLocked(file: string): boolean {
  const path = `${truePath(file)}.lock`
  if (!existsSync(path)) return false
  const db = new SqliteDatabase(path, { readOnly: true, busyMs: 0 })
  try {
    db.get('SELECT 1 FROM sqlite_schema')
    return false
  } catch (error) {
    if (isBusyError(error)) return true
    throw lockError(error, file)
  } finally {
    db.close()
  }
}

function truePath(file: string): string {
  refuseLink(file)
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

function refuseLink(file: string): void {
  if (!lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) return
  throw new StintError('LEDGER_UNAVAILABLE', {
    explanation: `The ledger file is a symbolic link to ${readlinkSync(file)}; name that file itself as ledger.file.`,
    file,
  })
}

/** SQLite gives its journals the mode of the file, so those that an earlier mode has left are closed as well. */
function closeToOthers(path: string): string[] {
  const notices = [path, `${path}.lock`, `${path}-wal`, `${path}-shm`, `${path}-journal`].flatMap((name) => {
    const stats = statSync(name, { throwIfNoEntry: false })
    if (!stats || (stats.mode & 0o077) === 0) return []
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    try {
      chmodSync(name, 0o600)
      return [`${name} was open to others than its owner (mode ${mode}) and has mode 0600 now.`]
    } catch (error) {
      if (stats.mode & 0o002) throw openToAll(name, mode, error)
      return [`${name} is open to others than its owner (mode ${mode}), and this process may not change that.`]
    }
  })
  const open = openToOthers(path)
  return open ? [...notices, open] : notices
}

function openToAll(file: string, mode: string, cause: unknown): StintError {
  const explanation = `Every user of this machine may write the ledger (mode ${mode}), and this process may not change that: chmod 0600 it, owned by the broker's user.`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, file }, cause)
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
  if (hasCode(error, 'LEDGER_LOCKED') || hasCode(error, 'LEDGER_UNAVAILABLE')) return error
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
