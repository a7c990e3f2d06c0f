import { rm } from 'node:fs/promises'
import { StintError } from '../../core/errors.ts'
import { makeFileWhole } from '../../core/files/write-file-whole.ts'
import { APPLICATION_ID, isFullError, ledgerError, SqliteDatabase } from './database/sqlite-database.ts'

/** All pages in one step: a writer between two steps would make SQLite begin anew, for ever beside a busy broker. */
const EVERY_PAGE = 2 ** 31 - 1

/**
 * Copies a ledger as it is at one instant, beside a broker that writes to it, into one file that needs no other. The copy is on
 * the disk, for its owner alone, when the promise resolves; after a failure there is no file.
 *
 * @param file a ledger; it is only read.
 * @param to a file that does not exist.
 * @param check looks at the copy before it gets its name. What it throws is thrown here.
 * @throws {StintError} LEDGER_CORRUPT when `file` is no ledger, LEDGER_UNAVAILABLE when it cannot be read; the system's error
 *   for `to`, e.g. EEXIST
 */
export async function backUpSqliteLedger({
  file,
  to,
  check,
}: {
  readonly file: string
  readonly to: string
  readonly check: (copy: string) => Promise<void>
}): Promise<void> {
  await makeFileWhole(
    to,
    async (beside) => {
      try {
        await copy(file, beside, to)
        await check(beside)
      } catch (error) {
        // SQLite cannot take its journal away from a disk that is full.
        for (const name of ['-journal', '-wal', '-shm']) await rm(`${beside}${name}`, { force: true })
        throw error
      }
    },
    { mustBeNew: true, durable: true },
  )
}

/** @param name of the copy in messages */
async function copy(file: string, to: string, name: string): Promise<void> {
  let source: SqliteDatabase | undefined
  let target: SqliteDatabase | undefined
  try {
    source = new SqliteDatabase(file, { readOnly: true })
    const { application_id: id } = source.get<{ application_id: number }>('PRAGMA application_id') ?? {}
    if (id !== APPLICATION_ID)
      throw new StintError('LEDGER_CORRUPT', { explanation: 'The file is not a ledger of Stint.' })
    await source.copyTo(to, EVERY_PAGE)
    // A write-ahead log beside the copy would be forgotten when the copy is moved.
    target = new SqliteDatabase(to)
    target.exec('PRAGMA journal_mode = DELETE')
  } catch (error) {
    throw isFullError(error) ? noSpace(error, name) : ledgerError(error, file)
  } finally {
    source?.close()
    target?.close()
  }
}

function noSpace(cause: unknown, to: string): StintError {
  const explanation = `There is no space for ${to}: write the backup to another file system, or free some space.`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, file: to }, cause)
}
