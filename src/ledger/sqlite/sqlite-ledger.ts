import { randomInt } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { currentCall } from '../../core/correlation.ts'
import type { Ids } from '../../core/ids.ts'
import { type DamagedRowListener, DamagedRows } from '../damaged-rows.ts'
import type { Ledger, LedgerWrites } from '../ledger.ts'
import type { LedgerIdentity } from '../records.ts'
import { verifyTail } from './audit.ts'
import { ChainWriter } from './chain-writer.ts'
import { type FileLock, lockFile } from './database/file-lock.ts'
import { GroupCommit, type GroupCommitOptions } from './database/group-commit.ts'
import { InternedTexts } from './database/interned-texts.ts'
import { isStoreError, ledgerError, prepareFile, SqliteDatabase } from './database/sqlite-database.ts'
import { SqliteTransaction } from './database/sqlite-transaction.ts'
import { claimDenyList, denyFailed, denyProven, denyWritten, dueDenyLists, giveBackClaims } from './deny.ts'
import { appendReports, intendLease, moveGrant, openGrant, settleLease } from './grants.ts'
import { noteUnregistered, prune } from './housekeeping.ts'
import { runMigrations } from './migrations/run-migrations.ts'
import { beginQuarantine, openQuarantine } from './quarantines.ts'
import { sqliteReads } from './reads.ts'
import { SqliteStore } from './sqlite-store.ts'
import { sweepGrants } from './sweep.ts'
import { TokenRows } from './tokens.ts'

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
}

/** Busy time of WAL's own short locks; other programs only ever read. */
const BUSY_MS = 2_000
/** The length of a ledger's id: 60 random bits. */
const ID_CHARACTERS = 12
/** Openings whose writes a document can still carry. */
const KNOWN_EPOCHS = 1_000
const EPOCH_STEP = 1_000_000
const PAGE_BYTES = 4_096

/**
 * Opens the ledger on one SQLite file, for this process alone: WAL, every commit synced. Brings the schema up to date and
 * checks the end of the audit log against its recorded heads.
 *
 * @throws {StintError} LEDGER_LOCKED, LEDGER_CORRUPT, LEDGER_VERSION_UNSUPPORTED, LEDGER_MIGRATION_NEEDED, LEDGER_UNAVAILABLE.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const lock = lockFile(options.file)
  for (const notice of lock.notices) options.onNotice?.(notice)
  let db: SqliteDatabase | undefined
  try {
    db = new SqliteDatabase(lock.path, { busyMs: BUSY_MS })
    prepareFile(db)
    runMigrations(db, { now: options.clock.now(), ...(options.migrate && { migrate: options.migrate }) })
    if (options.maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.ceil(options.maxBytes / PAGE_BYTES)}`)
    await verifyTail(db)
    giveBackClaims(db)
    const identity = openIdentity(db, options.ids.next('rpl', options.clock.now()).slice(-ID_CHARACTERS))
    return ledgerOn(db, lock, identity, options)
  } catch (error) {
    db?.close()
    lock.release()
    throw ledgerError(error, lock.path)
  }
}

function ledgerOn(
  db: SqliteDatabase,
  lock: FileLock,
  opening: Opening,
  { clock, ids, ...options }: SqliteLedgerOptions,
): Ledger {
  const texts = new InternedTexts(db)
  const replica = ids.next('rpl', clock.now())
  const store = new SqliteStore({ db, texts, damaged: new DamagedRows(options.onRow, isStoreError), replica })
  const chain = new ChainWriter({ db, texts, ids, id: replica })
  const tx = new SqliteTransaction({ db, texts, chain, onUndo: () => store.forget() })
  const commits = new GroupCommit(tx, options.groupCommit)
  const tokens = new TokenRows(tx, replica)
  let open = true
  return {
    identity: { ...opening, replica },
    isLive: () => true,
    ...sqliteWrites({ store, tx, chain, tokens, commits, maxUnregistered: options.maxUnregistered ?? 1_000 }),
    // After a commit that could be neither finished nor undone, this connection would show what may never be durable.
    ...sqliteReads(store, () => open && !db.isTransaction),
    close: async () => {
      const closed = commits
        .write(() => chain.close(clock.now()), 'settling')
        .catch(() => {
          // The ledger has failed, and its callers were told; a chain that was not closed is told of by every verification.
        })
      await commits.close()
      await closed
      open = false
      db.close()
      lock.release()
    },
  }
}

type Opening = Omit<LedgerIdentity, 'replica'>

/** Puts this opening on record, durably. @param freshId for a ledger that has none yet */
function openIdentity(db: SqliteDatabase, freshId: string): Opening {
  db.run('INSERT INTO ledger_identity (one, id) VALUES (1, ?) ON CONFLICT (one) DO NOTHING', freshId)
  const ledgerId = db.get<{ id: string }>('SELECT id FROM ledger_identity')?.id ?? freshId
  const earlier = db
    .all<{ epoch: number }>('SELECT epoch FROM ledger_openings ORDER BY epoch DESC LIMIT ?', KNOWN_EPOCHS)
    .map(({ epoch }) => epoch)
  // A copy of this ledger that is opened too must not come to the same number.
  const epoch = (Math.floor((earlier[0] ?? 0) / EPOCH_STEP) + 1) * EPOCH_STEP + randomInt(EPOCH_STEP)
  db.run('INSERT INTO ledger_openings (epoch) VALUES (?)', epoch)
  db.run('UPDATE deny_lists SET opened_version = claim_version')
  return { ledgerId, epoch, earlierEpochs: new Set(earlier) }
}

