import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** See sqlite.org/rescode.html. */
const SQLITE_BUSY = 5

/** Beginning of a folder's name; the rest makes it unique. */
export type StagePrefix = 'stint-dev-' | 'stint-demo-'

/** A folder under the system's temporary folder, mode 0700, that this process uses. */
export interface StageFolder {
  readonly path: string
  /** Removes the folder with all that is in it; idempotent. */
  remove(): void
}

/**
 * Makes a folder for throw-away keys, which is removed when the process ends, also by `process.exit`. Removes the folders
 * of earlier processes that were killed before they could. They are told by their lock, which the operating system
 * releases with its process; a process id would not do where containers share a temporary folder.
 */
export function openStageFolder(prefix: StagePrefix): StageFolder {
  removeLeftovers(prefix)
  const { path, lock } = makeLocked(prefix)
  const remove = () => {
    process.off('exit', remove)
    if (lock.isOpen) lock.close()
    removeFolder(path)
  }
  process.once('exit', remove)
  return { path, remove }
}

/** A process that looks for leftovers may take a new folder before its lock is held; then another one is made. */
function makeLocked(prefix: StagePrefix): { path: string; lock: DatabaseSync } {
  for (;;) {
    const path = mkdtempSync(join(tmpdir(), prefix))
    try {
      return { path, lock: lockFolder(path) }
    } catch (error) {
      const isTaken = (error as { errcode?: number }).errcode === SQLITE_BUSY
      if (!isTaken && lstatSync(path, { throwIfNoEntry: false })) throw error
    }
  }
}

function removeLeftovers(prefix: StagePrefix): void {
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name)
    if (!name.startsWith(prefix) || !isOurs(path)) continue
    try {
      const lock = lockFolder(path)
      removeFolder(path)
      lock.close()
    } catch {
      // In use, or not to be removed: neither keeps this process from starting, and the next one tries again.
    }
  }
}

/** A folder of this user with a lock in it: not a link, and nobody else's of a similar name. */
function isOurs(path: string): boolean {
  const folder = lstatSync(path, { throwIfNoEntry: false })
  if (!folder?.isDirectory() || folder.uid !== process.getuid?.()) return false
  return lstatSync(lockFile(path), { throwIfNoEntry: false })?.isFile() ?? false
}

/** An open exclusive transaction: Node offers no other lock that ends with its process. @throws while another has it. */
function lockFolder(path: string): DatabaseSync {
  const lock = new DatabaseSync(lockFile(path), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw error
  }
}

function lockFile(folder: string): string {
  return join(folder, 'in-use.lock')
}

/** Retries, since a demo that was interrupted may still be writing a certificate. */
function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
