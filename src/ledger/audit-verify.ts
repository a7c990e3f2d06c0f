import { createReadStream, existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StintError } from '../core/errors.ts'
import { type ExportEnd, exportedLinks } from './audit/audit-export.ts'
import { type ChainHead, type ChainVerdict, verifyLinks } from './audit/audit-log.ts'
import { verifyStored } from './sqlite/audit.ts'
import { isCorruptError, SqliteDatabase, sqliteCode } from './sqlite/sqlite-database.ts'

/**
 * Proves an audit log offline: an export (JSON lines) or a SQLite file, be it a copy or the ledger in use, which is only
 * read. Without a head known from elsewhere, a log that was cut short or written anew as a whole cannot be told from a
 * true one: pass `expectHead` from a checkpoint to find that too.
 *
 * @throws {StintError} NOT_FOUND when there is no such file, AUDIT_INVALID when it is neither of the two.
 */
export async function verifyAuditFile(
  path: string,
  options: { readonly expectHead?: ChainHead } = {},
): Promise<ChainVerdict> {
  const file = resolve(path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new StintError('NOT_FOUND', { explanation: 'There is no such file.', file })
  }
  const expect = options.expectHead ? [options.expectHead] : []
  // Asking SQLite first: opening its file by other means and closing it would drop the locks of a ledger in this process.
  return (await verifyDatabase(file, expect)) ?? verifyExport(file, expect)
}

/**
 * Reads a checkpoint `<seq>:<hash>`.
 *
 * @throws {StintError} REQUEST_INVALID.
 */
export function parseHead(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (match?.[1] && match[2]) return { seq: Number(match[1]), hash: match[2] }
  throw new StintError('REQUEST_INVALID', {
    explanation: 'A head is the number of an event, a colon and its hash in 64 lower-case hex digits.',
  })
}

/** Undefined when the file is no SQLite database. */
async function verifyDatabase(file: string, expect: readonly ChainHead[]): Promise<ChainVerdict | undefined> {
  let db: SqliteDatabase | undefined
  try {
    db = new SqliteDatabase(databaseUrl(file), { readOnly: true })
    const events = db.get("SELECT 1 AS one FROM sqlite_schema WHERE name = 'events'")
    if (!events) throw new StintError('AUDIT_INVALID', { explanation: 'The database has no audit log.', file })
    return await verifyStored(db, expect)
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    if (isNotADatabase(error)) return undefined
    if (!isCorruptError(error)) {
      throw new StintError('AUDIT_INVALID', { explanation: 'The database cannot be read.', file }, error)
    }
    return { ok: false, seq: 0, problem: 'unreadable', explanation: 'The database file is damaged.' }
  } finally {
    db?.close()
  }
}

/** A copy without its write-ahead log is read as it lies there, also from a read-only medium. */
function databaseUrl(file: string): URL {
  const url = pathToFileURL(file)
  if (!existsSync(`${file}-wal`)) url.searchParams.set('immutable', '1')
  return url
}

function isNotADatabase(error: unknown): boolean {
  return sqliteCode(error) === 26
}

async function verifyExport(file: string, expect: readonly ChainHead[]): Promise<ChainVerdict> {
  const end: ExportEnd = {}
  const verdict = await verifyLinks(exportedLinks(createReadStream(file), end), { expect })
  if (!verdict.ok) return verdict
  const seq = verdict.head.seq + 1
  if (end.problem) return { ok: false, seq, problem: 'edited', explanation: end.problem }
  if (!end.head) {
    const explanation = `The export ends after event ${verdict.head.seq} without its head line: it was cut short.`
    return { ok: false, seq, problem: 'truncated', explanation }
  }
  if (end.head.seq > verdict.head.seq) {
    const explanation = `The export ends with event ${verdict.head.seq}, but its head line says ${end.head.seq}.`
    return { ok: false, seq, problem: 'truncated', explanation }
  }
  if (end.head.seq === verdict.head.seq && end.head.hash === verdict.head.hash) return verdict
  return {
    ok: false,
    seq: end.head.seq,
    problem: 'edited',
    explanation: 'The head line does not name the last event and its hash.',
  }
}