interface WriteParts {
  readonly store: SqliteStore
  readonly tx: SqliteTransaction
  readonly chain: ChainWriter
  readonly tokens: TokenRows
  readonly commits: GroupCommit
  readonly maxUnregistered: number
}

function sqliteWrites({ store, tx, chain, tokens, commits, maxUnregistered }: WriteParts): LedgerWrites {
  // A unit runs later, in the turn of whoever began its commit: so the call is looked up now.
  const write = <T>(run: () => T, kind?: 'settling') => {
    const call = currentCall()
    return commits.write(() => tx.onBehalfOf(call, run), kind)
  }
  return {
    openGrant: (input) => write(() => openGrant(store, tx, tokens, input)),
    intendLease: (input) => write(() => intendLease(store, tx, tokens, input)),
    settleLease: (input) => write(() => settleLease(store, tx, input), 'settling'),
    moveGrant: (input) => write(() => moveGrant(store, tx, input), 'settling'),
    appendEvents: (events) => write(() => tx.append(events)),
    nameHeads: ({ at }) => commits.write(() => chain.nameHeads(at)),
    appendReports: (input) => write(() => appendReports(store, tx, input)),
    noteUnregistered: (attempt) => write(() => noteUnregistered(store, tx, attempt, maxUnregistered)),
    connectionClosed: (input) => write(() => tokens.closed(input), 'settling'),
    sweepGrants: (input) => write(() => sweepGrants(store, tx, input), 'settling'),
    claimDenyList: (input) => write(() => claimDenyList(store, tx, input), 'settling'),
    denyWritten: (input) => write(() => denyWritten(store, tx, input), 'settling'),
    denyProven: (input) => write(() => denyProven(store, tx, input), 'settling'),
    denyFailed: (input) => write(() => denyFailed(store, tx, input), 'settling'),
    dueDenyLists: (input) => write(() => dueDenyLists(store, tx, input), 'settling'),
    beginQuarantine: (input) => write(() => beginQuarantine(store, tx, input), 'settling'),
    openQuarantine: (input) => write(() => openQuarantine(store, tx, input), 'settling'),
    prune: (input) => write(() => prune(store, tx, tokens, input)),
  }
}
