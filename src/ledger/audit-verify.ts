import { createReadStream, existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StintError } from '../core/errors.ts'
import { type ExportEnd, exportedEvents } from './audit/audit-export.ts'
import { type ChainHead, emptyHead } from './audit/sealed-event.ts'
import { type AuditProblem, type AuditVerdict, walkChains } from './audit/walk-chains.ts'
import { damagedRecord, verifyStored } from './sqlite/audit.ts'
import { isCorruptError, SqliteDatabase, sqliteCode } from './sqlite/database/sqlite-database.ts'

/**
 * Verifies an audit log offline: an export (JSON lines) or a SQLite file, be it a copy or the ledger in use, which is only
 * read. Without heads saved elsewhere, a record whose last chain was cut short, or that was written anew as a whole, cannot be
 * told from a true one.
 *
 * @param saved heads that the record must still contain.
 * @throws {StintError} NOT_FOUND when there is no such file, AUDIT_INVALID when it is neither of the two.
 */
export async function verifyAuditFile(path: string, saved: readonly ChainHead[] = []): Promise<AuditVerdict> {
  const file = resolve(path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new StintError('NOT_FOUND', { explanation: 'There is no such file.', file })
  }
  // Asking SQLite first: opening its file by other means and closing it would drop the locks of a ledger in this process.
  return (await verifyDatabase(file, saved)) ?? verifyExport(file, saved)
}

/** Undefined when the file is no SQLite database. */
async function verifyDatabase(file: string, saved: readonly ChainHead[]): Promise<AuditVerdict | undefined> {
  let db: SqliteDatabase | undefined
  try {
    db = new SqliteDatabase(databaseUrl(file), { readOnly: true })
    const events = db.get("SELECT 1 AS one FROM sqlite_schema WHERE name = 'events'")
    if (!events) throw new StintError('AUDIT_INVALID', { explanation: 'The database has no audit log.', file })
    return await verifyStored(db, saved)
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error
    if (isNotADatabase(error)) return undefined
    if (!isCorruptError(error)) {
      throw new StintError('AUDIT_INVALID', { explanation: 'The database cannot be read.', file }, error)
    }
    return damagedRecord('The database file is damaged.')
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

async function verifyExport(file: string, saved: readonly ChainHead[]): Promise<AuditVerdict> {
  const end: ExportEnd = {}
  const verdict = await walkChains(exportedEvents(createReadStream(file), end), { saved })
  if (verdict.verdict === 'broken') return verdict
  const problem = endProblem(verdict, end)
  return problem ? { ...verdict, verdict: 'broken', unwitnessed: [], problem } : verdict
}

/** The last line must name exactly the heads that the events before it come to. */
function endProblem({ heads, events }: AuditVerdict, end: ExportEnd): AuditProblem | undefined {
  const last = heads.at(-1) ?? { chain: '', seq: 0 }
  const here = { chain: last.chain, seq: last.seq + 1 }
  if (end.problem) return { ...here, kind: 'edited', explanation: end.problem }
  if (!end.heads) {
    const explanation = `The export ends after ${events} events without the line that names its heads: it was cut short.`
    return { ...here, kind: 'truncated', explanation }
  }
  const found = new Map(heads.map((head) => [head.chain, head]))
  for (const { chain, seq, hash } of end.heads) {
    // Before chains had names, an export without events named event 0.
    const head = found.get(chain) ?? emptyHead(chain)
    found.delete(chain)
    if (head.seq === seq && head.hash === hash) continue
    if (head.seq < seq) {
      const explanation = `The last line of the export names event ${seq} of a chain that ends with event ${head.seq}.`
      return { chain, seq: head.seq + 1, kind: 'truncated', explanation }
    }
    return { chain, seq, kind: 'edited', explanation: 'The last line of the export names another event as the head.' }
  }
  const [unnamed] = found.values()
  if (!unnamed) return undefined
  const explanation = 'The last line of the export does not name the head of a chain.'
  return { chain: unnamed.chain, seq: unnamed.seq, kind: 'edited', explanation }
}
