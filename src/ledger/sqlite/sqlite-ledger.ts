import type { Clock } from '../../core/clock.ts'
import type { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import { type DamagedKind, type DamagedRowListener, DamagedRows } from '../damaged-rows.ts'
import type { Ledger } from '../ledger.ts'
import { verifyTail } from './audit.ts'
import { ChainWriter } from './chain-writer.ts'
import { type FileLock, lockFile } from './database/file-lock.ts'
import type { GroupCommitOptions } from './database/group-commit.ts'
import { InternedTexts } from './database/interned-texts.ts'
import { isStoreError, ledgerError, prepareFile, SqliteDatabase } from './database/sqlite-database.ts'
import { SqliteTransaction } from './database/sqlite-transaction.ts'
import { runMigrations } from './migrations/run-migrations.ts'
import { BUSY_MS, limitSize, makeReader, type Opening, openIdentity } from './opening.ts'
import { sqliteReads } from './reads.ts'
import { SqliteStore } from './sqlite-store.ts'
import { giveBackClaims } from './units/deny.ts'
import { TokenRows } from './units/tokens.ts'
import { localWriter } from './writing/local-writer.ts'
import { sqliteWrites } from './writing/sqlite-writes.ts'
import { fromSentError, type RowNews } from './writing/thread-messages.ts'
import { ThreadWriter } from './writing/thread-writer.ts'
import type { SqliteWriter } from './writing/write-units.ts'

/** Where the file is and how large things may grow. */
export interface SqliteLedgerOptions {
  /** The database file; made with mode 0600 if it is not there. Its folder has to be. */
  readonly file: string
  readonly clock: Clock
  readonly ids: Ids
  /** Unregistered identities that are kept; 1,000 if not given. */
  readonly maxUnregistered?: number
  /** `never`: an older schema is an error; default `start`, which brings it up to date. */
  readonly migrate?: 'start' | 'never'
  /** The file may not grow beyond this size, so that it cannot fill a disk that others use; no bound if not given. */
  readonly maxBytes?: number
  /** How many writes share a commit, and how many may wait. */
  readonly groupCommit?: GroupCommitOptions
  /** Told of what is not as it should be with the file and does not keep it from being used. */
  readonly onNotice?: (notice: string) => void
  /** Told of rows that cannot be read, and of those that can again. */
  readonly onRow?: DamagedRowListener
  /** Writes in a thread of its own, so that this one need not wait for the disk. Its ids are random, whatever `ids` gives. */
  readonly inThread?: boolean
  /** Told once when the thread that writes has failed: nothing more is recorded until the file is opened again. */
  readonly onFailure?: (error: StintError) => void
}

/** The length of a ledger's id: 60 random bits. */
const ID_CHARACTERS = 12
const MAX_UNREGISTERED = 1_000

/**
 * Opens the ledger on one SQLite file, for this process alone: WAL, every commit synced. Brings the schema up to date and
 * checks the end of the audit log against its recorded heads.
 *
 * @throws {StintError} LEDGER_LOCKED, LEDGER_CORRUPT, LEDGER_VERSION_UNSUPPORTED, LEDGER_MIGRATION_NEEDED, LEDGER_UNAVAILABLE.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { clock, ids } = options
  const lock = lockFile(options.file)
  for (const notice of lock.notices) options.onNotice?.(notice)
  let db: SqliteDatabase | undefined
  try {
    db = new SqliteDatabase(lock.path, { busyMs: BUSY_MS })
    prepareFile(db)
    runMigrations(db, { now: clock.now(), ...(options.migrate && { migrate: options.migrate }) })
    limitSize(db, options.maxBytes)
    await verifyTail(db)
    giveBackClaims(db)
    const opening = openIdentity(db, ids.next('rpl', clock.now()).slice(-ID_CHARACTERS))
    const replica = ids.next('rpl', clock.now())
    const damaged = new DamagedRows(options.onRow, isStoreError)
    const store = new SqliteStore({ db, texts: new InternedTexts(db), damaged, replica })
    const writer = options.inThread ? await startThread(store, lock, options) : writeHere(store, options)
    return ledgerOn({ store, writer, lock, opening, isReader: options.inThread ?? false, clock })
  } catch (error) {
    db?.close()
    lock.release()
    throw ledgerError(error, lock.path)
  }
}

function writeHere(store: SqliteStore, options: SqliteLedgerOptions): SqliteWriter {
  const { db, texts, replica } = store
  const chain = new ChainWriter({ db, texts, ids: options.ids, id: replica })
  const tx = new SqliteTransaction({ db, texts, chain, onUndo: () => store.forget() })
  const maxUnregistered = options.maxUnregistered ?? MAX_UNREGISTERED
  return localWriter({ store, tx, chain, tokens: new TokenRows(tx, replica), maxUnregistered }, options.groupCommit)
}

/** From here on this connection only reads. */
async function startThread(store: SqliteStore, lock: FileLock, options: SqliteLedgerOptions): Promise<SqliteWriter> {
  const { maxBytes, groupCommit, maxUnregistered = MAX_UNREGISTERED } = options
  const data = {
    path: lock.path,
    replica: store.replica,
    maxUnregistered,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  }
  const onRows = (rows: readonly RowNews[]) => {
    for (const news of rows) noteRow(store.damaged, news)
  }
  makeReader(store.db)
  return ThreadWriter.start({ data, groupCommit, onRows, onFailure: options.onFailure ?? (() => undefined) })
}

/** Notes that the thread could not read a row, or could again. Its `more` is left out, since the rows are counted here too. */
function noteRow(damaged: DamagedRows, { row, error }: RowNews): void {
  const at = row.indexOf(':')
  if (at < 0) return
  const [kind, id] = [row.slice(0, at) as DamagedKind, row.slice(at + 1)]
  if (error) damaged.note(kind, id, fromSentError(error))
  else damaged.readable(kind, id)
}

interface LedgerParts {
  readonly store: SqliteStore
  readonly writer: SqliteWriter
  readonly lock: FileLock
  readonly opening: Opening
  /** The connection of `store` does not write. */
  readonly isReader: boolean
  readonly clock: Clock
}

function ledgerOn({ store, writer, lock, opening, isReader, clock }: LedgerParts): Ledger {
  const { db, replica } = store
  let open = true
  return {
    identity: { ...opening, replica },
    isLive: () => writer.isLive(),
    ...sqliteWrites(store, writer),
    // After a commit that could be neither finished nor undone, this connection would show what may never be durable.
    ...sqliteReads(store, { isOpen: () => open && !db.isTransaction, isReader }),
    close: async () => {
      const closed = writer.write('closeChain', { at: clock.now() }, 'settling').catch(() => {
        // The ledger has failed, and its callers were told; a chain that was not closed is told of by every verification.
      })
      await writer.close()
      await closed
      open = false
      db.close()
      lock.release()
    },
  }
}
