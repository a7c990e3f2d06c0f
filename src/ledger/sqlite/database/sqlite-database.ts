import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { asStintError, StintError } from '../../../core/errors.ts'

/** Result codes of SQLite that tell of the disk or the file, by their low byte. See sqlite.org/rescode.html. */
const SQLITE_CONSTRAINT = 19
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26
const SQLITE_BUSY = 5
const SQLITE_FULL = 13

/** Marks the file as a ledger of ours, in its header: "STNT". */
export const APPLICATION_ID = 0x53544e54

/**
 * Page size of a new file; an older one keeps its 4,096. A grant changes a few bytes in each of thirty pages, which are written whole to
 * the log and again to the file. With still smaller pages the trees of a large ledger are deeper, which costs more than it saves.
 */
const PAGE_BYTES = 2_048
/** 32 MB of pages. */
const CACHE_KIB = 32_768

/** One connection; statements are prepared once by their text. Every call is synchronous. */
export class SqliteDatabase {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(path: string | URL, options: { readonly readOnly?: boolean; readonly busyMs?: number } = {}) {
    this.#db = new DatabaseSync(path, {
      readOnly: options.readOnly ?? false,
      timeout: options.busyMs ?? 2_000,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: false,
      allowExtension: false,
      defensive: true,
    })
  }

  get isTransaction(): boolean {
    return this.#db.isTransaction
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    const statement = this.#prepare(sql)
    return readable(statement, () => statement.get(...values) as Row | undefined)
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    const statement = this.#prepare(sql)
    return readable(statement, () => statement.all(...values) as Row[])
  }

  /** @returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  /** @returns the rowid of the new row. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).lastInsertRowid)
  }

  /** Runs reads that see one commit, whatever another connection writes meanwhile. */
  snapshot<T>(read: () => T): T {
    this.run('BEGIN')
    try {
      return read()
    } finally {
      // After a failure of the disk SQLite has ended it already.
      if (this.isTransaction) this.run('COMMIT')
    }
  }

  /** Copies the database as it is at one instant. @param pages of one step */
  async copyTo(path: string, pages: number): Promise<void> {
    await backup(this.#db, path, { rate: pages })
  }

  /** Idempotent. */
  close(): void {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

/** A damaged row may hold an integer beyond what a number can: it is read as NaN, so that its neighbours can be read. */
function readable<T>(statement: StatementSync, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')) throw error
  }
  statement.setReadBigInts(true)
  try {
    return withNumbers(read()) as T
  } finally {
    statement.setReadBigInts(false)
  }
}

function withNumbers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : Number.NaN
  if (Array.isArray(value)) return value.map(withNumbers)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([column, cell]) => [column, withNumbers(cell)]))
}

/**
 * Prepares a file for writing as a ledger, and this connection to it.
 *
 * @throws {StintError} LEDGER_CORRUPT for a database that is no ledger, LEDGER_UNAVAILABLE where there can be no WAL
 */
export function prepareFile(db: SqliteDatabase): void {
  const { application_id: id } = db.get<{ application_id: number }>('PRAGMA application_id') ?? { application_id: 0 }
  const { tables } = db.get<{ tables: number }>('SELECT count(*) AS tables FROM sqlite_schema') ?? { tables: 0 }
  if (id !== APPLICATION_ID && tables > 0) {
    throw new StintError('LEDGER_CORRUPT', { explanation: 'The file is a database, but not a ledger of Stint.' })
  }
  // The size is settled by the first write.
  if (id !== APPLICATION_ID) db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA application_id = ${APPLICATION_ID}`)
  const mode = db.get<{ journal_mode: string }>('PRAGMA journal_mode = WAL')
  if (mode?.journal_mode !== 'wal') {
    throw new StintError('LEDGER_UNAVAILABLE', {
      explanation: 'The file system of the ledger cannot hold a write-ahead log: use a local one.',
    })
  }
  prepareConnection(db)
}

/** @see sqlite.org/pragma.html; `synchronous = FULL` makes each WAL commit durable, not only consistent. */
export function prepareConnection(db: SqliteDatabase): void {
  db.exec(`PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 67108864`)
}

/** Result code of SQLite without its extension, or undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return undefined
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : -1
}

/** A row broke a constraint: the fault of this unit alone. */
export function isConstraintError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_CONSTRAINT
}

/** The file is damaged, or no database at all. */
export function isCorruptError(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

/** Another connection has the lock. */
export function isBusyError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY
}

/** The disk is full, or the file may not grow any more. */
export function isFullError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL
}

/** Any other error of SQLite: disk full, failed sync, damaged page, no memory. The connection can no longer be trusted. */
export function isStoreError(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== undefined && code !== SQLITE_CONSTRAINT
}

/** The error of ours for an error while reading. StintErrors pass through; what is neither ours nor SQLite's is a mistake of ours. */
export function readError(error: unknown): StintError {
  return sqliteCode(error) === undefined ? asStintError(error) : ledgerError(error, 'ledger')
}

/** The error of ours for an error while opening. StintErrors pass through. */
export function ledgerError(error: unknown, file: string): StintError {
  if (error instanceof StintError) return error
  if (isCorruptError(error)) {
    return new StintError(
      'LEDGER_CORRUPT',
      { explanation: 'The ledger file is damaged or not a SQLite database. Restore a backup.', file },
      error,
    )
  }
  return new StintError(
    'LEDGER_UNAVAILABLE',
    { explanation: 'The ledger file cannot be used: check that its folder exists, is writable and has space.', file },
    error,
  )
}
