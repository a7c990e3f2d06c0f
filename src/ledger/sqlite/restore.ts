import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StintError } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { lockFile } from './database/file-lock.ts'

/** Files that SQLite keeps beside a database and would take for those of any file of its name. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** A file that has been put in the place of a ledger. */
export interface ReplacedLedger {
  /** The name under which the file of before is kept; undefined where there was none. */
  readonly kept: string | undefined
}

/**
 * Puts a new ledger in the place of another one that nobody has open, and keeps that one under another name. Until the one rename
 * that puts the new file there, the old one is in its place with two names, which no broker opens: so no crash leaves an empty
 * place, or a ledger with the write-ahead log of another.
 *
 * @param file a ledger, or a file that does not exist.
 * @param fill makes the new ledger under a name beside it; nothing may be left beside that file.
 * @param keptAs the suffix of the name under which the old file is kept.
 * @throws {StintError} LEDGER_LOCKED while a broker has the ledger; what `fill` throws; the system's errors.
 */
export async function replaceSqliteLedger({
  file,
  fill,
  keptAs,
}: {
  readonly file: string
  readonly fill: (beside: string) => Promise<void>
  readonly keptAs: string
}): Promise<ReplacedLedger> {
  const wasThere = await exists(file)
  const lock = lockFile(file)
  const { path } = lock
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
  try {
    await fill(beside)
    await sync(beside)
    const kept = wasThere && (await stat(path)).size > 0 ? `${path}.${keptAs}` : undefined
    if (kept === undefined) await put(beside, path)
    else await keep(path, kept, () => put(beside, path))
    return { kept }
  } catch (error) {
    // The lock has made an empty file where there was none.
    if (!wasThere) await rm(path, { force: true })
    throw error
  } finally {
    for (const name of ['', '.lock', ...COMPANIONS]) await rm(`${beside}${name}`, { force: true })
    lock.release()
  }
}

async function put(beside: string, path: string): Promise<void> {
  failpoint('restore.before_rename')
  await rename(beside, path)
  await sync(dirname(path))
}

/**
 * Gives the old file a second name first, since it must not be gone from its place before another is there. If that one cannot be put
 * there, the old file has its one name and its write-ahead log again.
 */
async function keep(path: string, kept: string, replace: () => Promise<void>): Promise<void> {
  if (await exists(kept)) {
    const explanation = `The file of before would be kept as ${kept}, which is there already: move it away.`
    throw new StintError('LEDGER_UNAVAILABLE', { explanation, file: kept })
  }
  const { ino } = await stat(path)
  const moved: string[] = []
  await link(path, kept)
  try {
    for (const name of COMPANIONS) {
      if (!(await exists(`${path}${name}`))) continue
      await rename(`${path}${name}`, `${kept}${name}`)
      moved.push(name)
    }
    await sync(dirname(path))
    await replace()
  } catch (error) {
    if ((await stat(path)).ino === ino) {
      for (const name of moved) await rename(`${kept}${name}`, `${path}${name}`)
      await rm(kept)
    }
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return found !== undefined
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
